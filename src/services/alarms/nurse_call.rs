//! A nurse calls a waiting patient by video: an alarm that is in hand from the start.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::alarm::{AlarmKind, LEASE};
use crate::domain::ids::{AlarmId, TicketId};
use crate::domain::permission::TriageAct;
use crate::domain::ticket::TicketState;
use crate::protocol::alarm::AlarmView;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::Command;
use crate::store::AlarmRow;

impl Services {
    /// A nurse calls a waiting patient by video.
    pub async fn call_by_nurse(
        &self,
        act: TriageAct,
        ticket: TicketId,
        command: &Command,
    ) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = work.tx.tickets().find(ticket).await?.filter(|t| t.institution_id == act.institution);
        let row = row.ok_or_else(Refusal::not_found)?;
        if !matches!(row.state, TicketState::Waiting | TicketState::Emergency) {
            return Err(Refusal::new(ErrorCode::TicketState, "a desk has this patient already"));
        }
        if work.tx.alarms().open_for_ticket(ticket).await?.is_some() {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "this patient is being called already"));
        }
        let id = self.ids.make(AlarmId::from_uuid);
        let alarm = AlarmRow {
            patient_id: Some(row.patient_id),
            holder_id: row.holder_id,
            declaration_id: row.declaration_id,
            ticket_id: Some(ticket),
            taken_by: Some(act.account),
            taken_at: Some(work.now),
            lease_until: Some(work.now + LEASE),
            ..AlarmRow::begun(id, act.institution, row.clinic_id, AlarmKind::NurseCall, work.now)
        };
        self.keep_alarm(&mut work, &alarm).await?;
        self.announce_act(&mut work, &row, "nurse.calls", None, Some(act.account)).await?;
        let view = self.alarm_view(&mut work.tx, alarm, act).await?;
        work.keep(command, &view).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        work.audit_why(act.institution, &who, "alarm.call", &what, None, json!({ "ticket": ticket })).await?;
        // Every call of a nurse hands name, number and place over, and is one of its own.
        let detail = json!({ "patient": row.patient_id, "alarm": id });
        let (what, purpose) = (ticket.to_string(), ReadPurpose::NurseCall);
        work.audit_read(act.institution, &who, "patient.read", &what, purpose, detail).await?;
        let text = self.text_of_nurse(&mut work, &row).await?;
        work.commit().await?;
        self.send_text(text);
        Ok(view)
    }
}
