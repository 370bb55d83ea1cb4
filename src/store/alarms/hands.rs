//! In whose hands an alarm is: taken, taken over, handed back, kept as long as its taker is heard, closed.

use crate::domain::alarm::{AlarmOutcome, LEASE};
use crate::domain::ids::{AccountId, AlarmId};
use crate::domain::time::Timestamp;
use crate::store::alarms::{AlarmRow, Alarms};
use crate::store::{Result, on};

impl Alarms<'_> {
    /// Takes an alarm that nobody took, folded or not; `false` when somebody had, or it is closed.
    pub async fn take(self, id: AlarmId, account: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = $2, taken_at = $3, lease_until = $4, folded = false, version = version + 1
                 where id = $1 and taken_by is null and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(now)
            .bind(now + LEASE)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Takes an alarm out of a colleague's hands; `false` when nobody else has it, or it is closed.
    pub async fn take_over(self, id: AlarmId, account: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = $2, taken_at = $3, lease_until = $4, version = version + 1
                 where id = $1 and taken_by <> $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(now)
            .bind(now + LEASE)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Gives an alarm back: it rings again. `false` when it is not theirs, or it is closed.
    pub async fn hand_back(self, id: AlarmId, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = null, taken_at = null, lease_until = null, version = version + 1
                 where id = $1 and taken_by = $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Whether somebody has an open alarm in hand.
    pub async fn has_any(self, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>("select count(*) from alarm where taken_by = $1 and closed_at is null")
                .bind(account)
                .fetch_one(conn)
                .await?
        }) > 0)
    }

    /// Whoever took alarms was heard: they stay in these hands until `until`. The version stays, for nothing moved.
    pub async fn renew(self, account: AccountId, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update alarm set lease_until = $2 where taken_by = $1 and closed_at is null")
                .bind(account)
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// After a restart: everybody who took an alarm has until `until` to be heard.
    pub async fn forgive(self, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update alarm set lease_until = $1 where closed_at is null and lease_until < $1")
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// Open alarms whose taker was not heard in time, oldest first.
    pub async fn unheard(self, now: Timestamp) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where closed_at is null and lease_until < $1 order by raised_at, id"))
                .bind(now)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Takes an alarm out of the hands of somebody who is not heard; `false` when they were heard in between.
    pub async fn let_go(self, id: AlarmId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = null, taken_at = null, lease_until = null, version = version + 1
                 where id = $1 and closed_at is null and lease_until < $2",
            )
            .bind(id)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Closes an alarm of the one who took it; `false` when it is not theirs or was closed.
    pub async fn close(
        self,
        id: AlarmId,
        account: AccountId,
        outcome: AlarmOutcome,
        note_sealed: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set closed_at = $4, outcome = $3, note_sealed = $5, version = version + 1
                 where id = $1 and taken_by = $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(outcome)
            .bind(now)
            .bind(note_sealed)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
