//! Amendments of archived records: what waits for somebody else's word, and what became of it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{NoteId, VisitId};
pub use crate::domain::note::amendment::Phase;
use crate::domain::note::diff::Change;
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;

/// An amendment without a word of the record.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AmendmentLine {
    /// The amendment; once approved, the version of the record that it became.
    pub id: NoteId,
    /// Of which visit.
    pub visit: VisitId,
    /// The number of that version.
    pub number: i64,
    /// Where it stands.
    pub state: Phase,
    /// Of whom.
    pub patient_masked: String,
    /// Whose it is.
    pub asked_by: Text,
    /// When.
    pub asked_at: Timestamp,
    /// Who decided.
    pub decided_by: Option<Text>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why not.
    pub decision_reason: Option<String>,
}

/// An amendment as whoever decides reads it, and its doctor.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AmendmentView {
    /// What it is.
    pub line: AmendmentLine,
    /// Why the record is amended.
    pub reason: String,
    /// What would differ from the version before.
    pub changes: Vec<Change>,
    /// What its doctor signed, in hexadecimal.
    pub hash: String,
}

/// `POST /amendments/{id}/decline`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmendmentDecline {
    /// Why it is not let in.
    pub reason: String,
}
