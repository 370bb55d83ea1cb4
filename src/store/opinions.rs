//! Questions to another doctor and what was answered. There is no statement here that changes a closed one; the database
//! refuses one, too.

use crate::domain::ids::{AccountId, InstitutionId, OpinionId, VisitId};
use crate::domain::opinion::Phase;
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Phase);

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct OpinionRow {
    /// The opinion.
    pub id: OpinionId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// About which visit.
    pub visit_id: VisitId,
    /// Who asked.
    pub asked_by: AccountId,
    /// Who was asked.
    pub doctor_id: AccountId,
    /// Where it stands.
    pub state: Phase,
    /// Grows by one with every save of the draft, and at the end.
    pub version: i64,
    /// What is to be known.
    pub question: String,
    /// The case in short.
    pub summary: String,
    /// The opinion, a draft until it is signed.
    pub opinion: String,
    /// What the asked doctor would do.
    pub advice: String,
    /// The content hash under the signature.
    pub hash: Option<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When the draft was saved last.
    pub saved_at: Option<Timestamp>,
    /// When it was answered or withdrawn.
    pub closed_at: Option<Timestamp>,
    /// Whose visit it is, under the signature; none before it, and none in older ones.
    pub identity: Option<String>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, visit_id, asked_by, doctor_id, state, version, question, summary, opinion, advice,
                    hash, asked_at, saved_at, closed_at, identity
             from opinion ",
            $rest
        )
    };
}

/// The `opinion` table.
pub struct Opinions<'tx>(pub(super) &'tx mut Tx);

impl Opinions<'_> {
    /// Keeps a question; a second open one of the same visit and doctor is a conflict.
    pub async fn insert(self, row: &OpinionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into opinion (id, institution_id, visit_id, asked_by, doctor_id, state, version, question, summary,
                                      opinion, advice, hash, asked_at, saved_at, closed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.visit_id)
            .bind(row.asked_by)
            .bind(row.doctor_id)
            .bind(row.state)
            .bind(row.version)
            .bind(&row.question)
            .bind(&row.summary)
            .bind(&row.opinion)
            .bind(&row.advice)
            .bind(&row.hash)
            .bind(row.asked_at)
            .bind(row.saved_at)
            .bind(row.closed_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An opinion by its id.
    pub async fn find(self, id: OpinionId) -> Result<Option<OpinionRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// What was asked about a visit, oldest first.
    pub async fn of_visit(self, visit: VisitId) -> Result<Vec<OpinionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where visit_id = $1 order by asked_at, id")).bind(visit).fetch_all(conn).await?
        }))
    }

    /// What was asked of a doctor: what is open first, and then the newest.
    pub async fn of_doctor(self, doctor: AccountId, limit: i64) -> Result<Vec<OpinionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where doctor_id = $1
                 order by case state when 'asked' then 0 else 1 end, asked_at desc, id desc
                 limit $2"
            ))
            .bind(doctor)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// What a doctor asked, in the same order.
    pub async fn by_doctor(self, doctor: AccountId, limit: i64) -> Result<Vec<OpinionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where asked_by = $1
                 order by case state when 'asked' then 0 else 1 end, asked_at desc, id desc
                 limit $2"
            ))
            .bind(doctor)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The open question to a doctor about a visit.
    pub async fn open_to(self, visit: VisitId, doctor: AccountId) -> Result<Option<OpinionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where visit_id = $1 and doctor_id = $2 and state = 'asked'"))
                .bind(visit)
                .bind(doctor)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Saves draft, state and end over the version before; `false` when it was saved or closed in between.
    pub async fn save(self, row: &OpinionRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update opinion
                 set version = $2, state = $3, opinion = $4, advice = $5, hash = $6, saved_at = $7, closed_at = $8,
                     identity = $9
                 where id = $1 and version = $2 - 1 and state = 'asked'",
            )
            .bind(row.id)
            .bind(row.version)
            .bind(row.state)
            .bind(&row.opinion)
            .bind(&row.advice)
            .bind(&row.hash)
            .bind(row.saved_at)
            .bind(row.closed_at)
            .bind(&row.identity)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Takes a question back, whatever was written meanwhile; `false` when it was closed.
    pub async fn withdraw(self, id: OpinionId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update opinion
                 set state = 'withdrawn', version = version + 1, closed_at = $2
                 where id = $1 and state = 'asked'",
            )
            .bind(id)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
