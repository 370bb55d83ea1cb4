//! Every save of a draft.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{AccountId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::{DraftRow, Result, Tx, on};

/// One save, without its text.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct VersionRow {
    /// Its number.
    pub version: i64,
    /// Who saved.
    pub saved_by: AccountId,
    /// When.
    pub saved_at: Timestamp,
}

/// The `note_version` table. Texts are kept as they are hashed: as `text`, in both databases.
pub struct NoteVersions<'tx>(pub(super) &'tx mut Tx);

impl NoteVersions<'_> {
    /// Keeps a save.
    pub async fn keep(self, draft: &DraftRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into note_version (visit_id, version, content, saved_by, saved_at)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(draft.visit_id)
            .bind(draft.version)
            .bind(draft.content.0.to_string())
            .bind(draft.saved_by)
            .bind(draft.saved_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// One save.
    pub async fn find(self, visit: VisitId, version: i64) -> Result<Option<DraftRow>> {
        let row: Option<(String, AccountId, Timestamp)> = on!(self.0, |conn| {
            sqlx::query_as("select content, saved_by, saved_at from note_version where visit_id = $1 and version = $2")
                .bind(visit)
                .bind(version)
                .fetch_optional(conn)
                .await?
        });
        let Some((content, saved_by, saved_at)) = row else { return Ok(None) };
        // It was written from a value; what cannot be read is a broken row, and as good as none.
        let content: Option<Value> = serde_json::from_str(&content).ok();
        Ok(content.map(|content| DraftRow { visit_id: visit, version, content: Json(content), saved_by, saved_at }))
    }

    /// The newest saves, newest first.
    pub async fn of(self, visit: VisitId, limit: i64) -> Result<Vec<VersionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select version, saved_by, saved_at
                 from note_version
                 where visit_id = $1
                 order by version desc
                 limit $2",
            )
            .bind(visit)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Forgets all saves but the newest `keep`, and says how many.
    pub async fn prune(self, visit: VisitId, keep: i64) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "delete from note_version
                 where visit_id = $1
                   and version <= (select max(version) from note_version where visit_id = $1) - $2",
            )
            .bind(visit)
            .bind(keep)
            .execute(conn)
            .await?
            .rows_affected()
        }))
    }
}
