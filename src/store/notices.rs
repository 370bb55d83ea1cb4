//! What a clinic tells those who wait in it, and which calls were told by text message. The words are kept sealed.

use crate::domain::ids::{ClinicId, InstitutionId, NoticeId, TicketId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A notice of a clinic.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct NoticeRow {
    /// The notice.
    pub id: NoticeId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose notice it is.
    pub clinic_id: ClinicId,
    /// For this ticket only; for all who wait when there is none.
    pub ticket_id: Option<TicketId>,
    /// The account, as text.
    pub sender: String,
    /// The sealed words.
    pub body_sealed: Vec<u8>,
    /// When it was stored.
    pub at: Timestamp,
}

/// The `notice` and `ring_text` tables.
pub struct Notices<'tx>(pub(super) &'tx mut Tx);

impl Notices<'_> {
    /// Keeps a new notice.
    pub async fn insert(self, notice: &NoticeRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into notice (id, institution_id, clinic_id, ticket_id, sender, body_sealed, at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(notice.id)
            .bind(notice.institution_id)
            .bind(notice.clinic_id)
            .bind(notice.ticket_id)
            .bind(&notice.sender)
            .bind(&notice.body_sealed)
            .bind(notice.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What a ticket that joined at `since` was told, newest first.
    pub async fn told(
        self,
        clinic: ClinicId,
        ticket: TicketId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<NoticeRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, clinic_id, ticket_id, sender, body_sealed, at
                 from notice
                 where clinic_id = $1 and at >= $3 and (ticket_id is null or ticket_id = $2)
                 order by at desc, id desc
                 limit $4",
            )
            .bind(clinic)
            .bind(ticket)
            .bind(since)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Marks the `call`th call of a ticket as told by text message; `false` when it was.
    pub async fn text(self, ticket: TicketId, call: i64, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into ring_text (ticket_id, call_count, at)
                 values ($1, $2, $3)
                 on conflict (ticket_id, call_count) do nothing",
            )
            .bind(ticket)
            .bind(call)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
