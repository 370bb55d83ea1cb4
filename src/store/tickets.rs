//! Tickets: every statement that moves one states from where it may move, under which version, and says whether it did.
//!
//! What concerns a whole queue (drawing numbers, the order, calling next) is in `queue.rs`.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{AccountId, ClinicId, DeclarationId, DeskId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::ticket::{DOCTOR_GRACE, LEASE, MoveReason, TicketState, lane_of};
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
        concat!("select ", $crate::store::tickets::columns!(), "from ticket ", $rest)
    };
}

pub(super) use {columns, select};

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

/// The `ticket` table; with `queue`, `calling` and `service_time` in `queue.rs`.
pub struct Tickets<'tx>(pub(super) &'tx mut Tx);

impl Tickets<'_> {
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
        let may_miss = |ticket: &TicketRow| ticket.state == TicketState::Called && ticket.version == version;
        let Some(ticket) = self.find(id).await?.filter(may_miss) else { return Ok(None) };
        let rank = match self.behind(&ticket, shift).await? {
            Some(last) => self.make_room(&ticket, last).await?,
            None => ticket.rank,
        };
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

    /// The last of the `places` tickets of the lane that would have come after this one.
    async fn behind(&mut self, ticket: &TicketRow, places: i64) -> Result<Option<(i64, TicketId)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select rank, id
                 from (select rank, id
                       from ticket
                       where clinic_id = $1 and state = 'waiting' and lane = $2 and (rank, id) > ($3, $4)
                       order by rank, id
                       limit $5) behind
                 order by rank desc, id desc
                 limit 1",
            )
            .bind(ticket.clinic_id)
            .bind(ticket.lane)
            .bind(ticket.rank)
            .bind(ticket.id)
            .bind(places)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// A rank for `ticket` right after `last`. Where the next one stands too close those after `last` step back by two
    /// milliseconds, in their order and under their versions: for them nothing moved.
    async fn make_room(&mut self, ticket: &TicketRow, last: (i64, TicketId)) -> Result<i64> {
        // Who rewrites a queue waits for who calls from it: the same lock in the same order, so neither waits for ever.
        self.hold_streak(ticket.clinic_id).await?;
        let (last_rank, last_id) = last;
        let next: Option<(i64, TicketId)> = on!(self.0, |conn| {
            sqlx::query_as(
                "select rank, id
                 from ticket
                 where clinic_id = $1 and state = 'waiting' and lane = $2 and (rank, id) > ($3, $4)
                 order by rank, id
                 limit 1",
            )
            .bind(ticket.clinic_id)
            .bind(ticket.lane)
            .bind(last_rank)
            .bind(last_id)
            .fetch_optional(conn)
            .await?
        });
        let rank = last_rank.saturating_add(1);
        if next.is_some_and(|next| next < (rank, ticket.id)) {
            on!(self.0, |conn| {
                sqlx::query(
                    "update ticket
                     set rank = rank + 2
                     where clinic_id = $1 and state = 'waiting' and lane = $2 and (rank, id) > ($3, $4)",
                )
                .bind(ticket.clinic_id)
                .bind(ticket.lane)
                .bind(last_rank)
                .bind(last_id)
                .execute(conn)
                .await?;
            });
        }
        Ok(rank)
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
    /// arrival, stays. EMERGENCY is never in the queue: for it there is [`Tickets::to_emergency`], and here nothing.
    pub async fn set_level(
        &mut self,
        id: TicketId,
        version: i64,
        level: Level,
        why: MoveReason,
    ) -> Result<Option<TicketRow>> {
        if level == Level::Emergency {
            return Ok(None);
        }
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
}
