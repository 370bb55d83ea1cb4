//! Whether what is sent to somebody arrives there: decided from what left and from what their browser says of it.
//!
//! Only what leaves can be missed. A layer that rests, a microphone that is muted, a camera in stills and whoever is held
//! apart send nothing through a section, so there is nothing to wait for; and discontinuous speech still sends a packet
//! every 400 ms (RFC 7587, 3.1.3).

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::SourceName;

/// A browser that speaks of each packet does so several times a second. With its last word, the way of that and our looks,
/// both sides are told within 3.5 s.
const OF_EACH_WITHIN: Duration = Duration::from_millis(2_500);
/// One that only reports now and then (RFC 3550, 6.4.1) names its newest packet, and is believed where what it lacks left so long before
/// the report. Chromium and Firefox report of pictures every 0.5 to 1.5 s, of sound every 2.5 to 7.5.
const LACKS: Duration = Duration::from_millis(1_400);
/// Where its reports do not come at all, some of them may have been lost.
const SELDOM_WITHIN: Duration = Duration::from_secs(20);
/// A page that hears nothing of a section says so after this: where its browser reports seldom, that is sooner.
const UNHEARD: Duration = Duration::from_secs(2);
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
    /// What its newest report lacked.
    pub lacks: Option<Lack>,
    /// Its page says that it hears nothing of it.
    pub is_unheard: bool,
}

/// What had left and was not there when a browser made its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// When the first of it left.
    pub since: Duration,
    /// How long before the report that was.
    pub spans: Duration,
    /// How many packets it is.
    pub count: u64,
}

/// One stream on its way to one participant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    looked: Duration,
    /// When it began, or began anew.
    began: Duration,
    /// When something left last.
    left: Option<Duration>,
    /// Since when there is no word of what leaves, and how many packets that are.
    without: Option<(Duration, u64)>,
    /// What left at the looks of the last two seconds.
    recent: VecDeque<(Duration, u64)>,
    page: Page,
    is_missed: bool,
}

/// What the page of a browser says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Page {
    /// Nothing.
    #[default]
    Hears,
    /// That nothing came since then, when so many packets have left.
    Misses(Duration, u64),
    /// The same, and its browser says that something came.
    Errs,
}

impl Passage {
    /// A stream that begins now.
    pub fn new(now: Duration) -> Self {
        Self { looked: now, began: now, ..Self::default() }
    }

    /// Takes in what became of it; whether it is missed. `now` counts from any beginning, and never goes back. While nothing
    /// comes from the browser itself (`is_alive`) the whole of it is away, and no stream is missed anew.
    pub fn observe(&mut self, now: Duration, passed: Passed, is_alive: bool) -> bool {
        let before = std::mem::replace(&mut self.looked, now);
        let did_rest = self.left.is_none_or(|at| now.saturating_sub(at) >= RESTS);
        if passed.did_arrive || did_rest {
            (self.without, self.is_missed) = (None, false);
        }
        if did_rest {
            self.began = before;
            self.recent.clear();
        }
        self.hear(now, before, passed, did_rest);
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
        let lacks = passed.lacks.filter(|lack| {
            // What left before it rested is no more wanted.
            let is_proof = lack.since >= self.began && lack.spans >= LACKS && lack.count >= FEW;
            is_proof && now.saturating_sub(lack.since) >= OF_EACH_WITHIN
        });
        let is_unheard = match self.page {
            Page::Misses(since, count) => count >= FEW && now.saturating_sub(since) >= OF_EACH_WITHIN,
            Page::Hears | Page::Errs => false,
        };
        self.is_missed |= is_alive && (self.without.is_some_and(is_late) || lacks.is_some() || is_unheard);
        self.is_missed
    }

    /// Takes in what the page says, which knows what came and not what was sent.
    fn hear(&mut self, now: Duration, before: Duration, passed: Passed, did_rest: bool) {
        while self.recent.front().is_some_and(|(at, _)| now.saturating_sub(*at) >= UNHEARD) {
            self.recent.pop_front();
        }
        self.recent.push_back((now, passed.left));
        // A report of a newest packet may count from seconds ago.
        let is_refuted = passed.did_arrive && passed.lacks.is_none_or(|lack| lack.spans < LACKS);
        self.page = match self.page {
            Page::Hears if passed.is_unheard => {
                let since = now.saturating_sub(UNHEARD).max(self.began);
                Page::Misses(since, self.recent.iter().map(|(_, left)| left).sum())
            }
            Page::Misses(..) | Page::Errs if !passed.is_unheard => {
                // It hears again, and the browser's next report may take its time to say so.
                (self.without, self.is_missed, self.began) = (None, false, before);
                Page::Hears
            }
            Page::Misses(..) if is_refuted => Page::Errs,
            Page::Misses(..) if did_rest => Page::Misses(now, 0),
            Page::Misses(since, count) => Page::Misses(since, count.saturating_add(passed.left)),
            page => page,
        };
    }
}

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
