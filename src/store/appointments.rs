//! Appointments.

use crate::domain::appointment::{AppointmentState, SlotState};
use crate::domain::ids::{AccountId, AppointmentId, ClinicId, HolderId, InstitutionId, PatientId, SlotId, TicketId};
use crate::domain::time::Timestamp;
use crate::store::lists::{list, listed};
use crate::store::patients::own_card;
use crate::store::values::words;
use crate::store::{Result, SlotRow, Tx, on};

words!(AppointmentState);

/// An appointment as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AppointmentRow {
    /// The appointment.
    pub id: AppointmentId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The clinic.
    pub clinic_id: ClinicId,
    /// The slot.
    pub slot_id: SlotId,
    /// Which of its places.
    pub seat: i64,
    /// The doctor.
    pub doctor_id: AccountId,
    /// Who is ill.
    pub patient_id: PatientId,
    /// Who booked.
    pub holder_id: HolderId,
    /// When the slot begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The clinic's zone of the IANA.
    pub zone: String,
    /// The zone of whoever booked, where the browser told it.
    pub viewer_zone: Option<String>,
    /// What it is doing.
    pub state: AppointmentState,
    /// Grows with every change.
    pub version: i64,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// When the patient came.
    pub checked_in_at: Option<Timestamp>,
    /// The ticket that the check-in made.
    pub ticket_id: Option<TicketId>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// An appointment whose patient came, and whose tickets are over.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SettledRow {
    /// The appointment.
    pub id: AppointmentId,
    /// Whether a doctor saw the patient, wherever and how ever that ended; or the patient was helped before.
    pub was_seen: bool,
    /// Whether the doctor of the slot was there.
    pub slot: SlotState,
}

macro_rules! columns {
    () => {
        "id, institution_id, clinic_id, slot_id, seat, doctor_id, patient_id, holder_id, starts_at, ends_at, zone,
         viewer_zone, state, version, booked_at, checked_in_at, ticket_id, ended_at "
    };
}

macro_rules! select {
    ($($rest:tt)*) => {
        concat!("select ", columns!(), "from appointment ", $($rest)*)
    };
}

/// An update of a booked appointment under its version, returning it.
macro_rules! booked {
    ($set:literal) => {
        concat!(
            "update appointment set version = version + 1, ",
            $set,
            " where id = $1 and version = $2 and state = 'booked' returning ",
            columns!()
        )
    };
}

/// The `appointment` table.
pub struct Appointments<'tx>(pub(super) &'tx mut Tx);

impl Appointments<'_> {
    /// Keeps an appointment. A seat that somebody has, or a second place of the same patient, is a conflict.
    pub async fn insert(self, row: &AppointmentRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into appointment (id, institution_id, clinic_id, slot_id, seat, doctor_id, patient_id, holder_id,
                                          starts_at, ends_at, zone, viewer_zone, state, version, booked_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.slot_id)
            .bind(row.seat)
            .bind(row.doctor_id)
            .bind(row.patient_id)
            .bind(row.holder_id)
            .bind(row.starts_at)
            .bind(row.ends_at)
            .bind(&row.zone)
            .bind(&row.viewer_zone)
            .bind(row.state)
            .bind(row.version)
            .bind(row.booked_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The seats of a slot that are taken.
    pub async fn seats(self, slot: SlotId) -> Result<Vec<i64>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select seat from appointment where slot_id = $1 and state in ('booked', 'checked_in') order by seat",
            )
            .bind(slot)
            .fetch_all(conn)
            .await?
        }))
    }

    /// An appointment by its id.
    pub async fn find(self, id: AppointmentId) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Those of `ids` that are appointments.
    pub async fn many(self, ids: impl IntoIterator<Item = AppointmentId>) -> Result<Vec<AppointmentRow>> {
        macro_rules! many {
            ($dialect:ident) => {
                select!("where id in ", listed!($dialect))
            };
        }
        let ids = list(ids.into_iter().map(AppointmentId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(many!(sqlite), many!(postgres))).bind(&ids).fetch_all(conn).await?
        }))
    }

    /// An appointment that nobody else changes until the end of the transaction; on SQLite one writes at a time anyway.
    pub async fn lock(self, id: AppointmentId) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn, dialect| {
            let query = dialect.pick(select!("where id = $1"), select!("where id = $1 for update"));
            sqlx::query_as(query).bind(id).fetch_optional(conn).await?
        }))
    }

    /// The live appointment of a patient in a slot.
    pub async fn of_patient(self, slot: SlotId, patient: PatientId) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where slot_id = $1 and patient_id = $2 and state in ('booked', 'checked_in')"))
                .bind(slot)
                .bind(patient)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// How many a patient has before them in a clinic, under whatever spelling the holder named them.
    pub async fn count_ahead(self, patient: PatientId, clinic: ClinicId, now: Timestamp) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(concat!(
                "select count(*) from appointment where patient_id in ",
                own_card!(),
                " and clinic_id = $2 and state in ('booked', 'checked_in') and starts_at > $3",
            ))
            .bind(patient)
            .bind(clinic)
            .bind(now)
            .fetch_one(conn)
            .await?
        }))
    }

    /// How many a holder has before them in all clinics, for whomever.
    pub async fn count_of_holder(self, holder: HolderId, now: Timestamp) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from appointment
                 where holder_id = $1 and starts_at > $2 and state in ('booked', 'checked_in')",
            )
            .bind(holder)
            .bind(now)
            .fetch_one(conn)
            .await?
        }))
    }

    /// Whether a patient has a place anywhere within a span, under whatever spelling the holder named them, beside the one
    /// that is being moved.
    pub async fn overlaps(
        self,
        patient: PatientId,
        from: Timestamp,
        until: Timestamp,
        moving: Option<AppointmentId>,
    ) -> Result<bool> {
        let count: i64 = on!(self.0, |conn| {
            sqlx::query_scalar(concat!(
                "select count(*) from appointment where patient_id in ",
                own_card!(),
                " and state in ('booked', 'checked_in') and starts_at < $3 and ends_at > $2
                  and ($4 is null or id <> $4)",
            ))
            .bind(patient)
            .bind(from)
            .bind(until)
            .bind(moving)
            .fetch_one(conn)
            .await?
        });
        Ok(count > 0)
    }

    /// A holder's appointments that end after `since`, the nearest first.
    pub async fn of_holder(self, holder: HolderId, since: Timestamp) -> Result<Vec<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where holder_id = $1 and ends_at > $2 order by starts_at, id limit 100"))
                .bind(holder)
                .bind(since)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The appointments of a clinic in a span of time.
    pub async fn of_clinic(self, clinic: ClinicId, from: Timestamp, until: Timestamp) -> Result<Vec<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where clinic_id = $1 and starts_at >= $2 and starts_at < $3
                 order by starts_at, seat, id
                 limit 1000"
            ))
            .bind(clinic)
            .bind(from)
            .bind(until)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Booked appointments of an institution that are still to come.
    pub async fn to_come(self, institution: InstitutionId, now: Timestamp) -> Result<Vec<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where institution_id = $1 and state = 'booked' and starts_at > $2 order by starts_at, id limit 2000"
            ))
            .bind(institution)
            .bind(now)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The patient gives it back, and it ends so.
    pub async fn give_back(
        self,
        id: AppointmentId,
        version: i64,
        to: AppointmentState,
        now: Timestamp,
    ) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(booked!("state = $3, ended_at = $4"))
                .bind(id)
                .bind(version)
                .bind(to)
                .bind(now)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// It goes to another slot and stays the same appointment: what a calendar holds of it moves along.
    pub async fn move_to(
        self,
        id: AppointmentId,
        version: i64,
        slot: &SlotRow,
        seat: i64,
    ) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(booked!("slot_id = $3, seat = $4, doctor_id = $5, starts_at = $6, ends_at = $7, zone = $8"))
                .bind(id)
                .bind(version)
                .bind(slot.id)
                .bind(seat)
                .bind(slot.doctor_id)
                .bind(slot.starts_at)
                .bind(slot.ends_at)
                .bind(&slot.zone)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The patient is here.
    pub async fn check_in(
        self,
        id: AppointmentId,
        version: i64,
        ticket: TicketId,
        now: Timestamp,
    ) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(booked!("state = 'checked_in', ticket_id = $3, checked_in_at = $4"))
                .bind(id)
                .bind(version)
                .bind(ticket)
                .bind(now)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Booked appointments that ended before `before`, past the first `skip`.
    pub async fn overdue(self, before: Timestamp, limit: i64, skip: i64) -> Result<Vec<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where state = 'booked' and ends_at < $1 order by ends_at, id limit $2 offset $3"))
                .bind(before)
                .bind(limit)
                .bind(skip)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Appointments whose patients came and all of whose tickets are over, past the first `skip`. A patient who is sent on
    /// has another ticket of the same appointment; a visit with somebody else was none.
    pub async fn settled(self, limit: i64, skip: i64) -> Result<Vec<SettledRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select a.id, s.state as slot,
                        exists (select 1
                                from ticket t
                                where t.appointment_id = a.id
                                  and (t.state = 'done'
                                       or exists (select 1
                                                  from visit v
                                                  where v.ticket_id = t.id
                                                    and (v.end_reason is null or v.end_reason <> 'wrong_person')))
                        ) as was_seen
                 from appointment a join slot s on s.id = a.slot_id
                 where a.state = 'checked_in'
                   and exists (select 1 from ticket t where t.appointment_id = a.id)
                   and not exists (select 1 from ticket t
                                   where t.appointment_id = a.id
                                     and t.state not in ('done', 'no_show', 'left', 'transferred'))
                 order by a.clinic_id, a.id
                 limit $1 offset $2",
            )
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Ends one: nobody came, or a doctor saw the patient.
    pub async fn end(
        self,
        id: AppointmentId,
        from: AppointmentState,
        to: AppointmentState,
        now: Timestamp,
    ) -> Result<Option<AppointmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update appointment
                 set state = $3, ended_at = $4, version = version + 1
                 where id = $1 and state = $2
                 returning ",
                columns!()
            ))
            .bind(id)
            .bind(from)
            .bind(to)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// How many appointments of a patient in a clinic were missed since a moment.
    pub async fn count_missed(self, patient: PatientId, clinic: ClinicId, since: Timestamp) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*)
                 from appointment
                 where clinic_id = $2 and patient_id = $1 and state = 'no_show' and starts_at >= $3",
            )
            .bind(patient)
            .bind(clinic)
            .bind(since)
            .fetch_one(conn)
            .await?
        }))
    }
}
