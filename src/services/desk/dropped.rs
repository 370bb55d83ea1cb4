//! The patient dropped out of the visit: the desk rings at the patient's page, dials, or puts the ticket back.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::DeskId;
use crate::domain::permission::DoctorAct;
use crate::domain::visit::VisitEnd;
use crate::protocol::desk::{DeskView, PatientPhone};
use crate::services::Services;
use crate::services::desk::calling::ring;
use crate::services::desk::{desk_again, present_ticket, stale};
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Command;

/// What a doctor does when the patient of a running visit is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropAct {
    /// Rings at the patient's page, and at one that is opened while it rings.
    Ring,
    /// Rings no more.
    EndRing,
    /// Ends the call; the ticket goes some places back, so that the next one is called.
    PutBack,
}

impl Services {
    /// Rings at the patient of the running visit, ends the ring, or puts the ticket back.
    pub async fn act_on_dropped(
        &self,
        act: DoctorAct,
        id: DeskId,
        what: DropAct,
        version: i64,
        command: &Command,
    ) -> Result<DeskView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let ticket = present_ticket(&mut work.tx, act, id).await?;
        let clinic = work.tx.clinics().find(ticket.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let until = work.now + ring(clinic.ring_secs);
        let mut ends = None;
        let (moved, kind) = match what {
            DropAct::Ring => (work.tx.tickets().ring(ticket.id, version, Some(until)).await?, "ticket.rung"),
            DropAct::EndRing => (work.tx.tickets().ring(ticket.id, version, None).await?, "ticket.ring_ended"),
            DropAct::PutBack => {
                let visit = work.tx.visits().of_ticket(ticket.id).await?.filter(|visit| visit.ended_at.is_none());
                if let Some(visit) = visit {
                    self.stop_visit(&mut work, &visit, VisitEnd::PatientLost).await?;
                    ends = Some(visit.room_id);
                }
                let (who, what) = (act.account.to_string(), ticket.id.to_string());
                work.audit(act.institution, &who, "visit.put_back", &what).await?;
                (work.tx.tickets().put_back(ticket.id, version, clinic.miss_shift).await?, "ticket.put_back")
            }
        };
        let moved = moved.ok_or_else(stale)?;
        self.announce_act(&mut work, &moved, kind, Some(id), Some(act.account)).await?;
        let view = self.finish(work, act, id, command, "desk.changed").await?;
        if let Some(room) = ends {
            self.end_room(room, VisitEnd::PatientLost.room_end()).await;
        }
        Ok(view)
    }

    /// The telephone number behind the patient on the desk, to be dialled; the read is audited.
    pub async fn patient_phone(&self, act: DoctorAct, id: DeskId) -> Result<PatientPhone, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let ticket = present_ticket(&mut reading.tx, act, id).await?;
        let holder = ticket.holder_id.ok_or_else(Refusal::not_found)?;
        let holder = reading.tx.holders().find(act.institution, holder).await?.ok_or_else(Refusal::not_found)?;
        let phone = self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed)?;
        reading.see("patient.phone_read", &ticket.id, ReadPurpose::Treatment, json!({}));
        self.answer(reading, PatientPhone { phone }).await
    }
}
