//! Members of staff.

use crate::domain::ids::{AccountId, InstitutionId};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};

/// A member of staff.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AccountRow {
    /// The account.
    pub id: AccountId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The name to sign in with.
    pub username: String,
    /// argon2id, in PHC form.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
    /// The name.
    pub name_zh: String,
    /// The name in Latin letters.
    pub name_en: String,
    /// The title.
    pub title_zh: String,
    /// The title in English.
    pub title_en: String,
    /// Whether signing in is allowed.
    pub active: bool,
    /// When the licence ends.
    pub licence_until: Option<Timestamp>,
    /// When it was set up.
    pub created_at: Timestamp,
}

macro_rules! account {
    ($($rest:tt)*) => {
        concat!(
            "select id, institution_id, username, password_hash, role, name_zh, name_en, title_zh, title_en, active,
                    licence_until, created_at
             from account ",
            $($rest)*
        )
    };
}

/// The `account` table.
pub struct Accounts<'tx>(pub(super) &'tx mut Tx);

impl Accounts<'_> {
    /// Locks an account until the end of the transaction, against others who lock it: of a doctor's hours that are added or
    /// changed at once, one comes after the other.
    pub async fn lock(self, id: AccountId) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query = dialect.pick(
                "select 1 from account where id = $1",
                // Rows that name the account can still be written.
                "select 1 from account where id = $1 for no key update",
            );
            sqlx::query(query).bind(id).execute(conn).await?;
        });
        Ok(())
    }

    /// Keeps a new account; a taken user name is a conflict.
    pub async fn insert(self, row: &AccountRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into account (id, institution_id, username, password_hash, role, name_zh, name_en, title_zh,
                                      title_en, active, licence_until, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.username)
            .bind(&row.password_hash)
            .bind(row.role)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.title_zh)
            .bind(&row.title_en)
            .bind(row.active)
            .bind(row.licence_until)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Gives an account another password in the place of the one that hashes to `old`; `false` where another is in force.
    pub async fn change_password(self, id: AccountId, old: &str, new: &str) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update account set password_hash = $3 where id = $1 and password_hash = $2")
                .bind(id)
                .bind(old)
                .bind(new)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Gives an account another password, whatever it had.
    pub async fn set_password(self, id: AccountId, hash: &str) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update account set password_hash = $2 where id = $1")
                .bind(id)
                .bind(hash)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// An account by its id.
    pub async fn find(self, id: AccountId) -> Result<Option<AccountRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(account!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Those of `ids` that are accounts.
    pub async fn many(self, ids: impl IntoIterator<Item = AccountId>) -> Result<Vec<AccountRow>> {
        macro_rules! many {
            ($dialect:ident) => {
                account!("where id in ", listed!($dialect))
            };
        }
        let ids = list(ids.into_iter().map(AccountId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(many!(sqlite), many!(postgres))).bind(&ids).fetch_all(conn).await?
        }))
    }

    /// Everybody of a role who works here, by name.
    pub async fn of_role(self, institution: InstitutionId, role: Role) -> Result<Vec<AccountRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(account!("where institution_id = $1 and role = $2 and active = $3 order by name_zh, id"))
                .bind(institution)
                .bind(role)
                .bind(true)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Everybody who works here, by role and name.
    pub async fn of_institution(self, institution: InstitutionId) -> Result<Vec<AccountRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(account!("where institution_id = $1 and active = $2 order by role, name_zh, id"))
                .bind(institution)
                .bind(true)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Sets when the licence ends; `None` where no end is known.
    pub async fn set_licence(self, id: AccountId, until: Option<Timestamp>) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update account set licence_until = $2 where id = $1")
                .bind(id)
                .bind(until)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// An account by its user name.
    pub async fn by_username(self, username: &str) -> Result<Option<AccountRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(account!("where username = $1")).bind(username).fetch_optional(conn).await?
        }))
    }
}
