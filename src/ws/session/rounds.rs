//! What is looked at once a second: who is dead, what is stale, which lease ends.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;
use crate::ws::limits::{CloseCode, MEDIA_COMES, SILENCE, SILENCE_BESIDE_MEDIA};
use crate::ws::session::farewell::End;
use crate::ws::session::standing::token_ended;
use crate::ws::session::{Session, in_time};

/// A desk's lease is renewed this often.
const LEASE_EVERY: Duration = Duration::from_secs(15);
/// Whoever took an alarm is noted as heard this often.
const ALARMS_EVERY: Duration = Duration::from_secs(10);
/// The event log is compared with what was heard this often, so that a lost last announcement is found.
const REPAIR_EVERY: Duration = Duration::from_secs(5);
/// An echo is asked for this often.
const KNOCK_EVERY: Duration = Duration::from_secs(5);

impl Session {
    /// How long this socket may be silent.
    fn patience(&self, now: Timestamp) -> Duration {
        let media = self.services.live.media_heard_at(self.connection);
        if media.is_some_and(|at| now.since(at) <= MEDIA_COMES) { SILENCE_BESIDE_MEDIA } else { SILENCE }
    }

    /// Once a second.
    pub(super) async fn look_round(&mut self) -> Result<(), End> {
        let now = self.services.clock.now();
        if now.since(self.heard_at) > SILENCE && now.since(self.heard_at) > self.patience(now) {
            return Err(End::Close(CloseCode::Silent, Refusal::new(ErrorCode::Silent, "nothing was heard")));
        }
        if now >= self.ends {
            if !self.services.outlives(self.connection, self.ends) {
                return Err(token_ended());
            }
            // A call goes on while the database is away, for nobody can renew a token then. Where it answers, this ends below.
            self.is_proved = false;
        }
        if !self.services.live.is_current(self.connection, &self.outbox) {
            return Err(self.replaced().await);
        }
        // Before anything that asks the database: a call does not wait for it.
        self.pass_waiting_offers().await;
        self.ask_round(now).await?;
        if now.since(self.knocked_at) >= KNOCK_EVERY {
            self.knocked_at = now;
            self.knock().await?;
        }
        // With the database away a round takes long. What was said meanwhile lies unread: that is no silence.
        self.heard_at = self.heard_at + self.services.clock.now().since(now);
        Ok(())
    }

    /// What of a round is asked of the database. Where it does not answer once, the rest waits for the next round: what a
    /// browser says must not lie unread for longer.
    async fn ask_round(&mut self, now: Timestamp) -> Result<(), End> {
        if !self.is_proved().await? {
            return Ok(());
        }
        if let Some(desk) = self.desk
            && now.since(self.leased_at) >= LEASE_EVERY
        {
            self.leased_at = now;
            if let Err(refusal) = in_time(self.services.renew_desk(self.actor, desk)).await {
                tracing::warn!(desk.id = %desk, code = refusal.code.as_str(), "a desk's lease was not renewed");
                if refusal.code == ErrorCode::Unavailable {
                    return Ok(());
                }
            }
        }
        if now.since(self.alarms_renewed_at) >= ALARMS_EVERY {
            self.alarms_renewed_at = now;
            if !self.renew_alarms().await {
                return Ok(());
            }
        }
        if now.since(self.repaired_at) >= REPAIR_EVERY {
            self.repaired_at = now;
            if !self.repair().await? {
                return Ok(());
            }
        }
        self.push_stale().await
    }
}
