//! Calling: who is next.

use crate::domain::ids::{AccountId, ClinicId, DeskId, SlotId, TicketId};
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT, LEASE, MoveReason};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::store::tickets::{TicketRow, Tickets};
use crate::store::{Result, Tx, on};

macro_rules! call_next {
    ($which:literal, $lock:literal) => {
        concat!(
            "with pick as materialized (
                 select id
                 from ticket
                 where clinic_id = $1 and state = 'waiting'
                   and (want_doctor is null or lane < 2 or want_doctor = $3 or want_until <= $4) ",
            $which,
            " order by lane, rank, id
                 limit 1 ",
            $lock,
            ")
             update ticket
             set state = 'called', desk_id = $2, doctor_id = $3, called_at = $4, call_count = call_count + 1,
                 version = version + 1, ring_until = $5, lease_until = $6, accepted_at = null, move_reason = $7
             where id in (select id from pick) and state = 'waiting'
             returning ",
            columns!()
        )
    };
}

const CALL_SQLITE: &str = call_next!("and $8 = $8", "");
const CALL_POSTGRES: &str = call_next!("and $8::bigint = $8", "for update");
const CALL_AGED_SQLITE: &str = call_next!("and lane = 2 and arrived_at < $8", "");
const CALL_AGED_POSTGRES: &str = call_next!("and lane = 2 and arrived_at < $8", "for update");

/// A desk that calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The queue.
    pub clinic: ClinicId,
    /// The desk.
    pub desk: DeskId,
    /// The doctor at it.
    pub doctor: AccountId,
    /// The call is missed after this.
    pub ring_until: Timestamp,
}

impl Tickets<'_> {
    /// When the clinic last called somebody, and how many URGENT it called in a row.
    pub async fn calling(&mut self, clinic: ClinicId) -> Result<Option<(i64, Timestamp)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as("select urgent_streak, last_call_at from calling where clinic_id = $1")
                .bind(clinic)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Calls the next patient: atomic over all desks and nodes; `None` when nobody waits. A doctor who already has a
    /// patient is a conflict.
    ///
    /// A ticket that was booked with a doctor is called by nobody else until its want ends; one that is URGENT is called by
    /// whoever is free.
    ///
    /// Order is lane, rank, id; but after [`AGEING_STREAK`] URGENT calls in a row a STANDARD ticket that has waited for
    /// [`AGEING_WAIT`] goes first, and says so in `move_reason`.
    pub async fn call_next(&mut self, caller: Caller, now: Timestamp) -> Result<Option<TicketRow>> {
        self.lock_queue(caller.clinic).await?;
        let streak = self.calling(caller.clinic).await?.map_or(0, |(streak, _)| streak);
        let mut called = None;
        if streak >= AGEING_STREAK {
            called = self.call_one(caller, now, true).await?;
        }
        if called.is_none() {
            called = self.call_one(caller, now, false).await?;
        }
        if let Some(ticket) = &called {
            let is_urgent = i64::from(ticket.level == Level::Urgent);
            on!(self.0, |conn| {
                sqlx::query(
                    "insert into calling (clinic_id, urgent_streak, last_call_at)
                     values ($1, $2, $3)
                     on conflict (clinic_id) do update
                     set urgent_streak = (calling.urgent_streak + 1) * excluded.urgent_streak,
                         last_call_at = excluded.last_call_at",
                )
                .bind(caller.clinic)
                .bind(is_urgent)
                .bind(now)
                .execute(conn)
                .await?;
            });
        }
        Ok(called)
    }

    /// Locks a clinic's queue until the commit. Who decides by its order decides alone: a call that is taken back must
    /// cost nobody a place, and two calls at once must both count for the ageing rule. On SQLite whoever writes is alone.
    pub(super) async fn lock_queue(&mut self, clinic: ClinicId) -> Result<()> {
        if let Tx::Postgres(tx) = self.0 {
            // Joining goes on meanwhile: a foreign key asks for a weaker lock than this.
            let (within, held) =
                (tx.within(), sqlx::query("select 1 from clinic where id = $1 for no key update").bind(clinic));
            within.of(async { Ok(held.execute(&mut **tx).await?) }).await?;
        }
        Ok(())
    }

    async fn call_one(&mut self, caller: Caller, now: Timestamp, aged: bool) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn, dialect| {
            let text = if aged {
                dialect.pick(CALL_AGED_SQLITE, CALL_AGED_POSTGRES)
            } else {
                dialect.pick(CALL_SQLITE, CALL_POSTGRES)
            };
            sqlx::query_as(text)
                .bind(caller.clinic)
                .bind(caller.desk)
                .bind(caller.doctor)
                .bind(now)
                .bind(caller.ring_until)
                .bind(now + LEASE)
                .bind(aged.then_some(MoveReason::Aged))
                .bind(now - AGEING_WAIT)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The doctor of a slot is away: whoever has come with an appointment there waits for nobody in particular any longer.
    /// Nobody's place changes, and no version.
    pub async fn free(&mut self, slot: SlotId) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update ticket
                 set want_doctor = null, want_until = null
                 where appointment_id in (select id from appointment
                                          where slot_id = $1 and state in ('booked', 'checked_in'))
                   and want_doctor is not null and state in ('waiting', 'called', 'serving', 'suspended')
                 returning ",
                columns!()
            ))
            .bind(slot)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Rings at a patient whose visit is under way and who is not there, until `until`; `None` ends the ring.
    pub async fn ring(&mut self, id: TicketId, version: i64, until: Option<Timestamp>) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("ring_until = $3", "'serving'"))
                .bind(id)
                .bind(version)
                .bind(until)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Rings the called ticket again.
    pub async fn recall(
        &mut self,
        id: TicketId,
        version: i64,
        ring_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "ring_until = $3, lease_until = $4, called_at = $5, accepted_at = null, call_count = call_count + 1",
                "'called'"
            ))
            .bind(id)
            .bind(version)
            .bind(ring_until)
            .bind(now + LEASE)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }
}
