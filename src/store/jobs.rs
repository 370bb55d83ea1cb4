//! What is to be done later, once.

use std::time::Duration;

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::domain::ids::{InstitutionId, JobId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// So long a worker may take over a job before another takes it.
const CLAIM: Duration = Duration::from_mins(1);
/// A job that failed so often is left alone, unless it is one of the [`LASTING`].
pub const ATTEMPTS: i64 = 10;
/// What is tried until it is done: a message may be given up, a place that is kept for nobody may not.
pub const LASTING: [&str; 2] = ["offer_ends", "offer_passes"];

/// Jobs that one statement writes: both databases bind some thirty thousand values, and each job has five.
const AT_ONCE: usize = 1000;

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// What is to be done.
    pub kind: String,
    /// To what.
    pub subject_id: Uuid,
    /// When.
    pub run_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
}

const CLAIM_SQLITE: &str = "update job
     set claimed_until = $2, attempts = attempts + 1
     where id in (select id from job
                  where done_at is null and run_at <= $1 and (attempts < $4 or kind in ($5, $6))
                    and (claimed_until is null or claimed_until <= $1)
                  order by run_at, id limit $3)
     returning id, institution_id, kind, subject_id, run_at, attempts";
// Who claims does not wait for another who claims: each worker takes what nobody has in hand.
// Materialized, for PostgreSQL may look again at a sub-select of `in`, and would then find more than the limit.
const CLAIM_POSTGRES: &str = "with pick as materialized (
         select id from job
         where done_at is null and run_at <= $1 and (attempts < $4 or kind in ($5, $6))
           and (claimed_until is null or claimed_until <= $1)
         order by run_at, id limit $3 for update skip locked)
     update job
     set claimed_until = $2, attempts = attempts + 1
     where id in (select id from pick)
     returning id, institution_id, kind, subject_id, run_at, attempts";

/// The `job` table.
pub struct Jobs<'tx>(pub(super) &'tx mut Tx);

impl Jobs<'_> {
    /// Keeps jobs; one of the same kind, subject and moment is the same job. How many were new.
    pub async fn add(self, jobs: &[JobRow]) -> Result<u64> {
        let mut added = 0;
        on!(self.0, |conn| {
            for jobs in jobs.chunks(AT_ONCE) {
                let mut adding = QueryBuilder::new("insert into job (id, institution_id, kind, subject_id, run_at) ");
                adding.push_values(jobs, |mut row, job| {
                    row.push_bind(job.id).push_bind(job.institution_id).push_bind(&job.kind);
                    row.push_bind(job.subject_id).push_bind(job.run_at);
                });
                adding.push(" on conflict (kind, subject_id, run_at) do nothing");
                added += adding.build().execute(&mut *conn).await?.rows_affected();
            }
        });
        Ok(added)
    }

    /// Claims at most `limit` jobs whose time has come.
    pub async fn claim(self, now: Timestamp, limit: i64) -> Result<Vec<JobRow>> {
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(CLAIM_SQLITE, CLAIM_POSTGRES))
                .bind(now)
                .bind(now + CLAIM)
                .bind(limit)
                .bind(ATTEMPTS)
                .bind(LASTING[0])
                .bind(LASTING[1])
                .fetch_all(conn)
                .await?
        }))
    }

    /// It is not tried again before `until`, unless another worker has taken it over.
    pub async fn put_off(self, job: &JobRow, until: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update job set claimed_until = $3 where id = $1 and attempts = $2 and done_at is null")
                .bind(job.id)
                .bind(job.attempts)
                .bind(until)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// It is done; `false` when it was done before.
    pub async fn finish(self, id: JobId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update job set done_at = $2, claimed_until = null where id = $1 and done_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Forgets what was done before a moment.
    pub async fn forget(self, before: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from job where done_at is not null and done_at < $1")
                .bind(before)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }
}
