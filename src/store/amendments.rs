//! Amendments of archived records while they wait, and what was decided. There is no statement here that changes a decided
//! one; the database refuses one, too.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{AccountId, InstitutionId, NoteId, VisitId};
use crate::domain::note::amendment::Phase;
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Phase);

/// An amendment.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AmendmentRow {
    /// The version of the note that it becomes.
    pub id: NoteId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Of which visit.
    pub visit_id: VisitId,
    /// The number of that version.
    pub number: i64,
    /// The whole note, as it would be.
    pub content: Json<Value>,
    /// What its doctor signed.
    pub hash: String,
    /// The hash of the version before.
    pub previous_hash: String,
    /// Whose it is.
    pub asked_by: AccountId,
    /// When.
    pub asked_at: Timestamp,
    /// Why it amends the version before.
    pub reason: String,
    /// Where it stands.
    pub state: Phase,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why not, where it was declined.
    pub decision_reason: Option<String>,
    /// Whose it is, under its doctor's signature; older ones say nothing of it.
    pub identity: Option<String>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, visit_id, number, content, hash, previous_hash, asked_by, asked_at, reason, state,
                    decided_by, decided_at, decision_reason, identity
             from amendment ",
            $rest
        )
    };
}

/// The `amendment` table.
pub struct Amendments<'tx>(pub(super) &'tx mut Tx);

impl Amendments<'_> {
    /// Keeps one that waits; a second one of the same visit is a conflict.
    pub async fn insert(self, row: &AmendmentRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into amendment (id, institution_id, visit_id, number, content, hash, previous_hash, asked_by,
                                        asked_at, reason, state, identity)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.visit_id)
            .bind(row.number)
            .bind(&row.content)
            .bind(&row.hash)
            .bind(&row.previous_hash)
            .bind(row.asked_by)
            .bind(row.asked_at)
            .bind(&row.reason)
            .bind(row.state)
            .bind(&row.identity)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An amendment.
    pub async fn find(self, id: NoteId) -> Result<Option<AmendmentRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The newest of a visit.
    pub async fn newest(self, visit: VisitId) -> Result<Option<AmendmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                // What waits is the newest, though it was asked for in the same moment.
                "where visit_id = $1
                 order by case when decided_at is null then 0 else 1 end, asked_at desc, id desc
                 limit 1"
            ))
            .bind(visit)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Those that wait for somebody other than `besides`, the oldest first.
    pub async fn waiting(
        self,
        institution: InstitutionId,
        besides: AccountId,
        limit: i64,
    ) -> Result<Vec<AmendmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and state = 'asked' and asked_by <> $2
                 order by asked_at, id
                 limit $3"
            ))
            .bind(institution)
            .bind(besides)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Writes what was decided; `false` when somebody has decided before.
    pub async fn decide(self, row: &AmendmentRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update amendment
                 set state = $2, decided_by = $3, decided_at = $4, decision_reason = $5
                 where id = $1 and state = 'asked'",
            )
            .bind(row.id)
            .bind(row.state)
            .bind(row.decided_by)
            .bind(row.decided_at)
            .bind(&row.decision_reason)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
