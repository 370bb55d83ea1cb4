//! Owners of telephone numbers.

use crate::domain::ids::{HolderId, InstitutionId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The owner of a telephone number that passed the one-time code.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HolderRow {
    /// The holder.
    pub id: HolderId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The number as E.164, sealed.
    pub phone_sealed: Vec<u8>,
    /// Its blind index; unique in the institution.
    pub phone_index: Vec<u8>,
    /// The last four digits.
    pub phone_tail: String,
    /// When the first code was passed.
    pub created_at: Timestamp,
    /// The language that was last signed in with: `zh-CN` or `en`.
    pub locale: String,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, phone_sealed, phone_index, phone_tail, created_at, locale from holder ",
            $rest
        )
    };
}

/// The `holder` table.
pub struct Holders<'tx>(pub(super) &'tx mut Tx);

impl Holders<'_> {
    /// Keeps a new holder; `false` when the number has one.
    pub async fn insert(self, row: &HolderRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into holder (id, institution_id, phone_sealed, phone_index, phone_tail, created_at, locale)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (institution_id, phone_index) do nothing",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.phone_sealed)
            .bind(&row.phone_index)
            .bind(&row.phone_tail)
            .bind(row.created_at)
            .bind(&row.locale)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Locks a holder's row until the commit, so that of two places that one telephone takes at once the second is counted
    /// beside the first; on SQLite one writes at a time anyway.
    pub async fn lock(self, id: HolderId) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query = dialect
                .pick("select 1 from holder where id = $1", "select 1 from holder where id = $1 for no key update");
            sqlx::query(query).bind(id).fetch_all(conn).await?;
        });
        Ok(())
    }

    /// Remembers in which language a holder reads.
    pub async fn set_locale(self, id: HolderId, locale: &str) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update holder set locale = $2 where id = $1").bind(id).bind(locale).execute(conn).await?;
        });
        Ok(())
    }

    /// A holder of an institution.
    pub async fn find(self, institution: InstitutionId, id: HolderId) -> Result<Option<HolderRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where id = $1 and institution_id = $2"))
                .bind(id)
                .bind(institution)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The holder of a number.
    pub async fn by_phone(self, institution: InstitutionId, phone_index: &[u8]) -> Result<Option<HolderRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where institution_id = $1 and phone_index = $2"))
                .bind(institution)
                .bind(phone_index)
                .fetch_optional(conn)
                .await?
        }))
    }
}
