//! Opinions of other doctors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{OpinionId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id, InPerson};
use crate::protocol::error::Problem;
use crate::protocol::opinion::{
    MyOpinions, OpinionLine, OpinionRequest, OpinionSave, OpinionSign, OpinionView, VisitOpinions,
};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(of_visit))
        .routes(routes!(ask))
        .routes(routes!(mine))
        .routes(routes!(read))
        .routes(routes!(save))
        .routes(routes!(sign))
        .routes(routes!(withdraw))
}

/// What was asked about a visit, and whom its doctor may ask.
#[utoipa::path(get, path = "/visits/{id}/opinions", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = VisitOpinions), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn of_visit(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<VisitOpinions>, HttpError> {
    Ok(Json(services.visit_opinions(act, id).await?))
}

/// Asks another doctor of the house. The record is open to that doctor until the answer, or until it is withdrawn.
#[utoipa::path(post, path = "/visits/{id}/opinions", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OpinionRequest, responses((status = 200, body = OpinionLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn ask(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<OpinionRequest>,
) -> Result<Json<OpinionLine>, HttpError> {
    Ok(Json(services.ask_opinion(act, id, body, &command).await?))
}

/// What was asked of a doctor and by a doctor, without a word of it.
#[utoipa::path(get, path = "/opinions", tag = "opinion", security(("bearer" = [])), responses((status = 200, body = MyOpinions), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn mine(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<MyOpinions>, HttpError> {
    Ok(Json(services.my_opinions(act).await?))
}

/// A question with its answer, for who asked, who treats and who was asked; the read is audited.
#[utoipa::path(get, path = "/opinions/{id}", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = OpinionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 500, body = Problem)))]
async fn read(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<OpinionId>,
) -> Result<Json<OpinionView>, HttpError> {
    Ok(Json(services.opinion(act, id).await?))
}

/// Saves the draft of an opinion.
#[utoipa::path(put, path = "/opinions/{id}", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OpinionSave, responses((status = 200, body = OpinionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn save(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<OpinionId>,
    Body(body, command): Body<OpinionSave>,
) -> Result<Json<OpinionView>, HttpError> {
    Ok(Json(services.save_opinion(act, id, body, &command).await?))
}

/// Signs the draft; from then on it never changes.
#[utoipa::path(post, path = "/opinions/{id}/sign", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OpinionSign, responses((status = 200, body = OpinionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn sign(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<OpinionId>,
    Body(body, command): Body<OpinionSign>,
) -> Result<Json<OpinionView>, HttpError> {
    Ok(Json(services.sign_opinion(act, id, &body, &command).await?))
}

/// Takes a question back that nobody has answered.
#[utoipa::path(post, path = "/opinions/{id}/withdraw", tag = "opinion", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = OpinionLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn withdraw(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<OpinionId>,
    Bare(command): Bare,
) -> Result<Json<OpinionLine>, HttpError> {
    Ok(Json(services.withdraw_opinion(act, id, &command).await?))
}
