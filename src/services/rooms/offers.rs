//! How often a person may describe their media. Each offer costs milliseconds of a processor, one for a new connection the
//! most, and whoever may offer at all may be a stranger.

use crate::domain::permission::Actor;
use crate::services::Services;
use crate::services::pacing::{Limits, Rate};

/// Offers of one person in all their rooms: a call begins with two or three, people who come and go want one each, and a
/// browser on a broken network seeks a path four times in fourteen seconds.
const OFFERS: Rate = Rate::new(10, 1000);
/// What an offer of a new connection takes.
const FRESH: i64 = 2;

/// The offers of everybody.
#[derive(Debug)]
pub struct Offers(pub(in crate::services) Limits<String>);

impl Default for Offers {
    fn default() -> Self {
        Self(Limits::new(OFFERS))
    }
}

impl Services {
    /// Whether an offer of this person may go to the relay now; one that may not waits for its turn.
    pub fn may_offer(&self, actor: Actor, fresh: bool) -> bool {
        let cost = if fresh { FRESH } else { 1 };
        self.offers.0.take_several(actor.key(), cost, self.clock.now()).is_ok()
    }
}
