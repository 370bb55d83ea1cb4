//! Who is there: a patient's page that comes or goes is told to the desk, an emergency caller's to all who hear alarms.

use serde_json::json;

use crate::domain::ids::TicketId;
use crate::domain::permission::Actor;
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::tickets::announce_desk;
use crate::services::topics::Topic;
use crate::store::{AlarmRow, TicketRow};

impl Services {
    /// A browser watches its ticket: the patient is online.
    pub async fn watch_ticket(&self, ticket: TicketId) {
        if self.live.watch(ticket) {
            self.tell_of(ticket, true).await;
        }
    }

    /// A browser watches no more.
    pub async fn unwatch_ticket(&self, ticket: TicketId) {
        if self.live.unwatch(ticket) {
            self.tell_of(ticket, false).await;
        }
    }

    /// The socket of an emergency caller came or went.
    pub async fn caller_moved(&self, actor: Actor) {
        let Actor::Caller { alarm, institution, .. } = actor else { return };
        let told = async {
            let mut work = self.begin().await?;
            let data = json!({ "alarm": alarm });
            work.emit(institution, Topic::Alarms(institution).to_string(), "alarm.caller_moved", data).await?;
            work.commit().await
        };
        log_untold(told.await);
    }

    /// Whether the person behind an alarm has an open page.
    pub(crate) fn is_caller_online(&self, alarm: &AlarmRow) -> bool {
        let watches = alarm.ticket_id.is_some_and(|ticket| self.live.is_online(ticket));
        let signed_in = || alarm.holder_id.is_some_and(|holder| self.live.is_here(&holder.to_string()));
        watches || signed_in() || self.live.is_here(&alarm.id.to_string())
    }

    /// Since when the patient of a ticket is away. Whoever said yes to the call was there then.
    pub(crate) fn offline_since(&self, ticket: &TicketRow) -> Option<Timestamp> {
        let since = self.live.offline_since(ticket.id)?;
        Some(ticket.accepted_at.map_or(since, |accepted| since.max(accepted)))
    }

    async fn tell_of(&self, ticket: TicketId, is_online: bool) {
        // When the process ends all sockets go; that says nothing about the patients.
        if !self.shutdown.is_cancelled() {
            log_untold(self.announce_presence(ticket, is_online).await);
        }
    }

    async fn announce_presence(&self, ticket: TicketId, is_online: bool) -> Result<(), Refusal> {
        let row = self.db.read().await?.tickets().find(ticket).await?;
        let Some(row) = row.filter(|row| row.state.is_live()) else { return Ok(()) };
        let is_emergency = row.state == TicketState::Emergency;
        if row.desk_id.is_none() && !is_emergency {
            // Whoever waits is shown as offline at the board's next reading; nobody is kept waiting by it.
            return Ok(());
        }
        let mut work = self.begin().await?;
        announce_desk(&mut work, &row, if is_online { "desk.patient_online" } else { "desk.patient_offline" }).await?;
        if is_emergency {
            let (institution, data) = (row.institution_id, json!({ "ticket": ticket }));
            work.emit(institution, Topic::Alarms(institution).to_string(), "alarm.caller_moved", data).await?;
        }
        work.commit().await
    }
}

fn log_untold(told: Result<(), Refusal>) {
    if let Err(refusal) = told {
        tracing::warn!(code = refusal.code.as_str(), "a coming or going was not told; the next reading shows it");
    }
}
