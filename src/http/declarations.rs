//! `/declarations` and `/questionnaires`: what patients state before the visit.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::services::Services;

/// The routes of this file; none before the questionnaire is in the house.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
}
