//! The queue of a clinic, as staff see it and change it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, ClinicId, DeskId, PatientId, TicketId};
use crate::domain::people::Sex;
use crate::domain::ticket::MoveReason;
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::protocol::alarm::AlarmView;
use crate::protocol::auth::Locale;
use crate::protocol::house::Text;
use crate::protocol::intake::RulesetInfo;
use crate::protocol::ticket::{DeviceCheck, TicketPhase};

/// `POST /tickets/{id}/level` (staff): a person changes the level.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelChange {
    /// The version that was seen.
    pub version: i64,
    /// The new level.
    pub level: Level,
    /// Why; at least two characters when the level goes down.
    pub reason: String,
}

/// `POST /tickets/{id}/close` (staff): one of two numbers that were drawn with the same document is closed.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseTicket {
    /// The version that was seen.
    pub version: i64,
    /// Why this one; at least two characters.
    pub reason: String,
}

/// One row of the queue as staff see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TicketRow {
    /// The ticket.
    pub id: TicketId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The printed number.
    pub no: i64,
    /// What it is doing.
    pub phase: TicketPhase,
    /// Grows with every change.
    pub version: i64,
    /// Triage level.
    pub level: Level,
    /// Matched rules, as ids; those that spoke last come first.
    pub matched: Vec<String>,
    /// Why this level.
    pub reasons: Vec<Text>,
    /// The rule set that spoke last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ruleset: Option<RulesetInfo>,
    /// Who decided, where a person changed what the rules had said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_by: Option<Text>,
    /// That person's reason.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_why: Option<String>,
    /// The patient.
    pub patient: PatientId,
    /// The name, masked.
    pub name_masked: String,
    /// Full years of age.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// When the patient arrived.
    pub arrived_at: Timestamp,
    /// When the three questions are due.
    pub retriage_due: Option<Timestamp>,
    /// A nurse should call: answers contradict each other or a red flag is open.
    pub nurse_call: bool,
    /// Calls missed so far.
    pub missed: u32,
    /// Whether the patient's browser is connected.
    pub online: bool,
    /// The desk that calls or serves it.
    pub desk: Option<DeskId>,
    /// That desk's name.
    pub desk_name: Option<Text>,
    /// Why it last moved.
    pub moved: Option<MoveReason>,
    /// What the check before the call found.
    pub check: Option<DeviceCheck>,
    /// The appointment that it was made from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub booked: Option<BookedPlace>,
    /// The numbers of this clinic that were drawn with the same document and are live: another telephone waits for the
    /// same person, or says so.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub same_document: Vec<i64>,
    /// The figures that the patient gave.
    #[serde(default)]
    pub stated: Stated,
    /// How to speak with the patient.
    #[serde(default)]
    pub speech: Speech,
}

/// What a patient measured and said, as figures; what was not said is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stated {
    /// ℃, the higher of two readings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
    /// Days of fever.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fever_days: Option<f64>,
    /// Blood oxygen in percent, the lower of two readings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spo2: Option<f64>,
    /// Breaths in a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub breaths: Option<f64>,
    /// Heartbeats in a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pulse: Option<f64>,
}

/// How to speak with a patient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Speech {
    /// The language in which the patient last signed in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<Locale>,
    /// The help that the declaration asks for and that a conversation needs: `interpreter`, `sign`, `dialect`, `family`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<String>,
}

/// A ticket's appointment: its hour, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BookedPlace {
    /// When its slot begins.
    pub starts_at: Timestamp,
    /// The clinic's zone.
    pub zone: String,
    /// With whom.
    pub doctor: AccountId,
    /// That doctor's name.
    pub doctor_name: Text,
    /// Until then nobody else calls it, unless it is URGENT; none where anybody may.
    pub waits_until: Option<Timestamp>,
}

/// `GET /clinics/{id}/board`: the queue of a clinic, in calling order.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Board {
    /// The clinic.
    pub clinic: ClinicId,
    /// Its name.
    pub clinic_name: Text,
    /// Called and served first, then the waiting in the order in which they will be called.
    pub tickets: Vec<TicketRow>,
    /// Open and taken alarms, oldest first.
    pub alarms: Vec<AlarmView>,
    /// Desks of the clinic.
    pub desks: Vec<crate::protocol::house::DeskInfo>,
    /// Finished today.
    pub done_today: u32,
    /// The head of the clinic's topic when this was read: subscribe from here.
    pub seq: i64,
    /// When this was true.
    pub as_of: Timestamp,
}
