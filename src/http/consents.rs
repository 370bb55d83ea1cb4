//! `/consents`: the texts in force, and what was decided on them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::PatientId;
use crate::domain::permission::HolderAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::intake::{ConsentDecision, ConsentRecord, ConsentText, GuardianConsent, PatientCard};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(texts))
        .routes(routes!(decisions))
        .routes(routes!(decide))
        .routes(routes!(guardian))
}

/// The texts in force.
#[utoipa::path(get, path = "/consents", tag = "intake", security(("bearer" = [])),
    responses((status = 200, body = [ConsentText]), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn texts(State(services): State<Arc<Services>>, Auth(_): Auth<HolderAct>) -> Json<Vec<ConsentText>> {
    Json(services.consent_texts())
}

/// What this holder decided for a patient, oldest first.
#[utoipa::path(get, path = "/patients/{id}/consents", tag = "intake", security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 200, body = [ConsentRecord]), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn decisions(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(patient): Id<PatientId>,
) -> Result<Json<Vec<ConsentRecord>>, HttpError> {
    Ok(Json(services.consents(act, patient).await?))
}

/// Keeps one decision.
#[utoipa::path(post, path = "/patients/{id}/consents", tag = "intake", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ConsentDecision,
    responses((status = 200, body = ConsentRecord), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
async fn decide(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(patient): Id<PatientId>,
    Body(decision, command): Body<ConsentDecision>,
) -> Result<Json<ConsentRecord>, HttpError> {
    Ok(Json(services.decide(act, patient, decision, &command).await?))
}

/// Keeps the consent of a guardian for a patient under fourteen.
#[utoipa::path(post, path = "/patients/{id}/guardian", tag = "intake", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = GuardianConsent,
    responses((status = 200, body = PatientCard), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn guardian(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(patient): Id<PatientId>,
    Body(consent, command): Body<GuardianConsent>,
) -> Result<Json<PatientCard>, HttpError> {
    Ok(Json(services.consent_as_guardian(act, patient, consent, &command).await?))
}
