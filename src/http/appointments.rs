//! Appointments: booked, moved, cancelled, checked in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{AppointmentId, ClinicId};
use crate::domain::permission::{AdministratorAct, HolderAct, TriageAct};
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Body, Id};
use crate::http::limits::{Allowed, limited};
use crate::protocol::booking::{
    Affected, AppointmentView, BookingRequest, CalendarLink, CheckInRequest, DayQuery, DayView, MoveRequest,
};
use crate::protocol::error::Problem;
use crate::protocol::ticket::{TicketView, Versioned};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(followed)))
        .routes(routes!(book))
        .routes(routes!(list))
        .routes(routes!(affected))
        .routes(routes!(find))
        .routes(routes!(move_it))
        .routes(routes!(cancel))
        .routes(routes!(check_in))
        .routes(routes!(calendar))
        .routes(routes!(calendar_link))
        .routes(routes!(day))
}

/// Books a slot; whoever comes second is told the next three in `next`.
#[utoipa::path(post, path = "/appointments", tag = "booking", security(("bearer" = [])), request_body = BookingRequest, responses((status = 200, body = AppointmentView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn book(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Body(body, command): Body<BookingRequest>,
) -> Result<Json<AppointmentView>, HttpError> {
    Ok(Json(services.book(act, body, &command).await?))
}

/// The appointments of this holder, the nearest first.
#[utoipa::path(get, path = "/appointments", tag = "booking", security(("bearer" = [])), responses((status = 200, body = Vec<AppointmentView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<Vec<AppointmentView>>, HttpError> {
    Ok(Json(services.appointments(act).await?))
}

/// Appointments that cannot be kept as they were promised.
#[utoipa::path(get, path = "/appointments/affected", tag = "booking", security(("bearer" = [])), responses((status = 200, body = Vec<Affected>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn affected(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AdministratorAct>,
) -> Result<Json<Vec<Affected>>, HttpError> {
    Ok(Json(services.affected(act).await?))
}

/// One appointment.
#[utoipa::path(get, path = "/appointments/{id}", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AppointmentView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
) -> Result<Json<AppointmentView>, HttpError> {
    Ok(Json(services.appointment(act, id).await?))
}

/// Moves it to another slot of the clinic.
#[utoipa::path(post, path = "/appointments/{id}/move", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = MoveRequest, responses((status = 200, body = AppointmentView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn move_it(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
    Body(body, command): Body<MoveRequest>,
) -> Result<Json<AppointmentView>, HttpError> {
    Ok(Json(services.move_appointment(act, id, body, &command).await?))
}

/// Gives it back.
#[utoipa::path(post, path = "/appointments/{id}/cancel", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = Versioned, responses((status = 200, body = AppointmentView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn cancel(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
    Body(body, command): Body<Versioned>,
) -> Result<Json<AppointmentView>, HttpError> {
    Ok(Json(services.cancel_appointment(act, id, body.version, &command).await?))
}

/// The patient is here: makes the ticket.
#[utoipa::path(post, path = "/appointments/{id}/check-in", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CheckInRequest, responses((status = 200, body = TicketView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn check_in(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
    Body(body, command): Body<CheckInRequest>,
) -> Result<Json<TicketView>, HttpError> {
    Ok(Json(services.check_in(act, id, body, &command).await?))
}

/// It as a calendar's file (RFC 5545).
#[utoipa::path(get, path = "/appointments/{id}/calendar.ics", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = String, content_type = "text/calendar"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn calendar(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
) -> Result<impl IntoResponse, HttpError> {
    let text = services.calendar(act, id).await?;
    let name = "attachment; filename=\"appointment.ics\"";
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8"), (header::CONTENT_DISPOSITION, name)], text))
}

/// The link by which a calendar follows it; there is none once it was given back or is over.
#[utoipa::path(get, path = "/appointments/{id}/calendar-link", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = CalendarLink), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn calendar_link(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<AppointmentId>,
) -> Result<Json<CalendarLink>, HttpError> {
    Ok(Json(services.calendar_link(act, id).await?))
}

/// What a calendar fetches by that link: when, and at which hospital.
#[utoipa::path(get, path = "/calendar/{token}", tag = "booking", params(("token" = String, Path)), responses((status = 200, body = String, content_type = "text/calendar"), (status = 404, body = Problem), (status = 429, body = Problem)))]
async fn followed(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Id(token): Id<String>,
) -> Result<impl IntoResponse, HttpError> {
    let text = services.followed_calendar(&token).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, text))
}

/// The appointments of a clinic's day, for staff.
#[utoipa::path(get, path = "/clinics/{id}/appointments", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path), DayQuery), responses((status = 200, body = DayView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn day(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<ClinicId>,
    Asked(query): Asked<DayQuery>,
) -> Result<Json<DayView>, HttpError> {
    Ok(Json(services.day(act, id, &query).await?))
}
