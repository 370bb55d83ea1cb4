//! How often whoever is signed in may ask. A request costs the database and the disk the same whoever sends it, and one
//! telephone must not take them from a whole clinic: there is a bucket for each account, telephone number, caller and guest.

use crate::domain::permission::Actor;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::pacing::{Limits, Rate};
use crate::services::refusal::Refusal;

/// What a patient, a caller or a guest looks at, and pieces of pictures: a page that opens or wakes up asks for some ten
/// things at once, and a picture comes in sixty-four pieces at most.
const PATIENT_READS: Rate = Rate::new(60, 250);
/// What they do: from the link to the number it is a dozen commands, which a family of four may send one after the other, and
/// whoever types fast sends a line a second.
const PATIENT_COMMANDS: Rate = Rate::new(60, 1000);
/// What staff look at, and what they do, each: a desk with a waiting room before it reads half a dozen lists with each event,
/// and keeps a note and a prescription at every pause of the hand.
const STAFF: Rate = Rate::new(120, 100);

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// To see something, or to lay the next piece of something beside those that are here.
    Read,
    /// That something happens.
    Command,
}

/// The requests of everybody who is signed in.
#[derive(Debug)]
pub struct Paces {
    patient_reads: Limits<String>,
    patient_commands: Limits<String>,
    staff_reads: Limits<String>,
    staff_commands: Limits<String>,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            patient_reads: Limits::new(PATIENT_READS),
            patient_commands: Limits::new(PATIENT_COMMANDS),
            staff_reads: Limits::new(STAFF),
            staff_commands: Limits::new(STAFF),
        }
    }
}

impl Paces {
    fn of(&self, actor: Actor, asks: Asks) -> &Limits<String> {
        match (actor, asks) {
            (Actor::Staff { .. }, Asks::Read) => &self.staff_reads,
            (Actor::Staff { .. }, Asks::Command) => &self.staff_commands,
            (Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. }, Asks::Read) => &self.patient_reads,
            (Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. }, Asks::Command) => {
                &self.patient_commands
            }
        }
    }

    /// Full buckets for everybody, as after a long time.
    pub fn fill(&self) {
        for limits in [&self.patient_reads, &self.patient_commands, &self.staff_reads, &self.staff_commands] {
            limits.fill();
        }
    }
}

impl Services {
    /// Refuses whoever has nothing left, before the database is asked for anything. It takes nothing: a session that was
    /// ended must not spend what its owner has.
    pub fn may_ask(&self, token: &str, asks: Asks) -> Result<(), Refusal> {
        let now = self.clock.now();
        let Some((actor, _)) = self.tokens.actor(token, now) else { return Ok(()) };
        self.paces.of(actor, asks).wait(&actor.key(), now).map_or(Ok(()), |seconds| Err(too_often(seconds)))
    }

    /// Takes one request of somebody whose session stands.
    pub fn count_asked(&self, actor: Actor, asks: Asks) -> Result<(), Refusal> {
        self.paces.of(actor, asks).take(actor.key(), self.clock.now()).map_err(too_often)
    }
}

fn too_often(seconds: u32) -> Refusal {
    let refusal = Refusal::new(ErrorCode::RateLimited, "too many requests of this account");
    Refusal { retry_after: Some(seconds), ..refusal }
}
