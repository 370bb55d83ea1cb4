//! Legal holds and certificates of deletion.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{ClinicId, HoldId, VisitId};
use crate::domain::permission::AdministratorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::reading::SealRequest;
use crate::protocol::retention::{
    ApprovalRequest, ApprovalView, HoldRequest, HoldView, LiftRequest, PurposeEndRequest, PurposeEndView, RetentionView,
};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(retention))
        .routes(routes!(approve))
        .routes(routes!(end_purpose))
        .routes(routes!(hold))
        .routes(routes!(lift))
        .routes(routes!(seal))
}

/// How long what is kept, what stays by order, and what went.
#[utoipa::path(get, path = "/retention", tag = "proof", security(("bearer" = [])), responses((status = 200, body = RetentionView), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn retention(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<RetentionView>, HttpError> {
    Ok(Json(services.retention(act).await?))
}

/// Approves that what was due of a class may go.
#[utoipa::path(post, path = "/retention/approvals", tag = "proof", security(("bearer" = [])), request_body = ApprovalRequest,
    responses((status = 200, body = ApprovalView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn approve(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Body(body, command): Body<ApprovalRequest>,
) -> Result<Json<ApprovalView>, HttpError> {
    Ok(Json(services.approve_deletion(act, body, &command).await?))
}

/// Says that the purpose of what was declared in a clinic has ended; after the days of the class it goes.
#[utoipa::path(post, path = "/clinics/{id}/purpose-end", tag = "proof", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PurposeEndRequest,
    responses((status = 200, body = PurposeEndView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn end_purpose(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<ClinicId>,
    Body(body, command): Body<PurposeEndRequest>,
) -> Result<Json<PurposeEndView>, HttpError> {
    Ok(Json(services.end_purpose(act, id, body, &command).await?))
}

/// Orders that everything of a visit stays until the order is lifted.
#[utoipa::path(post, path = "/visits/{id}/hold", tag = "proof", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = HoldRequest,
    responses((status = 200, body = HoldView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn hold(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<HoldRequest>,
) -> Result<Json<HoldView>, HttpError> {
    Ok(Json(services.hold_visit(act, id, body, &command).await?))
}

/// Lifts an order.
#[utoipa::path(post, path = "/holds/{id}/lift", tag = "proof", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = LiftRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn lift(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<HoldId>,
    Body(body, command): Body<LiftRequest>,
) -> Result<StatusCode, HttpError> {
    services.lift_hold(act, id, body, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A visit sealed for a dispute, as a file for `yunzhen verify`: signed versions, signatures, entries of the audit. It rings,
/// and is judged by somebody else.
#[utoipa::path(post, path = "/visits/{id}/seal", tag = "proof", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = SealRequest,
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 500, body = Problem)))]
async fn seal(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<VisitId>,
    Body(body, _): Body<SealRequest>,
) -> Result<impl IntoResponse, HttpError> {
    let text = services.seal_visit(act, id, body).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"sealed-visit.ndjson\""),
    ];
    Ok((headers, text))
}
