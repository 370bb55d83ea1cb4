//! What goes: marked before its files are removed, forgotten after.

use uuid::Uuid;

use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The `leaving` table: films and visits by their bare ids.
pub struct Leaving<'tx>(pub(super) &'tx mut Tx);

impl Leaving<'_> {
    /// Marks something; what was marked before keeps its moment.
    pub async fn mark(self, institution: InstitutionId, id: Uuid, at: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into leaving (id, institution_id, marked_at) values ($1, $2, $3) on conflict (id) do nothing",
            )
            .bind(id)
            .bind(institution)
            .bind(at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Since when something goes.
    pub async fn since(self, id: Uuid) -> Result<Option<Timestamp>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select marked_at from leaving where id = $1").bind(id).fetch_optional(conn).await?
        }))
    }

    /// Takes the mark away; `false` where somebody else has.
    pub async fn end(self, id: Uuid) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from leaving where id = $1").bind(id).execute(conn).await?.rows_affected() == 1
        }))
    }
}
