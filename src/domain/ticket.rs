//! The ticket: what it may become, which lane it waits in, and when an aged one goes first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::triage::Level;

/// What a ticket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// In the queue.
    Waiting,
    /// A desk calls; it holds a lease.
    Called,
    /// The visit is under way; the desk holds a lease.
    Serving,
    /// The desk's lease ran out; the same doctor may go on.
    Suspended,
    /// Out of the queue: somebody calls at once.
    Emergency,
    /// The visit is over.
    Done,
    /// Called too often without an answer or with somebody else's, or never reached in an emergency.
    NoShow,
    /// The patient left.
    Left,
    /// Went on in another clinic.
    Transferred,
}

impl TicketState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Called,
        Self::Serving,
        Self::Suspended,
        Self::Emergency,
        Self::Done,
        Self::NoShow,
        Self::Left,
        Self::Transferred,
    ];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Called => "called",
            Self::Serving => "serving",
            Self::Suspended => "suspended",
            Self::Emergency => "emergency",
            Self::Done => "done",
            Self::NoShow => "no_show",
            Self::Left => "left",
            Self::Transferred => "transferred",
        }
    }

    /// Whether the patient still has a place: at most one such ticket per patient and clinic.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Called | Self::Serving | Self::Suspended | Self::Emergency)
    }

    /// Whether it is at a desk: at most one such ticket per doctor.
    pub const fn is_at_desk(self) -> bool {
        matches!(self, Self::Called | Self::Serving)
    }

    /// Whether the declaration of a ticket that ended like this is good for another number: nobody has seen the patient.
    pub const fn keeps_declaration(self) -> bool {
        matches!(self, Self::NoShow | Self::Left)
    }

    /// Whether this may become `next`. The store's statements state the same in their `where`.
    pub const fn may_become(self, next: Self) -> bool {
        use TicketState as S;
        match self {
            S::Waiting => matches!(next, S::Waiting | S::Called | S::Emergency | S::Left | S::Transferred),
            S::Called => matches!(
                next,
                S::Called | S::Waiting | S::Serving | S::NoShow | S::Emergency | S::Left | S::Transferred
            ),
            // While a doctor has the patient, it is the doctor who acts on an emergency.
            S::Serving => matches!(next, S::Serving | S::Suspended | S::Waiting | S::Done | S::NoShow | S::Transferred),
            S::Suspended => {
                matches!(next, S::Serving | S::Waiting | S::Done | S::NoShow | S::Emergency | S::Transferred)
            }
            S::Emergency => matches!(next, S::Waiting | S::Done | S::NoShow | S::Left),
            S::Done | S::NoShow | S::Left | S::Transferred => false,
        }
    }
}

/// Why a ticket is not where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveReason {
    /// A call was missed.
    MissedCall,
    /// The level was raised.
    Raised,
    /// A person lowered the level, with a reason.
    Lowered,
    /// The desk was lost; the place is the same as before.
    DeskLost,
    /// The doctor took the call back; the place is the same as before.
    CallCancelled,
    /// The wrong person had answered: the place is the same the first time, some places behind from the second on.
    WrongPerson,
    /// The doctor was away for too long; the ticket is at the head of its level.
    DoctorLost,
    /// It waited for more than an hour while more urgent ones were called three times in a row.
    Aged,
    /// It came from another clinic with its time of arrival.
    Transferred,
    /// The patient's connection was lost in the visit and the doctor put the ticket back, some places behind.
    PatientLost,
    /// An emergency whom nobody could reach; the ticket is over, the declaration is good for another.
    NotReached,
}

impl MoveReason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::MissedCall,
        Self::Raised,
        Self::Lowered,
        Self::DeskLost,
        Self::CallCancelled,
        Self::WrongPerson,
        Self::DoctorLost,
        Self::Aged,
        Self::Transferred,
        Self::PatientLost,
        Self::NotReached,
    ];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissedCall => "missed_call",
            Self::Raised => "raised",
            Self::Lowered => "lowered",
            Self::DeskLost => "desk_lost",
            Self::CallCancelled => "call_cancelled",
            Self::WrongPerson => "wrong_person",
            Self::DoctorLost => "doctor_lost",
            Self::Aged => "aged",
            Self::Transferred => "transferred",
            Self::PatientLost => "patient_lost",
            Self::NotReached => "not_reached",
        }
    }
}

/// The lane of a level: lower lanes are called first. EMERGENCY has none, for it is never in the queue.
pub const fn lane_of(level: Level) -> i64 {
    match level {
        Level::Emergency => 0,
        Level::Urgent => 1,
        Level::Standard => 2,
        Level::Advice => 3,
    }
}

/// How long a declaration is good for a number after it was handed in; what was true yesterday is declared again.
pub const DECLARATION_KEPT: Duration = Duration::from_hours(24);
/// Live numbers that one telephone may have in a clinic: a family that is ill together. Whoever invents names has no more.
pub const LIVE_OF_HOLDER: i64 = 4;
/// Numbers that one telephone draws in a clinic within [`DRAWN_WITHIN`]: a family that lost some to a bad network. A number
/// that is given back stays in the day's log for good, and a log that is full proves nothing to those who come later.
pub const DRAWN_OF_HOLDER: i64 = 6;
/// The span over which they are counted.
pub const DRAWN_WITHIN: Duration = Duration::from_hours(1);
/// URGENT calls in a row after which an aged STANDARD ticket goes first.
pub const AGEING_STREAK: i64 = 3;
/// How long a STANDARD ticket waits before it counts as aged.
pub const AGEING_WAIT: Duration = Duration::from_hours(1);
/// How long a desk holds a called, accepted or served ticket without being heard.
pub const LEASE: Duration = Duration::from_secs(90);
/// How long a visit waits for its doctor before the patient goes to the head of the level.
pub const DOCTOR_GRACE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_reasons_are_the_same_word_everywhere() {
        for state in TicketState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for reason in MoveReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn what_has_ended_never_becomes_anything() {
        for state in TicketState::ALL.into_iter().filter(|state| !state.is_live()) {
            assert!(TicketState::ALL.into_iter().all(|next| !state.may_become(next)), "{state:?}");
        }
    }

    #[test]
    fn every_live_state_has_a_way_to_an_end() {
        for state in TicketState::ALL.into_iter().filter(|state| state.is_live()) {
            assert!(TicketState::ALL.into_iter().any(|next| !next.is_live() && state.may_become(next)), "{state:?}");
        }
    }

    #[test]
    fn urgent_is_called_before_standard_before_advice() {
        assert!(lane_of(Level::Urgent) < lane_of(Level::Standard) && lane_of(Level::Standard) < lane_of(Level::Advice));
    }
}
