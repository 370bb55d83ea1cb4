//! What goes along with a transfer: why, from whom, and the visit in which it was decided.

use crate::domain::permission::DoctorAct;
use crate::domain::text::Text;
use crate::protocol::current::Handover;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{HandoverRow, TicketRow, Tx, VisitRow};

impl Services {
    /// Keeps a doctor's word for the colleague, sealed, with the ticket that goes on.
    pub(crate) async fn hand_over(
        &self,
        work: &mut Work,
        act: DoctorAct,
        from: &TicketRow,
        next: &TicketRow,
        visit: Option<&VisitRow>,
        reason: &str,
    ) -> Result<(), Refusal> {
        let row = HandoverRow {
            ticket_id: next.id,
            institution_id: act.institution,
            clinic_id: from.clinic_id,
            doctor_id: act.account,
            visit_id: visit.map(|visit| visit.id),
            reason_sealed: self.vault.seal(Field::Handover, next.id.as_uuid(), reason),
            at: work.now,
        };
        Ok(work.tx.handovers().insert(&row).await?)
    }

    /// What came along with a ticket, for the doctor who has it.
    pub(crate) async fn handover(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Option<Handover>, Refusal> {
        let Some(row) = tx.handovers().of_ticket(ticket.id).await? else { return Ok(None) };
        let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        Ok(Some(Handover {
            at: row.at,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            doctor_name: staff_name(tx, row.doctor_id).await?.0,
            reason: self.open_field(Field::Handover, ticket.id.as_uuid(), &row.reason_sealed)?,
            visit: row.visit_id,
        }))
    }
}
