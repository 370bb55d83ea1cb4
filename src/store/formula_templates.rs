//! Formulas that doctors keep for their own prescriptions.

use sqlx::types::Json;

use crate::domain::ids::{AccountId, FormulaTemplateId, InstitutionId};
use crate::domain::prescription::Herbal;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// One kept formula.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct FormulaTemplateRow {
    /// The template.
    pub id: FormulaTemplateId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose it is.
    pub owner: AccountId,
    /// Its name.
    pub name: String,
    /// What is inserted.
    pub sheet: Json<Herbal>,
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
            "select id, institution_id, owner, name, sheet, version, saved_at, retired_at from formula_template ",
            $rest
        )
    };
}

/// The `formula_template` table.
pub struct FormulaTemplates<'tx>(pub(super) &'tx mut Tx);

impl FormulaTemplates<'_> {
    /// Keeps a formula.
    pub async fn insert(self, row: &FormulaTemplateRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into formula_template (id, institution_id, owner, name, sheet, version, saved_at, retired_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.owner)
            .bind(&row.name)
            .bind(&row.sheet)
            .bind(row.version)
            .bind(row.saved_at)
            .bind(row.retired_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What somebody keeps, by name.
    pub async fn of(self, institution: InstitutionId, owner: AccountId) -> Result<Vec<FormulaTemplateRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and owner = $2 and retired_at is null
                 order by name, id"
            ))
            .bind(institution)
            .bind(owner)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Gives it another name; `false` when it changed meanwhile.
    pub async fn rename(self, id: FormulaTemplateId, version: i64, name: &str, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update formula_template
                 set name = $3, saved_at = $4, version = version + 1
                 where id = $1 and version = $2 and retired_at is null",
            )
            .bind(id)
            .bind(version)
            .bind(name)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Offers it no longer; `false` when it changed meanwhile.
    pub async fn retire(self, id: FormulaTemplateId, version: i64, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update formula_template
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
