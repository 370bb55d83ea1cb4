//! Whom an alarm is about: the alarms of a ticket and of a patient, and the ticket that each is tied to.

use crate::domain::ids::{ClinicId, HolderId, PatientId, TicketId};
use crate::store::alarms::{AlarmRow, Alarms};
use crate::store::patients::same_card;
use crate::store::{Result, on};

impl Alarms<'_> {
    /// The open alarm of a ticket, newest first.
    pub async fn open_for_ticket(self, ticket: TicketId) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 and closed_at is null order by raised_at desc limit 1"))
                .bind(ticket)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The open alarms of a ticket that nobody has, oldest first; no nurse's call.
    pub async fn untaken_of_ticket(self, ticket: TicketId) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where ticket_id = $1 and taken_by is null and closed_at is null and kind <> 'nurse_call'
                 order by raised_at, id"
            ))
            .bind(ticket)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The oldest open alarm of a holder about a patient in a clinic; no nurse's call.
    pub async fn open_for_patient(
        self,
        clinic: ClinicId,
        patient: PatientId,
        holder: Option<HolderId>,
    ) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where clinic_id = $1 and patient_id = $2 and holder_id = $3 and closed_at is null
                   and kind <> 'nurse_call'
                 order by raised_at, id
                 limit 1"
            ))
            .bind(clinic)
            .bind(patient)
            .bind(holder)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Ties a holder's open alarms about a patient in a clinic to that holder's one live ticket there, the oldest first:
    /// an alarm of somebody else names a line that this holder cannot enter. A nurse's call is tied to its ticket from the
    /// start.
    pub async fn attach(
        self,
        clinic: ClinicId,
        patient: PatientId,
        holder: Option<HolderId>,
        ticket: TicketId,
    ) -> Result<Vec<AlarmRow>> {
        let mut attached: Vec<AlarmRow> = on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update alarm
                 set ticket_id = $4, version = version + 1
                 where clinic_id = $1 and patient_id = $2 and holder_id = $3 and closed_at is null
                   and kind <> 'nurse_call'
                 returning ",
                names!()
            ))
            .bind(clinic)
            .bind(patient)
            .bind(holder)
            .bind(ticket)
            .fetch_all(conn)
            .await?
        });
        attached.sort_by_key(|alarm| (alarm.raised_at, alarm.id));
        Ok(attached)
    }

    /// Ties the open alarms of a ticket to the one that continues it in another clinic; no nurse's call, which ends.
    pub async fn go_along(self, from: TicketId, to: TicketId) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update alarm
                 set ticket_id = $2, version = version + 1
                 where ticket_id = $1 and closed_at is null and kind <> 'nurse_call'
                 returning ",
                names!()
            ))
            .bind(from)
            .bind(to)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The closed alarms about everybody who was named with a patient's document, newest first; no nurse's call.
    pub async fn closed_of(self, patient: PatientId, limit: i64) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where patient_id in ",
                same_card!(),
                " and closed_at is not null and kind <> 'nurse_call'
                 order by closed_at desc, id desc
                 limit $2"
            ))
            .bind(patient)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }
}
