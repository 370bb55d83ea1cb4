//! From where somebody has signed in: network addresses as keyed hashes, bound to the account or the number.

use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The `known_place` table.
pub struct KnownPlaces<'tx>(pub(super) &'tx mut Tx);

impl KnownPlaces<'_> {
    /// Remembers a place in which somebody proved who they are.
    pub async fn note(self, institution: InstitutionId, key_index: &[u8], now: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into known_place (institution_id, key_index, last_at)
                 values ($1, $2, $3)
                 on conflict (institution_id, key_index) do update set last_at = excluded.last_at",
            )
            .bind(institution)
            .bind(key_index)
            .bind(now)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Whether a place is known.
    pub async fn is_known(self, institution: InstitutionId, key_index: &[u8]) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>(
                "select count(*) from known_place where institution_id = $1 and key_index = $2",
            )
            .bind(institution)
            .bind(key_index)
            .fetch_one(conn)
            .await?
        }) > 0)
    }

    /// Forgets the places in which nobody has signed in since `before`; how many.
    pub async fn forget(self, before: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from known_place where last_at < $1").bind(before).execute(conn).await?.rows_affected()
        }))
    }
}
