//! What came in through a feed, for the publisher's quality display.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Received and expected packets of all streams of a feed.
#[derive(Debug, Default)]
pub(super) struct Tally {
    received: AtomicU64,
    expected: AtomicU64,
    /// The newest number of each stream; a camera has three at most, and an encoder that began anew another.
    newest: Mutex<Vec<(u32, u16)>>,
}

/// Streams that are remembered.
const STREAMS: usize = 6;

impl Tally {
    /// Counts a packet.
    pub(super) fn count(&self, ssrc: u32, sequence: u16) {
        self.received.fetch_add(1, Ordering::Relaxed);
        // Only the feed writes, so nobody ever waits here.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = if let Some((_, newest)) = newest.iter_mut().find(|(known, _)| *known == ssrc) {
            let ahead = sequence.wrapping_sub(*newest);
            if ahead < 0x8000 {
                *newest = sequence;
            }
            ahead
        } else {
            if newest.len() == STREAMS {
                newest.remove(0);
            }
            newest.push((ssrc, sequence));
            1
        };
        drop(newest);
        if ahead < 0x8000 {
            self.expected.fetch_add(u64::from(ahead), Ordering::Relaxed);
        }
    }

    /// Packets that arrived, and packets that must have been sent by their sequence numbers.
    pub(super) fn sums(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.expected.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_expected_in_its_own_stream_and_a_late_packet_is_received() {
        let tally = Tally::default();
        for (ssrc, sequence) in [(1, 65_534), (2, 9), (1, 65_535), (2, 12), (1, 1), (1, 0)] {
            tally.count(ssrc, sequence);
        }
        assert_eq!(tally.sums(), (6, 8), "two are missing, both of the second stream");
    }
}
