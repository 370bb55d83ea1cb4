//! One unbroken RTP stream out of many sources.
//!
//! A leg keeps its SSRC for life, so the browser sees a single sender whose sequence numbers and timestamps must go on
//! when the source behind it changes. Within a source the numbers are only shifted: gaps and reordering stay visible, so
//! that the browser's loss statistics and its requests for retransmission stay true.

use std::time::{Duration, Instant};

/// What is so far behind is no late packet, and what is so far ahead no gap: the source began anew. Together they stay
/// below half of all numbers, so that both ends of a leg count the same rounds (RFC 3711, section 3.3.1).
pub(super) const BEHIND: u16 = 1024;
pub(super) const AHEAD: u16 = 0x4000;

/// Shifts sequence numbers and timestamps of successive sources into one stream.
#[derive(Debug, Default)]
pub(super) struct Rewriter {
    /// The newest packet that left, in outgoing numbers, and when.
    newest: Option<(u16, u32, Instant)>,
    source: Option<Source>,
}

#[derive(Debug)]
struct Source {
    sequence_shift: u16,
    timestamp_shift: u32,
    /// The newest sequence number received, in incoming numbers.
    newest: u16,
    /// How far `newest` is from the first packet: anything older would land on numbers of the source before.
    reach: u32,
}

impl Rewriter {
    /// Begins a new source at the packet numbered `sequence` and `timestamp`: it will follow directly on the newest packet
    /// that left, as far later as time has passed since (in ticks of `clock_rate`), and at least one tick.
    pub(super) fn begin(&mut self, now: Instant, clock_rate: u32, sequence: u16, timestamp: u32) {
        let (sequence_shift, timestamp_shift) = match self.newest {
            None => (0, 0),
            Some((newest_sequence, newest_timestamp, left_at)) => (
                newest_sequence.wrapping_add(1).wrapping_sub(sequence),
                newest_timestamp
                    .wrapping_add(ticks(now.saturating_duration_since(left_at), clock_rate))
                    .wrapping_sub(timestamp),
            ),
        };
        self.source = Some(Source { sequence_shift, timestamp_shift, newest: sequence, reach: 0 });
    }

    /// Whether a packet's number has nothing to do with those before it, so that a source begins with it.
    pub(super) fn breaks(&self, sequence: u16) -> bool {
        self.source.as_ref().is_some_and(|source| {
            let ahead = sequence.wrapping_sub(source.newest);
            (AHEAD..0u16.wrapping_sub(BEHIND)).contains(&ahead)
        })
    }

    /// The outgoing numbers of a packet, or `None` when it belongs before the first packet of its source.
    pub(super) fn rewrite(&mut self, now: Instant, sequence: u16, timestamp: u32) -> Option<(u16, u32)> {
        let source = self.source.as_mut()?;
        let out_sequence = sequence.wrapping_add(source.sequence_shift);
        let out_timestamp = timestamp.wrapping_add(source.timestamp_shift);
        let ahead = sequence.wrapping_sub(source.newest);
        if ahead < 0x8000 {
            source.newest = sequence;
            source.reach = source.reach.saturating_add(u32::from(ahead));
            self.newest = Some((out_sequence, out_timestamp, now));
        } else if u32::from(ahead.wrapping_neg()) > source.reach {
            return None;
        }
        Some((out_sequence, out_timestamp))
    }
}

/// A span in ticks of an RTP clock: at least one, and at most an hour, so that a leg that slept for a day does not wrap.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let millis = span.as_millis().min(3_600_000);
    let ticks = millis * u128::from(clock_rate) / 1000;
    u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::instant;

    #[test]
    fn a_second_source_goes_on_where_the_first_one_stopped() {
        let start = instant::now();
        let mut rewriter = Rewriter::default();
        rewriter.begin(start, 90_000, 100, 5_000);
        assert_eq!(rewriter.rewrite(start, 100, 5_000), Some((100, 5_000)));
        assert_eq!(rewriter.rewrite(start, 101, 8_000), Some((101, 8_000)));

        let later = start + Duration::from_millis(100);
        rewriter.begin(later, 90_000, 60_000, 1);
        assert_eq!(rewriter.rewrite(later, 60_000, 1), Some((102, 17_000)), "one on, a tenth of a second later");
        assert_eq!(rewriter.rewrite(later, 60_002, 3_001), Some((104, 20_000)), "its own gap stays visible");
        assert_eq!(rewriter.rewrite(later, 60_001, 3_001), Some((103, 20_000)), "a late packet fills it");
    }

    #[test]
    fn a_late_packet_does_not_move_the_next_source_back() {
        let now = instant::now();
        let mut rewriter = Rewriter::default();
        rewriter.begin(now, 48_000, 7, 0);
        rewriter.rewrite(now, 7, 0);
        rewriter.rewrite(now, 9, 1_920);
        rewriter.rewrite(now, 8, 960);
        rewriter.begin(now, 48_000, 500, 0);
        assert_eq!(rewriter.rewrite(now, 500, 0).map(|(sequence, _)| sequence), Some(10));
    }

    #[test]
    fn a_packet_from_before_the_beginning_is_refused() {
        let now = instant::now();
        let mut rewriter = Rewriter::default();
        rewriter.begin(now, 90_000, 0, 0);
        rewriter.rewrite(now, 0, 0);
        assert_eq!(rewriter.rewrite(now, 65_535, 0), None);
    }

    proptest! {
        /// Whatever the sources and their losses: the first packet of each follows directly on the newest before it, and
        /// no packet of a source ever lands on a number of an earlier one.
        #[test]
        fn sequence_numbers_only_go_forward_across_sources(
            sources in proptest::collection::vec(
                (any::<u16>(), any::<u32>(), proptest::collection::vec(0_u16..600, 1..300)), 1..6),
        ) {
            let now = instant::now();
            let mut rewriter = Rewriter::default();
            let mut newest: Option<u16> = None;
            for (first, timestamp, steps) in sources {
                rewriter.begin(now, 90_000, first, timestamp);
                let (begins, _) = rewriter.rewrite(now, first, timestamp).expect("the first packet passes");
                if let Some(newest) = newest {
                    prop_assert_eq!(begins, newest.wrapping_add(1));
                }
                let mut sequence = first;
                let mut last = begins;
                for step in steps {
                    sequence = sequence.wrapping_add(step);
                    let (out, _) = rewriter.rewrite(now, sequence, timestamp).expect("a newer packet passes");
                    prop_assert_eq!(out.wrapping_sub(last), step, "inside a source only the shift differs");
                    last = out;
                }
                newest = Some(last);
            }
        }

        #[test]
        fn whatever_numbers_come_both_ends_of_a_leg_count_the_same_rounds(
            steps in proptest::collection::vec(prop_oneof![0_u16..5, 65_000_u16..=65_535, any::<u16>()], 1..400),
        ) {
            let now = instant::now();
            let mut rewriter = Rewriter::default();
            rewriter.begin(now, 90_000, 7, 0);
            rewriter.rewrite(now, 7, 0);
            // The true index of the newest packet, and what one guesses who only knows the packet before (RFC 3711).
            let (mut newest, mut guessed) = (7_i64, 7_i64);
            let mut sequence = 7_u16;
            let near = |index: i64, out: u16| {
                let low = u16::try_from(index.rem_euclid(0x1_0000)).expect("below");
                index + i64::from(out.wrapping_sub(low).cast_signed())
            };
            for step in steps {
                sequence = sequence.wrapping_add(step);
                if rewriter.breaks(sequence) {
                    rewriter.begin(now, 90_000, sequence, 0);
                }
                let Some((out, _)) = rewriter.rewrite(now, sequence, 0) else { continue };
                let truth = near(newest, out);
                guessed = near(guessed, out);
                prop_assert_eq!(truth, guessed);
                newest = newest.max(truth);
            }
        }

        #[test]
        fn timestamps_go_forward_when_the_source_changes(
            a in any::<u32>(), b in any::<u32>(), pause in 0_u64..10_000_000,
        ) {
            let start = instant::now();
            let mut rewriter = Rewriter::default();
            rewriter.begin(start, 90_000, 1, a);
            rewriter.rewrite(start, 1, a);
            let later = start + Duration::from_millis(pause);
            rewriter.begin(later, 90_000, 1, b);
            let (_, out) = rewriter.rewrite(later, 1, b).expect("passes");
            let ahead = out.wrapping_sub(a);
            prop_assert!((1..0x8000_0000).contains(&ahead), "{ahead}");
        }
    }
}
