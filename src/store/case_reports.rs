//! Case reports. There is no statement here that changes a closed one; the database refuses one, too.

use crate::domain::case_report::{Cause, Phase};
use crate::domain::ids::{AccountId, CaseReportId, ClinicId, InstitutionId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Cause, Phase);

/// What is owed after a suspicion, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CaseReportRow {
    /// The report.
    pub id: CaseReportId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Where.
    pub clinic_id: ClinicId,
    /// About which visit.
    pub visit_id: VisitId,
    /// What made it due.
    pub cause: Cause,
    /// Where it stands.
    pub state: Phase,
    /// Whose suspicion it is.
    pub suspected_by: AccountId,
    /// Since when.
    pub suspected_at: Timestamp,
    /// Until when it is reported.
    pub due_at: Timestamp,
    /// Why, where it was opened by hand; sealed.
    pub words_sealed: Option<Vec<u8>>,
    /// How often it has rung.
    pub rang: i64,
    /// When it rings next, while it is due.
    pub rings_at: Timestamp,
    /// Who closed it.
    pub closed_by: Option<AccountId>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// The number of the receipt.
    pub receipt: Option<String>,
    /// Why there was nothing to report; sealed.
    pub dismissal_sealed: Option<Vec<u8>>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, clinic_id, visit_id, cause, state, suspected_by, suspected_at, due_at, words_sealed,
                    rang, rings_at, closed_by, closed_at, receipt, dismissal_sealed
             from case_report ",
            $rest
        )
    };
}

/// The `case_report` table.
pub struct CaseReports<'tx>(pub(super) &'tx mut Tx);

impl CaseReports<'_> {
    /// Keeps a report that is due; a second live one of a visit is a conflict.
    pub async fn insert(self, row: &CaseReportRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into case_report (id, institution_id, clinic_id, visit_id, cause, state, suspected_by, suspected_at,
                                          due_at, words_sealed, rang, rings_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.visit_id)
            .bind(row.cause)
            .bind(row.state)
            .bind(row.suspected_by)
            .bind(row.suspected_at)
            .bind(row.due_at)
            .bind(&row.words_sealed)
            .bind(row.rang)
            .bind(row.rings_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A report by its id.
    pub async fn find(self, id: CaseReportId) -> Result<Option<CaseReportRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The report of a visit that is due or done.
    pub async fn live_of(self, visit: VisitId) -> Result<Option<CaseReportRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where visit_id = $1 and state in ('due', 'reported')"))
                .bind(visit)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// What is due in an institution, what is due first first.
    pub async fn due(self, institution: InstitutionId, limit: i64) -> Result<Vec<CaseReportRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where institution_id = $1 and state = 'due' order by due_at, id limit $2"))
                .bind(institution)
                .bind(limit)
                .fetch_all(conn)
                .await?
        }))
    }

    /// What was closed last in an institution.
    pub async fn closed(self, institution: InstitutionId, limit: i64) -> Result<Vec<CaseReportRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and state <> 'due' order by closed_at desc, id desc limit $2"
            ))
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Reports whose time to ring has come, past the first `skip`.
    pub async fn ringing(self, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<CaseReportRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where state = 'due' and rings_at <= $1 order by rings_at, id limit $2 offset $3"))
                .bind(now)
                .bind(limit)
                .bind(skip)
                .fetch_all(conn)
                .await?
        }))
    }

    /// It has rung, and rings next at `next`; `false` when another rang for it, or it was closed.
    pub async fn ring(self, row: &CaseReportRow, next: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update case_report set rang = rang + 1, rings_at = $3 where id = $1 and state = 'due' and rang = $2",
            )
            .bind(row.id)
            .bind(row.rang)
            .bind(next)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Closes a report as the row says; `false` when it was closed in between.
    pub async fn close(self, row: &CaseReportRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update case_report
                 set state = $2, closed_by = $3, closed_at = $4, receipt = $5, dismissal_sealed = $6
                 where id = $1 and state = 'due'",
            )
            .bind(row.id)
            .bind(row.state)
            .bind(row.closed_by)
            .bind(row.closed_at)
            .bind(&row.receipt)
            .bind(&row.dismissal_sealed)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
