//! The hospital and its partners.

use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The hospital, or a partner.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InstitutionRow {
    /// The institution.
    pub id: InstitutionId,
    /// `hospital` or `partner`.
    pub kind: String,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The number of a human who helps.
    pub help_phone: String,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// The `institution` table.
pub struct Institutions<'tx>(pub(super) &'tx mut Tx);

impl Institutions<'_> {
    /// Keeps a new institution.
    pub async fn insert(self, row: &InstitutionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into institution (id, kind, name_zh, name_en, help_phone, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.id)
            .bind(&row.kind)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.help_phone)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An institution by its id.
    pub async fn find(self, id: InstitutionId) -> Result<Option<InstitutionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as("select id, kind, name_zh, name_en, help_phone, created_at from institution where id = $1")
                .bind(id)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// All of them, the oldest first.
    pub async fn all(self) -> Result<Vec<InstitutionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, kind, name_zh, name_en, help_phone, created_at from institution order by created_at, id",
            )
            .fetch_all(conn)
            .await?
        }))
    }

    /// How many there are: none means a fresh database.
    pub async fn count(self) -> Result<i64> {
        Ok(on!(self.0, |conn| sqlx::query_scalar("select count(*) from institution").fetch_one(conn).await?))
    }
}
