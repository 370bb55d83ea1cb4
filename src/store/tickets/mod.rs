//! Tickets: every statement that moves one states from where it may move, under which version, and says whether it did.

use crate::domain::ids::{AccountId, ClinicId, DeclarationId, HolderId, PatientId, TicketId};
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::store::patients::{own_card, same_card};
use crate::store::{Result, Tx, on};

macro_rules! columns {
    () => {
        "id, institution_id, clinic_id, day, no, patient_id, holder_id, declaration_id, level, state, lane, rank, version,
         call_count, miss_count, wrong_count, desk_id, doctor_id, lease_until, ring_until, accepted_at, joined_at,
         arrived_at, called_at, started_at, ended_at, from_ticket, moved_to, move_reason, retriage_due, nurse_call, device_check,
         want_doctor, want_until, appointment_id "
    };
}

macro_rules! select {
    ($($rest:tt)*) => {
        concat!("select ", columns!(), "from ticket ", $($rest)*)
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

mod calling;
mod leases;
mod missing;
mod moving;
mod row;
mod serving;

pub use calling::Caller;
pub use row::{NewTicket, TicketRow};

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
                                     from_ticket, move_reason, retriage_due, nurse_call, device_check, want_doctor,
                                     want_until, appointment_id)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, $16, $17, $18, $19, $20,
                         $21, $22, $23)",
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
            .bind(t.want_doctor)
            .bind(t.want_until)
            .bind(t.appointment_id)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A ticket by its id.
    pub async fn find(&mut self, id: TicketId) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The ticket of a printed number of a clinic's day.
    pub async fn by_no(&mut self, clinic: ClinicId, day: &str, no: i64) -> Result<Option<TicketId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select id from ticket where clinic_id = $1 and day = $2 and no = $3")
                .bind(clinic)
                .bind(day)
                .bind(no)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The tickets of a clinic's day, by their numbers.
    pub async fn of_day(&mut self, clinic: ClinicId, day: &str) -> Result<Vec<TicketId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select id from ticket where clinic_id = $1 and day = $2 order by no")
                .bind(clinic)
                .bind(day)
                .fetch_all(conn)
                .await?
        }))
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

    /// Whether a patient has a live ticket in a clinic, under whatever spelling the holder named them.
    pub async fn is_live(&mut self, clinic: ClinicId, patient: PatientId) -> Result<bool> {
        let count: i64 = on!(self.0, |conn| {
            sqlx::query_scalar(concat!(
                "select count(*) from ticket where patient_id in ",
                own_card!(),
                " and clinic_id = $2 and state in ('waiting', 'called', 'serving', 'suspended', 'emergency')"
            ))
            .bind(patient)
            .bind(clinic)
            .fetch_one(conn)
            .await?
        });
        Ok(count > 0)
    }

    /// How many live tickets a holder has in a clinic, for whomever.
    pub async fn count_live_of(&mut self, holder: HolderId, clinic: ClinicId) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from ticket
                 where holder_id = $1 and clinic_id = $2
                   and state in ('waiting', 'called', 'serving', 'suspended', 'emergency')",
            )
            .bind(holder)
            .bind(clinic)
            .fetch_one(conn)
            .await?
        }))
    }

    /// When a holder drew the last numbers of a clinic after `since`, newest first, so many at most; not those of a transfer.
    pub async fn drawn_by(
        &mut self,
        holder: HolderId,
        clinic: ClinicId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Timestamp>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select joined_at from ticket
                 where holder_id = $1 and clinic_id = $2 and joined_at > $3 and from_ticket is null
                 order by joined_at desc
                 limit $4",
            )
            .bind(holder)
            .bind(clinic)
            .bind(since)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The numbers of the other live tickets of a clinic that were drawn with the same document.
    pub async fn mates(&mut self, ticket: &TicketRow) -> Result<Vec<i64>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(concat!(
                "select no from ticket where patient_id in ",
                same_card!(),
                " and clinic_id = $2 and state in ('waiting', 'called', 'serving', 'suspended', 'emergency') and id <> $3
                  order by joined_at, id"
            ))
            .bind(ticket.patient_id)
            .bind(ticket.clinic_id)
            .bind(ticket.id)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The other ticket with the same document whose visit goes on, in whatever clinic.
    pub async fn mate_in_visit(&mut self, ticket: &TicketRow) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where patient_id in ",
                same_card!(),
                " and state in ('serving', 'suspended') and id <> $2 order by started_at limit 1"
            ))
            .bind(ticket.patient_id)
            .bind(ticket.id)
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

    /// What became of the tickets that were taken with a declaration.
    pub async fn states_of(&mut self, declaration: DeclarationId) -> Result<Vec<TicketState>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select state from ticket where declaration_id = $1 order by joined_at, id")
                .bind(declaration)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The tickets that were taken with a declaration, oldest first.
    pub async fn of_declaration(&mut self, declaration: DeclarationId) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where declaration_id = $1 order by joined_at, id"))
                .bind(declaration)
                .fetch_all(conn)
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

    /// Notes that a ticket's patient was handed to somebody with its present call; `false` when that was noted before.
    pub async fn hand(&mut self, ticket: &TicketRow, account: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into handed (account_id, ticket_id, call_count, at)
                 values ($1, $2, $3, $4)
                 on conflict do nothing",
            )
            .bind(account)
            .bind(ticket.id)
            .bind(ticket.call_count)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Whether a ticket's patient was handed to somebody with its present call.
    pub async fn was_handed(&mut self, ticket: &TicketRow, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>(
                "select count(*) from handed where account_id = $1 and ticket_id = $2 and call_count = $3",
            )
            .bind(account)
            .bind(ticket.id)
            .bind(ticket.call_count)
            .fetch_one(conn)
            .await?
        }) > 0)
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
