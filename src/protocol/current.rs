//! The patient on a desk, from the ring to the signature.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::ids::{DeclarationId, PatientId, TicketId, VisitId};
use crate::domain::people::{Relation, Sex};
use crate::domain::time::Timestamp;
use crate::protocol::alarm::ClosedAlarm;
use crate::protocol::board::{Speech, Stated};
use crate::protocol::house::Text;
use crate::protocol::intake::{ConsentRecord, TriageView};
use crate::protocol::ticket::{Change as ConditionChange, DeviceCheck, TicketPhase};

/// The patient on a desk, from the ring to the signature.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CurrentPatient {
    /// The ticket.
    pub ticket: TicketId,
    /// Its number.
    pub no: i64,
    /// Its version.
    pub version: i64,
    /// What it is doing.
    pub phase: TicketPhase,
    /// The ring ends at.
    pub ring_until: Option<Timestamp>,
    /// How often this ticket was called.
    pub call_count: u32,
    /// Whether the patient's browser is connected.
    pub online: bool,
    /// Who it is.
    pub identity: IdentityPanel,
    /// What triage said.
    pub triage: TriageView,
    /// The declaration.
    pub declaration: DeclarationId,
    /// The questionnaire's version.
    pub questionnaire: String,
    /// Answers by link id.
    #[schema(value_type = Object)]
    pub answers: Map<String, Value>,
    /// The patient's decisions.
    pub consents: Vec<ConsentRecord>,
    /// What the check before the call found.
    pub check: Option<DeviceCheck>,
    /// Earlier visits of everybody who was named with this document, newest first.
    pub previous: Vec<PreviousVisit>,
    /// Who else was named with this document and otherwise: another spelling, birthday or sex. The newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub named_otherwise: Vec<NamedOtherwise>,
    /// The numbers that others drew in this clinic with the same document and that are live.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub same_document: Vec<i64>,
    /// The visit, once the identity was confirmed.
    pub visit: Option<VisitId>,
    /// Since when the patient's browser is away; absent while it is connected.
    #[serde(default)]
    pub offline_since: Option<Timestamp>,
    /// What a colleague of another clinic sent along.
    #[serde(default)]
    pub handover: Option<Handover>,
    /// What came of earlier alarms about this patient, newest first.
    #[serde(default)]
    pub alarms: Vec<ClosedAlarm>,
    /// The figures that the patient gave.
    #[serde(default)]
    pub stated: Stated,
    /// What the patient said again in the waiting room where a rule spoke upon it, the newest first. It stands over the
    /// declaration.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub waited: Vec<SaidWaiting>,
    /// How to speak with the patient.
    #[serde(default)]
    pub speech: Speech,
}

/// One answer to the three questions of the waiting room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SaidWaiting {
    /// When.
    pub at: Timestamp,
    /// Breathing compared with before.
    pub breathing: ConditionChange,
    /// General state compared with before.
    pub general: ConditionChange,
    /// ℃, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
}

/// A colleague's word with a transfer. The note of that visit is read by `GET /visits/{id}`, which is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Handover {
    /// When.
    pub at: Timestamp,
    /// From which clinic.
    pub clinic_name: Text,
    /// By whom.
    pub doctor_name: Text,
    /// Why.
    pub reason: String,
    /// The visit there, if it had begun.
    pub visit: Option<VisitId>,
}

/// What the doctor compares before anybody sees anybody.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IdentityPanel {
    /// The patient.
    pub patient: PatientId,
    /// The full name.
    pub name: String,
    /// The document's kind.
    pub document: crate::protocol::intake::DocumentKind,
    /// The last four characters of its number.
    pub document_tail: String,
    /// The last four digits of the telephone number.
    pub phone_tail: String,
    /// Full years of age.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// Who answers for the patient.
    pub relation: Relation,
}

/// One earlier visit.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreviousVisit {
    /// The visit.
    pub visit: VisitId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub clinic_name: Text,
    /// The diagnosis as signed.
    pub diagnosis: Option<String>,
    /// As whom the patient was named then, where name, birthday or sex are not those of today's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<NamedOtherwise>,
}

/// Somebody else's word for the holder of the same document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NamedOtherwise {
    /// The full name.
    pub name: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// Sex.
    pub sex: Sex,
}
