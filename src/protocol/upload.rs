//! Pictures of a visit, sent at once or in pieces.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AttachmentId;
use crate::domain::room::PictureOf;
use crate::protocol::parse::number_in_text;

/// The answer of `POST /visits/{id}/attachments`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttachmentInfo {
    /// The picture.
    pub id: AttachmentId,
    /// Its MIME type as found in its bytes.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

/// `POST /visits/{id}/uploads`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadBegin {
    /// The picture: the id of the `picture` that was asked for, or a UUID that the browser chose.
    pub id: AttachmentId,
    /// Of what.
    pub of: PictureOf,
    /// Bytes of the whole, at most 8 MiB.
    pub size: u64,
    /// SHA-256 of the whole, hexadecimal.
    pub sha256: String,
}

/// How much of an upload is here.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UploadState {
    /// The picture.
    pub id: AttachmentId,
    /// Bytes of the whole.
    pub size: u64,
    /// Bytes that are here: where the next piece begins.
    pub received: u64,
    /// Whether it is a picture of the visit now.
    pub finished: bool,
}

/// The query of `PUT /uploads/{id}`.
#[derive(Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadPiece {
    /// Where in the whole this piece begins.
    #[serde(deserialize_with = "number_in_text")]
    pub offset: u64,
}
