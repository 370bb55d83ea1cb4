//! The queue of a clinic: numbers, order, calling next, leases, and how long visits take.

use crate::domain::ids::{AccountId, ClinicId, DeskId, TicketId};
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT, LEASE, MoveReason};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::store::tickets::{columns, select};
use crate::store::{Result, StoreError, TicketRow, Tickets, on};

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

/// Which waiting ticket is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// The first in order.
    First,
    /// The first STANDARD one that has waited for too long.
    Aged,
}

/// Takes the first ticket that still is what it was when it was picked. Two statements of PostgreSQL can pick the same
/// one; the second finds another version there, touches nothing, and picks again.
macro_rules! call {
    ($which:literal) => {
        concat!(
            "with pick as materialized (
                 select id as pick_id, version as pick_version
                 from ticket
                 where clinic_id = $1 and state = 'waiting' ",
            $which,
            " order by lane, rank, id
                 limit 1)
             update ticket
             set state = 'called', desk_id = $2, doctor_id = $3, called_at = $4, call_count = call_count + 1,
                 version = version + 1, ring_until = $5, lease_until = $6, accepted_at = null, move_reason = $7
             from pick
             where id = pick_id and version = pick_version and state = 'waiting'
             returning ",
            columns!()
        )
    };
}

/// How often a pick may be lost to somebody else before the caller is told to try later. Callers of one clinic wait for
/// each other, so only patients who leave and nurses who move somebody can come between.
const PICKS: usize = 32;

impl Tickets<'_> {
    /// Draws the next number of the clinic's day. The transaction that drops it leaves no gap.
    pub async fn draw_no(&mut self, clinic: ClinicId, day: &str) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "insert into queue (clinic_id, day, next_no)
                 values ($1, $2, 2)
                 on conflict (clinic_id, day) do update set next_no = queue.next_no + 1
                 returning next_no - 1",
            )
            .bind(clinic)
            .bind(day)
            .fetch_one(conn)
            .await?
        }))
    }

    /// The live tickets of a clinic: held ones first, then the waiting in calling order.
    pub async fn board(&mut self, clinic: ClinicId) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where clinic_id = $1 and state in ('waiting', 'called', 'serving', 'suspended', 'emergency')
                 order by case state when 'waiting' then 1 else 0 end, lane, rank, id"
            ))
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The waiting tickets of a clinic in calling order: id and level.
    pub async fn order(&mut self, clinic: ClinicId) -> Result<Vec<(TicketId, Level)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, level from ticket where clinic_id = $1 and state = 'waiting' order by lane, rank, id",
            )
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// How many wait in a clinic.
    pub async fn count_waiting(&mut self, clinic: ClinicId) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select count(*) from ticket where clinic_id = $1 and state = 'waiting'")
                .bind(clinic)
                .fetch_one(conn)
                .await?
        }))
    }

    /// How many visits a clinic finished since `since`.
    pub async fn count_done(&mut self, clinic: ClinicId, since: Timestamp) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select count(*) from ticket where clinic_id = $1 and state = 'done' and ended_at >= $2")
                .bind(clinic)
                .bind(since)
                .fetch_one(conn)
                .await?
        }))
    }

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
    /// patient is a conflict, and the transaction must then be dropped.
    ///
    /// Order is lane, rank, id; but after [`AGEING_STREAK`] URGENT calls in a row a STANDARD ticket that has waited for
    /// [`AGEING_WAIT`] goes first, and says so in `move_reason`.
    pub async fn call_next(&mut self, caller: Caller, now: Timestamp) -> Result<Option<TicketRow>> {
        let mut ticket = None;
        if self.hold_streak(caller.clinic).await? >= AGEING_STREAK {
            ticket = self.call(caller, now, Which::Aged).await?;
        }
        if ticket.is_none() {
            ticket = self.call(caller, now, Which::First).await?;
        }
        if let Some(ticket) = &ticket {
            self.count_call(caller.clinic, ticket.level, now).await?;
        }
        Ok(ticket)
    }

    /// How many URGENT were called in a row. On PostgreSQL the row is held until the commit: what was called before
    /// decides what is called next, so the desks of a clinic call one after the other.
    pub(super) async fn hold_streak(&mut self, clinic: ClinicId) -> Result<i64> {
        if let Some(streak) = self.lock_streak(clinic).await? {
            return Ok(streak);
        }
        // The clinic never called anybody, so there is no row to hold yet: hold the clinic instead. Without it two first
        // calls could each take a ticket and then wait for the other's row.
        on!(self.0, |conn, dialect| {
            sqlx::query(
                dialect.pick(
                    "select id from clinic where id = $1",
                    "select id from clinic where id = $1 for no key update",
                ),
            )
            .bind(clinic)
            .execute(conn)
            .await?;
        });
        Ok(self.lock_streak(clinic).await?.unwrap_or(0))
    }

    async fn lock_streak(&mut self, clinic: ClinicId) -> Result<Option<i64>> {
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_scalar(dialect.pick(
                "select urgent_streak from calling where clinic_id = $1",
                "select urgent_streak from calling where clinic_id = $1 for update",
            ))
            .bind(clinic)
            .fetch_optional(conn)
            .await?
        }))
    }

    async fn call(&mut self, caller: Caller, now: Timestamp, which: Which) -> Result<Option<TicketRow>> {
        let aged_before = now - AGEING_WAIT;
        let (text, why) = match which {
            Which::First => (call!(""), None),
            Which::Aged => (call!("and lane = 2 and arrived_at < $8"), Some(MoveReason::Aged)),
        };
        for _ in 0..PICKS {
            let ticket: Option<TicketRow> = on!(self.0, |conn| {
                let mut query = sqlx::query_as(text)
                    .bind(caller.clinic)
                    .bind(caller.desk)
                    .bind(caller.doctor)
                    .bind(now)
                    .bind(caller.ring_until)
                    .bind(now + LEASE)
                    .bind(why);
                if which == Which::Aged {
                    query = query.bind(aged_before);
                }
                query.fetch_optional(conn).await?
            });
            if ticket.is_some() || !self.any_waits(caller.clinic, which, aged_before).await? {
                return Ok(ticket);
            }
        }
        Err(StoreError::Unavailable)
    }

    async fn any_waits(&mut self, clinic: ClinicId, which: Which, aged_before: Timestamp) -> Result<bool> {
        let arrived_before = if which == Which::Aged { aged_before } else { Timestamp::from_millis(i64::MAX) };
        let found: Option<i64> = on!(self.0, |conn| {
            sqlx::query_scalar(
                "select lane
                 from ticket
                 where clinic_id = $1 and state = 'waiting' and (lane = 2 or $2) and arrived_at < $3
                 limit 1",
            )
            .bind(clinic)
            .bind(which == Which::First)
            .bind(arrived_before)
            .fetch_optional(conn)
            .await?
        });
        Ok(found.is_some())
    }

    async fn count_call(&mut self, clinic: ClinicId, level: Level, now: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into calling (clinic_id, urgent_streak, last_call_at)
                 values ($1, $2, $3)
                 on conflict (clinic_id) do update
                 set urgent_streak = (calling.urgent_streak + 1) * excluded.urgent_streak,
                     last_call_at = excluded.last_call_at",
            )
            .bind(clinic)
            .bind(i64::from(level == Level::Urgent))
            .bind(now)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Renews the lease of whatever a doctor holds; the version stays, for nothing moved.
    pub async fn renew(&mut self, doctor: AccountId, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update ticket set lease_until = $2 where doctor_id = $1 and state in ('called', 'serving')")
                .bind(doctor)
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// After a restart: gives every holder until `until` to be heard, and every call that rings until `until` to be
    /// answered; our own absence is nobody's fault.
    pub async fn forgive(&mut self, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update ticket
                 set lease_until = $1,
                     ring_until = case when ring_until < $1 then $1 else ring_until end
                 where state in ('called', 'serving', 'suspended') and lease_until < $1",
            )
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
        }))
    }

    /// Tickets whose ring or lease has run out, oldest first.
    pub async fn overdue(&mut self, now: Timestamp, limit: i64) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where (state = 'called' and accepted_at is null and ring_until < $1)
                    or (state in ('called', 'serving', 'suspended') and lease_until < $1)
                 order by lease_until, id
                 limit $2"
            ))
            .bind(now)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The mean length of visits per level, in milliseconds, and how many they were.
    pub async fn service_times(&mut self, clinic: ClinicId) -> Result<Vec<(Level, i64, i64)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as("select level, mean_ms, visits from service_time where clinic_id = $1")
                .bind(clinic)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Learns from a visit that took `took_ms`: an exponential mean over about ten visits.
    pub async fn learn(&mut self, clinic: ClinicId, level: Level, took_ms: i64) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into service_time (clinic_id, level, mean_ms, visits)
                 values ($1, $2, $3, 1)
                 on conflict (clinic_id, level) do update
                 set mean_ms = (service_time.mean_ms * 9 + excluded.mean_ms) / 10, visits = service_time.visits + 1",
            )
            .bind(clinic)
            .bind(level)
            .bind(took_ms)
            .execute(conn)
            .await?;
        });
        Ok(())
    }
}
