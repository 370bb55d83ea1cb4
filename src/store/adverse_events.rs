//! Adverse events: written once, and who of the administrators read one first.

use crate::domain::adverse::AdverseKind;
use crate::domain::ids::{AccountId, AdverseEventId, ClinicId, InstitutionId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(AdverseKind);

/// What went wrong at a visit.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AdverseEventRow {
    /// The event.
    pub id: AdverseEventId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Where.
    pub clinic_id: ClinicId,
    /// At which visit.
    pub visit_id: VisitId,
    /// What kind.
    pub kind: AdverseKind,
    /// Whether somebody was harmed or could have died.
    pub is_serious: bool,
    /// When it happened.
    pub happened_at: Timestamp,
    /// What happened, sealed.
    pub words_sealed: Vec<u8>,
    /// What was done, sealed.
    pub measures_sealed: Vec<u8>,
    /// Who tells.
    pub reported_by: AccountId,
    /// When it was told.
    pub reported_at: Timestamp,
    /// Which administrator read it first.
    pub seen_by: Option<AccountId>,
    /// When.
    pub seen_at: Option<Timestamp>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select e.id, e.institution_id, e.clinic_id, e.visit_id, e.kind, e.is_serious, e.happened_at, e.words_sealed,
                    e.measures_sealed, e.reported_by, e.reported_at, s.seen_by, s.seen_at
             from adverse_event e left join adverse_event_seen s on s.event_id = e.id ",
            $rest
        )
    };
}

/// The `adverse_event` table.
pub struct AdverseEvents<'tx>(pub(super) &'tx mut Tx);

impl AdverseEvents<'_> {
    /// Keeps an event.
    pub async fn insert(self, row: &AdverseEventRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into adverse_event (id, institution_id, clinic_id, visit_id, kind, is_serious, happened_at,
                                            words_sealed, measures_sealed, reported_by, reported_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.visit_id)
            .bind(row.kind)
            .bind(row.is_serious)
            .bind(row.happened_at)
            .bind(&row.words_sealed)
            .bind(&row.measures_sealed)
            .bind(row.reported_by)
            .bind(row.reported_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An event by its id.
    pub async fn find(self, id: AdverseEventId) -> Result<Option<AdverseEventRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where e.id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The events of an institution: what nobody has read first, the serious ones before all, and
    /// then the newest.
    pub async fn of_institution(self, institution: InstitutionId, limit: i64) -> Result<Vec<AdverseEventRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where e.institution_id = $1
                 order by case when s.event_id is not null then 2 when e.is_serious then 0 else 1 end, e.reported_at desc, e.id desc
                 limit $2"
            ))
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// An administrator reads it; `false` when somebody had before.
    pub async fn see(self, id: AdverseEventId, by: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into adverse_event_seen (event_id, seen_by, seen_at) values ($1, $2, $3)
                 on conflict (event_id) do nothing",
            )
            .bind(id)
            .bind(by)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
