//! Who read what, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{ReviewId, VisitId};
use crate::domain::permission::{AdministratorAct, HolderAct, StaffAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::visit::{AccessReviewView, JudgementRequest, ReadView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(readers)).routes(routes!(mine)).routes(routes!(reviews)).routes(routes!(review))
}

/// Who read the record of a visit: for its doctor and for administrators.
#[utoipa::path(get, path = "/visits/{id}/readers", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<ReadView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn readers(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<ReadView>>, HttpError> {
    Ok(Json(services.readers(act, id).await?))
}

/// Who read the record of one's own visit.
#[utoipa::path(get, path = "/me/visits/{id}/readers", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<ReadView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn mine(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<ReadView>>, HttpError> {
    Ok(Json(services.my_readers(act, id).await?))
}

/// Reads by people who do not treat the patient, which nobody has judged yet.
#[utoipa::path(get, path = "/access-reviews", tag = "record", security(("bearer" = [])), responses((status = 200, body = Vec<AccessReviewView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn reviews(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<AccessReviewView>>, HttpError> {
    Ok(Json(services.access_reviews(act).await?))
}

/// Judges such a read.
#[utoipa::path(post, path = "/access-reviews/{id}", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = JudgementRequest, responses((status = 200, body = Vec<AccessReviewView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn review(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
    Id(id): Id<ReviewId>,
    Body(body, command): Body<JudgementRequest>,
) -> Result<Json<Vec<AccessReviewView>>, HttpError> {
    Ok(Json(services.review_access(act, id, body, &command).await?))
}
