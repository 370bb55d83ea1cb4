//! `/uploads`: pictures that come in pieces.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{AttachmentId, VisitId};
use crate::domain::permission::Actor;
use crate::http::bodies::{Bodies, Sender};
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Bare, Body, Id};
use crate::http::limits::Address;
use crate::protocol::chat::ChatMessage;
use crate::protocol::error::Problem;
use crate::protocol::upload::{UploadBegin, UploadPiece, UploadState};
use crate::services::Services;
use crate::services::visits::uploads::PIECE_LIMIT;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(find))
        .routes(routes!(finish))
        .merge(OpenApiRouter::new().routes(routes!(take)).layer(DefaultBodyLimit::max(PIECE_LIMIT + 1)))
}

/// Begins an upload, or finds the one that began.
#[utoipa::path(post, path = "/visits/{id}/uploads", tag = "upload", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = UploadBegin, responses((status = 200, body = UploadState), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)))]
async fn begin(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<VisitId>,
    Body(body, _): Body<UploadBegin>,
) -> Result<Json<UploadState>, HttpError> {
    Ok(Json(services.begin_upload(act, id, body).await?))
}

/// How much is here.
#[utoipa::path(get, path = "/uploads/{id}", tag = "upload", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = UploadState), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn find(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<AttachmentId>,
) -> Result<Json<UploadState>, HttpError> {
    Ok(Json(services.upload(act, id).await?))
}

/// Takes the next piece: at most 1 MiB, from `offset` on.
#[utoipa::path(put, path = "/uploads/{id}", tag = "upload", security(("bearer" = [])), params(("id" = Uuid, Path), UploadPiece), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = UploadState), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 429, body = Problem)))]
async fn take(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<AttachmentId>,
    Asked(piece): Asked<UploadPiece>,
    Extension(bodies): Extension<Arc<Bodies>>,
    Address(address): Address,
    request: Request,
) -> Result<Json<UploadState>, HttpError> {
    // A stranger's bytes are not even read.
    services.may_take_piece(act, id).await?;
    let sender = Sender { address, person: Some(act.key()) };
    let (bytes, _room) = bodies.pictures.read(sender, request, PIECE_LIMIT, "a piece holds at most 1 MiB").await?;
    Ok(Json(services.take_piece(act, id, piece.offset, &bytes).await?))
}

/// The whole is here: it becomes a picture of the visit, with a line in its conversation.
#[utoipa::path(post, path = "/uploads/{id}/finish", tag = "upload", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = ChatMessage), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
async fn finish(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<Actor>,
    Id(id): Id<AttachmentId>,
    Bare(_): Bare,
) -> Result<Json<ChatMessage>, HttpError> {
    Ok(Json(services.finish_upload(act, id).await?))
}
