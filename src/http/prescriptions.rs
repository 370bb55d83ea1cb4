//! Prescriptions: the doctor writes and signs, the patient reads.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::permission::{DoctorAct, HolderAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id, InPerson};
use crate::protocol::error::Problem;
use crate::protocol::prescription::{
    BasisRequest, MyPrescription, PrescriptionAct, PrescriptionNew, PrescriptionSave, PrescriptionSign,
    PrescriptionView, SecondSheet, VisitPrescriptions,
};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(of_visit))
        .routes(routes!(tick_basis))
        .routes(routes!(begin))
        .routes(routes!(to_countersign))
        .routes(routes!(save))
        .routes(routes!(sign))
        .routes(routes!(second_sheet))
        .routes(routes!(countersign))
        .routes(routes!(decline))
        .routes(routes!(stop))
        .routes(routes!(mine))
}

/// The prescriptions of a visit, and whether one may exist.
#[utoipa::path(get, path = "/visits/{id}/prescriptions", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = VisitPrescriptions), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn of_visit(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<VisitPrescriptions>, HttpError> {
    Ok(Json(services.prescriptions(act, id).await?))
}

/// Ticks what kind of visit it is for the law.
#[utoipa::path(put, path = "/visits/{id}/basis", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = BasisRequest, responses((status = 200, body = VisitPrescriptions), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn tick_basis(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<BasisRequest>,
) -> Result<Json<VisitPrescriptions>, HttpError> {
    Ok(Json(services.tick_basis(act, id, body, &command).await?))
}

/// Begins a prescription.
#[utoipa::path(post, path = "/visits/{id}/prescriptions", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionNew, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn begin(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<PrescriptionNew>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.begin_prescription(act, id, body, &command).await?))
}

/// What waits for a second doctor; the read is audited.
#[utoipa::path(get, path = "/prescriptions/to-countersign", tag = "prescription", security(("bearer" = [])), responses((status = 200, body = Vec<PrescriptionView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn to_countersign(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<Vec<PrescriptionView>>, HttpError> {
    Ok(Json(services.to_countersign(act).await?))
}

/// Saves a draft; what was signed before is signed no more.
#[utoipa::path(put, path = "/prescriptions/{id}", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionSave, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn save(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionSave>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.save_prescription(act, id, body, &command).await?))
}

/// Signs a draft.
#[utoipa::path(post, path = "/prescriptions/{id}/sign", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionSign, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn sign(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionSign>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.sign_prescription(act, id, body, &command).await?))
}

/// What waits for a second doctor, with whom it is for; the read is audited.
#[utoipa::path(get, path = "/prescriptions/{id}/countersign", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = SecondSheet), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem)))]
async fn second_sheet(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<PrescriptionId>,
) -> Result<Json<SecondSheet>, HttpError> {
    Ok(Json(services.second_sheet(act, id).await?))
}

/// Signs beside the first doctor.
#[utoipa::path(post, path = "/prescriptions/{id}/countersign", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionAct, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn countersign(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionAct>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.countersign_prescription(act, id, body, &command).await?))
}

/// Does not sign beside the first doctor, and gives it back with a reason.
#[utoipa::path(post, path = "/prescriptions/{id}/decline", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionAct, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn decline(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionAct>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.decline_prescription(act, id, body, &command).await?))
}

/// Stops a prescription.
#[utoipa::path(post, path = "/prescriptions/{id}/stop", tag = "prescription", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PrescriptionAct, responses((status = 200, body = PrescriptionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn stop(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<PrescriptionId>,
    Body(body, command): Body<PrescriptionAct>,
) -> Result<Json<PrescriptionView>, HttpError> {
    Ok(Json(services.stop_prescription(act, id, body, &command).await?))
}

/// What a holder may know of the own prescriptions.
#[utoipa::path(get, path = "/me/prescriptions", tag = "prescription", security(("bearer" = [])), responses((status = 200, body = Vec<MyPrescription>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn mine(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<Vec<MyPrescription>>, HttpError> {
    Ok(Json(services.my_prescriptions(act).await?))
}
