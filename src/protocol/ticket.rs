//! A place in the queue, as its holder and as staff see it.

use serde::{Deserialize, Serialize};

pub use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::ids::{AccountId, AlarmId, ClinicId, DeclarationId, DeskId, PatientId, TicketId, VisitId};
use crate::domain::people::Sex;
pub use crate::domain::ticket::MoveReason;
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::protocol::auth::Locale;
use crate::protocol::house::Text;
use crate::protocol::intake::{PatientCard, RulesetInfo};
use crate::protocol::notice::NoticeView;

/// `POST /tickets`: takes a number.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// A submitted declaration.
    pub declaration: DeclarationId,
    /// What the check before the call found.
    #[serde(default)]
    pub check: Option<DeviceCheck>,
}

/// What the check before the call found, for the doctor to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceCheck {
    /// A picture was seen.
    pub camera: bool,
    /// A voice was heard.
    pub microphone: bool,
    /// The patient heard the tone.
    pub speaker: bool,
    /// The network's verdict.
    pub network: NetworkVerdict,
}

/// How good the way through our own relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkVerdict {
    /// Loss below 3 %, round trip below 300 ms.
    Good,
    /// Loss below 10 %, round trip below 800 ms.
    Fair,
    /// Worse.
    Poor,
    /// Nothing came back.
    None,
    /// It was not tried.
    Untested,
}

/// What a ticket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketPhase {
    /// In the queue.
    Waiting,
    /// A desk calls; `call` says which and until when.
    Called,
    /// The patient said yes; the doctor looks at the identity.
    Accepted,
    /// The visit is under way.
    Serving,
    /// The doctor's connection was lost; the visit and the place are kept.
    Suspended,
    /// Out of the queue: somebody calls at once.
    Emergency,
    /// The visit is over.
    Done,
    /// Called too often without an answer.
    NoShow,
    /// The patient left.
    Left,
    /// Went on in another clinic; `moved_to` names the new ticket.
    Transferred,
}

/// A ticket as its holder sees it: `GET /tickets/current`, and pushed over the live protocol.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TicketView {
    /// The ticket.
    pub id: TicketId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The clinic's name.
    pub clinic_name: Text,
    /// The printed number.
    pub no: i64,
    /// What it is doing.
    pub phase: TicketPhase,
    /// Grows with every change; sent back with every act on the ticket.
    pub version: i64,
    /// Triage level.
    pub level: Level,
    /// Why this level, in plain words.
    pub reasons: Vec<Text>,
    /// The rule set that spoke last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ruleset: Option<RulesetInfo>,
    /// For whom.
    pub patient: PatientCard,
    /// When the patient arrived.
    pub arrived_at: Timestamp,
    /// How many are before it, while waiting.
    pub ahead: Option<u32>,
    /// How long it may still take, while waiting.
    pub estimate: WaitEstimate,
    /// Desks of the clinic that are open now.
    pub desks_open: u32,
    /// When the clinic last called somebody.
    pub last_call_at: Option<Timestamp>,
    /// The call, while called or accepted or serving.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call: Option<DeskCall>,
    /// The visit, from the moment that the identity was confirmed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub visit: Option<VisitId>,
    /// The call of a nurse, while one rings or talks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nurse_call: Option<AlarmId>,
    /// Calls missed so far.
    pub missed: u32,
    /// Calls so far that somebody else than the patient answered.
    #[serde(default)]
    pub wrong_persons: u32,
    /// The ticket is void after so many of either.
    pub void_after: u32,
    /// Places lost by a missed call, and by somebody else's answer from the second on.
    pub miss_shift: u32,
    /// Why the ticket last moved, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moved: Option<MoveReason>,
    /// The ticket in another clinic that continues this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moved_to: Option<TicketId>,
    /// When the three questions are due again.
    pub retriage_due: Option<Timestamp>,
    /// What the clinic told this ticket since it joined, newest first.
    #[serde(default)]
    pub notices: Vec<NoticeView>,
    /// When this was true.
    pub as_of: Timestamp,
}

/// A range that is honest, or the word that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WaitEstimate {
    /// No desk is open, or none has called for 15 minutes.
    Unknown,
    /// Half of such waits end before `low`, nine in ten before `high`; whole minutes, rounded up to five.
    Range {
        /// The median, in minutes.
        low_min: u32,
        /// The ninetieth percentile, in minutes.
        high_min: u32,
    },
}

/// A desk calling a patient.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskCall {
    /// The desk.
    pub desk: DeskId,
    /// Its name.
    pub desk_name: Text,
    /// The doctor's name.
    pub doctor_name: Text,
    /// The doctor's title.
    pub doctor_title: Text,
    /// The call is missed after this.
    pub ring_until: Timestamp,
    /// Seconds that a call of this clinic rings, so that a screen can show what share is left.
    pub ring_secs: u32,
}

/// A body that names the version of what it acts on.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    /// The version that was seen.
    pub version: i64,
}

/// `POST /tickets/{id}/retriage`: three taps, every 15 minutes.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetriageAnswers {
    /// Breathing compared with before.
    pub breathing: Change,
    /// Temperature now, °C, if measured.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// General state compared with before.
    pub general: Change,
}

impl RetriageAnswers {
    /// Whether the patient feels worse than the last time.
    pub fn is_worse(&self) -> bool {
        [self.breathing, self.general].iter().any(|change| matches!(change, Change::Worse | Change::MuchWorse))
    }
}

/// Compared with the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConditionChange)]
pub enum Change {
    /// Better.
    Better,
    /// The same.
    Same,
    /// Worse.
    Worse,
    /// So bad that it cannot wait.
    MuchWorse,
}

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

/// A call for help, or a nurse's call, and its video line.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlarmView {
    /// The alarm.
    pub id: AlarmId,
    /// The clinic whose link was opened.
    pub clinic: ClinicId,
    /// What raised it.
    pub kind: AlarmKind,
    /// The reasons: red flags or rules, in words.
    pub reasons: Vec<Text>,
    /// The ticket, where there is one.
    pub ticket: Option<TicketId>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Who took it.
    pub taken_by: Option<Text>,
    /// Whether that is the account that asks.
    pub mine: bool,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Whether the caller's browser is connected.
    pub online: bool,
    /// How many more of the same caller or network are in no line of the list: they wait folded behind this one and ring
    /// when fewer do, or are of a network from which very many ring.
    pub behind: u32,
    /// How many more ring in the whole hospital than the list of which this is a line holds.
    #[serde(default)]
    pub unlisted: u32,
    /// The full name and telephone number, for the one who took it.
    pub contact: Option<AlarmContact>,
}

/// How to reach the person behind an alarm.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlarmContact {
    /// The full name.
    pub name: String,
    /// The telephone number.
    pub phone: String,
    /// Where the person said to be, as answered.
    pub address: Option<String>,
}

/// What came of an alarm, for the doctor who has the patient later.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClosedAlarm {
    /// The alarm.
    pub id: AlarmId,
    /// When it was closed.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: AlarmOutcome,
    /// Who closed it.
    pub by: Text,
    /// What that person noted.
    pub note: Option<String>,
}

/// `POST /alarms/{id}/close`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmClose {
    /// What came of it.
    pub outcome: AlarmOutcome,
    /// A few words, and the number of the 120 case where there is one.
    pub note: String,
}

/// Which clinic is meant.
#[derive(Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkQuery {
    /// The clinic's link token.
    pub link: String,
}

/// `GET /tickets/current`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CurrentTicket {
    /// The ticket, if there is one.
    pub ticket: Option<TicketView>,
}
