//! What left in a stream and may be sent once more to whoever missed it (the generic NACK of RFC 4585, section 6.2.1): how much is
//! kept, for how long, and what is of no use any more.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::source::Source;
use super::stream::Outgoing;
use crate::domain::room::relay::MediaKind;

/// Packets of a picture that can be sent once more: some seconds of a good camera.
const PICTURES: usize = 1024;
/// Packets of sound: two seconds. Later it would not be waited for.
const SOUNDS: usize = 100;
/// How long one can be: by then a receiver has asked for a whole picture instead. Who sends no more pictures keeps nothing.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(2);
/// Where more than this part of the sound is asked for again, it is too much for the path, and more of it is worse.
const LOST_SOUND: (u32, u32) = (1, 4);
/// So much sound is looked at.
const LOOKED_AT: u32 = 50;
/// What was sent again just now is on its way.
pub(super) const AGAIN: Duration = Duration::from_millis(20);
/// Older ones are not sent again: they are of no use, and the receiver could not tell which round they are of.
const OLDEST: u16 = 1024;

/// What may be asked for again of one stream.
pub(super) struct Kept {
    kind: MediaKind,
    /// Whose the packets are: if it may no longer pass, neither may they.
    source: Weak<Source>,
    packets: VecDeque<Packet>,
    /// Packets that left since the last [`LOOKED_AT`], and how many were sent again since.
    looked_at: (u32, u32),
}

/// A packet that may be asked for again. It is protected anew, and gives the very same bytes.
struct Packet {
    outgoing: Outgoing,
    wide: Option<u16>,
    left: Instant,
    sent_again: Option<Instant>,
}

impl Packet {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.left) >= KEPT_FOR
    }
}

impl Kept {
    /// Nothing yet.
    pub(super) fn new(kind: MediaKind) -> Self {
        Self { kind, source: Weak::new(), packets: VecDeque::new(), looked_at: (0, 0) }
    }

    /// What leaves from now on is of `source`.
    pub(super) fn are_of(&mut self, source: &Arc<Source>) {
        if !std::ptr::eq(self.source.as_ptr(), Arc::as_ptr(source)) {
            self.source = Arc::downgrade(source);
            self.clear();
        }
    }

    /// Nobody's packets may be asked for any more.
    pub(super) fn forget(&mut self) {
        self.source = Weak::new();
        self.clear();
    }

    /// What left can be asked for no more.
    pub(super) fn clear(&mut self) {
        self.packets.clear();
    }

    /// Whether what is kept may still pass.
    pub(super) fn may_pass(&self) -> bool {
        self.source.upgrade().is_some_and(|source| source.may_pass())
    }

    /// A packet leaves, under a transport-wide number if there is one.
    pub(super) fn keep(&mut self, now: Instant, outgoing: Outgoing, wide: Option<u16>) {
        self.looked_at.0 += 1;
        if self.looked_at.0 == LOOKED_AT {
            self.looked_at = (0, 0);
        }
        let most = match self.kind {
            MediaKind::Audio => SOUNDS,
            MediaKind::Video => PICTURES,
        };
        if self.packets.len() == most {
            self.packets.pop_front();
        }
        self.packets.push_back(Packet { outgoing, wide, left: now, sent_again: None });
    }

    /// A packet that may be sent once more now, with its transport-wide number.
    pub(super) fn again(&mut self, now: Instant, sequence: u16) -> Option<(Outgoing, Option<u16>)> {
        // The last one that left may have been a late one.
        let last = self.packets.back()?.outgoing.sequence;
        if last.wrapping_sub(sequence).cast_signed().unsigned_abs() > OLDEST {
            return None;
        }
        let kept = self.packets.iter_mut().rev().find(|kept| kept.outgoing.sequence == sequence)?;
        if kept.is_old(now) {
            return None;
        }
        if kept.sent_again.is_some_and(|at| now.saturating_duration_since(at) < AGAIN) {
            return None;
        }
        if self.kind == MediaKind::Audio {
            let (part, of) = LOST_SOUND;
            let (_, again) = &mut self.looked_at;
            if *again * of >= LOOKED_AT * part {
                return None;
            }
            *again += 1;
        }
        kept.sent_again = Some(now);
        Some((kept.outgoing.clone(), kept.wide))
    }

    /// Lets go of what is too old, and of the room for it.
    pub(super) fn age(&mut self, now: Instant) {
        let old = self.packets.iter().take_while(|kept| kept.is_old(now)).count();
        self.packets.drain(..old);
        if self.packets.is_empty() {
            self.packets.shrink_to_fit();
        }
    }

    /// For how many packets there is room.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.packets.capacity()
    }
}
