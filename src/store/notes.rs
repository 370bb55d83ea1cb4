//! Drafts and signed notes. There is no statement here that changes a signed note; the database refuses one, too.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{AccountId, InstitutionId, NoteId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The draft of a visit's note.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct DraftRow {
    /// The visit.
    pub visit_id: VisitId,
    /// Grows by one with every save.
    pub version: i64,
    /// The note.
    pub content: Json<Value>,
    /// Who saved it last.
    pub saved_by: AccountId,
    /// When.
    pub saved_at: Timestamp,
}

/// A signed version.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct NoteRow {
    /// This version.
    pub id: NoteId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The visit.
    pub visit_id: VisitId,
    /// 1 for the first; amendments count on.
    pub number: i64,
    /// The note.
    pub content: Json<Value>,
    /// SHA-256, hexadecimal, over content, signer, time and `previous_hash`.
    pub hash: String,
    /// The hash of the version before; empty for the first.
    pub previous_hash: String,
    /// Who signed.
    pub signed_by: AccountId,
    /// When.
    pub signed_at: Timestamp,
    /// Why it amends the version before.
    pub reason: Option<String>,
    /// Whose it is, under the signature; older ones say nothing of it.
    pub identity: Option<String>,
}

/// The `note_draft` and `note` tables.
pub struct Notes<'tx>(pub(super) &'tx mut Tx);

impl Notes<'_> {
    /// The draft of a visit.
    pub async fn draft(self, visit: VisitId) -> Result<Option<DraftRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as("select visit_id, version, content, saved_by, saved_at from note_draft where visit_id = $1")
                .bind(visit)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Saves a draft over the version before it; `false` when somebody saved in between.
    pub async fn save(self, draft: &DraftRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into note_draft (visit_id, version, content, saved_by, saved_at)
                 values ($1, $2, $3, $4, $5)
                 on conflict (visit_id) do update
                 set version = excluded.version, content = excluded.content, saved_by = excluded.saved_by,
                     saved_at = excluded.saved_at
                 where note_draft.version = excluded.version - 1",
            )
            .bind(draft.visit_id)
            .bind(draft.version)
            .bind(&draft.content)
            .bind(draft.saved_by)
            .bind(draft.saved_at)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Keeps a signed version; a second one of the same number is a conflict.
    pub async fn sign(self, note: &NoteRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into note (id, institution_id, visit_id, number, content, hash, previous_hash, signed_by, signed_at,
                                   reason, identity)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(note.id)
            .bind(note.institution_id)
            .bind(note.visit_id)
            .bind(note.number)
            .bind(&note.content)
            .bind(&note.hash)
            .bind(&note.previous_hash)
            .bind(note.signed_by)
            .bind(note.signed_at)
            .bind(&note.reason)
            .bind(&note.identity)
            .execute(&mut *conn)
            .await?;
            sqlx::query("update visit set is_signed = true where id = $1 and not is_signed")
                .bind(note.visit_id)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// The signed versions of a visit, oldest first.
    pub async fn signed(self, visit: VisitId) -> Result<Vec<NoteRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, number, content, hash, previous_hash, signed_by, signed_at, reason,
                        identity
                 from note
                 where visit_id = $1
                 order by number",
            )
            .bind(visit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A signed version by its id.
    pub async fn version(self, id: NoteId) -> Result<Option<NoteRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, number, content, hash, previous_hash, signed_by, signed_at, reason,
                        identity
                 from note
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }
}
