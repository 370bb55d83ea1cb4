//! What a doctor tells the colleague to whom a patient is sent on.

use crate::domain::ids::{AccountId, ClinicId, InstitutionId, TicketId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A handover as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HandoverRow {
    /// The ticket in the next clinic.
    pub ticket_id: TicketId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// From which clinic.
    pub clinic_id: ClinicId,
    /// By whom.
    pub doctor_id: AccountId,
    /// The visit there, if it had begun.
    pub visit_id: Option<VisitId>,
    /// Why, in sealed words.
    pub reason_sealed: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

/// The `handover` table.
pub struct Handovers<'tx>(pub(super) &'tx mut Tx);

impl Handovers<'_> {
    /// Keeps a handover.
    pub async fn insert(self, row: &HandoverRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into handover (ticket_id, institution_id, clinic_id, doctor_id, visit_id, reason_sealed, at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(row.ticket_id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.doctor_id)
            .bind(row.visit_id)
            .bind(&row.reason_sealed)
            .bind(row.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What came along with a ticket.
    pub async fn of_ticket(self, ticket: TicketId) -> Result<Option<HandoverRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select ticket_id, institution_id, clinic_id, doctor_id, visit_id, reason_sealed, at
                 from handover
                 where ticket_id = $1",
            )
            .bind(ticket)
            .fetch_optional(conn)
            .await?
        }))
    }
}
