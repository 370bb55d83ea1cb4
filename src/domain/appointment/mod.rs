//! Booked time: what a slot and an appointment are, and what may become of them.
//!
//! A slot is planned by the wall of its clinic (a day and a time of day there) and kept as a moment. Nothing here asks for
//! the hour or for a table of zones: both are arguments.

pub mod calendar;
pub mod check_in;
pub mod reminder;
pub mod roster;
pub mod waiting_list;
pub mod wall;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// Appointments to come that one patient may have in one clinic: who books more keeps others from coming.
pub const MOST_AHEAD: i64 = 3;
/// Appointments to come that one telephone may have in all, whomever they are for: a family, and no agency.
pub const MOST_OF_HOLDER: i64 = 8;

/// What an appointment is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentState {
    /// The place is kept for the patient; it may be moved to another slot and is the same appointment then.
    Booked,
    /// The patient is here and has a ticket.
    CheckedIn,
    /// A doctor saw the patient.
    Seen,
    /// The patient did not come, or gave the place back when it could go to nobody any more.
    NoShow,
    /// Given back in time, or its doctor was away.
    Cancelled,
}

impl AppointmentState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Booked, Self::CheckedIn, Self::Seen, Self::NoShow, Self::Cancelled];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::CheckedIn => "checked_in",
            Self::Seen => "seen",
            Self::NoShow => "no_show",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it takes a seat of its slot.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Booked | Self::CheckedIn)
    }

    /// Whether this may become `next`. The store's statements state the same in their `where`.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Booked => matches!(next, Self::Booked | Self::CheckedIn | Self::NoShow | Self::Cancelled),
            Self::CheckedIn => matches!(next, Self::Seen | Self::NoShow | Self::Cancelled),
            Self::Seen | Self::NoShow | Self::Cancelled => false,
        }
    }
}

/// What becomes of an appointment that its patient gives back at `now`. Before the slot begins the place can go to somebody
/// else; after it the place was kept in vain, and to say so a moment before the door closes is no other than to stay away.
pub fn given_back(starts_at: Timestamp, slot: SlotState, now: Timestamp) -> AppointmentState {
    if now < starts_at { AppointmentState::Cancelled } else { unkept(slot) }
}

/// What becomes of an appointment that led to no visit. Where the doctor was away nobody has missed anything.
pub const fn unkept(slot: SlotState) -> AppointmentState {
    match slot {
        SlotState::Open => AppointmentState::NoShow,
        SlotState::Closed => AppointmentState::Cancelled,
    }
}

/// Whether a slot may be booked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Patients may book it.
    Open,
    /// Its doctor is away.
    Closed,
}

impl SlotState {
    /// Both states.
    pub const ALL: [Self; 2] = [Self::Open, Self::Closed];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// What is known of a slot when somebody wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Whether its doctor works.
    pub state: SlotState,
    /// When it begins.
    pub starts_at: Timestamp,
    /// How many places it has.
    pub capacity: i64,
    /// How many of them are taken.
    pub taken: i64,
}

/// Why a slot cannot be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBookable {
    /// It has begun.
    Past,
    /// Its doctor is away.
    Closed,
    /// Every place is taken.
    Full,
}

/// Whether a slot can be booked at `now`. The statement that books it states the same in its `where`.
pub fn bookable(offer: &Offer, now: Timestamp) -> Result<(), NotBookable> {
    if offer.starts_at <= now {
        Err(NotBookable::Past)
    } else if offer.state == SlotState::Closed {
        Err(NotBookable::Closed)
    } else if offer.taken >= offer.capacity {
        Err(NotBookable::Full)
    } else {
        Ok(())
    }
}

/// The lowest seat of a slot that nobody has; `taken` are the seats of its live appointments.
pub fn free_seat(taken: &[i64], capacity: i64) -> Option<i64> {
    (1..=capacity).find(|seat| !taken.contains(seat))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn offer(state: SlotState, starts_at: i64, taken: i64) -> Offer {
        Offer { state, starts_at: Timestamp::from_millis(starts_at), capacity: 2, taken }
    }

    #[test]
    fn states_are_the_same_word_everywhere() {
        for state in AppointmentState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for state in SlotState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn what_has_ended_never_becomes_anything_and_what_lives_can_end() {
        for state in AppointmentState::ALL {
            let ways = AppointmentState::ALL.into_iter().filter(|next| state.may_become(*next)).count();
            assert_eq!(ways > 0, state.is_live(), "{state:?}");
        }
    }

    #[test]
    fn a_slot_is_booked_only_before_it_begins_while_it_is_open_and_has_a_place() {
        assert_eq!(bookable(&offer(SlotState::Open, 1_000_001, 1), NOW), Ok(()));
        assert_eq!(bookable(&offer(SlotState::Open, 1_000_000, 0), NOW), Err(NotBookable::Past));
        assert_eq!(bookable(&offer(SlotState::Closed, 1_000_001, 0), NOW), Err(NotBookable::Closed));
        assert_eq!(bookable(&offer(SlotState::Open, 1_000_001, 2), NOW), Err(NotBookable::Full));
    }

    #[test]
    fn who_gives_back_before_the_slot_begins_or_whose_doctor_is_away_has_missed_nothing() {
        let at = Timestamp::from_millis;
        assert_eq!(given_back(at(1_000_001), SlotState::Open, NOW), AppointmentState::Cancelled);
        assert_eq!(given_back(at(1_000_000), SlotState::Open, NOW), AppointmentState::NoShow);
        assert_eq!(given_back(at(1_000_000), SlotState::Closed, NOW), AppointmentState::Cancelled);
        for live in AppointmentState::ALL.into_iter().filter(|state| state.is_live()) {
            assert!(SlotState::ALL.into_iter().all(|slot| live.may_become(unkept(slot))), "{live:?}");
        }
    }

    #[test]
    fn a_seat_given_back_is_the_next_that_is_given() {
        assert_eq!(free_seat(&[], 2), Some(1));
        assert_eq!(free_seat(&[2], 2), Some(1));
        assert_eq!(free_seat(&[1, 2], 2), None);
    }
}
