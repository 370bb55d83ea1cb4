//! Packets in the order in which they were sent, and what is missing among them.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long a missing packet is waited for: a retransmission needs a round trip.
pub const WAIT: Duration = Duration::from_millis(300);
/// Packets that wait at most; a flood must not fill the memory.
const WINDOW: usize = 1024;
/// A jump further than this is a stream that began anew.
const JUMP: u64 = 4096;

/// A packet in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T> {
    /// How many packets before it never came; at least one where the numbers began anew.
    pub missing: u64,
    /// The packet.
    pub packet: T,
}

/// Brings packets into order.
#[derive(Debug)]
pub struct Order<T> {
    next: Option<u64>,
    /// It began anew: how much is missing is not known, but something is.
    is_anew: bool,
    waiting: BTreeMap<u64, (Duration, T)>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { next: None, is_anew: false, waiting: BTreeMap::new() }
    }
}

impl<T> Order<T> {
    /// Takes a packet that arrived at `at`; call [`Self::pop`] until it gives nothing.
    pub fn push(&mut self, at: Duration, sequence: u16, packet: T) {
        // One round ahead, so that a step back never falls below zero.
        let next = *self.next.get_or_insert(0x1_0000 + u64::from(sequence));
        let low = u16::try_from(next & 0xffff).expect("masked to 16 bits");
        let ahead = sequence.wrapping_sub(low);
        let number =
            if ahead < 0x8000 { next + u64::from(ahead) } else { next.wrapping_sub(u64::from(ahead.wrapping_neg())) };
        if number < next {
            if next - number <= JUMP {
                return;
            }
            self.waiting.clear();
            self.is_anew = true;
            self.next = Some(0x1_0000 + u64::from(sequence));
            self.waiting.insert(0x1_0000 + u64::from(sequence), (at, packet));
            return;
        }
        if self.waiting.len() < WINDOW {
            self.waiting.entry(number).or_insert((at, packet));
        }
    }

    /// Whether nothing is missing before this number.
    pub fn is_next(&self, sequence: u16) -> bool {
        self.next.is_none_or(|next| next & 0xffff == u64::from(sequence))
    }

    /// The next packet in order, when it is there or is waited for no longer.
    pub fn pop(&mut self, at: Duration) -> Option<Ordered<T>> {
        let next = self.next?;
        let (&number, (since, _)) = self.waiting.first_key_value()?;
        let is_late = at.saturating_sub(*since) >= WAIT || self.waiting.len() >= WINDOW;
        if number != next && !is_late {
            return None;
        }
        let (_, packet) = self.waiting.remove(&number)?;
        self.next = Some(number + 1);
        let missing = (number - next).max(u64::from(std::mem::take(&mut self.is_anew)));
        Some(Ordered { missing, packet })
    }

    /// The next packet, whatever is missing before it.
    pub fn drain(&mut self) -> Option<Ordered<T>> {
        self.pop(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn all(order: &mut Order<u16>, at: Duration) -> Vec<(u64, u16)> {
        std::iter::from_fn(|| order.pop(at)).map(|ordered| (ordered.missing, ordered.packet)).collect()
    }

    #[test]
    fn a_late_packet_finds_its_place_over_the_turn_of_the_numbers() {
        let mut order = Order::default();
        for sequence in [65_534, 0, 65_535, 1] {
            order.push(NOW, sequence, sequence);
        }
        assert_eq!(all(&mut order, NOW), [(0, 65_534), (0, 65_535), (0, 0), (0, 1)]);
    }

    #[test]
    fn what_never_comes_is_counted_after_the_wait() {
        let mut order = Order::default();
        order.push(NOW, 7, 7);
        order.push(NOW, 10, 10);
        assert_eq!(all(&mut order, NOW), [(0, 7)]);
        assert_eq!(all(&mut order, NOW + WAIT), [(2, 10)]);
        order.push(NOW + WAIT, 8, 8);
        assert_eq!(all(&mut order, NOW + WAIT), [], "too late");
    }

    #[test]
    fn numbers_that_begin_anew_are_a_loss_of_unknown_length() {
        let mut order = Order::default();
        order.push(NOW, 40_000, 1);
        assert_eq!(all(&mut order, NOW), [(0, 1)]);
        order.push(NOW, 20_000, 2);
        order.push(NOW, 20_001, 3);
        assert_eq!(all(&mut order, NOW), [(1, 2), (0, 3)]);
    }

    proptest! {
        #[test]
        fn whatever_comes_leaves_in_order_and_once(sequences in proptest::collection::vec(0_u16..200, 0..300)) {
            let mut order = Order::default();
            let mut left = Vec::new();
            for sequence in sequences {
                order.push(NOW, sequence, sequence);
                left.extend(all(&mut order, NOW));
            }
            left.extend(std::iter::from_fn(|| order.drain()).map(|ordered| (ordered.missing, ordered.packet)));
            prop_assert!(left.windows(2).all(|pair| {
                u64::from(pair[1].1) == u64::from(pair[0].1) + 1 + pair[1].0
            }), "{left:?}");
        }

        #[test]
        fn no_sequence_of_numbers_panics(sequences in proptest::collection::vec(any::<u16>(), 0..2000)) {
            let mut order = Order::default();
            for (n, sequence) in sequences.into_iter().enumerate() {
                let at = Duration::from_millis(n as u64);
                order.push(at, sequence, sequence);
                while order.pop(at).is_some() {}
                prop_assert!(order.waiting.len() <= WINDOW);
            }
        }
    }
}
