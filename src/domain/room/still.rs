//! Stills: where a network bears no moving picture, a small photograph now and then, by way of the socket.
//!
//! Below some 64 kbit/s a browser sends no video at all, so they are no track. What a seat may show and who may see it is
//! what its permit says of the camera; they are shown, not kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::ConnectionId;
use crate::domain::picture::small_jpeg;
use crate::domain::room::{Notice, Output, Presence, Room, Rung, Standing, Taken};
use crate::domain::time::Timestamp;

/// Bytes of a still at most.
pub const STILL_MOST: usize = 8 * 1024;
/// Pixels of each of its sides at most: few bytes can promise a picture that fills a telephone's memory.
const SIDE_MOST: u16 = 640;
/// A seat shows one in so long at most; a browser that takes one every two seconds may be late with one.
pub const STILL_EVERY: Duration = Duration::from_secs(1);

/// A small JPEG without what was written beside it. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Still(Arc<[u8]>);

impl Still {
    /// `None` for what is no small JPEG.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        small_jpeg(bytes, SIDE_MOST).filter(|kept| kept.len() <= STILL_MOST).map(|kept| Self(kept.into()))
    }

    /// The file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Still {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a still of {} bytes", self.0.len())
    }
}

/// Why a still was shown to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StillRefusal {
    /// The seat gives no stills: it is apart, its role is not seen, its camera is off, or its network bears more or less.
    NotNow,
    /// The one before was shown less than [`STILL_EVERY`] ago.
    TooSoon,
}

impl Room {
    /// Shows a still to all who would see the camera, in this moment.
    pub(super) fn still(&mut self, now: Timestamp, connection: ConnectionId, id: u64, still: &Still) -> Vec<Output> {
        let refused = |why| vec![Output::Tell(connection, Notice::StillRefused(id, why))];
        let Some(taken) = self.by_connection(connection).filter(|taken| taken.may_show()) else {
            return refused(StillRefusal::NotNow);
        };
        if taken.still_at.is_some_and(|at| now.since(at) < STILL_EVERY) {
            return refused(StillRefusal::TooSoon);
        }
        taken.still_at = Some(now);
        let participant = taken.seat.participant;
        let is_heard_again = taken.watch.hears(now, (0, 1));
        let see = self.taken.iter().filter(|seen_by| {
            seen_by.seat.participant != participant && seen_by.may_see() && seen_by.presence == Presence::Here
        });
        let shown = see.map(|seen_by| Output::Tell(seen_by.connection, Notice::Still(participant, still.clone())));
        let mut outputs: Vec<_> = shown.collect();
        outputs.push(Output::Tell(connection, Notice::StillShown(id)));
        if is_heard_again {
            outputs.extend(self.tell_everybody());
        }
        outputs
    }
}

impl Taken {
    /// Whether its stills pass: what the relay would let through of its camera, and its own word that it has no other way.
    pub(super) fn may_show(&self) -> bool {
        let permit = self.seat.role.permit(self.seat.standing != Standing::Inside, self.seat.muted);
        permit.camera && self.media.camera && self.media.rung == Rung::Still
    }

    fn may_see(&self) -> bool {
        self.seat.role.permit(self.seat.standing != Standing::Inside, self.seat.muted).receive
    }

    pub(super) fn withhold(&self) -> Output {
        Output::Withhold { participant: self.seat.participant, connection: self.connection }
    }
}
