//! `/links` and `/red-flags`: the first page, before anybody is known.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::error::HttpError;
use crate::http::extract::{Body, Id};
use crate::http::limits::{Allowed, limited};
use crate::protocol::error::Problem;
use crate::protocol::house::Landing;
use crate::protocol::intake::{RedFlagsAnswer, RedFlagsRequest};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(landing)).routes(routes!(red_flags)))
}

/// What the landing page of a clinic shows.
#[utoipa::path(get, path = "/links/{link}", tag = "intake", params(("link" = String, Path)),
    responses((status = 200, body = Landing), (status = 404, body = Problem), (status = 429, body = Problem)))]
async fn landing(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Id(link): Id<String>,
) -> Result<Json<Landing>, HttpError> {
    Ok(Json(services.landing(&link).await?))
}

/// The answers of the first page. Any yes raises an alarm and opens a line without a name.
#[utoipa::path(post, path = "/red-flags", tag = "intake", request_body = RedFlagsRequest,
    responses((status = 200, body = RedFlagsAnswer), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
async fn red_flags(
    State(services): State<Arc<Services>>,
    Allowed(address): Allowed,
    Body(request, _): Body<RedFlagsRequest>,
) -> Result<Json<RedFlagsAnswer>, HttpError> {
    Ok(Json(services.red_flags(request, &address.to_string()).await?))
}
