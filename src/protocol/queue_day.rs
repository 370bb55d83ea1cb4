//! How fair a queue was: the receipt of a ticket, and the day of a queue as a file.

use serde::{Deserialize, Serialize};

use crate::domain::fairness::QueueEvent;
pub use crate::domain::fairness::Rule;
use crate::domain::ids::{ClinicId, TicketId};
use crate::domain::time::Timestamp;
use crate::protocol::proof::ExportSignature;

/// The fair-queue receipt of a ticket: `GET /tickets/{id}/receipt`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The ticket.
    pub ticket: TicketId,
    /// Its printed number.
    pub no: i64,
    /// The day at the clinic.
    pub day: String,
    /// When the patient arrived.
    pub arrived_at: Timestamp,
    /// When it was called, if it was.
    pub called_at: Option<Timestamp>,
    /// Everybody who came later and was called before, with the rule.
    pub passed: Vec<Passed>,
    /// What no rule explains; none in a fair queue.
    pub findings: u32,
    /// Whether every event is here; on a day of very many the last are missing.
    pub complete: bool,
    /// Up to when every event is here.
    pub until: Timestamp,
    /// The queue's events, by which it can be played again.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<serde_json::Value>,
    /// When this was true.
    pub as_of: Timestamp,
}

/// Somebody who came later and was called before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passed {
    /// Their printed number.
    pub no: i64,
    /// When they were called.
    pub at: Timestamp,
    /// By which rule; none is a finding.
    pub rule: Option<Rule>,
}

/// The format of a queue's day.
pub const QUEUE_FORMAT: &str = "yunzhen.queue-day.2";

/// The first format of a queue's day; such files are verified, and written no more.
pub const FIRST_QUEUE_FORMAT: &str = "yunzhen.queue-day.1";

/// A day of a queue for an auditor, as a file for `yunzhen verify`: `GET /clinics/{id}/queue-days/{day}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDay {
    /// `yunzhen.queue-day.2`.
    pub format: String,
    /// Whether the day is over and everything that happened on it is here.
    pub complete: bool,
    /// Until when everything is here.
    pub until: Timestamp,
    /// The signed words: JSON of institution, clinic, day, its bounds, whether it is complete, and events.
    pub content: String,
    /// What no rule explains, as playing the events again finds it.
    #[schema(value_type = Vec<Object>)]
    pub findings: Vec<serde_json::Value>,
    /// How often somebody who came later was called before.
    pub overtakings: u32,
    /// The server's signature over the SHA-256 of `content`.
    pub signature: ExportSignature,
}

/// The signed words of a queue's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueContent {
    /// The institution's name in English.
    pub name: String,
    /// The clinic's code.
    pub clinic: String,
    /// The clinic.
    pub id: ClinicId,
    /// Which day.
    pub day: String,
    /// When the day began where the clinic stands.
    pub from: Timestamp,
    /// Until when everything is here.
    pub until: Timestamp,
    /// Whether the day is over and everything that happened on it is here.
    pub complete: bool,
    /// What happened, in order.
    pub events: Vec<QueueEvent>,
}
