//! `/clinics`: lists and boards for staff.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::ClinicId;
use crate::domain::permission::{StaffAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Id};
use crate::protocol::error::Problem;
use crate::protocol::house::ClinicInfo;
use crate::protocol::ticket::Board;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(board))
}

/// The clinics with their desks.
#[utoipa::path(get, path = "/clinics", tag = "queue", security(("bearer" = [])), responses((status = 200, body = Vec<ClinicInfo>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
) -> Result<Json<Vec<ClinicInfo>>, HttpError> {
    Ok(Json(services.clinics(act).await?))
}

/// The queue of a clinic, in calling order.
#[utoipa::path(get, path = "/clinics/{id}/board", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Board), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn board(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<ClinicId>,
) -> Result<Json<Board>, HttpError> {
    Ok(Json(services.board(act, id).await?))
}
