//! Whoever rested proves anew who they are; see [`crate::domain::in_person`].
//!
//! A command of a member of staff is an act. What a page asks by itself is none: questions, pings, new tokens, grants for a
//! seat that it takes again. Whatever comes after a rest ends it no more, but for the proof.

use crate::domain::in_person::{NOTE_EVERY, REST, Seen, seen};
use crate::domain::permission::{Actor, StaffAct};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;

impl Services {
    /// Refuses whoever rested.
    pub async fn in_person(&self, actor: Actor) -> Result<(), Refusal> {
        match self.seen(actor).await? {
            Seen::Rested => Err(Refusal::new(ErrorCode::ProofNeeded, "prove who you are by POST /auth/prove")),
            Seen::WentOn | Seen::JustNow => Ok(()),
        }
    }

    /// Notes that a member of staff did something.
    pub async fn note_act(&self, actor: Actor) -> Result<(), Refusal> {
        // One reads before one writes: most acts follow another within a minute.
        if actor.staff().is_none() || self.seen(actor).await? != Seen::WentOn {
            return Ok(());
        }
        let mut work = self.begin().await?;
        let now = work.now;
        work.tx.sessions().act(actor.session(), now, now - NOTE_EVERY, now - REST).await?;
        work.commit().await
    }

    /// Proves who sits there, by the password and the second factor where one is set: `POST /auth/prove`.
    pub async fn prove(&self, act: StaffAct, password: String, code: Option<&str>) -> Result<(), Refusal> {
        self.who_knows_the_password(act, password).await?;
        let mut work = self.begin().await?;
        self.pass_second_factor(&mut work, act.account, code).await?;
        let now = work.now;
        if !work.tx.sessions().prove(act.session, now).await? {
            return Err(Refusal::new(ErrorCode::Unauthenticated, "the session was ended; sign in again"));
        }
        work.audit(act.institution, &act.account.to_string(), "session.prove", &act.session.to_string()).await?;
        work.commit().await
    }

    async fn seen(&self, actor: Actor) -> Result<Seen, Refusal> {
        let row = self.db.read().await?.sessions().find(actor.session()).await?.ok_or_else(Refusal::not_found)?;
        Ok(seen(row.acted_at, self.clock.now()))
    }
}
