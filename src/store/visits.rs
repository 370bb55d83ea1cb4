//! Visits.

use crate::domain::ids::{AccountId, ClinicId, DeskId, HolderId, InstitutionId, PatientId, RoomId, TicketId, VisitId};
use crate::domain::time::Timestamp;
use crate::domain::visit::{Outcome, VisitEnd};
use crate::store::patients::same_card;
use crate::store::{Result, Tx, on};

/// A visit as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct VisitRow {
    /// The visit.
    pub id: VisitId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Where.
    pub clinic_id: ClinicId,
    /// From which ticket.
    pub ticket_id: TicketId,
    /// Who is treated.
    pub patient_id: PatientId,
    /// Who answers for the patient.
    pub holder_id: Option<HolderId>,
    /// Who treats.
    pub doctor_id: AccountId,
    /// At which desk.
    pub desk_id: DeskId,
    /// In which room.
    pub room_id: RoomId,
    /// What happens next.
    pub outcome: Option<Outcome>,
    /// Why the patient is sent on.
    pub outcome_reason: Option<String>,
    /// When the identity was confirmed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub end_reason: Option<VisitEnd>,
}

impl VisitRow {
    /// Whether the one who sat in this room of the visit was not its patient. A ticket that is called again after that is
    /// another visit; one that ended for want of its doctor before had another room.
    pub fn was_wrong_person_in(&self, room: RoomId) -> bool {
        self.end_reason == Some(VisitEnd::WrongPerson) && self.room_id == room
    }

    /// Whether a holder reads of it: who answers for its patient, unless it was somebody else who sat there.
    pub fn is_told_to(&self, holder: HolderId) -> bool {
        self.holder_id == Some(holder) && self.end_reason != Some(VisitEnd::WrongPerson)
    }
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!(
            "select id, institution_id, clinic_id, ticket_id, patient_id, holder_id, doctor_id, desk_id, room_id, outcome,
                    outcome_reason, started_at, ended_at, end_reason
             from visit ",
            $($rest)*
        )
    };
}

/// The `visit` table.
pub struct Visits<'tx>(pub(super) &'tx mut Tx);

impl Visits<'_> {
    /// Keeps a new visit; a second one of a ticket is a conflict, unless the first was with the wrong person.
    pub async fn insert(self, visit: &VisitRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into visit (id, institution_id, clinic_id, ticket_id, patient_id, holder_id, doctor_id, desk_id,
                                    room_id, started_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(visit.id)
            .bind(visit.institution_id)
            .bind(visit.clinic_id)
            .bind(visit.ticket_id)
            .bind(visit.patient_id)
            .bind(visit.holder_id)
            .bind(visit.doctor_id)
            .bind(visit.desk_id)
            .bind(visit.room_id)
            .bind(visit.started_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A visit by its id.
    pub async fn find(self, id: VisitId) -> Result<Option<VisitRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Until the end of the transaction nobody else orders that something of this visit stays, or removes it; on SQLite
    /// one writes at a time anyway.
    pub async fn lock(self, id: VisitId) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query =
                dialect.pick("select 1 from visit where id = $1", "select 1 from visit where id = $1 for update");
            sqlx::query(query).bind(id).fetch_optional(conn).await?;
        });
        Ok(())
    }

    /// The visit of a ticket; one with the wrong person is none.
    pub async fn of_ticket(self, ticket: TicketId) -> Result<Option<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 and (end_reason is null or end_reason <> 'wrong_person')"))
                .bind(ticket)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Every visit of a ticket, also those with the wrong person.
    pub async fn all_of_ticket(self, ticket: TicketId) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 order by started_at, id"))
                .bind(ticket)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The visits of a holder's patient that go on.
    pub async fn open_of(self, holder: HolderId, patient: PatientId) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where holder_id = $1 and patient_id = $2 and ended_at is null"))
                .bind(holder)
                .bind(patient)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The ended visits of everybody who was named with a patient's document, newest first; those with somebody else are
    /// none of them.
    pub async fn of_card(self, patient: PatientId, limit: i64) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where patient_id in ",
                same_card!(),
                " and ended_at is not null and end_reason <> 'wrong_person'
                 order by started_at desc
                 limit $2"
            ))
            .bind(patient)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The visits of a patient, those that go on too, newest first; those with somebody else are none of them.
    pub async fn all_of_patient(self, patient: PatientId, limit: i64) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where patient_id = $1 and (end_reason is null or end_reason <> 'wrong_person')
                 order by started_at desc
                 limit $2"
            ))
            .bind(patient)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The visits of a holder's patients, newest first; those with somebody else are none of them.
    pub async fn of_holder(self, holder: HolderId, limit: i64) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where holder_id = $1 and (end_reason is null or end_reason <> 'wrong_person')
                 order by started_at desc
                 limit $2"
            ))
            .bind(holder)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Visits of a doctor whose note nobody signed, oldest first; those that never began to talk are left out.
    pub async fn unsigned_of(self, doctor: AccountId, limit: i64) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where doctor_id = $1
                   and (end_reason is null or end_reason in ('finished', 'transferred', 'emergency'))
                   and not is_signed
                 order by started_at
                 limit $2"
            ))
            .bind(doctor)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A doctor's visits that began after `since` and have ended, the newest first; one with the wrong person is none.
    pub async fn ended_of(self, doctor: AccountId, since: Timestamp, limit: i64) -> Result<Vec<VisitRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where doctor_id = $1 and started_at >= $2 and end_reason in ('finished', 'transferred', 'emergency')
                 order by started_at desc
                 limit $3"
            ))
            .bind(doctor)
            .bind(since)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A doctor's visits that began after `since`, ended at `ended` or later, and have a signed note; one with the wrong
    /// person is none.
    pub async fn signed_of(self, doctor: AccountId, since: Timestamp, ended: Timestamp) -> Result<Vec<VisitId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select id from visit
                 where doctor_id = $1 and started_at >= $2 and ended_at >= $3
                   and end_reason in ('finished', 'transferred', 'emergency') and is_signed",
            )
            .bind(doctor)
            .bind(since)
            .bind(ended)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Whether a doctor saw a patient in any visit, under whatever spelling of the name; one with somebody else is none.
    pub async fn has_treated(self, doctor: AccountId, patient: PatientId) -> Result<bool> {
        let found: Option<i64> = on!(self.0, |conn| {
            sqlx::query_scalar(concat!(
                "select started_at from visit where patient_id in ",
                same_card!(),
                " and doctor_id = $2 and (end_reason is null or end_reason <> 'wrong_person') limit 1",
            ))
            .bind(patient)
            .bind(doctor)
            .fetch_optional(conn)
            .await?
        });
        Ok(found.is_some())
    }

    /// Chooses what happens next and why, while the visit has not ended; `false` when it has.
    pub async fn set_outcome(self, id: VisitId, outcome: Outcome, reason: Option<&str>) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update visit set outcome = $2, outcome_reason = $3 where id = $1 and ended_at is null")
                .bind(id)
                .bind(outcome)
                .bind(reason)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// The doctor works at this desk now, and so do the doctor's visits that go on.
    pub async fn sit_at(self, doctor: AccountId, desk: DeskId) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update visit set desk_id = $2 where doctor_id = $1 and ended_at is null and desk_id <> $2")
                .bind(doctor)
                .bind(desk)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// Ends a visit; `false` when it had ended.
    pub async fn end(self, id: VisitId, reason: VisitEnd, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update visit set ended_at = $3, end_reason = $2 where id = $1 and ended_at is null")
                .bind(id)
                .bind(reason)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Gives a visit that ended for want of its doctor a new beginning: the same ticket was called again, the identity was
    /// confirmed again, and nothing that the one before had chosen holds.
    pub async fn restart(self, visit: &VisitRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "update visit
                 set doctor_id = $2, desk_id = $3, room_id = $4, started_at = $5, outcome = null, outcome_reason = null,
                     ended_at = null, end_reason = null
                 where id = $1",
            )
            .bind(visit.id)
            .bind(visit.doctor_id)
            .bind(visit.desk_id)
            .bind(visit.room_id)
            .bind(visit.started_at)
            .execute(&mut *conn)
            .await?;
            // What was filmed is the visit's, and so are its readers.
            sqlx::query("update recording set doctor_id = $2 where visit_id = $1")
                .bind(visit.id)
                .bind(visit.doctor_id)
                .execute(conn)
                .await?;
        });
        Ok(())
    }
}
