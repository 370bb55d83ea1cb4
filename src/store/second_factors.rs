//! Second factors of staff.

use crate::domain::ids::AccountId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// What the server shares with a telephone.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SecondFactorRow {
    /// Whose.
    pub account_id: AccountId,
    /// The shared secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// The step of the last code that was taken; none is taken twice.
    pub last_step: i64,
    /// When its first code came; before that it asks nobody for anything.
    pub confirmed_at: Option<Timestamp>,
    /// When the secret was shown.
    pub created_at: Timestamp,
}

/// The `second_factor` table.
pub struct SecondFactors<'tx>(pub(super) &'tx mut Tx);

impl SecondFactors<'_> {
    /// Keeps a secret that was shown, in the place of one that was never confirmed; `false` where one is confirmed.
    pub async fn offer(self, row: &SecondFactorRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into second_factor (account_id, secret_sealed, last_step, created_at)
                 values ($1, $2, $3, $4)
                 on conflict (account_id) do update
                 set secret_sealed = excluded.secret_sealed, last_step = excluded.last_step,
                     created_at = excluded.created_at
                 where second_factor.confirmed_at is null",
            )
            .bind(row.account_id)
            .bind(&row.secret_sealed)
            .bind(row.last_step)
            .bind(row.created_at)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// The second factor of an account, confirmed or not.
    pub async fn of(self, account: AccountId) -> Result<Option<SecondFactorRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select account_id, secret_sealed, last_step, confirmed_at, created_at
                 from second_factor
                 where account_id = $1",
            )
            .bind(account)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Spends the code of a step, and confirms the factor with its first; `false` where this or a later one was spent.
    pub async fn spend(self, account: AccountId, step: i64, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update second_factor
                 set last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
                 where account_id = $1 and last_step < $2",
            )
            .bind(account)
            .bind(step)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Forgets the factor of an account; `false` where there was none.
    pub async fn forget(self, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from second_factor where account_id = $1")
                .bind(account)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }
}
