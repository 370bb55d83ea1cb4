//! Who gets a media seat, and from whom. Pure: who sits where goes in, the verdict comes out.

use std::time::{Duration, Instant};

use super::common::RelayConfig;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::RelayMode;

/// How many there is room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct House {
    /// In all rooms together. Those who were not called get half of them at most.
    seats: usize,
    /// In one room.
    seats_per_room: usize,
    /// Whoever was not called and has had no connection for so long makes way for the next.
    idle: Duration,
}

/// What a seat is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) room: RoomId,
    pub(super) mode: RelayMode,
    /// It may be one of those that are kept for called patients and for staff; the others are checks and callers.
    pub(super) kept: bool,
}

/// A seat that somebody has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) participant: ParticipantId,
    pub(super) claim: Claim,
    /// Since when no packets flow, if none do.
    pub(super) idle_since: Option<Instant>,
    /// Whoever came later has a larger one.
    pub(super) number: u64,
}

/// What is said to somebody who wants a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is one.
    Free,
    /// There is this one's, who loses it.
    InsteadOf(ParticipantId),
    /// There is none.
    Full,
}

impl House {
    pub(super) fn new(config: &RelayConfig) -> Self {
        Self { seats: config.seats, seats_per_room: config.seats_per_room, idle: config.idle }
    }

    /// Finds a seat; if need be that of an idle check or caller, or for a caller that of any check.
    pub(super) fn seat(&self, now: Instant, comes: Claim, taken: &[Taken]) -> Verdict {
        if taken.iter().filter(|seat| seat.claim.room == comes.room).count() >= self.seats_per_room {
            return Verdict::Full;
        }
        let hall = || taken.iter().filter(|seat| !seat.claim.kept);
        if comes.kept || hall().count() < self.seats / 2 {
            return if taken.len() < self.seats { Verdict::Free } else { Verdict::Full };
        }
        let is_idle = |since: &Instant| now.saturating_duration_since(*since) >= self.idle;
        let waiting = hall().filter_map(|seat| Some((seat.idle_since.filter(is_idle)?, seat.participant)));
        let longest = waiting.min().map(|(_, participant)| participant);
        // Whoever is nearly done with a check may finish.
        let checks =
            hall().filter(|seat| seat.claim.mode == RelayMode::Loopback && comes.mode == RelayMode::Conference);
        let newest = checks.max_by_key(|seat| seat.number).map(|seat| seat.participant);
        longest.or(newest).map_or(Verdict::Full, Verdict::InsteadOf)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::media::instant;

    const MINUTE: Duration = Duration::from_mins(1);

    fn participant(name: u64) -> ParticipantId {
        ParticipantId::from_uuid(Uuid::from_u128(name.into()))
    }

    fn claim(room: u64, mode: RelayMode, kept: bool) -> Claim {
        Claim { room: RoomId::from_uuid(Uuid::from_u128(room.into())), mode, kept }
    }

    fn caller(room: u64) -> Claim {
        claim(room, RelayMode::Conference, false)
    }

    fn check(room: u64) -> Claim {
        claim(room, RelayMode::Loopback, false)
    }

    /// Everybody in the order in which they came, with the minutes that they have been idle for.
    fn taken(now: Instant, seats: &[(Claim, Option<u32>)]) -> Vec<Taken> {
        let seat = |(number, (claim, idle)): (u64, &(Claim, Option<u32>))| Taken {
            participant: participant(number),
            claim: *claim,
            idle_since: idle.map(|minutes| now.checked_sub(MINUTE * minutes).unwrap_or(now)),
            number,
        };
        (1..).zip(seats).map(seat).collect()
    }

    fn house(seats: usize) -> House {
        House { seats, seats_per_room: 3, idle: MINUTE }
    }

    fn later() -> Instant {
        instant::now() + MINUTE * 60
    }

    #[test]
    fn of_several_who_wait_the_one_who_waited_longest_makes_way() {
        let now = later();
        let sitting = taken(now, &[(caller(1), Some(2)), (caller(2), Some(5)), (check(3), None)]);
        assert_eq!(house(6).seat(now, caller(9), &sitting), Verdict::InsteadOf(participant(2)));
        assert_eq!(house(6).seat(now, check(9), &sitting), Verdict::InsteadOf(participant(2)));
    }

    #[test]
    fn a_caller_takes_the_seat_of_the_newest_check_and_a_check_takes_nobodys_who_is_busy() {
        let now = later();
        let sitting = taken(now, &[(check(1), None), (check(2), Some(0)), (caller(3), None)]);
        assert_eq!(house(6).seat(now, caller(9), &sitting), Verdict::InsteadOf(participant(2)));
        assert_eq!(house(6).seat(now, check(9), &sitting), Verdict::Full);
    }

    #[test]
    fn the_called_find_a_seat_that_no_caller_gets_and_take_nobodys() {
        let now = later();
        let sitting = taken(now, &[(caller(1), Some(9)), (caller(2), Some(9))]);
        let called = claim(9, RelayMode::Conference, true);
        assert_eq!(house(4).seat(now, called, &sitting), Verdict::Free);
        assert_eq!(house(2).seat(now, called, &sitting), Verdict::Full);
    }

    #[test]
    fn a_full_room_takes_nobody_in_though_the_house_is_empty() {
        let now = later();
        let called = claim(1, RelayMode::Conference, true);
        assert_eq!(house(100).seat(now, called, &taken(now, &[(called, None); 3])), Verdict::Full);
        assert_eq!(
            house(100).seat(now, claim(2, RelayMode::Conference, true), &taken(now, &[(called, None); 3])),
            Verdict::Free
        );
    }

    proptest! {
        #[test]
        fn whoever_comes_no_limit_is_passed_and_nobody_who_was_called_loses_a_seat(
            seats in 0_usize..9,
            comers in proptest::collection::vec((0_u64..4, any::<bool>(), any::<bool>(), proptest::option::of(0_u32..3)), 0..24),
        ) {
            let (now, house) = (later(), house(seats));
            let mut sitting: Vec<Taken> = Vec::new();
            for (number, (room, calls, kept, idle)) in (1_u64..).zip(comers) {
                let mode = if calls { RelayMode::Conference } else { RelayMode::Loopback };
                let comes = claim(room, mode, kept);
                match house.seat(now, comes, &sitting) {
                    Verdict::Full => continue,
                    Verdict::Free => {}
                    Verdict::InsteadOf(loses) => {
                        let at = sitting.iter().position(|seat| seat.participant == loses).expect("somebody who sits");
                        let former = sitting.remove(at);
                        prop_assert!(!former.claim.kept && !kept);
                        let is_idle = former.idle_since.is_some_and(|since| now.duration_since(since) >= MINUTE);
                        prop_assert!(is_idle || (former.claim.mode == RelayMode::Loopback && calls));
                    }
                }
                let idle_since = idle.map(|minutes| now.checked_sub(MINUTE * minutes).unwrap_or(now));
                sitting.push(Taken { participant: participant(number), claim: comes, idle_since, number });
                prop_assert!(sitting.len() <= seats);
                prop_assert!(sitting.iter().filter(|seat| !seat.claim.kept).count() <= seats / 2);
                for room in 0..4 {
                    let of = claim(room, mode, kept).room;
                    prop_assert!(sitting.iter().filter(|seat| seat.claim.room == of).count() <= 3);
                }
            }
        }
    }
}
