//! Films of a visit.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{RecordingId, VisitId};
use crate::domain::recording::GapCause;
use crate::domain::room::ParticipantRole;
use crate::domain::room::relay::MediaKind;
use crate::domain::time::Timestamp;

/// `GET /recordings` and `GET /visits/{id}/recordings`: a film of one participant, or a part of it.
#[expect(clippy::struct_excessive_bools, reason = "facts about a film, each free of the others")]
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordingView {
    /// The film.
    pub id: RecordingId,
    /// Of which visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub name_masked: String,
    /// Who is seen and heard, or whose screen is seen.
    pub role: ParticipantRole,
    /// Whether it shows what they showed of their screen, and not them.
    pub is_screen: bool,
    /// Which part, from 1.
    pub part: u32,
    /// When the recording began.
    pub started_at: Timestamp,
    /// How long it is, in milliseconds.
    pub millis: u64,
    /// How many stretches are missing in it.
    pub gaps: u32,
    /// Which, in order; `null` in the list of all visits, and where the film's index cannot be read now.
    pub missing: Option<Vec<MissingStretch>>,
    /// Whether the server ended in the middle.
    pub is_cut: bool,
    /// Whether it ends because the patient took the consent back.
    pub is_withdrawn: bool,
    /// Whether pictures are missing because the camera spoke a codec that is not recorded.
    pub is_unpictured: bool,
    /// How many bytes; 0 where nothing could be kept, and `gaps` say why.
    pub size: u64,
    /// Not removed before.
    pub retain_until: Timestamp,
}

/// What is missing of a film. Times count from the beginning of the recording, as those in the film do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MissingStretch {
    /// Of sound or pictures; `null` of both.
    pub kind: Option<MediaKind>,
    /// Where it begins, in milliseconds.
    pub from: u64,
    /// Where it ends, in milliseconds; the same where the film ends there.
    pub to: u64,
    /// Why.
    pub cause: GapCause,
}
