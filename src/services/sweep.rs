//! What time itself does to the queue: calls that nobody answered, desks that fell silent or have closed, pauses that ended;
//! and to what is owed: reports that are overdue.

use std::time::Duration;

use crate::domain::desk::{Desk, Happening};
use crate::domain::ticket::{LEASE, MoveReason, TicketState};
use crate::domain::time::Timestamp;
use crate::domain::visit::VisitEnd;
use crate::services::Services;
use crate::services::desk::{announce, has_patient};
use crate::services::identity::known_browsers::KNOWN_FOR;
use crate::services::refusal::Refusal;
use crate::services::tickets::announce_desk;
use crate::store::{DeskRow, TicketRow};

/// Tickets that are looked at together.
const BATCH: i64 = 50;
/// How long idempotency keys are remembered.
const KEYS_KEPT: Duration = Duration::from_hours(48);

impl Services {
    /// After a start: everybody who was held gets time to be heard again; our own absence is nobody's fault.
    pub async fn forgive(&self) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let until = work.now + LEASE;
        let tickets = work.tx.tickets().forgive(until).await?;
        let desks = work.tx.desks().forgive(until).await?;
        let alarms = work.tx.alarms().forgive(until).await?;
        work.commit().await?;
        tracing::info!(tickets, desks, alarms, "leases extended after the start");
        Ok(())
    }

    /// Moves every ticket and desk whose time has run out; how many tickets.
    pub async fn sweep(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        self.live.sweep();
        // None of these waits for another that fails.
        let tickets = self.sweep_tickets(now).await;
        let (desks, unheard) = (self.sweep_desks(now).await, self.sweep_alarms().await);
        let (folded, untold) = (self.sweep_folded().await, self.text_untold().await);
        let owed = self.sweep_reports(now).await;
        desks.and(unheard).and(folded).and(untold).and(owed)?;
        tickets
    }

    async fn sweep_tickets(&self, now: Timestamp) -> Result<usize, Refusal> {
        let mut pages = self.pages("sweep_tickets", BATCH);
        while let Some(before) = pages.before() {
            let overdue = self.db.read().await?.tickets().overdue(now, BATCH, before).await?;
            pages.found(overdue.len());
            for ticket in overdue {
                // Each in its own transaction: a ticket that moved in between is nobody's loss.
                let id = ticket.id;
                pages.heard(&id, self.sweep_ticket(ticket).await)?;
            }
        }
        Ok(pages.done)
    }

    async fn sweep_desks(&self, now: Timestamp) -> Result<(), Refusal> {
        for desk in self.db.read().await?.desks().overdue(now).await? {
            let id = desk.id;
            if let Err(refusal) = self.sweep_desk(desk).await {
                self.told.broken("sweep_desks", &id, &refusal);
            }
        }
        Ok(())
    }

    async fn sweep_ticket(&self, ticket: TicketRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        // A lease is renewed without a new version: what was overdue a moment ago may have been heard since.
        let Some(ticket) = work.tx.tickets().find(ticket.id).await? else { return Ok(false) };
        let is_silent = ticket.lease_until.is_some_and(|until| until < now);
        let is_unanswered = ticket.accepted_at.is_none() && ticket.ring_until.is_some_and(|until| until < now);
        if !is_silent && !is_unanswered {
            return Ok(false);
        }
        let clinic = work.tx.clinics().find(ticket.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let (id, version) = (ticket.id, ticket.version);
        let mut ends = None;
        let (moved, kind) = match ticket.state {
            TicketState::Called if is_unanswered => {
                let (shift, limit) = (clinic.miss_shift, clinic.miss_limit);
                (work.tx.tickets().miss(id, version, shift, limit, now).await?, "ticket.missed")
            }
            TicketState::Called => {
                (work.tx.tickets().restore(id, version, MoveReason::DeskLost).await?, "ticket.restored")
            }
            TicketState::Serving if is_silent => {
                (work.tx.tickets().suspend(id, version, now).await?, "ticket.suspended")
            }
            TicketState::Suspended if is_silent => {
                let visit = work.tx.visits().of_ticket(id).await?.filter(|visit| visit.ended_at.is_none());
                if let Some(visit) = visit {
                    self.stop_visit(&mut work, &visit, VisitEnd::DoctorLost).await?;
                    ends = Some(visit.room_id);
                }
                (work.tx.tickets().to_head(id, version).await?, "ticket.doctor_lost")
            }
            _ => (None, ""),
        };
        let Some(moved) = moved else { return Ok(false) };
        announce_desk(&mut work, &ticket, "desk.patient_moved").await?;
        self.announce_act(&mut work, &moved, kind, ticket.desk_id, None).await?;
        work.commit().await?;
        if let Some(room) = ends {
            self.end_room(room, VisitEnd::DoctorLost.room_end()).await;
        }
        Ok(true)
    }

    async fn sweep_desk(&self, desk: DeskRow) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        let Some(desk) = work.tx.desks().find(desk.id).await? else { return Ok(()) };
        let before = desk.desk();
        let is_silent = desk.lease_until.is_some_and(|until| until < now);
        let what = if is_silent { Happening::Silence } else { Happening::Passed(now) };
        let has_patient = has_patient(&mut work.tx, &desk).await?;
        let Some(after) = before.after(what, has_patient).filter(|after| *after != before) else { return Ok(()) };
        let desk = desk.turned(after);
        if work.tx.desks().update(&desk).await? {
            if matches!(after, Desk::Lost(_)) {
                tracing::warn!(desk.id = %desk.id, "a desk fell silent");
            }
            announce(&mut work, &desk, "desk.changed").await?;
            work.commit().await?;
        }
        Ok(())
    }

    /// Forgets idempotency keys that nobody will repeat any more, and one-time codes that nobody can use.
    pub async fn forget_keys(&self) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let before = work.now - KEYS_KEPT;
        work.tx.idem().forget(before).await?;
        work.tx.codes().forget(before).await?;
        let before = work.now - KNOWN_FOR;
        work.tx.known_places().forget(before).await?;
        work.commit().await
    }
}
