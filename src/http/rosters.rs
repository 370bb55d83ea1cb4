//! Doctors' recurring hours.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::RosterId;
use crate::domain::permission::AdministratorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::roster::{
    DoctorView, ExceptionView, ImportDone, ImportRequest, RosterEnd, RosterPreview, RosterRequest, RosterView,
};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(doctors))
        .routes(routes!(add))
        .routes(routes!(preview))
        .routes(routes!(except))
        .routes(routes!(end))
        .routes(routes!(import))
}

/// The rosters of the institution.
#[utoipa::path(get, path = "/rosters", tag = "booking", security(("bearer" = [])), responses((status = 200, body = Vec<RosterView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<RosterView>>, HttpError> {
    Ok(Json(services.rosters(act).await?))
}

/// The doctors of the institution, for making their hours.
#[utoipa::path(get, path = "/doctors", tag = "booking", security(("bearer" = [])), responses((status = 200, body = Vec<DoctorView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn doctors(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<DoctorView>>, HttpError> {
    Ok(Json(services.doctors(act).await?))
}

/// Makes a roster and its slots.
#[utoipa::path(post, path = "/rosters", tag = "booking", security(("bearer" = [])), request_body = RosterRequest, responses((status = 200, body = RosterView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn add(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Body(body, command): Body<RosterRequest>,
) -> Result<Json<RosterView>, HttpError> {
    Ok(Json(services.add_roster(act, body, &command).await?))
}

/// The slots that a roster would make, and what stands in its way; nothing is kept by it.
#[utoipa::path(post, path = "/rosters/preview", tag = "booking", security(("bearer" = [])), request_body = RosterRequest, responses((status = 200, body = RosterPreview), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn preview(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Body(body, _): Body<RosterRequest>,
) -> Result<Json<RosterPreview>, HttpError> {
    Ok(Json(services.preview_roster(act, &body).await?))
}

/// A day that is not as the week says.
#[utoipa::path(post, path = "/rosters/{id}/exceptions", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ExceptionView, responses((status = 200, body = RosterView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn except(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<RosterId>,
    Body(body, command): Body<ExceptionView>,
) -> Result<Json<RosterView>, HttpError> {
    Ok(Json(services.except_roster(act, id, body, &command).await?))
}

/// Ends a roster with a day.
#[utoipa::path(post, path = "/rosters/{id}/end", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = RosterEnd, responses((status = 200, body = RosterView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn end(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<RosterId>,
    Body(body, command): Body<RosterEnd>,
) -> Result<Json<RosterView>, HttpError> {
    Ok(Json(services.end_roster(act, id, body, &command).await?))
}

/// Reads a table of rosters: whole or not at all; `field` names line and column of what is wrong.
#[utoipa::path(post, path = "/rosters/import", tag = "booking", security(("bearer" = [])), request_body = ImportRequest, responses((status = 200, body = ImportDone), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn import(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Body(body, command): Body<ImportRequest>,
) -> Result<Json<ImportDone>, HttpError> {
    Ok(Json(services.import_rosters(act, body, &command).await?))
}
