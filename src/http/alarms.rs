//! `/alarms`: calls for help, and who took them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::AlarmId;
use crate::domain::permission::{Actor, DoctorAct, HolderAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id};
use crate::http::limits::{Allowed, limited};
use crate::protocol::alarm::{AlarmClose, AlarmView};
use crate::protocol::error::Problem;
use crate::protocol::grant::RoomGrant;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(take))
        .routes(routes!(take_over))
        .routes(routes!(hand_back))
        .routes(routes!(grant))
        .routes(routes!(close))
        .merge(limited(OpenApiRouter::new().routes(routes!(check))))
}

/// Alarms that nobody closed.
#[utoipa::path(get, path = "/alarms", tag = "alarm", security(("bearer" = [])), responses((status = 200, body = Vec<AlarmView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
) -> Result<Json<Vec<AlarmView>>, HttpError> {
    Ok(Json(services.open_alarms(act).await?))
}

/// Takes an alarm; only one person can.
#[utoipa::path(post, path = "/alarms/{id}/take", tag = "alarm", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AlarmView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn take(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<AlarmId>,
    Bare(command): Bare,
) -> Result<Json<AlarmView>, HttpError> {
    Ok(Json(services.take_alarm(act, id, &command).await?))
}

/// A doctor takes an alarm over from a colleague, who may stay on the line.
#[utoipa::path(post, path = "/alarms/{id}/take-over", tag = "alarm", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AlarmView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn take_over(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<AlarmId>,
    Bare(command): Bare,
) -> Result<Json<AlarmView>, HttpError> {
    Ok(Json(services.take_over_alarm(act, id, &command).await?))
}

/// Hands an alarm back: it rings again.
#[utoipa::path(post, path = "/alarms/{id}/hand-back", tag = "alarm", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AlarmView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn hand_back(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<AlarmId>,
    Bare(command): Bare,
) -> Result<Json<AlarmView>, HttpError> {
    Ok(Json(services.hand_back_alarm(act, id, &command).await?))
}

/// A seat on the line.
#[utoipa::path(post, path = "/alarms/{id}/grant", tag = "alarm", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = RoomGrant), (status = 401, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem)))]
async fn grant(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<AlarmId>,
) -> Result<Json<RoomGrant>, HttpError> {
    Ok(Json(services.grant_alarm(act, id).await?))
}

/// Closes an alarm with its outcome.
#[utoipa::path(post, path = "/alarms/{id}/close", tag = "alarm", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = AlarmClose, responses((status = 200, body = AlarmView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn close(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<AlarmId>,
    Body(body, command): Body<AlarmClose>,
) -> Result<Json<AlarmView>, HttpError> {
    Ok(Json(services.close_alarm(act, id, body, &command).await?))
}

/// A room in which the own picture comes back: the check before a call.
#[utoipa::path(post, path = "/checks", tag = "alarm", security(("bearer" = [])), responses((status = 200, body = RoomGrant), (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem)))]
async fn check(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Auth(actor): Auth<Actor>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<RoomGrant>, HttpError> {
    Ok(Json(services.open_check(actor, act.holder).await?))
}
