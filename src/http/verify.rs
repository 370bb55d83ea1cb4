//! Whether a document is authentic; public.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
}
