//! How many answers newcomers get: a forged source must not be flooded through us, and forged sources shut nobody out.
//!
//! Addresses are counted in a fixed number of places. Two may share one, so whoever forges all of the network fills the
//! places evenly and must send [`UNPROVED`] times their number a second before a newcomer goes without an answer; and a
//! newcomer whose second message shows that it read the answer to its first is counted apart.

use std::time::{Duration, Instant};

/// Places. The one of an address is told by a keyed tag: nobody can choose addresses that share the place of another.
const PLACES: usize = 1 << 13;
/// Answers a second to the addresses of one place that have proved nothing.
const UNPROVED: u16 = 50;
/// The same to those that have: a ward behind one address whose network comes back.
const PROVED: u16 = 2_000;

/// What was answered in this second.
pub(super) struct Newcomers {
    since: Instant,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    unproved: u16,
    proved: u16,
}

impl Newcomers {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, places: vec![Place::default(); PLACES] }
    }

    /// Whether an address may have another answer now; `tag` tells its place, and `is_proved` that it can be reached there.
    pub(super) fn may_answer(&mut self, now: Instant, tag: u16, is_proved: bool) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.places.fill(Place::default());
        }
        let place = &mut self.places[usize::from(tag) % PLACES];
        let (count, most) = if is_proved { (&mut place.proved, PROVED) } else { (&mut place.unproved, UNPROVED) };
        let may = *count < most;
        *count += u16::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    #[test]
    fn a_place_gets_fifty_answers_a_second_and_those_who_proved_themselves_are_counted_apart() {
        let start = instant::now();
        let mut newcomers = Newcomers::new(start);
        let mut answers = |millis: u64, tag: u16, is_proved: bool, asked: usize| {
            let now = start + Duration::from_millis(millis);
            (0..asked).filter(|_| newcomers.may_answer(now, tag, is_proved)).count()
        };
        assert_eq!(answers(0, 1, false, 10_000), 50);
        assert_eq!(answers(999, 1, false, 10), 0);
        assert_eq!(answers(999, 2, false, 10), 10, "another place");
        assert_eq!(answers(999, 1, true, 10_000), 2_000);
        assert_eq!(answers(1_000, 1, false, 10_000), 50, "another second");
        assert_eq!(answers(1_000, 1, true, 10), 10);
    }
}
