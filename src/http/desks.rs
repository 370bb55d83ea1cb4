//! `/desks`: where a doctor works.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::DeskId;
use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id, InPerson};
use crate::protocol::desk::{DeskView, MyDesk, PatientPhone, PauseRequest, TransferRequest};
use crate::protocol::error::Problem;
use crate::protocol::ticket::Versioned;
use crate::services::Services;
use crate::services::desk::DeskAct;
use crate::services::desk::calling::CallAct;
use crate::services::desk::dropped::DropAct;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(find))
        .routes(routes!(open))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(close))
        .routes(routes!(call_next))
        .routes(routes!(recall))
        .routes(routes!(skip))
        .routes(routes!(cancel_call))
        .routes(routes!(confirm))
        .routes(routes!(wrong_person))
        .routes(routes!(transfer))
        .routes(routes!(ring))
        .routes(routes!(end_ring))
        .routes(routes!(put_back))
        .routes(routes!(phone))
}

/// The desk at which the doctor works, if any.
#[utoipa::path(get, path = "/desks/mine", tag = "desk", security(("bearer" = [])), responses((status = 200, body = MyDesk), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn mine(State(services): State<Arc<Services>>, Auth(act): Auth<DoctorAct>) -> Result<Json<MyDesk>, HttpError> {
    Ok(Json(MyDesk { desk: services.my_desk(act).await? }))
}

/// A desk.
#[utoipa::path(get, path = "/desks/{id}", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.desk(act, id).await?))
}

/// Begins to work at a desk.
#[utoipa::path(post, path = "/desks/{id}/open", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn open(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<DeskId>,
    Bare(command): Bare,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.set_desk(act, id, DeskAct::Open, &command).await?))
}

/// Calls nobody for some minutes, or until resumed.
#[utoipa::path(post, path = "/desks/{id}/pause", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PauseRequest, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn pause(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<PauseRequest>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.set_desk(act, id, DeskAct::Pause(body.minutes), &command).await?))
}

/// Calls again.
#[utoipa::path(post, path = "/desks/{id}/resume", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn resume(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Bare(command): Bare,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.set_desk(act, id, DeskAct::Resume, &command).await?))
}

/// Finishes the present patient, then closes.
#[utoipa::path(post, path = "/desks/{id}/close", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn close(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Bare(command): Bare,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.set_desk(act, id, DeskAct::Close, &command).await?))
}

/// Calls the next patient.
#[utoipa::path(post, path = "/desks/{id}/call-next", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn call_next(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<DeskId>,
    Bare(command): Bare,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.call_next(act, id, &command).await?))
}

/// Rings the called patient again.
#[utoipa::path(post, path = "/desks/{id}/recall", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn recall(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_call(act, id, CallAct::Recall, body.version, &command).await?))
}

/// Counts the call as missed now.
#[utoipa::path(post, path = "/desks/{id}/skip", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn skip(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_call(act, id, CallAct::Skip, body.version, &command).await?))
}

/// Takes the call back; the ticket keeps its place.
#[utoipa::path(post, path = "/desks/{id}/cancel-call", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn cancel_call(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_call(act, id, CallAct::Cancel, body.version, &command).await?))
}

/// The identity was compared: the visit begins.
#[utoipa::path(post, path = "/desks/{id}/confirm", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn confirm(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_call(act, id, CallAct::Confirm, body.version, &command).await?))
}

/// It is somebody else: media is cut, the ticket keeps its place.
#[utoipa::path(post, path = "/desks/{id}/wrong-person", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn wrong_person(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_call(act, id, CallAct::WrongPerson, body.version, &command).await?))
}

/// Sends the present patient on to another clinic.
#[utoipa::path(post, path = "/desks/{id}/transfer", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = TransferRequest, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn transfer(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<TransferRequest>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.transfer(act, id, body, &command).await?))
}

/// Rings at the patient of the running visit, who is not there.
#[utoipa::path(post, path = "/desks/{id}/ring", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn ring(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_dropped(act, id, DropAct::Ring, body.version, &command).await?))
}

/// Rings at the patient no more.
#[utoipa::path(post, path = "/desks/{id}/end-ring", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn end_ring(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_dropped(act, id, DropAct::EndRing, body.version, &command).await?))
}

/// The patient dropped out: the call ends, the ticket goes some places back.
#[utoipa::path(post, path = "/desks/{id}/put-back", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn put_back(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.act_on_dropped(act, id, DropAct::PutBack, body.version, &command).await?))
}

/// The telephone number of the patient on the desk; the read is audited.
#[utoipa::path(get, path = "/desks/{id}/phone", tag = "desk", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = PatientPhone), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn phone(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<DeskId>,
) -> Result<Json<PatientPhone>, HttpError> {
    Ok(Json(services.patient_phone(act, id).await?))
}
