//! Answering the call: yes, not me, or leaving the queue.

use crate::domain::ids::TicketId;
use crate::domain::permission::HolderAct;
use crate::domain::ticket::TicketState;
use crate::protocol::ticket::TicketView;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::tickets::{announce_desk, own_ticket, stale};
use crate::services::work::{Command, Work};
use crate::store::{ClinicRow, TicketRow};

/// What a patient says of the own ticket.
#[derive(Clone, Copy)]
enum Said {
    Yes,
    NotMe,
    Leaves,
}

impl Services {
    /// The patient says yes to the call.
    pub async fn accept_call(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        self.hear_holder(act, id, version, Said::Yes, command).await
    }

    /// Whoever holds the telephone is not the patient: the ticket keeps its place the first time, but not for ever.
    pub async fn not_me(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        self.hear_holder(act, id, version, Said::NotMe, command).await
    }

    /// The patient gives the place up.
    pub async fn leave_queue(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        self.hear_holder(act, id, version, Said::Leaves, command).await
    }

    async fn hear_holder(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        said: Said,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (before, clinic) = own_ticket(&mut work.tx, act, id).await?;
        let now = work.now;
        let mut tickets = work.tx.tickets();
        let (moved, kind, told) = match said {
            Said::Yes => (tickets.accept(id, version, now).await?, "ticket.accepted", "desk.patient_accepted"),
            Said::NotMe if before.state != TicketState::Called => return Err(stale()),
            Said::NotMe => {
                let (shift, limit) = (clinic.miss_shift, clinic.miss_limit);
                let moved = tickets.wrong_person(id, version, shift, limit, now).await?;
                (moved, "ticket.wrong_person", "desk.patient_lost")
            }
            Said::Leaves => (tickets.leave(id, version, now).await?, "ticket.left", "desk.patient_left"),
        };
        let moved = moved.ok_or_else(stale)?;
        // Who is at no desk any more is told to the one that called.
        let called = if moved.desk_id.is_some() { &moved } else { &before };
        announce_desk(&mut work, called, told).await?;
        self.finish_holder_act(work, act, &moved, &clinic, kind, command).await
    }

    /// Ends an act of a holder: the answer, its repetition, the event, the commit.
    pub(super) async fn finish_holder_act(
        &self,
        mut work: Work,
        act: HolderAct,
        ticket: &TicketRow,
        clinic: &ClinicRow,
        kind: &str,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let now = work.now;
        let truth = self.truth_within(&mut work.tx, clinic.id).await?;
        let view = self.view(&mut work.tx, act, ticket, clinic, &truth, now).await?;
        work.keep(command, &view).await?;
        self.announce_ticket(&mut work, ticket, kind).await?;
        work.commit().await?;
        Ok(view)
    }
}
