//! The public page behind the code on a document.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::error::HttpError;
use crate::http::extract::Id;
use crate::http::limits::{Allowed, limited};
use crate::protocol::document::DocumentVerdict;
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(verify)))
}

/// Whether a document is authentic; never what it says. A code that nobody knows is an answer, too.
#[utoipa::path(get, path = "/verify/{token}", tag = "proof", params(("token" = String, Path)),
    responses((status = 200, body = DocumentVerdict), (status = 429, body = Problem)))]
async fn verify(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Id(token): Id<String>,
) -> Result<Json<DocumentVerdict>, HttpError> {
    Ok(Json(services.verify_document(&token).await?))
}
