//! From the red flags to the ticket: what a patient tells the clinic.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::domain::consent::{ConsentKind, ConsentText};
pub use crate::domain::identity::DocumentKind;
use crate::domain::ids::{AlarmId, DeclarationId, PatientId};
use crate::domain::people::{Relation, Sex};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::protocol::auth::Tokens;
use crate::protocol::house::Text;

/// `POST /red-flags`: the answers of the first page, before any identity.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedFlagsRequest {
    /// The clinic's link token.
    pub link: String,
    /// The ids of the questions answered *yes*.
    pub yes: Vec<String>,
}

/// What follows from the first page.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedFlagsAnswer {
    /// `true` when any answer was yes: show the page "call 120" at once.
    pub emergency: bool,
    /// The open video line, when `emergency`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<EmergencyLine>,
}

/// A video line that is open without waiting and without a name.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EmergencyLine {
    /// The alarm that rings at the nurse and at every open desk.
    pub alarm: AlarmId,
    /// Tokens of an unnamed caller; they open this line and nothing else.
    pub tokens: Tokens,
}

/// `POST /patients`: who is ill.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityRequest {
    /// The name as in the document, 1 to 64 characters.
    pub name: String,
    /// The document's kind.
    pub document: DocumentKind,
    /// The document's number.
    pub number: String,
    /// `YYYY-MM-DD`; required unless the document is a resident card, which states it.
    #[serde(default)]
    pub birth_date: Option<String>,
    /// Required unless the document is a resident card.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// How the person who answers is related to the patient.
    pub relation: Relation,
}

/// `POST /tickets/{id}/identity`: a slip in who a called patient is. What is left out stays.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityCorrection {
    /// The ticket's version that was read.
    pub version: i64,
    /// The name as in the document, 1 to 64 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// The document's kind.
    #[serde(default)]
    pub document: Option<DocumentKind>,
    /// The document's number.
    #[serde(default)]
    pub number: Option<String>,
    /// `YYYY-MM-DD`; a resident card states it.
    #[serde(default)]
    pub birth_date: Option<String>,
    /// A resident card states it.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Why, 2 to 500 characters.
    pub reason: String,
}

/// A patient as their own holder sees them: enough to recognise, not to copy.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PatientCard {
    /// The patient.
    pub id: PatientId,
    /// The name, all but the first character hidden.
    pub name_masked: String,
    /// The last four characters of the document's number.
    pub document_tail: String,
    /// Full years of age today.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// How the holder is related.
    pub relation: Relation,
    /// Whether a guardian has to consent first: the patient is under fourteen, and none has.
    pub needs_guardian: bool,
}

/// `POST /patients/{id}/guardian`: the consent of a guardian for a patient under fourteen.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardianConsent {
    /// The guardian's name, 1 to 64 characters.
    pub name: String,
    /// How the guardian is related to the patient: `parent` or `guardian`.
    pub relation: Relation,
    /// The version of the words on sensitive data that the guardian read.
    pub version: String,
    /// The guardian agrees; anything but a yes is refused.
    pub agrees: bool,
}

/// `POST /patients/{id}/consents`: one decision.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentDecision {
    /// What it is about.
    pub kind: ConsentKind,
    /// The version that was read.
    pub version: String,
    /// Yes or no.
    pub granted: bool,
}

/// A stored decision.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConsentRecord {
    /// What it is about.
    pub kind: ConsentKind,
    /// The version that was read.
    pub version: String,
    /// Yes or no.
    pub granted: bool,
    /// When it was decided.
    pub at: Timestamp,
}

/// `POST /declarations`: begins a declaration, or finds the unfinished one.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarationBegin {
    /// For whom.
    pub patient: PatientId,
    /// The clinic's link token.
    pub link: String,
}

/// A declaration with its answers.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeclarationView {
    /// The declaration.
    pub id: DeclarationId,
    /// For whom.
    pub patient: PatientId,
    /// The questionnaire's version; its text is at `/questionnaires/{version}`.
    pub questionnaire: String,
    /// Grows by one with every save.
    pub version: i64,
    /// Answers by link id.
    #[schema(value_type = Object)]
    pub answers: Map<String, Value>,
    /// Required and visible questions that have no answer yet.
    pub missing: Vec<String>,
    /// When it was saved last.
    pub saved_at: Timestamp,
    /// The result, once submitted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<TriageView>,
}

/// `PATCH /declarations/{id}`: saves answers; those not named stay.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarationSave {
    /// The version that the answers were added to.
    pub version: i64,
    /// Answers by link id; `null` takes an answer back.
    #[schema(value_type = Object)]
    pub answers: Map<String, Value>,
}

/// The decision about a level that is in force.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TriageView {
    /// The level.
    pub level: Level,
    /// The disposition's code.
    pub disposition: String,
    /// The disposition in plain words.
    pub disposition_text: Text,
    /// Why, in plain words: the newest reasons first, those of one run in file order of the rules.
    pub reasons: Vec<Text>,
    /// The ids of all matched rules, in the same order.
    pub matched: Vec<String>,
    /// The rule set that spoke last.
    pub ruleset: RulesetInfo,
    /// A nurse calls within five minutes.
    pub nurse_call: bool,
    /// Who decided, where a person changed what the rules had said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_by: Option<Text>,
    /// That person's reason, for staff.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_why: Option<String>,
    /// When it was decided.
    pub at: Timestamp,
    /// An alarm that was raised, when the level is EMERGENCY.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alarm: Option<AlarmId>,
}

/// Which rules decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RulesetInfo {
    /// The version.
    pub version: String,
    /// `draft` until two people have signed it.
    pub status: String,
}

/// `POST /triage/assess` (staff): facts by the variable names of the rule set.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessRequest {
    /// Known facts; what is not named, or `null`, is unknown.
    #[schema(value_type = Object)]
    pub facts: Map<String, Value>,
}

/// The bare assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AssessAnswer {
    /// The level.
    pub level: Level,
    /// The disposition's code.
    pub disposition: String,
    /// The ids of all matched rules, in file order.
    pub matched: Vec<String>,
    /// The rule set.
    pub ruleset: RulesetInfo,
    /// A nurse calls within five minutes.
    pub nurse_call: bool,
}
