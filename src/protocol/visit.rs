//! The visit: how it ends, and what doctor and patient read of it afterwards.

use serde::{Deserialize, Serialize};

use crate::domain::access::Access;
use crate::domain::ids::{RoomId, VisitId};
use crate::domain::note::words::Section;
use crate::domain::time::Timestamp;
pub use crate::domain::visit::Outcome;
use crate::protocol::amendment::AmendmentView;
use crate::protocol::current::IdentityPanel;
use crate::protocol::house::Text;
use crate::protocol::note::{NoteDraft, SignedNote};
use crate::protocol::prescription::PrescriptionView;

/// `GET /visits/mine`: a visit of this doctor that ended in the last days.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndedVisit {
    /// The visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub name_masked: String,
    /// Where.
    pub clinic_name: Text,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What happens next.
    pub outcome: Option<Outcome>,
    /// Whether its note is signed.
    pub is_signed: bool,
    /// Whether the record is archived.
    pub is_archived: bool,
}

/// `GET /visits/{id}` (staff): everything of one visit; the read is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitView {
    /// The visit.
    pub id: VisitId,
    /// The room of its call.
    pub room: RoomId,
    /// The ticket's number.
    pub no: i64,
    /// Who it is.
    pub identity: IdentityPanel,
    /// When the identity was confirmed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What happens next, once chosen.
    pub outcome: Option<Outcome>,
    /// Why the patient is sent on.
    #[serde(default)]
    pub outcome_reason: Option<String>,
    /// The draft.
    pub draft: NoteDraft,
    /// Signed versions, oldest first.
    pub signed: Vec<SignedNote>,
    /// Whether the record is archived: from then on an amendment waits for somebody else's word.
    #[serde(default)]
    pub is_archived: bool,
    /// The newest amendment of an archived record that is not part of it: it waits, or was declined.
    #[serde(default)]
    pub amendment: Option<AmendmentView>,
    /// The prescriptions, oldest first, where another doctor than its own reads the record; each is in the audit as well.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub prescriptions: Vec<PrescriptionView>,
    /// The purpose under which this read is in the audit; absent in answers to a command.
    #[serde(default)]
    pub access: Option<Access>,
}

/// `POST /visits/{id}/outcome`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRequest {
    /// What happens next.
    pub outcome: Outcome,
    /// Why the patient is sent on, 2 to 500 characters: needed for `go_to_hospital`, and on the referral slip.
    #[serde(default)]
    pub reason: String,
}

/// `GET /me/visits`: what a patient can read later.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitSummary {
    /// The visit.
    pub id: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The clinic.
    pub clinic_name: Text,
    /// The doctor.
    pub doctor_name: Text,
    /// The doctor's title.
    pub doctor_title: Text,
    /// The patient, masked.
    pub patient_masked: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What happens next.
    pub outcome: Option<Outcome>,
    /// What that means, in plain words.
    pub outcome_text: Option<Text>,
    /// When to worry: the safety net.
    pub safety_net: Vec<Text>,
    /// The newest signed note; none until the doctor signed, and none that is not what was signed.
    pub note: Option<SignedNote>,
    /// A note was signed and cannot be shown: it is not what was signed any more.
    #[serde(default)]
    pub is_broken: bool,
    /// The same in plain words.
    #[serde(default)]
    pub plain: Vec<Section>,
}
