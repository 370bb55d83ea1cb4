//! A place in the queue, as its holder sees it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AlarmId, ClinicId, DeclarationId, DeskId, TicketId, VisitId};
pub use crate::domain::ticket::MoveReason;
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
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
