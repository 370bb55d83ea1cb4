//! A call that nobody answered, and a visit whose patient could not be reached any more: some places back.

use crate::domain::ids::TicketId;
use crate::domain::place::{Shift, Standing, shift_back};
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::store::tickets::{TicketRow, Tickets};
use crate::store::{Result, on};

impl Tickets<'_> {
    /// A ticket while its clinic's queue is locked. It is read again: another may have moved it aside before.
    async fn find_locked(&mut self, id: TicketId) -> Result<Option<TicketRow>> {
        let Some(ticket) = self.find(id).await? else { return Ok(None) };
        self.lock_queue(ticket.clinic_id).await?;
        self.find(id).await
    }

    /// Where a ticket that does not wait stands `places` back in its lane.
    async fn places_back(&mut self, ticket: &TicketRow, places: i64) -> Result<Shift> {
        let standing = Standing { id: ticket.id, rank: ticket.rank, is_waiting: false };
        let behind = self.behind(ticket).await?;
        Ok(shift_back(standing, &behind, usize::try_from(places).unwrap_or(0)))
    }

    /// Nobody answered: `shift` places back in its lane, or void at the `limit`th miss.
    ///
    /// Exactly `shift` who wait come to stand before it that did not; when fewer wait it goes to the end.
    pub async fn miss(
        &mut self,
        id: TicketId,
        version: i64,
        shift: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        let Some(ticket) = self.find_locked(id).await? else { return Ok(None) };
        let to = self.places_back(&ticket, shift).await?;
        let missed: Option<TicketRow> = on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "miss_count = miss_count + 1, desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, move_reason = 'missed_call', rank = $3,
                 state = case when miss_count + 1 >= $4 then 'no_show' else 'waiting' end,
                 ended_at = case when miss_count + 1 >= $4 then $5 else null end",
                "'called'"
            ))
            .bind(id)
            .bind(version)
            .bind(to.rank)
            .bind(limit)
            .bind(now)
            .fetch_optional(conn)
            .await?
        });
        if missed.as_ref().is_some_and(|ticket| ticket.state == TicketState::Waiting) {
            self.step_aside(to.aside).await?;
        }
        Ok(missed)
    }

    /// Somebody else answered. The first time the place stays; from the second on it is `shift` places back as after a
    /// missed call, for whoever always answers wrongly holds the desks up; void at the `limit`th.
    pub async fn wrong_person(
        &mut self,
        id: TicketId,
        version: i64,
        shift: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        let Some(ticket) = self.find_locked(id).await? else { return Ok(None) };
        let to = self.places_back(&ticket, if ticket.wrong_count == 0 { 0 } else { shift }).await?;
        let back: Option<TicketRow> = on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "wrong_count = wrong_count + 1, desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = 'wrong_person', rank = $3,
                 state = case when wrong_count + 1 >= $4 then 'no_show' else 'waiting' end,
                 ended_at = case when wrong_count + 1 >= $4 then $5 else null end",
                "'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .bind(to.rank)
            .bind(limit)
            .bind(now)
            .fetch_optional(conn)
            .await?
        });
        if back.as_ref().is_some_and(|ticket| ticket.state == TicketState::Waiting) {
            self.step_aside(to.aside).await?;
        }
        Ok(back)
    }

    /// The patient dropped out of the visit: `shift` places back in its lane, so that the next call reaches somebody
    /// who is there. It is not a missed call.
    pub async fn put_back(&mut self, id: TicketId, version: i64, shift: i64) -> Result<Option<TicketRow>> {
        let Some(ticket) = self.find_locked(id).await? else { return Ok(None) };
        let to = self.places_back(&ticket, shift).await?;
        let back: Option<TicketRow> = on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = 'patient_lost', rank = $3",
                "'serving'"
            ))
            .bind(id)
            .bind(version)
            .bind(to.rank)
            .fetch_optional(conn)
            .await?
        });
        if back.is_some() {
            self.step_aside(to.aside).await?;
        }
        Ok(back)
    }

    /// Gives others the rank that keeps their order; the version stays, for nobody's place changes.
    async fn step_aside(&mut self, aside: Vec<(TicketId, i64)>) -> Result<()> {
        for (other, rank) in aside {
            on!(self.0, |conn| {
                sqlx::query("update ticket set rank = $2 where id = $1").bind(other).bind(rank).execute(conn).await?;
            });
        }
        Ok(())
    }

    /// Those who may have stepped aside for a ticket: whoever stands behind it without a gap, with their ranks.
    pub async fn close_behind(&mut self, ticket: &TicketRow) -> Result<Vec<(TicketId, i64)>> {
        let mut before = ticket.rank;
        let behind = self.behind(ticket).await?.into_iter().map(|one| (one.id, one.rank));
        Ok(behind
            .take_while(|(_, rank)| {
                let is_close = *rank <= before + 1;
                before = *rank;
                is_close
            })
            .collect())
    }

    /// The live tickets behind one in its lane, in order.
    async fn behind(&mut self, ticket: &TicketRow) -> Result<Vec<Standing>> {
        // The states stand as in the index `ticket_live_patient`, or SQLite would not use it.
        let rows: Vec<(TicketId, i64, TicketState)> = on!(self.0, |conn| {
            sqlx::query_as(
                "select id, rank, state
                 from ticket
                 where clinic_id = $1 and lane = $2 and (rank > $3 or (rank = $3 and id > $4))
                   and state in ('waiting', 'called', 'serving', 'suspended', 'emergency')
                 order by rank, id",
            )
            .bind(ticket.clinic_id)
            .bind(ticket.lane)
            .bind(ticket.rank)
            .bind(ticket.id)
            .fetch_all(conn)
            .await?
        });
        let standing = |(id, rank, state)| Standing { id, rank, is_waiting: state == TicketState::Waiting };
        Ok(rows.into_iter().map(standing).collect())
    }
}
