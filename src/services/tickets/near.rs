//! Who is near the turn is told, once.

use crate::domain::appointment::reminder::{NEAR, ReminderKind};
use crate::domain::ids::{ClinicId, TicketId};
use crate::domain::ticket::TicketState;
use crate::services::Services;
use crate::services::booking::texts::Word;
use crate::services::due::JobKind;
use crate::services::refusal::Refusal;
use crate::services::sms::Message;
use crate::services::work::Work;
use crate::store::{JobRow, Tx};

impl Services {
    /// Has those told who are near their turn in a clinic, each once.
    pub(crate) async fn tell_near(&self, work: &mut Work, clinic: ClinicId) -> Result<(), Refusal> {
        let near = work.tx.tickets().order(clinic).await?.into_iter().take(NEAR);
        for (id, _) in near {
            let Some(ticket) = work.tx.tickets().find(id).await? else { continue };
            let kind = JobKind::Remind(ReminderKind::NearTurn);
            // The moment of joining names the job: one ticket is told once, whatever moves before it.
            self.later(work, ticket.institution_id, kind, id.as_uuid(), ticket.joined_at);
        }
        Ok(())
    }

    /// What such a job tells, if the ticket still waits and nobody looks at its page.
    pub(crate) async fn near_turn(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(ticket) = tx.tickets().find(TicketId::from_uuid(job.subject_id)).await? else { return Ok(None) };
        // Whoever looks at the page sees it there.
        if ticket.state != TicketState::Waiting || self.live.is_online(ticket.id) {
            return Ok(None);
        }
        let Some(holder) = ticket.holder_id else { return Ok(None) };
        self.compose(tx, ticket.institution_id, holder, ticket.clinic_id, Word::NearTurn, &[]).await
    }
}
