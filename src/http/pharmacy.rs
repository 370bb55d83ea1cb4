//! The pharmacist's queue.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::PrescriptionId;
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::Verdict;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id, InPerson};
use crate::protocol::error::Problem;
use crate::protocol::pharmacy::{PharmacyQueue, ReviewRequest, ReviewSheet, WarnedPrescription};
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(queue))
        .routes(routes!(warned))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(approve))
        .routes(routes!(give_back))
        .routes(routes!(refuse))
        .routes(routes!(dispense))
}

/// What waits for a pharmacist.
#[utoipa::path(get, path = "/pharmacy/queue", tag = "pharmacy", security(("bearer" = [])), responses((status = 200, body = PharmacyQueue), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn queue(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<PharmacistAct>,
) -> Result<Json<PharmacyQueue>, HttpError> {
    Ok(Json(services.pharmacy_queue(act).await?))
}

/// What the doctors of the waiting prescriptions were warned of, and their reasons. The read is audited.
#[utoipa::path(get, path = "/pharmacy/warned", tag = "pharmacy", security(("bearer" = [])), responses((status = 200, body = Vec<WarnedPrescription>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn warned(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<PharmacistAct>,
) -> Result<Json<Vec<WarnedPrescription>>, HttpError> {
    Ok(Json(services.warned_prescriptions(act).await?))
}

/// Begins to judge; nobody else can for five minutes. The read is audited.
#[utoipa::path(post, path = "/pharmacy/{id}/claim", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = ReviewSheet), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn claim(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Bare(command): Bare,
) -> Result<Json<ReviewSheet>, HttpError> {
    Ok(Json(services.claim_prescription(act, id, &command).await?))
}

/// Gives a claim back without a judgement.
#[utoipa::path(post, path = "/pharmacy/{id}/release", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = PharmacyQueue), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn release(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Bare(command): Bare,
) -> Result<Json<PharmacyQueue>, HttpError> {
    Ok(Json(services.release_prescription(act, id, &command).await?))
}

/// Approves; all ten items are needed.
#[utoipa::path(post, path = "/pharmacy/{id}/approve", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReviewRequest, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn approve(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<ReviewRequest>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.review_prescription(act, id, Verdict::Approve, body, &command).await?))
}

/// Gives it back to its doctor, with a reason.
#[utoipa::path(post, path = "/pharmacy/{id}/return", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReviewRequest, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn give_back(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<ReviewRequest>,
) -> Result<Json<PrescriptionView>, HttpError> {
    let verdict = Verdict::Return(body.reason.clone());
    Ok(Json(services.review_prescription(act, id, verdict, body, &command).await?))
}

/// Refuses it, with a reason.
#[utoipa::path(post, path = "/pharmacy/{id}/refuse", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReviewRequest, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn refuse(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<ReviewRequest>,
) -> Result<Json<PrescriptionView>, HttpError> {
    let verdict = Verdict::Refuse(body.reason.clone());
    Ok(Json(services.review_prescription(act, id, verdict, body, &command).await?))
}

/// Hands it out; every signature is checked once more.
#[utoipa::path(post, path = "/pharmacy/{id}/dispense", tag = "pharmacy", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionAct, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn dispense(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<PharmacistAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionAct>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.dispense_prescription(act, id, body, &command).await?))
}
