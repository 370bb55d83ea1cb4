//! `/case-reports`: what is owed within two hours of a suspicion.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{CaseReportId, VisitId};
use crate::domain::permission::{DoctorAct, DutyAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::case_report::{CaseReportDismiss, CaseReportDone, CaseReportForm, CaseReportLine, CaseReportOpen};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(open))
        .routes(routes!(report))
        .routes(routes!(dismiss))
}

/// What is owed, what is due first first, and below it what was closed last; without a word of a case.
#[utoipa::path(get, path = "/case-reports", tag = "report", security(("bearer" = [])), responses((status = 200, body = Vec<CaseReportLine>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DutyAct>,
) -> Result<Json<Vec<CaseReportLine>>, HttpError> {
    Ok(Json(services.case_reports(act).await?))
}

/// The card, filled with what the visit knows, to be copied into the national system; the read is audited.
#[utoipa::path(get, path = "/case-reports/{id}", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = CaseReportForm), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn read(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<CaseReportId>,
) -> Result<Json<CaseReportForm>, HttpError> {
    Ok(Json(services.case_report(act, id).await?))
}

/// Opens a report by hand, for the visit's doctor; it is due two hours later.
#[utoipa::path(post, path = "/visits/{id}/case-report", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CaseReportOpen, responses((status = 200, body = CaseReportLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn open(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<CaseReportOpen>,
) -> Result<Json<CaseReportLine>, HttpError> {
    Ok(Json(services.open_case_report(act, id, body, &command).await?))
}

/// Writes down the number that the national system gave.
#[utoipa::path(post, path = "/case-reports/{id}/report", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CaseReportDone, responses((status = 200, body = CaseReportLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn report(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<CaseReportId>,
    Body(body, command): Body<CaseReportDone>,
) -> Result<Json<CaseReportLine>, HttpError> {
    Ok(Json(services.report_case(act, id, body, &command).await?))
}

/// A second doctor finds nothing to report.
#[utoipa::path(post, path = "/case-reports/{id}/dismiss", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CaseReportDismiss, responses((status = 200, body = CaseReportLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn dismiss(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<CaseReportId>,
    Body(body, command): Body<CaseReportDismiss>,
) -> Result<Json<CaseReportLine>, HttpError> {
    Ok(Json(services.dismiss_case(act, id, body, &command).await?))
}
