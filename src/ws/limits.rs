//! How much a socket may say.

use std::time::Duration;

use crate::domain::bucket::Rate;

/// Frames: 60 at once, 20 a second.
pub const FRAMES: Rate = Rate::new(60, 50);

/// Silence after which a socket is dead; a browser pings every 5 s.
pub const SILENCE: Duration = Duration::from_secs(10);
/// The same while media of the same browser comes: then its network is only too narrow, and TCP tries again after ever longer
/// pauses. A new socket would begin with a handshake that is as slow, and meanwhile whoever is heard would be called lost.
pub const SILENCE_BESIDE_MEDIA: Duration = Duration::from_secs(25);
/// So young must the last of that media be.
pub const MEDIA_COMES: Duration = Duration::from_secs(3);
/// Time for the first message.
pub const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// Time for one message to be written; a slower reader is cut and resumes.
pub const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Time for the database to answer a socket; then it does without, and asks again. While it waits nothing else is carried out but
/// what takes away, and what waits may be the offer that brings a call to another network.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Words of a browser that are read meanwhile.
pub const AHEAD: usize = 8;
/// Time for a peer to read why the socket is closed, and to close it.
pub const LINGER: Duration = Duration::from_secs(1);
/// What a peer may still say meanwhile.
pub const LINGER_BYTES: usize = 1024 * 1024;
/// Messages that may wait for a socket.
pub const OUTBOX: usize = 256;
/// Malformed messages before the socket is closed.
pub const MALFORMED: u32 = 8;

/// Why the server closes a socket; the browser shows a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The first message was not `hello`, was late, or its token was refused.
    Hello = 4001,
    /// Another version of the protocol is needed.
    Version = 4002,
    /// Too many messages, too many malformed ones, or too many sockets of one account.
    Flood = 4003,
    /// A text was no JSON, or a frame was binary, too large or broken.
    Garbage = 4004,
    /// The token ended and was not renewed, or its session was ended.
    Expired = 4005,
    /// The same connection opened another socket.
    Replaced = 4006,
    /// The browser was silent for [`SILENCE`], or for [`SILENCE_BESIDE_MEDIA`].
    Silent = 4007,
    /// The browser reads too slowly, or not at all; it resumes from the event log.
    Slow = 1013,
    /// Something of ours broke while it led the conversation (RFC 6455, section 7.4.1); come back.
    Broke = 1011,
    /// The server goes away; come back at once.
    GoingAway = 1001,
}

/// Knocks of ours that may wait for their echo. A browser echoes by itself, also while its page sleeps.
const UNECHOED: usize = 4;

/// Whether the peer reads what it is told: it echoes our knocks, each of which nobody can guess who did not read it.
#[derive(Clone, Debug, Default)]
pub struct Echoes {
    awaited: Vec<[u8; 8]>,
}

impl Echoes {
    /// Notes a knock; `false` when the peer has read none of the last few.
    pub fn knock(&mut self, knock: [u8; 8]) -> bool {
        if self.awaited.len() >= UNECHOED {
            return false;
        }
        self.awaited.push(knock);
        true
    }

    /// Whether the peer has read all that was said before the last knock.
    pub fn are_all_heard(&self) -> bool {
        self.awaited.is_empty()
    }

    /// What the peer echoes. One knock answers for those before it (RFC 6455, section 5.5.3).
    pub fn hear(&mut self, echo: &[u8]) {
        if let Some(at) = self.awaited.iter().position(|knock| knock == echo) {
            self.awaited.drain(..=at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_echoes_none_of_four_knocks_does_not_read() {
        let mut echoes = Echoes::default();
        for n in 0..20 {
            assert!(echoes.knock([n; 8]));
            // It is one behind: its network is slow.
            echoes.hear(&[n.saturating_sub(1); 8]);
        }
        let mut echoes = Echoes::default();
        for n in 0..4 {
            assert!(echoes.knock([n; 8]));
            echoes.hear(b"guessed!");
        }
        assert!(!echoes.knock([4; 8]));
        echoes.hear(&[3; 8]);
        assert!(echoes.knock([5; 8]), "the last one answers for all");
    }
}
