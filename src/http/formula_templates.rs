//! A doctor's own formulas.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::FormulaTemplateId;
use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::formula_template::{FormulaTemplateMake, FormulaTemplateRename, FormulaTemplateView};
use crate::protocol::terms::TemplateRetire;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(make)).routes(routes!(rename)).routes(routes!(retire))
}

/// The formulas that a doctor keeps.
#[utoipa::path(get, path = "/formula-templates", tag = "prescription", security(("bearer" = [])), responses((status = 200, body = Vec<FormulaTemplateView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<Vec<FormulaTemplateView>>, HttpError> {
    Ok(Json(services.formula_templates(act).await?))
}

/// Keeps a formula for oneself.
#[utoipa::path(post, path = "/formula-templates", tag = "prescription", security(("bearer" = [])), request_body = FormulaTemplateMake, responses((status = 200, body = Vec<FormulaTemplateView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Body(body, command): Body<FormulaTemplateMake>,
) -> Result<Json<Vec<FormulaTemplateView>>, HttpError> {
    Ok(Json(services.make_formula_template(act, body, &command).await?))
}

/// Gives one's own formula another name.
#[utoipa::path(post, path = "/formula-templates/{id}/rename", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = FormulaTemplateRename, responses((status = 200, body = Vec<FormulaTemplateView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn rename(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<FormulaTemplateId>,
    Body(body, command): Body<FormulaTemplateRename>,
) -> Result<Json<Vec<FormulaTemplateView>>, HttpError> {
    Ok(Json(services.rename_formula_template(act, id, body, &command).await?))
}

/// Offers one's own formula no longer.
#[utoipa::path(post, path = "/formula-templates/{id}/retire", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = TemplateRetire, responses((status = 200, body = Vec<FormulaTemplateView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn retire(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<FormulaTemplateId>,
    Body(body, command): Body<TemplateRetire>,
) -> Result<Json<Vec<FormulaTemplateView>>, HttpError> {
    Ok(Json(services.retire_formula_template(act, id, &body, &command).await?))
}
