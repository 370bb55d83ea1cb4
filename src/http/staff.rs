//! `/staff`: those who work here, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::AccountId;
use crate::domain::permission::AdministratorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::staff::{CredentialRequest, SessionsEnded, StaffView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(record)).routes(routes!(end_sessions))
}

/// Everybody who works here, with what doctors have on paper and what they lack.
#[utoipa::path(get, path = "/staff", tag = "staff", security(("bearer" = [])), responses((status = 200, body = Vec<StaffView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<StaffView>>, HttpError> {
    Ok(Json(services.staff(act).await?))
}

/// Records what a doctor has on paper: registration, practice, the institution's consent, licence.
#[utoipa::path(post, path = "/staff/{id}/credential", tag = "staff", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CredentialRequest, responses((status = 200, body = StaffView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn record(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<AccountId>,
    Body(body, command): Body<CredentialRequest>,
) -> Result<Json<StaffView>, HttpError> {
    Ok(Json(services.record_credential(act, id, body, &command).await?))
}

/// Ends every session of somebody who works here.
#[utoipa::path(post, path = "/staff/{id}/end-sessions", tag = "staff", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = SessionsEnded), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn end_sessions(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<AccountId>,
    Bare(_): Bare,
) -> Result<Json<SessionsEnded>, HttpError> {
    Ok(Json(services.end_sessions_of(act, id).await?))
}
