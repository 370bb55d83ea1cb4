//! `/auth/code`: patients sign in by a one-time code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::error::HttpError;
use crate::http::extract::Body;
use crate::http::limits::{Allowed, limited};
use crate::protocol::auth::{CodeRequest, CodeSent, CodeVerify, Tokens};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(request)).routes(routes!(verify)))
}

/// Sends a one-time code. The answer is the same whether or not the number is known.
#[utoipa::path(post, path = "/auth/code", tag = "auth", request_body = CodeRequest,
    responses((status = 200, body = CodeSent), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
async fn request(
    State(services): State<Arc<Services>>,
    Allowed(address): Allowed,
    Body(request, _): Body<CodeRequest>,
) -> Result<Json<CodeSent>, HttpError> {
    Ok(Json(services.request_code(request, address).await?))
}

/// Passes a one-time code.
#[utoipa::path(post, path = "/auth/code/verify", tag = "auth", request_body = CodeVerify,
    responses((status = 200, body = Tokens), (status = 404, body = Problem), (status = 410, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn verify(
    State(services): State<Arc<Services>>,
    Allowed(address): Allowed,
    Body(request, _): Body<CodeVerify>,
) -> Result<Json<Tokens>, HttpError> {
    Ok(Json(services.verify_code(request, &address.to_string()).await?))
}
