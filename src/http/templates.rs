//! Texts that a doctor inserts by an act.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::TemplateId;
use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::note::NoteDraft;
use crate::protocol::terms::{TemplateInsert, TemplateMake, TemplateRetire, TemplateView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(make)).routes(routes!(insert)).routes(routes!(retire))
}

/// The texts that a doctor is offered.
#[utoipa::path(get, path = "/templates", tag = "record", security(("bearer" = [])), responses((status = 200, body = Vec<TemplateView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<Vec<TemplateView>>, HttpError> {
    Ok(Json(services.templates(act).await?))
}

/// Keeps a text for oneself.
#[utoipa::path(post, path = "/templates", tag = "record", security(("bearer" = [])), request_body = TemplateMake, responses((status = 200, body = Vec<TemplateView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Body(body, command): Body<TemplateMake>,
) -> Result<Json<Vec<TemplateView>>, HttpError> {
    Ok(Json(services.make_template(act, body, &command).await?))
}

/// Puts a text into the draft, marked.
#[utoipa::path(post, path = "/templates/{id}/insert", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = TemplateInsert, responses((status = 200, body = NoteDraft), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn insert(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<TemplateId>,
    Body(body, command): Body<TemplateInsert>,
) -> Result<Json<NoteDraft>, HttpError> {
    Ok(Json(services.insert_template(act, id, body, &command).await?))
}

/// Offers one's own text no longer.
#[utoipa::path(post, path = "/templates/{id}/retire", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = TemplateRetire, responses((status = 200, body = Vec<TemplateView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn retire(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<TemplateId>,
    Body(body, command): Body<TemplateRetire>,
) -> Result<Json<Vec<TemplateView>>, HttpError> {
    Ok(Json(services.retire_template(act, id, &body, &command).await?))
}
