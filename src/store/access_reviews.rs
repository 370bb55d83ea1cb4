//! Who read a record, and the reads that somebody else has to judge.

use crate::domain::access::Verdict;
use crate::domain::ids::{AccountId, InstitutionId, ReviewId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Verdict);

/// A read by somebody who does not treat the patient.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ReviewRow {
    /// The review.
    pub id: ReviewId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The visit whose record was read.
    pub visit_id: VisitId,
    /// Who read it.
    pub reader: AccountId,
    /// Why, sealed.
    pub reason_sealed: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// Who judged it.
    pub reviewed_by: Option<AccountId>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// As what.
    pub verdict: Option<Verdict>,
    /// Why, sealed.
    pub words_sealed: Option<Vec<u8>>,
}

/// The reads of one reader for one purpose, as the audit holds them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReadRow {
    /// The last of them.
    pub at: Timestamp,
    /// The first.
    pub since: Timestamp,
    /// How many they are.
    pub times: i64,
    /// Who, as the audit names them.
    pub actor: String,
    /// For which purpose.
    pub purpose: Option<String>,
}

/// The `access_review` table.
pub struct AccessReviews<'tx>(pub(super) &'tx mut Tx);

impl AccessReviews<'_> {
    /// Asks for a judgement.
    pub async fn insert(self, row: &ReviewRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into access_review (id, institution_id, visit_id, reader, reason_sealed, at, reviewed_by,
                                            reviewed_at, verdict, words_sealed)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.visit_id)
            .bind(row.reader)
            .bind(&row.reason_sealed)
            .bind(row.at)
            .bind(row.reviewed_by)
            .bind(row.reviewed_at)
            .bind(row.verdict)
            .bind(&row.words_sealed)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// One read of an institution.
    pub async fn find(self, institution: InstitutionId, id: ReviewId) -> Result<Option<ReviewRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, reader, reason_sealed, at, reviewed_by, reviewed_at, verdict,
                        words_sealed
                 from access_review
                 where id = $1 and institution_id = $2",
            )
            .bind(id)
            .bind(institution)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The reads that nobody has judged yet, oldest first.
    pub async fn open(self, institution: InstitutionId, limit: i64) -> Result<Vec<ReviewRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, reader, reason_sealed, at, reviewed_by, reviewed_at, verdict,
                        words_sealed
                 from access_review
                 where institution_id = $1 and reviewed_at is null
                 order by at, id
                 limit $2",
            )
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The reads that were judged, the last judgement first.
    pub async fn judged(self, institution: InstitutionId, limit: i64) -> Result<Vec<ReviewRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, reader, reason_sealed, at, reviewed_by, reviewed_at, verdict,
                        words_sealed
                 from access_review
                 where institution_id = $1 and reviewed_at is not null
                 order by reviewed_at desc
                 limit $2",
            )
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Judges a read in words; `false` when somebody has.
    pub async fn judge(
        self,
        id: ReviewId,
        by: AccountId,
        verdict: Verdict,
        words: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update access_review
                 set reviewed_by = $2, reviewed_at = $3, verdict = $4, words_sealed = $5
                 where id = $1 and reviewed_at is null and reader <> $2",
            )
            .bind(id)
            .bind(by)
            .bind(now)
            .bind(verdict)
            .bind(words)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Who read a record, on the screen, on paper or in a sealed file, or judged a prescription, and how often for which
    /// purpose, the last first: however often one of them reads, nobody else leaves the list.
    pub async fn reads(self, institution: InstitutionId, subject: &str) -> Result<Vec<ReadRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select max(at) as at, min(at) as since, count(*) as times, actor, purpose
                 from audit
                 where institution_id = $1 and subject = $2
                   and (action in ('visit.read', 'visit.line_read', 'visit.break_glass', 'visit.read_own', 'document.read',
                                   'document.read_own', 'visit.seal')
                        or (action = 'rx.read' and purpose in ('review', 'countersign')))
                 group by actor, purpose
                 order by max(seq) desc",
            )
            .bind(institution)
            .bind(subject)
            .fetch_all(conn)
            .await?
        }))
    }
}
