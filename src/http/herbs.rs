//! Herbs and formulas to be found.

use std::sync::Arc;

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth};
use crate::protocol::error::Problem;
use crate::protocol::herb::{FormulasFound, HerbQuery, HerbsFound};
use crate::services::Services;
use crate::services::prescriptions::{formulas_found, herbs_found};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(herbs)).routes(routes!(formulas))
}

/// Herbs for what was typed.
#[utoipa::path(get, path = "/herbs", tag = "prescription", security(("bearer" = [])), params(HerbQuery), responses((status = 200, body = HerbsFound), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn herbs(Auth(_): Auth<DoctorAct>, Asked(query): Asked<HerbQuery>) -> Result<Json<HerbsFound>, HttpError> {
    Ok(Json(herbs_found(&query.q)))
}

/// The national protocol's formulas for what was typed.
#[utoipa::path(get, path = "/formulas", tag = "prescription", security(("bearer" = [])), params(HerbQuery), responses((status = 200, body = FormulasFound), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn formulas(Auth(_): Auth<DoctorAct>, Asked(query): Asked<HerbQuery>) -> Result<Json<FormulasFound>, HttpError> {
    Ok(Json(formulas_found(&query.q)))
}
