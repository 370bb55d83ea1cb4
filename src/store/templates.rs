//! Texts that a doctor inserts into a note.

use crate::domain::ids::{AccountId, InstitutionId, TemplateId};
use crate::domain::note::templates::TemplateField;
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(TemplateField);

/// One template.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct TemplateRow {
    /// The template.
    pub id: TemplateId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose it is; everybody's of the institution when nobody's.
    pub owner: Option<AccountId>,
    /// Its name.
    pub name: String,
    /// Into which field.
    pub field: TemplateField,
    /// The text.
    pub body: String,
    /// Grows by one with every change.
    pub version: i64,
    /// When it was changed last.
    pub saved_at: Timestamp,
    /// Since when it is no longer offered.
    pub retired_at: Option<Timestamp>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, owner, name, field, body, version, saved_at, retired_at from note_template ",
            $rest
        )
    };
}

/// The `note_template` table.
pub struct Templates<'tx>(pub(super) &'tx mut Tx);

impl Templates<'_> {
    /// Keeps a template.
    pub async fn insert(self, row: &TemplateRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into note_template (id, institution_id, owner, name, field, body, version, saved_at, retired_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.owner)
            .bind(&row.name)
            .bind(row.field)
            .bind(&row.body)
            .bind(row.version)
            .bind(row.saved_at)
            .bind(row.retired_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// One template of an institution.
    pub async fn find(self, institution: InstitutionId, id: TemplateId) -> Result<Option<TemplateRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where id = $1 and institution_id = $2"))
                .bind(id)
                .bind(institution)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The templates that somebody of an institution is offered, by name.
    pub async fn offered(self, institution: InstitutionId, to: AccountId) -> Result<Vec<TemplateRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and (owner is null or owner = $2) and retired_at is null
                 order by name, id"
            ))
            .bind(institution)
            .bind(to)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Offers it no longer; `false` when it changed meanwhile.
    pub async fn retire(self, id: TemplateId, version: i64, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update note_template
                 set retired_at = $3, version = version + 1
                 where id = $1 and version = $2 and retired_at is null",
            )
            .bind(id)
            .bind(version)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
