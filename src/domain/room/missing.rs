//! Whether what is sent to somebody arrives there: decided from what left and from what their browser says of it.
//!
//! Only what leaves can be missed. A layer that rests, a microphone that is muted, a camera in stills and whoever is held
//! apart send nothing through a section, so there is nothing to wait for; and discontinuous speech still sends a packet
//! every 400 ms (RFC 7587, 3.1.3).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::SourceName;

/// A browser that speaks of each packet does so several times a second. With its last word, the way of that and our looks,
/// both sides are told within 3.5 s.
const OF_EACH_WITHIN: Duration = Duration::from_millis(2_500);
/// One that only reports now and then says a word of sound every five seconds, and some of those are lost.
const SELDOM_WITHIN: Duration = Duration::from_secs(20);
/// So many packets must be without a word: of a radio that loses every tenth, one in a million times all of these are.
const FEW: u64 = 7;
/// What rested for so long begins anew.
const RESTS: Duration = Duration::from_secs(1);

/// Something that is sent to somebody and does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Missed {
    /// Whose.
    pub source: ParticipantId,
    /// What of theirs.
    pub name: SourceName,
}

/// How a browser speaks of what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// It never did, so its silence says nothing.
    Never,
    /// Every few seconds.
    Seldom,
    /// Of each packet.
    OfEach,
}

/// What became of one stream since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Packets that left.
    pub left: u64,
    /// Its browser said that something of it came.
    pub did_arrive: bool,
    /// How that browser speaks.
    pub speaks: Speaks,
}

/// One stream on its way to one participant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    looked: Duration,
    /// When something left last.
    left: Option<Duration>,
    /// Since when there is no word of what leaves, and how many packets that are.
    without: Option<(Duration, u64)>,
    is_missed: bool,
}

impl Passage {
    /// A stream that begins now.
    pub fn new(now: Duration) -> Self {
        Self { looked: now, ..Self::default() }
    }

    /// Takes in what became of it; whether it is missed. `now` counts from any beginning, and never goes back. While nothing
    /// comes from the browser itself (`is_alive`) the whole of it is away, and no stream is missed anew.
    pub fn observe(&mut self, now: Duration, passed: Passed, is_alive: bool) -> bool {
        let before = std::mem::replace(&mut self.looked, now);
        let did_rest = self.left.is_none_or(|at| now.saturating_sub(at) >= RESTS);
        if passed.did_arrive || did_rest {
            (self.without, self.is_missed) = (None, false);
        }
        if passed.left > 0 {
            self.left = Some(now);
        }
        if passed.left > 0 && !passed.did_arrive {
            let (since, count) = self.without.unwrap_or((before, 0));
            self.without = Some((since, count.saturating_add(passed.left)));
        }
        let within = match passed.speaks {
            Speaks::Never => None,
            Speaks::Seldom => Some(SELDOM_WITHIN),
            Speaks::OfEach => Some(OF_EACH_WITHIN),
        };
        let is_late = |(since, count)| count >= FEW && within.is_some_and(|within| now.saturating_sub(since) >= within);
        self.is_missed |= is_alive && self.without.is_some_and(is_late);
        self.is_missed
    }
}

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
