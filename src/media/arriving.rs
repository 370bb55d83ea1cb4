//! What is sent to one participant and does not arrive there: looked at several times a second.
//!
//! What counts as missed is decided in [`crate::domain::room::missing`]; here it is measured, by what the browser reports and what its
//! page says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::peer::Section;
use super::trail::Behind;
use crate::domain::room::missing::{Lack, Missed, Passage, Passed, Speaks};

/// Somebody whose own media comes is heard this often, also in a pause of speech (RFC 7587, 3.1.3).
const ALIVE: Duration = Duration::from_millis(600);

/// What left of one leg, and what of it is known to have arrived, since it began; both wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) left: u32,
    pub(super) arrived: u32,
    pub(super) speaks: Speaks,
    pub(super) behind: Option<Behind>,
}

/// What one participant's sections should carry and what arrives of it.
#[derive(Debug)]
pub(super) struct Arriving {
    born: Instant,
    /// By the SSRC of the leg.
    legs: HashMap<u32, Watched>,
    /// The sections of which its page says that nothing comes.
    unheard: Vec<String>,
    told: Vec<Missed>,
}

#[derive(Debug)]
struct Watched {
    /// The number of the source.
    source: u64,
    before: Count,
    passage: Passage,
}

impl Arriving {
    pub(super) fn new(now: Instant) -> Self {
        Self { born: now, legs: HashMap::new(), unheard: Vec::new(), told: Vec::new() }
    }

    /// Of these sections, and of no others, its page hears nothing.
    pub(super) fn hear(&mut self, unheard: Vec<String>) {
        self.unheard = unheard;
    }

    /// Looks at every section; what is missed, if that changed. `silent` is how long nothing came from the browser.
    pub(super) fn look(&mut self, now: Instant, silent: Duration, sections: &[Section]) -> Option<Vec<Missed>> {
        let since = now.saturating_duration_since(self.born);
        let mut legs = HashMap::with_capacity(sections.len());
        let mut missed = Vec::new();
        for section in sections {
            let (leg, Some(source)) = (&section.leg, section.leg.source()) else { continue };
            let count = leg.count();
            let known = self.legs.remove(&leg.ssrc).filter(|known| known.source == source.number);
            let mut watched =
                known.unwrap_or_else(|| Watched { source: source.number, before: count, passage: Passage::new(since) });
            let lack = |behind: Behind| Lack {
                since: behind.since.saturating_duration_since(self.born),
                spans: behind.spans,
                count: behind.count.into(),
            };
            let passed = Passed {
                left: count.left.wrapping_sub(watched.before.left).into(),
                did_arrive: count.arrived != watched.before.arrived,
                speaks: count.speaks,
                lacks: count.behind.map(lack),
                is_unheard: self.unheard.contains(&section.mid),
            };
            watched.before = count;
            if watched.passage.observe(since, passed, silent < ALIVE) {
                missed.push(Missed { source: source.owner, name: source.name });
            }
            legs.insert(leg.ssrc, watched);
        }
        self.legs = legs;
        self.tell(missed)
    }

    /// There is no connection at present, which is another word: everything begins anew.
    pub(super) fn rest(&mut self) -> Option<Vec<Missed>> {
        self.legs.clear();
        self.tell(Vec::new())
    }

    fn tell(&mut self, missed: Vec<Missed>) -> Option<Vec<Missed>> {
        (self.told != missed).then(|| {
            self.told.clone_from(&missed);
            missed
        })
    }
}
