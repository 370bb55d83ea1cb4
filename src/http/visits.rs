//! `/visits`: the visit, its note, its conversation.

use std::sync::Arc;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{AttachmentId, VisitId};
use crate::domain::permission::{Actor, DoctorAct, HolderAct, TriageAct};
use crate::http::bodies::{Bodies, Sender};
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Bare, Body, Id, InPerson, command};
use crate::http::limits::Address;
use crate::protocol::chat::{ChatMessage, ChatSend};
use crate::protocol::desk::DeskView;
use crate::protocol::error::Problem;
use crate::protocol::grant::RoomGrant;
use crate::protocol::note::{MergeRequest, MergedNote, NoteDraft, NoteSave, NoteVersion, NoteVersionView, SignRequest};
use crate::protocol::reading::ReadAsked;
use crate::protocol::upload::AttachmentInfo;
use crate::protocol::visit::{EndedVisit, OutcomeRequest, VisitSummary, VisitView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::visits::pictures::{PICTURE_LIMIT, Picture};

/// Bytes of a picture that are read at once.
const STRETCH: usize = 64 * 1024;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(find))
        .routes(routes!(grant))
        .routes(routes!(save_note))
        .routes(routes!(merge_note))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(set_outcome))
        .routes(routes!(sign))
        .routes(routes!(end))
        .routes(routes!(messages))
        .routes(routes!(send))
        .routes(routes!(mine))
        .routes(routes!(ended))
        .routes(routes!(attachment))
        .merge(OpenApiRouter::new().routes(routes!(attach)).layer(DefaultBodyLimit::max(PICTURE_LIMIT + 1)))
}

/// Everything of one visit, for who treats the patient or says why; the read is audited.
#[utoipa::path(get, path = "/visits/{id}", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path), ReadAsked), responses((status = 200, body = VisitView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<TriageAct>,
    Id(id): Id<VisitId>,
    Asked(asked): Asked<ReadAsked>,
) -> Result<Json<VisitView>, HttpError> {
    Ok(Json(services.visit(act, id, &asked).await?))
}

/// The doctor's own visits that ended in the last seven days, at most 50, the newest first; the read is audited.
#[utoipa::path(get, path = "/visits/mine", tag = "visit", security(("bearer" = [])), responses((status = 200, body = Vec<EndedVisit>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn ended(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<Vec<EndedVisit>>, HttpError> {
    Ok(Json(services.ended_visits(act).await?))
}

/// A seat in the call.
#[utoipa::path(post, path = "/visits/{id}/grant", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = RoomGrant), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn grant(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<VisitId>,
) -> Result<Json<RoomGrant>, HttpError> {
    Ok(Json(services.grant_visit(act, id).await?))
}

/// Saves the draft.
#[utoipa::path(put, path = "/visits/{id}/note", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = NoteSave, responses((status = 200, body = NoteDraft), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn save_note(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<NoteSave>,
) -> Result<Json<NoteDraft>, HttpError> {
    Ok(Json(services.save_note(act, id, body, &command).await?))
}

/// Merges what a window wrote over an older version with what is saved; nothing is saved by it.
#[utoipa::path(post, path = "/visits/{id}/note/merge", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = MergeRequest, responses((status = 200, body = MergedNote), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn merge_note(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, _): Body<MergeRequest>,
) -> Result<Json<MergedNote>, HttpError> {
    Ok(Json(services.merge_note(act, id, body).await?))
}

/// The saves of a draft, newest first.
#[utoipa::path(get, path = "/visits/{id}/note/versions", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<NoteVersion>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn versions(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<NoteVersion>>, HttpError> {
    Ok(Json(services.note_versions(act, id).await?))
}

/// One save with its text, and what it changed.
#[utoipa::path(get, path = "/visits/{id}/note/versions/{version}", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path), ("version" = i64, Path)), responses((status = 200, body = NoteVersionView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn version(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<NoteVersionView>, HttpError> {
    let not_found = || HttpError(Refusal::not_found());
    let Path((id, version)) = path.map_err(|_| not_found())?;
    let id = id.parse().map_err(|_| not_found())?;
    let version = version.parse().map_err(|_| not_found())?;
    Ok(Json(services.note_version(act, id, version).await?))
}

/// Chooses what happens next.
#[utoipa::path(post, path = "/visits/{id}/outcome", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OutcomeRequest, responses((status = 200, body = VisitView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn set_outcome(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<OutcomeRequest>,
) -> Result<Json<VisitView>, HttpError> {
    Ok(Json(services.set_outcome(act, id, body, &command).await?))
}

/// Signs the draft.
#[utoipa::path(post, path = "/visits/{id}/sign", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = SignRequest, responses((status = 200, body = VisitView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn sign(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<SignRequest>,
) -> Result<Json<VisitView>, HttpError> {
    Ok(Json(services.sign_note(act, id, body, &command).await?))
}

/// Ends the visit and its call.
#[utoipa::path(post, path = "/visits/{id}/end", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = DeskView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn end(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Bare(command): Bare,
) -> Result<Json<DeskView>, HttpError> {
    Ok(Json(services.end_visit(act, id, &command).await?))
}

/// The conversation.
#[utoipa::path(get, path = "/visits/{id}/messages", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<ChatMessage>), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn messages(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<ChatMessage>>, HttpError> {
    Ok(Json(services.messages(act, id).await?))
}

/// Says something.
#[utoipa::path(post, path = "/visits/{id}/messages", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ChatSend, responses((status = 200, body = ChatMessage), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn send(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<VisitId>,
    Body(body, _): Body<ChatSend>,
) -> Result<Json<ChatMessage>, HttpError> {
    Ok(Json(services.send_message(act, id, body).await?))
}

/// What a patient can read later.
#[utoipa::path(get, path = "/me/visits", tag = "visit", security(("bearer" = [])), responses((status = 200, body = Vec<VisitSummary>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn mine(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<Vec<VisitSummary>>, HttpError> {
    Ok(Json(services.my_visits(act).await?))
}

/// Uploads a picture: JPEG, PNG or WebP, at most 8 MiB.
#[utoipa::path(post, path = "/visits/{id}/attachments", tag = "visit", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body(content = Vec<u8>, content_type = "image/*"),
    responses((status = 200, body = AttachmentInfo), (status = 401, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
              (status = 429, body = Problem)))]
async fn attach(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<VisitId>,
    Extension(bodies): Extension<Arc<Bodies>>,
    Address(address): Address,
    request: Request,
) -> Result<Json<AttachmentInfo>, HttpError> {
    // A stranger's eight megabytes are not even read.
    services.may_attach(act, id).await?;
    let sender = Sender { address, person: Some(act.key()) };
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let (bytes, _room) = bodies.pictures.read(sender, request, PICTURE_LIMIT, "a picture holds at most 8 MiB").await?;
    let command = command(&parts, &bytes, &services).await?;
    Ok(Json(services.attach(act, id, &bytes, &command).await?))
}

/// A picture of a visit.
#[utoipa::path(get, path = "/attachments/{id}", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/*"), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn attachment(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<AttachmentId>,
) -> Result<impl IntoResponse, HttpError> {
    let Picture { mime, size, file } = services.attachment(act, id).await?;
    // A stretch at a time: whoever reads slowly, or not at all, has no picture in our memory.
    let stretches = stream::try_unfold(file, async |mut file| {
        let mut stretch = vec![0; STRETCH];
        let length = file.read(&mut stretch).await?;
        stretch.truncate(length);
        Ok::<_, std::io::Error>((length > 0).then(|| (Bytes::from(stretch), file)))
    });
    let headers = [
        (header::CONTENT_TYPE, mime),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, "attachment".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    Ok((headers, HttpBody::from_stream(stretches)))
}
