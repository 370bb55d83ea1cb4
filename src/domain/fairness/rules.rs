//! By which rule somebody may go before another, and which reasons explain a new place.

use crate::domain::fairness::{Place, Rule, Want};
use crate::domain::ids::{AccountId, TicketId};
use crate::domain::ticket::MoveReason;
use crate::domain::time::Timestamp;

/// The lane of URGENT.
pub(super) const URGENT: i64 = 1;
/// The lane of STANDARD.
pub(super) const STANDARD: i64 = 2;
/// A rank grows by so many milliseconds at most where others are put exactly before it.
const HAIR: i64 = 64;

/// The order of a queue: lane, rank, id.
pub(super) type Key = (i64, i64, TicketId);

/// Where a ticket stands, and by what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) place: Place,
    pub(super) arrived: Timestamp,
    pub(super) slot: Option<Timestamp>,
    pub(super) want: Option<Want>,
    pub(super) moved: Option<MoveReason>,
    /// When it came to its place.
    pub(super) since: Timestamp,
}

impl Standing {
    pub(super) fn key(&self, id: TicketId) -> Key {
        (self.place.lane, self.place.rank, id)
    }

    /// Whether it waits for another doctor than the one who calls. An URGENT one waits for nobody.
    pub(super) fn wants_other(&self, doctor: AccountId, at: Timestamp) -> bool {
        self.place.lane > URGENT && self.want.is_some_and(|want| want.doctor != doctor && at < want.until)
    }

    fn was_put_back(&self) -> bool {
        self.moved.is_some_and(puts_back)
    }
}

/// Whether a reason puts a ticket back by some places.
pub(super) const fn puts_back(why: MoveReason) -> bool {
    matches!(why, MoveReason::MissedCall | MoveReason::WrongPerson | MoveReason::PatientLost)
}

/// By which rule `called` went before `waiting`, who stood `before` it in the queue or came earlier.
pub(super) fn rule_of(
    called: &Standing,
    waiting: &Standing,
    before: bool,
    is_aged: bool,
    doctor: AccountId,
    at: Timestamp,
) -> Option<Rule> {
    if before {
        // The queue's own order was passed over: only these may.
        return match () {
            () if waiting.wants_other(doctor, at) => Some(Rule::Want),
            () if is_aged => Some(Rule::Aged),
            () => None,
        };
    }
    // The queue's order was kept, and the other had come earlier: why did it stand behind?
    if called.place.lane < waiting.place.lane {
        Some(Rule::Lane)
    } else if waiting.was_put_back() {
        Some(Rule::Missed)
    } else if matches!(called.moved, Some(MoveReason::DoctorLost)) {
        Some(Rule::Restored)
    } else if called.slot.is_some() || waiting.slot.is_some() {
        // Its place follows from the slot, which was compared when it joined.
        Some(Rule::Booked)
    } else if called.arrived == waiting.arrived {
        Some(Rule::Lane)
    } else {
        None
    }
}

/// Whether a reason explains a new place.
pub(super) fn may_move(from: Place, to: Place, why: Option<MoveReason>) -> bool {
    use MoveReason as R;
    match why {
        // Back to where it was; others may have been put before it meanwhile.
        Some(R::DeskLost | R::CallCancelled) => is_a_hair_behind(from, to),
        // Back by some places, never forward. By how many is counted among those who wait.
        Some(R::MissedCall | R::WrongPerson | R::PatientLost) => from.lane == to.lane && from.rank <= to.rank,
        // To the head of its level.
        Some(R::DoctorLost) => from.lane == to.lane && to.rank <= from.rank,
        // Another level, the same time of arrival.
        Some(R::Raised | R::Lowered) => from.rank == to.rank,
        Some(R::Aged | R::Transferred | R::NotReached) | None => from == to,
    }
}

/// Whether somebody stands where they stood, or aside by next to nothing.
pub(super) fn is_a_hair_behind(from: Place, to: Place) -> bool {
    from.lane == to.lane && (from.rank..=from.rank.saturating_add(HAIR)).contains(&to.rank)
}
