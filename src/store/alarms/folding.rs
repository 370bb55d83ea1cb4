//! Which alarm rings: of one origin so many at once, and the others are folded behind them until one may rise.

use crate::domain::alarm::RINGING;
use crate::domain::ids::{AlarmId, ClinicId};
use crate::domain::time::Timestamp;
use crate::store::alarms::{AlarmRow, Alarms};
use crate::store::{Result, on};

/// What is true of a folded alarm that may rise: fewer than `$1` of its origin ring.
macro_rules! may_rise {
    () => {
        "folded and closed_at is null
         and (select count(*) from alarm ringing
              where ringing.clinic_id = alarm.clinic_id and ringing.origin = alarm.origin
                and not ringing.folded and ringing.taken_by is null and ringing.closed_at is null) < $1 "
    };
}

impl Alarms<'_> {
    /// How many of an origin ring in a clinic.
    pub async fn count_ringing(self, clinic: ClinicId, origin: &[u8]) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from alarm
                 where clinic_id = $1 and origin = $2 and not folded and taken_by is null and closed_at is null",
            )
            .bind(clinic)
            .bind(origin)
            .fetch_one(conn)
            .await?
        }))
    }

    /// How many wait folded behind this alarm: it is the newest of its origin that is not.
    pub async fn count_behind(self, alarm: &AlarmRow) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from alarm
                 where clinic_id = $1 and origin = $2 and folded and closed_at is null
                   and not exists (select 1 from alarm newer
                                   where newer.clinic_id = $1 and newer.origin = $2 and not newer.folded
                                     and newer.closed_at is null and (newer.raised_at, newer.id) > ($3, $4))",
            )
            .bind(alarm.clinic_id)
            .bind(&alarm.origin)
            .bind(alarm.raised_at)
            .bind(alarm.id)
            .fetch_one(conn)
            .await?
        }))
    }

    /// The folded alarm that waits longest of those that may rise, past the first `skip`. It is asked by origin and not by
    /// alarm: one origin may have many.
    pub async fn next_to_rise(self, skip: i64) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "select ",
                names!(),
                "from alarm
                 where folded and closed_at is null
                   and (clinic_id, origin) in (
                     select clinic_id, origin
                     from alarm waiting
                     where waiting.folded and waiting.closed_at is null
                     group by clinic_id, origin
                     having (select count(*) from alarm ringing
                             where ringing.clinic_id = waiting.clinic_id and ringing.origin = waiting.origin
                               and not ringing.folded and ringing.taken_by is null and ringing.closed_at is null) < $1)
                 order by raised_at, id limit 1 offset $2"
            ))
            .bind(RINGING)
            .bind(skip)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// What waits folded of an origin in a clinic, the longest first; at most so many.
    pub async fn folded_of(self, clinic: ClinicId, origin: &[u8], limit: usize) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where clinic_id = $1 and origin = $2 and folded and closed_at is null order by raised_at, id limit $3"
            ))
            .bind(clinic)
            .bind(origin)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(conn)
            .await?
        }))
    }

    /// Closes a folded alarm whose caller has gone before anybody was there for it; `false` when it rings or is over.
    pub async fn let_pass(self, id: AlarmId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm set closed_at = $2, outcome = 'not_reached', version = version + 1
                 where id = $1 and folded and closed_at is null",
            )
            .bind(id)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Unfolds an alarm: it rings from now on. `false` when it may not any more.
    pub async fn rise(self, id: AlarmId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(concat!(
                "update alarm set folded = false, version = version + 1 where id = $2 and ",
                may_rise!()
            ))
            .bind(RINGING)
            .bind(id)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
