//! `/declarations` and `/questionnaires`: what patients state before the visit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::DeclarationId;
use crate::domain::permission::HolderAct;
use crate::domain::questionnaire::Questionnaire;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::intake::{DeclarationBegin, DeclarationSave, DeclarationView};
use crate::protocol::ticket::Versioned;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(questionnaire))
        .routes(routes!(begin))
        .routes(routes!(find, save))
        .routes(routes!(submit))
}

/// A questionnaire as data; `current` names the one in force.
#[utoipa::path(get, path = "/questionnaires/{version}", tag = "intake", params(("version" = String, Path)),
    responses((status = 200, body = Questionnaire), (status = 404, body = Problem)))]
async fn questionnaire(
    State(services): State<Arc<Services>>,
    Id(version): Id<String>,
) -> Result<Json<&'static Questionnaire>, HttpError> {
    Ok(Json(services.questionnaire(&version)?))
}

/// Begins a declaration, or finds the unfinished one, wherever it was begun.
#[utoipa::path(post, path = "/declarations", tag = "intake", security(("bearer" = [])), request_body = DeclarationBegin,
    responses((status = 200, body = DeclarationView), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn begin(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Body(request, command): Body<DeclarationBegin>,
) -> Result<Json<DeclarationView>, HttpError> {
    Ok(Json(services.begin_declaration(act, request, &command).await?))
}

/// A declaration of this holder.
#[utoipa::path(get, path = "/declarations/{id}", tag = "intake", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = DeclarationView), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<DeclarationId>,
) -> Result<Json<DeclarationView>, HttpError> {
    Ok(Json(services.declaration(act, id).await?))
}

/// Adds answers to a draft; those not named stay.
#[utoipa::path(patch, path = "/declarations/{id}", tag = "intake", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = DeclarationSave,
    responses((status = 200, body = DeclarationView), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn save(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<DeclarationId>,
    Body(request, command): Body<DeclarationSave>,
) -> Result<Json<DeclarationView>, HttpError> {
    Ok(Json(services.save_declaration(act, id, request, &command).await?))
}

/// Hands a declaration in and triages it; an EMERGENCY raises an alarm.
#[utoipa::path(post, path = "/declarations/{id}/submit", tag = "intake", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = Versioned,
    responses((status = 200, body = DeclarationView), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn submit(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<DeclarationId>,
    Body(request, command): Body<Versioned>,
) -> Result<Json<DeclarationView>, HttpError> {
    Ok(Json(services.submit_declaration(act, id, request, &command).await?))
}
