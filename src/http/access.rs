//! Who read what, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{ReviewId, VisitId};
use crate::domain::permission::{AdministratorAct, DoctorAct, HolderAct, SearchAct, StaffAct};
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Body, Id};
use crate::protocol::error::Problem;
use crate::protocol::reading::{
    AccessReviewView, BreakGlassRequest, ByDocument, ByNumber, FoundVisit, JudgementRequest, ReadView, ReadersAsked,
};
use crate::protocol::visit::VisitView;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(readers))
        .routes(routes!(mine))
        .routes(routes!(reviews))
        .routes(routes!(review))
        .routes(routes!(by_document))
        .routes(routes!(by_number))
        .routes(routes!(break_glass))
}

/// The visits of whoever this document is of, without a word of their records; the search is audited.
#[utoipa::path(post, path = "/visits/by-document", tag = "record", security(("bearer" = [])), request_body = ByDocument, responses((status = 200, body = Vec<FoundVisit>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn by_document(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<SearchAct>,
    Body(body, _): Body<ByDocument>,
) -> Result<Json<Vec<FoundVisit>>, HttpError> {
    Ok(Json(services.visits_by_document(act, body).await?))
}

/// The visit of a number of a day, without a word of its record; the search is audited.
#[utoipa::path(post, path = "/visits/by-number", tag = "record", security(("bearer" = [])), request_body = ByNumber, responses((status = 200, body = Vec<FoundVisit>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn by_number(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<SearchAct>,
    Body(body, _): Body<ByNumber>,
) -> Result<Json<Vec<FoundVisit>>, HttpError> {
    Ok(Json(services.visits_by_number(act, body).await?))
}

/// Reads the record of somebody whom the doctor does not treat, in an emergency: it rings, and is judged by somebody else.
#[utoipa::path(post, path = "/visits/{id}/break-glass", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = BreakGlassRequest, responses((status = 200, body = VisitView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn break_glass(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<BreakGlassRequest>,
) -> Result<Json<VisitView>, HttpError> {
    Ok(Json(services.break_glass(act, id, body, &command).await?))
}

/// Who read the record of a visit: for its doctor and for administrators.
#[utoipa::path(get, path = "/visits/{id}/readers", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path), ReadersAsked), responses((status = 200, body = Vec<ReadView>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn readers(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Id(id): Id<VisitId>,
    Asked(page): Asked<ReadersAsked>,
) -> Result<Json<Vec<ReadView>>, HttpError> {
    Ok(Json(services.readers(act, id, page).await?))
}

/// Who read the record of one's own visit.
#[utoipa::path(get, path = "/me/visits/{id}/readers", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path), ReadersAsked), responses((status = 200, body = Vec<ReadView>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn mine(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<VisitId>,
    Asked(page): Asked<ReadersAsked>,
) -> Result<Json<Vec<ReadView>>, HttpError> {
    Ok(Json(services.my_readers(act, id, page).await?))
}

/// Reads by people who do not treat the patient: those that nobody has judged yet, and the last that somebody did.
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
