//! One-time codes, and how often they were sent.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A code that was sent; the code itself is nowhere in the database.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CodeRow {
    /// The code's id; its hash covers it.
    pub id: Uuid,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The blind index of the number it was sent to.
    pub phone_index: Vec<u8>,
    /// A keyed hash of id and code.
    pub code_hash: Vec<u8>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was passed.
    pub used_at: Option<Timestamp>,
}

/// The `one_time_code` and `code_rate` tables.
pub struct Codes<'tx>(pub(super) &'tx mut Tx);

impl Codes<'_> {
    /// Keeps a code for signing in.
    pub async fn insert(self, row: &CodeRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into one_time_code (id, institution_id, phone_index, code_hash, purpose, sent_at, expires_at,
                                            attempts)
                 values ($1, $2, $3, $4, 'sign_in', $5, $6, $7)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.phone_index)
            .bind(&row.code_hash)
            .bind(row.sent_at)
            .bind(row.expires_at)
            .bind(row.attempts)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Counts one try of a code that was sent to a number, and returns it; `None` when there is none, or when it is over,
    /// used, or was tried `most` times. Others that were sent to the number neither count nor suffer.
    pub async fn attempt(
        self,
        institution: InstitutionId,
        id: Uuid,
        phone_index: &[u8],
        most: i64,
        now: Timestamp,
    ) -> Result<Option<CodeRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "update one_time_code
                 set attempts = attempts + 1
                 where id = $5
                   and institution_id = $1
                   and phone_index = $2
                   and used_at is null
                   and expires_at > $4
                   and attempts < $3
                 returning id, institution_id, phone_index, code_hash, sent_at, expires_at, attempts, used_at",
            )
            .bind(institution)
            .bind(phone_index)
            .bind(most)
            .bind(now)
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Spends a code; `false` when it was spent before.
    pub async fn spend(self, id: Uuid, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update one_time_code set used_at = $2 where id = $1 and used_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// When codes were last sent for a key, oldest first. The key's row is held until the commit, so that two requests
    /// at once are counted one after the other.
    pub async fn sent(self, institution: InstitutionId, key_index: &[u8]) -> Result<Vec<Timestamp>> {
        let sent: Json<Vec<Timestamp>> = on!(self.0, |conn| {
            sqlx::query_scalar(
                "insert into code_rate (institution_id, key_index, sent, last_at)
                 values ($1, $2, $3, 0)
                 on conflict (institution_id, key_index) do update set last_at = code_rate.last_at
                 returning sent",
            )
            .bind(institution)
            .bind(key_index)
            .bind(Json(Vec::<Timestamp>::new()))
            .fetch_one(conn)
            .await?
        });
        Ok(sent.0)
    }

    /// Remembers when codes were sent for a key.
    pub async fn set_sent(self, institution: InstitutionId, key_index: &[u8], sent: &[Timestamp]) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update code_rate set sent = $3, last_at = $4 where institution_id = $1 and key_index = $2")
                .bind(institution)
                .bind(key_index)
                .bind(Json(sent))
                .bind(sent.last().copied().unwrap_or_default())
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Forgets codes and counts from before `before`; how many rows. For a job: it locks rows in no fixed order, so it
    /// must not share a transaction with a request.
    pub async fn forget(self, before: Timestamp) -> Result<u64> {
        let tx = self.0;
        let codes = on!(&mut *tx, |conn| {
            sqlx::query("delete from one_time_code where sent_at < $1")
                .bind(before)
                .execute(conn)
                .await?
                .rows_affected()
        });
        let counts = on!(tx, |conn| {
            sqlx::query("delete from code_rate where last_at < $1").bind(before).execute(conn).await?.rows_affected()
        });
        Ok(codes + counts)
    }
}
