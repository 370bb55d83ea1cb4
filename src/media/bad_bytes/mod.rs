//! Where a stranger's bytes are first read, each place as a function of bytes: libFuzzer's targets in `fuzz/` and the
//! replay of their corpora in every run of the tests.
//!
//! A function that returns has proved its promises; a promise that is broken is a panic. The bytes say also what else
//! happens: who sends, when, and whether it is well sealed, for a fuzzer cannot guess a seal.

#![expect(clippy::unwrap_used, reason = "this is no part of the server")]

mod mux;
mod offer;
#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replaying;
mod rtp;
mod stun;

pub use self::mux::mux;
pub use self::offer::offer;
pub use self::rtp::rtp;
pub use self::stun::stun;

/// What a stranger's bytes say, one thing after the other.
pub(in crate::media) struct Script<'a>(pub(in crate::media) &'a [u8]);

impl<'a> Script<'a> {
    /// The next byte.
    pub(in crate::media) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next number.
    pub(in crate::media) fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// A piece of at most 255 bytes behind its length; what the end cuts short is shorter.
    pub(in crate::media) fn piece(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.byte()?).min(self.0.len());
        let (piece, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::replaying::replay;

    #[test]
    fn no_stun_and_no_turn_break_a_promise() {
        replay("stun", super::stun);
    }

    #[test]
    fn no_datagram_breaks_a_promise_of_the_port() {
        replay("mux", super::mux);
    }

    #[test]
    fn no_description_breaks_a_promise() {
        replay("offer", super::offer);
    }

    #[test]
    fn no_packet_breaks_a_promise_of_what_rewrites_it() {
        replay("rtp", super::rtp);
    }
}
