//! When what left of one stream, for a while: by that a report of the newest packet that came tells of those behind it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Marks are so far apart at least,
const STEP: Duration = Duration::from_millis(100);
/// and kept for so long: by then a browser that got nothing more reports of the stream no longer.
const KEPT: Duration = Duration::from_secs(8);

/// What a browser's newest report says of what left after the newest packet that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behind {
    /// When the first of it left.
    pub(super) since: Instant,
    /// How long before the report that was.
    pub(super) spans: Duration,
    /// How many packets it is.
    pub(super) count: u32,
}

/// The marks of one stream.
#[derive(Debug, Default)]
pub(super) struct Trail(VecDeque<Mark>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    sequence: u16,
    at: Instant,
    /// Packets that had left before it; wraps.
    before: u32,
}

impl Trail {
    /// Notes that this packet leaves, after so many others.
    pub(super) fn note(&mut self, now: Instant, sequence: u16, before: u32) {
        if self.0.back().is_some_and(|last| now.saturating_duration_since(last.at) < STEP) {
            return;
        }
        let old = self.0.iter().take_while(|mark| now.saturating_duration_since(mark.at) >= KEPT).count();
        self.0.drain(..old);
        self.0.push_back(Mark { sequence, at: now, before });
    }

    /// Nothing of before will be asked for.
    pub(super) fn forget(&mut self) {
        self.0 = VecDeque::new();
    }

    /// What a report of `made` lacks whose newest packet is `highest`; a mark too little rather than one too much.
    pub(super) fn behind(&self, highest: u16, made: Instant) -> Option<Behind> {
        let first = self.0.iter().find(|mark| mark.sequence.wrapping_sub(highest).cast_signed() > 0)?;
        let last = self.0.iter().rev().find(|mark| mark.at <= made)?;
        let spans = made.checked_duration_since(first.at)?;
        Some(Behind { since: first.at, spans, count: last.before.wrapping_sub(first.before) })
    }
}

/// How long a word of a report and the report of it took, by the middle of the NTP time at which it came (RFC 3550, 6.4.1); none
/// where the browser got no report of ours, or says what cannot be. It was made no longer ago than that.
pub(super) fn round_trip(middle: u32, last_sender_report: u32, delay: u32) -> Duration {
    let parts = middle.wrapping_sub(last_sender_report).wrapping_sub(delay);
    let is_said = last_sender_report != 0 && parts < MOST;
    if is_said { Duration::from_micros(u64::from(parts) * 1_000_000 / 65_536) } else { Duration::ZERO }
}

/// Ten seconds, in parts of 65,536.
const MOST: u32 = 10 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A stream of fifty packets a second whose numbers begin at `first` and wrap.
    fn trail(began: Instant, first: u16, until: u64) -> Trail {
        let mut trail = Trail::default();
        for at in 0..until / 20 {
            let number = u16::try_from(at).unwrap();
            trail.note(began + ms(at * 20), first.wrapping_add(number), u32::from(number));
        }
        trail
    }

    #[test]
    fn a_report_tells_since_when_what_leaves_does_not_come_and_how_much_that_is() {
        let began = instant::now();
        for first in [0, 65_500] {
            let trail = trail(began, first, 4_000);
            let behind =
                trail.behind(first.wrapping_add(50), began + ms(3_000)).expect("a hundred packets are missing");
            assert_eq!((behind.since - began, behind.spans, behind.count), (ms(1_100), ms(1_900), 95));
        }
    }

    #[test]
    fn whoever_has_the_newest_packet_lacks_nothing_nor_does_a_report_of_before() {
        let began = instant::now();
        let trail = trail(began, 7, 4_000);
        assert_eq!(trail.behind(7 + 199, began + ms(4_000)), None);
        assert_eq!(trail.behind(7 + 100, began + ms(1_500)), None, "they had not left");
        assert_eq!(Trail::default().behind(3, began), None);
    }

    #[test]
    fn eight_seconds_are_remembered_and_no_more() {
        let began = instant::now();
        let trail = trail(began, 0, 60_000);
        assert!(trail.0.len() <= 81, "{}", trail.0.len());
        assert!(trail.behind(0, began + ms(60_000)).is_some_and(|behind| behind.spans <= ms(8_100)));
    }

    #[test]
    fn a_round_trip_is_what_is_neither_before_our_word_nor_between_it_and_the_report() {
        let at = |seconds: u32| seconds << 16;
        assert_eq!(round_trip(at(100), at(97), at(2)), ms(1_000));
        assert_eq!(round_trip(1, at(65_535), at(0) + 1), ms(1_000), "the clock wraps");
        for (came, said, delay) in [(at(100), 0, 0), (at(100), at(99), at(2)), (at(100), at(80), 0)] {
            assert_eq!(round_trip(came, said, delay), Duration::ZERO);
        }
    }
}
