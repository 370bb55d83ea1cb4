//! Alarms: how staff see one, and how it is closed.

use serde::{Deserialize, Serialize};

pub use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::ids::{AlarmId, ClinicId, TicketId};
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;

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
