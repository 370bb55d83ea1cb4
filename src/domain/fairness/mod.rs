//! The queue, played again from what was told of it: was anybody overtaken without a stated rule?
//!
//! A replay knows nothing but the events. It keeps who waits and where, and at every call asks of everybody who came
//! earlier and still waits: by which rule did the other go first? Where no rule says so, that is a finding.

mod replay;
mod rules;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, TicketId};
use crate::domain::ticket::MoveReason;
use crate::domain::time::Timestamp;

pub use replay::replay;

/// Why somebody who came later may go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Rule {
    /// A more urgent level.
    #[serde(rename = "LANE-1")]
    Lane,
    /// Waited for an hour while three more urgent ones were called in a row.
    #[serde(rename = "AGED-1")]
    Aged,
    /// Booked, and on time: ranks half an hour before the slot.
    #[serde(rename = "BOOKED-1")]
    Booked,
    /// The other waits for the doctor of an appointment, who is not the one who called.
    #[serde(rename = "WANT-1")]
    Want,
    /// The other missed a call and went some places back.
    #[serde(rename = "MISSED-1")]
    Missed,
    /// The place was given back after something that was no fault of the patient's.
    #[serde(rename = "RESTORED-1")]
    Restored,
}

/// Where a ticket stands: lower lanes first, then lower ranks, then lower ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The lane of its level.
    pub lane: i64,
    /// The rank in it.
    pub rank: i64,
}

/// Whom a booked ticket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The doctor.
    pub doctor: AccountId,
    /// After this anybody may call it.
    pub until: Timestamp,
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It came into the queue.
    Joined {
        /// Where it stands.
        place: Place,
        /// When the patient arrived.
        arrived: Timestamp,
        /// When the slot begins, where it was booked.
        slot: Option<Timestamp>,
        /// Whom it waits for.
        want: Option<Want>,
        /// It came from another clinic, and its rank there may be a later one than its arrival.
        transferred: bool,
    },
    /// It waits at this place now.
    Moved {
        /// Where it stands.
        place: Place,
        /// Why, if a reason was told.
        why: Option<MoveReason>,
        /// Past how many who waited the rule of that reason puts it back, where that was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shift: Option<u32>,
    },
    /// It waits for nobody in particular any longer: the doctor of its appointment is away.
    Freed,
    /// It stepped aside by next to nothing, so that another could be put exactly before it.
    Aside {
        /// Where it stands.
        place: Place,
    },
    /// A doctor called it.
    Called {
        /// Who.
        doctor: AccountId,
        /// As one that waited for too long.
        aged: bool,
    },
    /// It is out of the queue.
    Gone,
}

/// One event of a queue, in the order in which they were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEvent {
    /// When.
    pub at: Timestamp,
    /// Which ticket.
    pub ticket: TicketId,
    /// What.
    pub what: What,
}

/// Somebody was called although another had come earlier and waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overtaking {
    /// Who was called.
    pub called: TicketId,
    /// Who waited on.
    pub waiting: TicketId,
    /// When.
    pub at: Timestamp,
    /// By which rule; none is a finding.
    pub rule: Option<Rule>,
}

/// What no rule explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// Somebody was called before another without a rule.
    Overtaken(Overtaking),
    /// A place that does not follow from the arrival, from the slot, or from a reason.
    PlaceWithoutReason {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
    /// Somebody was called who did not wait.
    NotWaiting {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
    /// Somebody was called who waits for another doctor.
    AnothersPatient {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
}

/// The queue, played again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Everybody who was called before somebody who came earlier, with the rule.
    pub overtakings: Vec<Overtaking>,
    /// What no rule explains.
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests;
