//! Tickets: every statement that moves one states from where it may move, under which version, and says whether it did.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{AccountId, ClinicId, DeclarationId, DeskId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT, DOCTOR_GRACE, LEASE, MoveReason, TicketState, lane_of};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::store::{Result, Tx, on};

/// A ticket as it is kept.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct TicketRow {
    /// The ticket.
    pub id: TicketId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The queue.
    pub clinic_id: ClinicId,
    /// `YYYY-MM-DD` in the clinic's zone.
    pub day: String,
    /// The printed number, gap-free per clinic and day.
    pub no: i64,
    /// Who is ill.
    pub patient_id: PatientId,
    /// Who answers.
    pub holder_id: Option<HolderId>,
    /// What was declared.
    pub declaration_id: Option<DeclarationId>,
    /// Triage level.
    pub level: Level,
    /// What it is doing.
    pub state: TicketState,
    /// Lower lanes are called first.
    pub lane: i64,
    /// Lower ranks are called first in a lane: the time of arrival, unless a stated rule moved the ticket.
    pub rank: i64,
    /// Optimistic lock and fencing token.
    pub version: i64,
    /// How often it was called.
    pub call_count: i64,
    /// How often nobody answered.
    pub miss_count: i64,
    /// Which desk holds it.
    pub desk_id: Option<DeskId>,
    /// Which doctor holds it.
    pub doctor_id: Option<AccountId>,
    /// The holder must be heard before this.
    pub lease_until: Option<Timestamp>,
    /// A call is missed after this.
    pub ring_until: Option<Timestamp>,
    /// When the patient said yes to the present call.
    pub accepted_at: Option<Timestamp>,
    /// When it was drawn.
    pub joined_at: Timestamp,
    /// When the patient arrived; kept over transfers.
    pub arrived_at: Timestamp,
    /// When it was last called.
    pub called_at: Option<Timestamp>,
    /// When the visit began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The ticket that it continues.
    pub from_ticket: Option<TicketId>,
    /// The ticket that continues it.
    pub moved_to: Option<TicketId>,
    /// Why it last moved.
    pub move_reason: Option<MoveReason>,
    /// When the three questions are due.
    pub retriage_due: Option<Timestamp>,
    /// A nurse should call.
    pub nurse_call: bool,
    /// What the check before the call found.
    pub device_check: Option<Json<Value>>,
}

macro_rules! columns {
    () => {
        "id, institution_id, clinic_id, day, no, patient_id, holder_id, declaration_id, level, state, lane, rank, version,
         call_count, miss_count, desk_id, doctor_id, lease_until, ring_until, accepted_at, joined_at, arrived_at, called_at,
         started_at, ended_at, from_ticket, moved_to, move_reason, retriage_due, nurse_call, device_check "
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select ", columns!(), "from ticket ", $rest)
    };
}

/// An update that takes the ticket from the named states under a version, and returns it.
macro_rules! moving {
    ($set:literal, $from:literal) => {
        moving!($set, $from, "")
    };
    ($set:literal, $from:literal, $guard:literal) => {
        concat!(
            "update ticket set version = version + 1, ",
            $set,
            " where id = $1 and version = $2 and state in (",
            $from,
            ") ",
            $guard,
            " returning ",
            columns!()
        )
    };
}

macro_rules! call_next {
    ($which:literal, $lock:literal) => {
        concat!(
            "with pick as materialized (
                 select id
                 from ticket
                 where clinic_id = $1 and state = 'waiting' ",
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
const CALL_POSTGRES: &str = call_next!("and $8::bigint = $8", "for update skip locked");
const CALL_AGED_SQLITE: &str = call_next!("and lane = 2 and arrived_at < $8", "");
const CALL_AGED_POSTGRES: &str = call_next!("and lane = 2 and arrived_at < $8", "for update skip locked");

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

/// The `ticket`, `queue` and `calling` tables.
pub struct Tickets<'tx>(pub(super) &'tx mut Tx);

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

    /// Keeps a new ticket; a second live one of the same patient and clinic is a conflict.
    pub async fn insert(&mut self, t: &TicketRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into ticket (id, institution_id, clinic_id, day, no, patient_id, holder_id, declaration_id, level,
                                     state, lane, rank, version, call_count, miss_count, joined_at, arrived_at,
                                     from_ticket, move_reason, retriage_due, nurse_call, device_check)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, $16, $17, $18, $19, $20)",
            )
            .bind(t.id)
            .bind(t.institution_id)
            .bind(t.clinic_id)
            .bind(&t.day)
            .bind(t.no)
            .bind(t.patient_id)
            .bind(t.holder_id)
            .bind(t.declaration_id)
            .bind(t.level)
            .bind(t.state)
            .bind(t.lane)
            .bind(t.rank)
            .bind(t.version)
            .bind(t.joined_at)
            .bind(t.arrived_at)
            .bind(t.from_ticket)
            .bind(t.move_reason)
            .bind(t.retriage_due)
            .bind(t.nurse_call)
            .bind(&t.device_check)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A ticket by its id.
    pub async fn find(&mut self, id: TicketId) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The ticket that a doctor has called, serves, or was cut off from.
    pub async fn of_doctor(&mut self, doctor: AccountId) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where doctor_id = $1 and state in ('called', 'serving', 'suspended') order by called_at desc limit 1"
            ))
            .bind(doctor)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The newest ticket of a holder in a clinic.
    pub async fn newest_of_holder(&mut self, holder: HolderId, clinic: ClinicId) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where holder_id = $1 and clinic_id = $2 order by joined_at desc, id desc limit 1"))
                .bind(holder)
                .bind(clinic)
                .fetch_optional(conn)
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
    /// patient is a conflict.
    ///
    /// Order is lane, rank, id; but after [`AGEING_STREAK`] URGENT calls in a row a STANDARD ticket that has waited for
    /// [`AGEING_WAIT`] goes first, and says so in `move_reason`.
    pub async fn call_next(&mut self, caller: Caller, now: Timestamp) -> Result<Option<TicketRow>> {
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

    /// The patient says yes to a call that still rings.
    pub async fn accept(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("accepted_at = $3, lease_until = $4", "'called'", "and accepted_at is null"))
                .bind(id)
                .bind(version)
                .bind(now)
                .bind(now + LEASE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The identity was confirmed: the visit begins.
    pub async fn serve(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'serving', started_at = $3, lease_until = $4, ring_until = null",
                "'called'",
                "and accepted_at is not null"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .bind(now + LEASE)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Nobody answered: some places back in its lane, or void. `shift` places; void at the `limit`th miss.
    pub async fn miss(
        &mut self,
        id: TicketId,
        version: i64,
        shift: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        let Some(ticket) = self.find(id).await? else { return Ok(None) };
        // The rank of the shift-th ticket that waits in this lane; the last one's when fewer wait.
        let rank: Option<i64> = on!(self.0, |conn| {
            sqlx::query_scalar(
                "select max(rank)
                 from (select rank from ticket
                       where clinic_id = $1 and state = 'waiting' and lane = $2 and rank >= $3
                       order by rank, id
                       limit $4) behind",
            )
            .bind(ticket.clinic_id)
            .bind(ticket.lane)
            .bind(ticket.rank)
            .bind(shift)
            .fetch_one(conn)
            .await?
        });
        let rank = rank.map_or(ticket.rank, |behind| behind.saturating_add(1));
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "miss_count = miss_count + 1, desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, move_reason = 'missed_call', rank = $3,
                 state = case when miss_count + 1 >= $4 then 'no_show' else 'waiting' end,
                 ended_at = case when miss_count + 1 >= $4 then $5 else null end",
                "'called'"
            ))
            .bind(id)
            .bind(version)
            .bind(rank)
            .bind(limit)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Back to its old place: the desk was lost, cancelled, or had the wrong person.
    pub async fn restore(&mut self, id: TicketId, version: i64, why: MoveReason) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = $3",
                "'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .bind(why)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The desk's lease ran out in a visit: the visit waits for its doctor.
    pub async fn suspend(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("state = 'suspended', lease_until = $3", "'serving'"))
                .bind(id)
                .bind(version)
                .bind(now + DOCTOR_GRACE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The doctor is back: the visit goes on.
    pub async fn go_on(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("state = 'serving', lease_until = $3", "'suspended'"))
                .bind(id)
                .bind(version)
                .bind(now + LEASE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The doctor did not come back: to the head of its level.
    pub async fn to_head(&mut self, id: TicketId, version: i64) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', rank = 0, desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = 'doctor_lost'",
                "'suspended'"
            ))
            .bind(id)
            .bind(version)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The visit is over.
    pub async fn finish(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'done', ended_at = $3, lease_until = null, ring_until = null",
                "'serving', 'suspended', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The patient gives the place up.
    pub async fn leave(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'left', ended_at = $3, desk_id = null, doctor_id = null, lease_until = null, ring_until = null",
                "'waiting', 'called', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Closes the ticket here; `moved_to` goes on in another clinic.
    pub async fn transfer(
        &mut self,
        id: TicketId,
        version: i64,
        moved_to: TicketId,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'transferred', moved_to = $3, ended_at = $4, lease_until = null, ring_until = null",
                "'waiting', 'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .bind(moved_to)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Out of the queue: somebody calls at once.
    pub async fn to_emergency(&mut self, id: TicketId, version: i64) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'emergency', level = 'EMERGENCY', lane = 0, desk_id = null, doctor_id = null, lease_until = null,
                 ring_until = null, accepted_at = null, move_reason = 'raised'",
                "'waiting', 'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Changes the level of a waiting ticket, or brings one back from emergency; the rank, and with it the time of
    /// arrival, stays.
    pub async fn set_level(
        &mut self,
        id: TicketId,
        version: i64,
        level: Level,
        why: MoveReason,
    ) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', level = $3, lane = $4, move_reason = $5",
                "'waiting', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(level)
            .bind(lane_of(level))
            .bind(why)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Notes that the three questions were answered; the next are due at `due`.
    pub async fn set_retriage(&mut self, id: TicketId, due: Timestamp, nurse_call: bool) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update ticket set retriage_due = $2, nurse_call = $3 where id = $1 and state = 'waiting'")
                .bind(id)
                .bind(due)
                .bind(nurse_call)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
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
