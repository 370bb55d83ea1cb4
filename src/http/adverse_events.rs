//! `/adverse-events`: what went wrong at visits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{AdverseEventId, VisitId};
use crate::domain::permission::{AdministratorAct, StaffAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::adverse::{AdverseEventLine, AdverseEventRequest, AdverseEventView};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(tell)).routes(routes!(list)).routes(routes!(read))
}

/// Tells what went wrong at a visit; it never changes afterwards.
#[utoipa::path(post, path = "/visits/{id}/adverse-events", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = AdverseEventRequest, responses((status = 200, body = AdverseEventLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn tell(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<AdverseEventRequest>,
) -> Result<Json<AdverseEventLine>, HttpError> {
    Ok(Json(services.tell_adverse_event(act, id, body, &command).await?))
}

/// What was told: serious ones that nobody has read first, and then the newest; without their words.
#[utoipa::path(get, path = "/adverse-events", tag = "report", security(("bearer" = [])), responses((status = 200, body = Vec<AdverseEventLine>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<AdverseEventLine>>, HttpError> {
    Ok(Json(services.adverse_events(act).await?))
}

/// One with its words; the read is audited.
#[utoipa::path(get, path = "/adverse-events/{id}", tag = "report", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AdverseEventView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn read(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<AdverseEventId>,
) -> Result<Json<AdverseEventView>, HttpError> {
    Ok(Json(services.adverse_event(act, id).await?))
}
