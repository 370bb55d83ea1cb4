//! `/triage`: the rules, for staff and for other programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::StaffAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body};
use crate::protocol::error::Problem;
use crate::protocol::intake::{AssessAnswer, AssessRequest};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(assess))
}

/// Assesses facts by the rule set in force; nothing is kept.
#[utoipa::path(post, path = "/triage/assess", tag = "triage", security(("bearer" = [])), request_body = AssessRequest,
    responses((status = 200, body = AssessAnswer), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
async fn assess(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Body(request, _): Body<AssessRequest>,
) -> Result<Json<AssessAnswer>, HttpError> {
    Ok(Json(services.assess(act, &request)?))
}
