//! The receipt of a ticket, by which its holder replays the queue.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::TicketId;
use crate::domain::permission::{AdministratorAct, HolderAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Id};
use crate::protocol::error::Problem;
use crate::protocol::queue_day::{QueueDay, Receipt};
use crate::services::Services;
use crate::services::refusal::Refusal;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(receipt)).routes(routes!(queue_day))
}

/// Who was called before this ticket although they came later, and by which rule.
#[utoipa::path(get, path = "/tickets/{id}/receipt", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Receipt), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn receipt(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<TicketId>,
) -> Result<Json<Receipt>, HttpError> {
    Ok(Json(services.receipt(act, id).await?))
}

/// A day of a clinic's queue for an auditor, signed by the server.
#[utoipa::path(get, path = "/clinics/{id}/queue-days/{day}", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path), ("day" = String, Path)), responses((status = 200, body = QueueDay), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn queue_day(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Json<QueueDay>, HttpError> {
    let Path((clinic, day)) = path.map_err(|_| HttpError(Refusal::not_found()))?;
    let clinic = clinic.parse().map_err(|_| HttpError(Refusal::not_found()))?;
    Ok(Json(services.queue_day(act, clinic, &day).await?))
}
