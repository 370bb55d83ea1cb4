//! `/clinics`: lists and boards for staff.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::ClinicId;
use crate::domain::permission::{StaffAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::board::Board;
use crate::protocol::error::Problem;
use crate::protocol::house::ClinicInfo;
use crate::protocol::notice::{NoticeSend, NoticeView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(board)).routes(routes!(tell))
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

/// Tells one who waits, or all who wait in a clinic.
#[utoipa::path(post, path = "/clinics/{id}/notices", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = NoticeSend, responses((status = 200, body = NoticeView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn tell(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<ClinicId>,
    Body(body, command): Body<NoticeSend>,
) -> Result<Json<NoticeView>, HttpError> {
    Ok(Json(services.send_notice(act, id, body, &command).await?))
}
