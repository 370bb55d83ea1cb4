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

impl Services {
    /// The patient says yes to the call.
    pub async fn accept_call(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (_, clinic) = own_ticket(&mut work.tx, act, id).await?;
        let now = work.now;
        let moved = work.tx.tickets().accept(id, version, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &moved, "desk.patient_accepted").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.accepted", command).await
    }

    /// Whoever holds the telephone is not the patient: the ticket keeps its place the first time, but not for ever.
    pub async fn not_me(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (before, clinic) = own_ticket(&mut work.tx, act, id).await?;
        if before.state != TicketState::Called {
            return Err(stale());
        }
        let (shift, limit, now) = (clinic.miss_shift, clinic.miss_limit, work.now);
        let moved = work.tx.tickets().wrong_person(id, version, shift, limit, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &before, "desk.patient_lost").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.wrong_person", command).await
    }

    /// The patient gives the place up.
    pub async fn leave_queue(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (before, clinic) = own_ticket(&mut work.tx, act, id).await?;
        let now = work.now;
        let moved = work.tx.tickets().leave(id, version, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &before, "desk.patient_left").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.left", command).await
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
