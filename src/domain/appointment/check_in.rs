//! When a booked patient may check in, and where in the queue the ticket then stands.
//!
//! Rule BOOKED-1: whoever booked and comes on time ranks as if they had arrived half an hour before the slot. It is a finite
//! bonus inside the patient's own lane: the level goes first as for everybody, and nobody who walked in waits for ever.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// So long before the slot the door opens.
pub const EARLY: Duration = Duration::from_mins(30);
/// So long after the slot's beginning a patient still counts as on time.
pub const ON_TIME: Duration = Duration::from_mins(10);
/// So long after the slot's end the place is kept.
pub const LATE: Duration = Duration::from_mins(10);

/// Why somebody cannot check in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The door is not open yet; it opens at this moment.
    TooEarly(Timestamp),
    /// The slot is over.
    TooLate,
}

/// Whether a patient may check in at `now`.
pub fn may_check_in(starts_at: Timestamp, ends_at: Timestamp, now: Timestamp) -> Result<(), Refused> {
    let opens_at = starts_at - EARLY;
    if now < opens_at {
        Err(Refused::TooEarly(opens_at))
    } else if now > closes_at(ends_at) {
        Err(Refused::TooLate)
    } else {
        Ok(())
    }
}

/// After this moment a patient who has not come did not come.
pub fn closes_at(ends_at: Timestamp) -> Timestamp {
    ends_at + LATE
}

/// The rank of a booked ticket in its lane: by the slot for who is on time, by arrival for who is late.
pub fn rank(starts_at: Timestamp, arrived: Timestamp) -> i64 {
    if arrived <= starts_at + ON_TIME { (starts_at - EARLY).as_millis() } else { arrived.as_millis() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(100_000_000);

    fn min(n: i64) -> Timestamp {
        Timestamp::from_millis(START.as_millis() + n * 60_000)
    }

    #[test]
    fn the_door_opens_half_an_hour_before_and_closes_ten_minutes_after_the_slot() {
        let may = |n| may_check_in(START, min(15), min(n));
        assert_eq!(may(-31), Err(Refused::TooEarly(min(-30))));
        assert_eq!(may(-30), Ok(()));
        assert_eq!(may(25), Ok(()));
        assert_eq!(may_check_in(START, min(15), min(25) + Duration::from_millis(1)), Err(Refused::TooLate));
    }

    #[test]
    fn a_booked_patient_on_time_ranks_by_the_slot_and_a_late_one_by_arrival() {
        assert_eq!(rank(START, min(-29)), min(-30).as_millis());
        assert_eq!(rank(START, min(10)), min(-30).as_millis());
        assert_eq!(rank(START, min(11)), min(11).as_millis());
    }

    #[test]
    fn who_walked_in_half_an_hour_before_a_slot_is_never_overtaken_by_it() {
        assert!((-30..=25).all(|n| rank(START, min(n)) >= min(-30).as_millis()));
    }
}
