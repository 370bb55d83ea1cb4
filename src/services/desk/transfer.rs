//! The transfer: the present patient goes on to another clinic, with the time of arrival and a word for the colleague.

use serde_json::json;

use crate::domain::ids::{DeskId, TicketId};
use crate::domain::permission::DoctorAct;
use crate::domain::ticket::MoveReason;
use crate::domain::visit::VisitEnd;
use crate::protocol::desk::{DeskView, TransferRequest};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::alarms;
use crate::services::desk::{desk_again, present_ticket, stale};
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::tickets::day_at;
use crate::services::work::{Command, Work};
use crate::store::{ClinicRow, NewTicket, StoreError, TicketRow};

impl Services {
    /// Sends the present patient on to another clinic; the time of arrival goes along.
    pub async fn transfer(
        &self,
        act: DoctorAct,
        id: DeskId,
        request: TransferRequest,
        command: &Command,
    ) -> Result<DeskView, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let ticket = present_ticket(&mut work.tx, act, id).await?;
        let target = work.tx.clinics().find(request.clinic).await?.filter(|c| c.institution_id == act.institution);
        let target = target.filter(|c| c.id != ticket.clinic_id);
        let target = target.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "clinic", "no such other clinic"))?;
        if !target.is_open {
            return Err(Refusal::new(ErrorCode::ClinicClosed, "that clinic takes no patients now"));
        }
        let now = work.now;
        let visit = work.tx.visits().of_ticket(ticket.id).await?.filter(|visit| visit.ended_at.is_none());
        if let Some(visit) = &visit {
            self.stop_visit(&mut work, visit, VisitEnd::Transferred).await?;
        }
        let next = self.continued(&mut work, &ticket, &target).await?;
        let moved = work.tx.tickets().transfer(ticket.id, request.version, next.id, now).await?.ok_or_else(stale)?;
        match work.tx.tickets().insert(&next).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::TicketExists, "the patient already waits in that clinic"));
            }
            other => other?,
        }
        if let Some(declaration) = ticket.declaration_id {
            work.tx.triages().attach(declaration, next.id).await?;
        }
        for alarm in &work.tx.alarms().go_along(ticket.id, next.id).await? {
            alarms::announce(&mut work, alarm, "alarm.attached").await?;
        }
        let (who, what) = (act.account.to_string(), ticket.id.to_string());
        let detail = json!({ "to": target.id, "ticket": next.id });
        // The reason is a clinical word: it goes to the colleague, sealed, and not into the audit log.
        self.hand_over(&mut work, act, &ticket, &next, visit.as_ref(), &why).await?;
        work.audit_why(act.institution, &who, "ticket.transfer", &what, None, detail).await?;
        self.announce_ticket(&mut work, &moved, "ticket.transferred").await?;
        self.announce_ticket(&mut work, &next, "ticket.joined").await?;
        let view = self.finish(work, act, id, command, "desk.changed").await?;
        if let Some(visit) = visit {
            self.end_room(visit.room_id, VisitEnd::Transferred.room_end()).await;
        }
        Ok(view)
    }

    async fn continued(&self, work: &mut Work, ticket: &TicketRow, clinic: &ClinicRow) -> Result<TicketRow, Refusal> {
        let day = day_at(clinic, work.now)?.date.to_string();
        let no = work.tx.tickets().draw_no(clinic.id, &day).await?;
        let new = NewTicket {
            id: self.ids.make(TicketId::from_uuid),
            institution: ticket.institution_id,
            clinic: clinic.id,
            day,
            no,
            patient: ticket.patient_id,
            level: ticket.level,
            at: work.now,
        };
        // Whom the patient booked with sits in the clinic that was left.
        Ok(TicketRow {
            holder_id: ticket.holder_id,
            declaration_id: ticket.declaration_id,
            // The head of one queue, for a doctor who was lost there, is not the head of another.
            rank: ticket.rank.max(ticket.arrived_at.as_millis()),
            arrived_at: ticket.arrived_at,
            from_ticket: Some(ticket.id),
            move_reason: Some(MoveReason::Transferred),
            retriage_due: ticket.retriage_due,
            nurse_call: ticket.nurse_call,
            device_check: ticket.device_check.clone(),
            appointment_id: ticket.appointment_id,
            ..TicketRow::waiting(new)
        })
    }
}
