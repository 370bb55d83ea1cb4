//! The sealed days of the audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::AdministratorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Id};
use crate::protocol::error::Problem;
use crate::protocol::proof::{AuditDays, AuditVerdict};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(days)).routes(routes!(verify)).routes(routes!(export))
}

/// The sealed days of the audit log, newest first.
#[utoipa::path(get, path = "/audit/days", tag = "proof", security(("bearer" = [])), responses((status = 200, body = AuditDays), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn days(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<AuditDays>, HttpError> {
    Ok(Json(services.audit_days(act).await?))
}

/// Reads the whole audit log again: chain, seals, signatures, counts.
#[utoipa::path(post, path = "/audit/verify", tag = "proof", security(("bearer" = [])), responses((status = 200, body = AuditVerdict), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn verify(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Bare(_): Bare,
) -> Result<Json<AuditVerdict>, HttpError> {
    Ok(Json(services.verify_audit(act).await?))
}

/// A sealed day as a file for `yunzhen verify`: the seal with its signature, then one entry a line.
#[utoipa::path(get, path = "/audit/days/{day}/export", tag = "proof", security(("bearer" = [])), params(("day" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn export(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(day): Id<String>,
) -> Result<impl IntoResponse, HttpError> {
    let text = services.export_audit_day(act, &day).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-day.ndjson\""),
    ];
    Ok((headers, text))
}
