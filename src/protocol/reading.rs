//! Reading a record: who did, who may after a question, and what somebody else thinks of it.

use serde::{Deserialize, Serialize};

use crate::domain::access::{ReadPurpose, Verdict};
use crate::domain::identity::DocumentKind;
use crate::domain::ids::{ClinicId, ReviewId, VisitId};
use crate::domain::people::Sex;
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;
use crate::protocol::parse::number_in_text;

/// `GET /visits/{id}/readers` and `GET /me/visits/{id}/readers`: the reads of a record by one reader for one purpose.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReadView {
    /// When; of several, the last.
    pub at: Timestamp,
    /// When it was read first.
    pub since: Timestamp,
    /// How often it was read.
    pub times: u32,
    /// Who; for a patient's own reads, empty.
    pub name: Text,
    /// The reader's title.
    pub title: Text,
    /// Whether it was the patient's own telephone.
    pub is_own: bool,
    /// For which purpose of staff, in the word of the audit; reads of earlier versions of this program have none.
    #[schema(value_type = Option<String>)]
    pub purpose: Option<ReadPurpose>,
}

/// What stands behind the `?` of both.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
pub struct ReadersAsked {
    /// Lines to leave out, the last readers first: a page has 200.
    #[serde(deserialize_with = "number_in_text")]
    #[param(value_type = usize, required = false)]
    pub skip: usize,
}

/// `GET /access-reviews`: a read that somebody else has to judge.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessReviewView {
    /// The review.
    pub id: ReviewId,
    /// The visit whose record was read.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// Who read it.
    pub reader: Text,
    /// The reason in the reader's words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Whoever asks read it: somebody else judges it.
    #[serde(default)]
    pub is_own: bool,
    /// How it was judged, once it was.
    pub judged: Option<JudgementView>,
}

/// What somebody else thought of a read.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JudgementView {
    /// Whose judgement.
    pub by: Text,
    /// When.
    pub at: Timestamp,
    /// Whether there was a reason.
    pub verdict: Verdict,
    /// Why, in words; judgements of earlier versions of this program have none.
    pub words: Option<String>,
}

/// `POST /access-reviews/{id}`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgementRequest {
    /// How it is judged.
    pub verdict: Verdict,
    /// Why, 4 to 500 characters.
    pub words: String,
}

/// `POST /visits/{id}/break-glass`: reads the record of somebody whom the reader does not treat.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassRequest {
    /// The emergency in words, 4 to 500 characters.
    pub reason: String,
}

/// `POST /visits/{id}/seal`: the whole record as a file, for a dispute.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealRequest {
    /// The dispute in words, 4 to 500 characters; somebody else judges it.
    pub reason: String,
}

/// `POST /visits/by-document`: whose document somebody holds in the hand.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByDocument {
    /// The document's kind.
    pub document: DocumentKind,
    /// Its number, whole.
    pub number: String,
}

/// `POST /visits/by-number`: by what a patient's paper says.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByNumber {
    /// The clinic.
    pub clinic: ClinicId,
    /// The day there, `YYYY-MM-DD`.
    pub day: String,
    /// The ticket's number.
    pub no: i64,
}

/// A visit that was found: enough to see that it is the right one, and nothing of its record.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FoundVisit {
    /// The visit.
    pub id: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// Where.
    pub clinic_name: Text,
    /// Whose visit it was.
    pub doctor_name: Text,
    /// The patient, all but the first character hidden.
    pub name_masked: String,
    /// Completed years.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// Whether whoever asks treats or treated this patient, and breaks no glass.
    pub is_treated: bool,
}

/// What stands behind the `?` of `GET /visits/{id}`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
pub struct ReadAsked {
    /// Why, for whoever treated the patient and does not now. Everybody else breaks the glass.
    #[param(inline)]
    pub purpose: Option<Again>,
}

/// The one purpose for which a record is simply read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// To go on with a treatment.
    Continuity,
}
