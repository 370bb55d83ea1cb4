//! How often whoever is signed in may ask. A request costs the database and the disk the same whoever sends it, and one
//! telephone must not take them from a whole clinic: there is a bucket for each account, telephone number, caller and guest.
//! A socket costs as much when it is opened.

use crate::domain::ids::ConnectionId;
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
/// Sockets that a patient, a caller or a guest opens. In a call a browser tries again after half a second, and of the same
/// person two may do so for minutes.
const PATIENT_SOCKETS: Rate = Rate::new(60, 250);
/// Sockets that one account of staff opens: after a restart of the server all who share one come at once.
const STAFF_SOCKETS: Rate = Rate::new(120, 100);

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
    patient_sockets: Limits<String>,
    staff_sockets: Limits<String>,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            patient_reads: Limits::new(PATIENT_READS),
            patient_commands: Limits::new(PATIENT_COMMANDS),
            staff_reads: Limits::new(STAFF),
            staff_commands: Limits::new(STAFF),
            patient_sockets: Limits::new(PATIENT_SOCKETS),
            staff_sockets: Limits::new(STAFF_SOCKETS),
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

    fn of_sockets(&self, actor: Actor) -> &Limits<String> {
        match actor {
            Actor::Staff { .. } => &self.staff_sockets,
            Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => &self.patient_sockets,
        }
    }

    /// Full buckets for everybody, as after a long time.
    pub fn fill(&self) {
        let patients = [&self.patient_reads, &self.patient_commands, &self.patient_sockets];
        let staff = [&self.staff_reads, &self.staff_commands, &self.staff_sockets];
        for limits in patients.into_iter().chain(staff) {
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

    /// The same as [`Self::may_ask`] of a socket that says hello, and with which token it takes up a connection.
    pub fn may_open(&self, token: &str, resume: Option<&str>) -> Result<(), Refusal> {
        let now = self.clock.now();
        let Some((actor, _)) = self.tokens.actor(token, now) else { return Ok(()) };
        let wait = self.paces.of_sockets(actor).wait(&self.opener(actor, resume), now);
        wait.map_or(Ok(()), |seconds| Err(too_often(seconds)))
    }

    /// Takes one socket of somebody whose session stands.
    pub fn count_opened(&self, actor: Actor, resume: Option<&str>) -> Result<(), Refusal> {
        let opener = self.opener(actor, resume);
        self.paces.of_sockets(actor).take(opener, self.clock.now()).map_err(too_often)
    }

    /// For whom a socket counts: for the account, but whoever comes back into a call for that seat alone. Whatever else
    /// happens in the name of the account keeps nobody out of it.
    fn opener(&self, actor: Actor, resume: Option<&str>) -> String {
        let seat = resume.and_then(|resume| self.open_resume(resume, actor));
        let seat: Option<ConnectionId> = seat.filter(|connection| self.live.is_seated(*connection));
        seat.map_or_else(|| actor.key(), |connection| connection.to_string())
    }
}

fn too_often(seconds: u32) -> Refusal {
    let refusal = Refusal::new(ErrorCode::RateLimited, "too many requests of this account");
    Refusal { retry_after: Some(seconds), ..refusal }
}
