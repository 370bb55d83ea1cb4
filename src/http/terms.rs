//! The dictionary of terms.

use std::sync::Arc;

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::StaffAct;
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth};
use crate::protocol::error::Problem;
use crate::protocol::terms::{ExamForm, TermsAsked, TermsFound};
use crate::services::Services;
use crate::services::visits::terms::{exam_form, find_terms};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(find)).routes(routes!(form))
}

/// Finds terms by code, initials, Chinese or English.
#[utoipa::path(get, path = "/terms", tag = "record", security(("bearer" = [])), params(TermsAsked), responses((status = 200, body = TermsFound), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn find(Auth(_): Auth<StaffAct>, Asked(asked): Asked<TermsAsked>) -> Result<Json<TermsFound>, HttpError> {
    Ok(Json(find_terms(&asked)?))
}

/// The fields of the four examinations.
#[utoipa::path(get, path = "/terms/form", tag = "record", security(("bearer" = [])), responses((status = 200, body = ExamForm), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn form(Auth(_): Auth<StaffAct>) -> Json<ExamForm> {
    Json(exam_form())
}
