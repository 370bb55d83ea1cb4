//! `/tickets`: a place in the queue, as its holder and as staff act on it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::TicketId;
use crate::domain::permission::{Actor, HolderAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Bare, Body, Id};
use crate::protocol::alarm::AlarmView;
use crate::protocol::board::{CloseTicket, LevelChange, TicketRow};
use crate::protocol::error::Problem;
use crate::protocol::intake::IdentityCorrection;
use crate::protocol::ticket::{CurrentTicket, LinkQuery, RetriageAnswers, TicketRequest, TicketView, Versioned};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(take))
        .routes(routes!(current))
        .routes(routes!(find))
        .routes(routes!(accept))
        .routes(routes!(not_me))
        .routes(routes!(leave))
        .routes(routes!(retriage))
        .routes(routes!(change_level))
        .routes(routes!(close))
        .routes(routes!(correct_identity))
        .routes(routes!(nurse_call))
}

/// Mends who a called patient is, before the identity is confirmed.
#[utoipa::path(post, path = "/tickets/{id}/identity", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = IdentityCorrection, responses((status = 200, body = TicketRow), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn correct_identity(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<IdentityCorrection>,
) -> Result<Json<TicketRow>, HttpError> {
    Ok(Json(services.correct_identity(act, id, body, &command).await?))
}

/// Takes a number for a submitted declaration.
#[utoipa::path(post, path = "/tickets", tag = "queue", security(("bearer" = [])), request_body = TicketRequest, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn take(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Body(body, command): Body<TicketRequest>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.take_ticket(act, body, &command).await?))
}

/// A ticket as its holder sees it.
#[utoipa::path(get, path = "/tickets/{id}", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<TicketId>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.ticket_for(act, id).await?))
}

/// Says yes to the call.
#[utoipa::path(post, path = "/tickets/{id}/accept", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn accept(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.accept_call(act, id, body.version, &command).await?))
}

/// Whoever answers is not the patient; the place is kept.
#[utoipa::path(post, path = "/tickets/{id}/not-me", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn not_me(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.not_me(act, id, body.version, &command).await?))
}

/// Gives the place up.
#[utoipa::path(post, path = "/tickets/{id}/leave", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn leave(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.leave_queue(act, id, body.version, &command).await?))
}

/// Answers the three questions of every fifteen minutes.
#[utoipa::path(post, path = "/tickets/{id}/retriage", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = RetriageAnswers, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn retriage(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<RetriageAnswers>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.retriage(act, id, body, &command).await?))
}

/// Changes a level; down only with a reason, and from EMERGENCY only by a doctor.
#[utoipa::path(post, path = "/tickets/{id}/level", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = LevelChange, responses((status = 200, body = TicketRow), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change_level(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<LevelChange>,
) -> Result<Json<TicketRow>, HttpError> {
    Ok(Json(services.change_level(act, id, body, &command).await?))
}

/// Closes one of two numbers that were drawn with the same document.
#[utoipa::path(post, path = "/tickets/{id}/close", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CloseTicket, responses((status = 200, body = TicketRow), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn close(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<TicketId>,
    Body(body, command): Body<CloseTicket>,
) -> Result<Json<TicketRow>, HttpError> {
    Ok(Json(services.close_ticket(act, id, body, &command).await?))
}

/// Calls a waiting patient by video.
#[utoipa::path(post, path = "/tickets/{id}/nurse-call", tag = "queue", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AlarmView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn nurse_call(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<TicketId>,
    Bare(command): Bare,
) -> Result<Json<AlarmView>, HttpError> {
    Ok(Json(services.call_by_nurse(act, id, &command).await?))
}

/// The newest ticket of this holder in a clinic: live, or ended within a day.
#[utoipa::path(get, path = "/tickets/current", tag = "queue", security(("bearer" = [])), params(LinkQuery),
    responses((status = 200, body = CurrentTicket), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn current(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Asked(query): Asked<LinkQuery>,
) -> Result<Json<CurrentTicket>, HttpError> {
    Ok(Json(CurrentTicket { ticket: services.current_ticket(act, &query.link).await? }))
}
