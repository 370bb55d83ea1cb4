//! The note of a visit: its draft, two edits made one, and what was signed.

use serde::{Deserialize, Serialize};

use crate::domain::ids::NoteId;
pub use crate::domain::note::diff::Change;
pub use crate::domain::note::merge::FieldConflict;
pub use crate::domain::note::words::Section;
pub use crate::domain::note::{NoteContent, Vitals};
use crate::domain::signature::Algorithm;
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;
use crate::protocol::reading::Again;

/// A note that is being written.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteDraft {
    /// Grows by one with every save; 0 before the first.
    pub version: i64,
    /// When it was saved last.
    pub saved_at: Option<Timestamp>,
    /// The text.
    pub content: NoteContent,
}

/// `PUT /visits/{id}/note`: saves the draft.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteSave {
    /// The version that was edited.
    pub version: i64,
    /// The text.
    pub content: NoteContent,
}

/// `POST /visits/{id}/note/merge`: what a window wrote over a version that is no longer the newest.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The version that was edited.
    pub version: i64,
    /// The text of this window.
    pub content: NoteContent,
    /// Why, for whoever wrote it and does not treat the patient now: the answer is the whole draft.
    #[serde(default)]
    pub purpose: Option<Again>,
}

/// Both edits as one. Nothing is saved by asking: save `content` over `version` when there are no conflicts, or after a
/// person has decided on each.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MergedNote {
    /// The newest version.
    pub version: i64,
    /// Both edits; at a conflict, what is saved.
    pub content: NoteContent,
    /// Where both wrote different things.
    pub conflicts: Vec<FieldConflict>,
    /// What is saved.
    pub theirs: NoteContent,
    /// Who saved the newest version.
    pub saved_by: Text,
    /// When.
    pub saved_at: Option<Timestamp>,
}

/// `GET /visits/{id}/note/versions`: one save.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteVersion {
    /// Its number.
    pub version: i64,
    /// Who saved it.
    pub saved_by: Text,
    /// When.
    pub saved_at: Timestamp,
}

/// `GET /visits/{id}/note/versions/{n}`: one save with its text, and what it changed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteVersionView {
    /// Its number.
    pub version: i64,
    /// Who saved it.
    pub saved_by: Text,
    /// When.
    pub saved_at: Timestamp,
    /// The text.
    pub content: NoteContent,
    /// What differs from the version before that is kept.
    pub changes: Vec<Change>,
}

/// `POST /visits/{id}/sign`: signs the draft of this version; after a signature, an amendment.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// The draft's version.
    pub version: i64,
    /// Why it is changed; required for an amendment.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A version of the note that can never change.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedNote {
    /// This version.
    pub id: NoteId,
    /// 1 for the first signature; amendments count on.
    pub number: i64,
    /// The text.
    pub content: NoteContent,
    /// SHA-256 over the canonical content, signer, time and the hash before, in hexadecimal.
    pub hash: String,
    /// The signer's name.
    pub signer: Text,
    /// When.
    pub signed_at: Timestamp,
    /// Why it amends the version before.
    pub reason: Option<String>,
    /// What differs from the signed version before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The record as it reads, in both languages.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Whose key stands under it; notes of earlier versions of this program have a hash alone.
    #[serde(default)]
    pub signature: Option<SignatureView>,
    /// On whose word it amended an archived record.
    #[serde(default)]
    pub approved_by: Option<Text>,
}

/// A signature that holds.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureView {
    /// How.
    pub algorithm: Algorithm,
    /// The first 16 hexadecimal digits of the SHA-256 of the public key.
    pub key: String,
    /// When.
    pub at: Timestamp,
}
