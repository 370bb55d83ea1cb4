//! `/patients`: the people for whom a telephone number's owner answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::HolderAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body};
use crate::protocol::error::Problem;
use crate::protocol::intake::{IdentityRequest, PatientCard};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(name))
}

/// The people for whom this holder answers.
#[utoipa::path(get, path = "/patients", tag = "intake", security(("bearer" = [])),
    responses((status = 200, body = [PatientCard]), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<Vec<PatientCard>>, HttpError> {
    Ok(Json(services.patients(act).await?))
}

/// Names a patient, or finds the one that was named before.
#[utoipa::path(post, path = "/patients", tag = "intake", security(("bearer" = [])), request_body = IdentityRequest,
    responses((status = 200, body = PatientCard), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn name(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Body(request, command): Body<IdentityRequest>,
) -> Result<Json<PatientCard>, HttpError> {
    Ok(Json(services.name_patient(act, request, &command).await?))
}
