//! Opinions (会诊意见): one doctor asks, another answers and signs.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, OpinionId, VisitId};
use crate::domain::opinion::Phase;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::note::SignatureView;
use crate::protocol::roster::DoctorView;

/// `POST /visits/{id}/opinions`: asks another doctor.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionRequest {
    /// Whom: another doctor of the house.
    pub doctor: AccountId,
    /// What is to be known, 1 to 500 characters.
    pub question: String,
    /// The case in short, 1 to 4000 characters.
    pub summary: String,
}

/// `PUT /opinions/{id}`: saves the draft of an opinion over the version that was edited.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionSave {
    /// The version that was edited.
    pub version: i64,
    /// What the doctor thinks, at most 4000 characters.
    pub opinion: String,
    /// What the doctor would do, at most 2000 characters.
    pub advice: String,
}

/// `POST /opinions/{id}/sign`: signs the draft.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionSign {
    /// The version that was read.
    pub version: i64,
}

/// `GET /visits/{id}/opinions`: what was asked about a visit, and whom one may ask.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitOpinions {
    /// Oldest first.
    pub opinions: Vec<OpinionLine>,
    /// The other doctors of the house, by name.
    pub doctors: Vec<DoctorView>,
}

/// `GET /opinions`: what was asked of a doctor and by a doctor, what is open first, and then the newest.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyOpinions {
    /// Asked of the reader.
    pub of_me: Vec<OpinionLine>,
    /// Asked by the reader.
    pub by_me: Vec<OpinionLine>,
}

/// A question without a word of what it says.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OpinionLine {
    /// The opinion.
    pub id: OpinionId,
    /// About which visit.
    pub visit: VisitId,
    /// The number of the visit's ticket.
    pub no: i64,
    /// The patient, all but the first character hidden.
    pub patient_masked: String,
    /// Where it stands.
    pub state: Phase,
    /// Who asked.
    pub asked_by: Text,
    /// Who was asked.
    pub doctor: Text,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it was answered or withdrawn.
    pub closed_at: Option<Timestamp>,
}

/// `GET /opinions/{id}`: a question, and as much of the answer as there is for whoever reads.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OpinionView {
    /// Who, whom, when and where it stands.
    pub line: OpinionLine,
    /// The version; a draft is saved over it.
    pub version: i64,
    /// The asked doctor's title.
    pub doctor_title: Text,
    /// What is to be known.
    pub question: String,
    /// The case in short.
    pub summary: String,
    /// What the asked doctor thinks; for everybody else empty until it is signed.
    pub opinion: String,
    /// What the asked doctor would do; the same.
    pub advice: String,
    /// When the draft was saved last, for the asked doctor.
    pub saved_at: Option<Timestamp>,
    /// The content hash under the signature.
    pub hash: Option<String>,
    /// The signature, once there is one.
    pub signature: Option<SignatureView>,
}
