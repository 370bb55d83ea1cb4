//! Orders that something stays, and what is said of things that went.

use crate::domain::ids::{CertificateId, HoldId, InstitutionId};
use crate::domain::retention::RetentionClass;
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(RetentionClass);

/// An order that something stays.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HoldRow {
    /// The order.
    pub id: HoldId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// What stays, as an id with its kind.
    pub subject: String,
    /// Why, sealed.
    pub reason_sealed: Vec<u8>,
    /// Whose order.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<Timestamp>,
    /// Why, sealed.
    pub lift_sealed: Option<Vec<u8>>,
}

/// The `legal_hold` table.
pub struct Holds<'tx>(pub(super) &'tx mut Tx);

impl Holds<'_> {
    /// Keeps a new order.
    pub async fn insert(self, row: &HoldRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into legal_hold (id, institution_id, subject, reason_sealed, placed_by, placed_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.subject)
            .bind(&row.reason_sealed)
            .bind(&row.placed_by)
            .bind(row.placed_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Lifts an order; `false` when it was lifted before, or is not there.
    pub async fn lift(
        self,
        institution: InstitutionId,
        id: HoldId,
        by: &str,
        why: &[u8],
        at: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update legal_hold
                 set lifted_by = $3, lifted_at = $4, lift_sealed = $5
                 where id = $1 and institution_id = $2 and lifted_at is null",
            )
            .bind(id)
            .bind(institution)
            .bind(by)
            .bind(at)
            .bind(why)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Every order on something, also those that were lifted.
    pub async fn on(self, institution: InstitutionId, subject: &str) -> Result<Vec<HoldRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, subject, reason_sealed, placed_by, placed_at, lifted_by, lifted_at,
                        lift_sealed
                 from legal_hold
                 where institution_id = $1 and subject = $2
                 order by placed_at, id",
            )
            .bind(institution)
            .bind(subject)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The newest orders of an institution.
    pub async fn newest(self, institution: InstitutionId, limit: i64) -> Result<Vec<HoldRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, subject, reason_sealed, placed_by, placed_at, lifted_by, lifted_at,
                        lift_sealed
                 from legal_hold
                 where institution_id = $1
                 order by placed_at desc, id
                 limit $2",
            )
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }
}

/// What is said of things of one class that went on one day.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CertificateRow {
    /// The certificate.
    pub id: CertificateId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Their class.
    pub class: RetentionClass,
    /// On which day they went.
    pub day: String,
    /// How many.
    pub count: i64,
    /// When the first was due.
    pub first_due: Timestamp,
    /// When the last was due.
    pub last_due: Timestamp,
    /// The root over their hashes.
    pub hashes_root: String,
    /// The hashes, one a line.
    pub hashes: String,
    /// When.
    pub made_at: Timestamp,
}

/// The `deletion_certificate` table.
pub struct Certificates<'tx>(pub(super) &'tx mut Tx);

impl Certificates<'_> {
    /// Keeps a certificate.
    pub async fn insert(self, row: &CertificateRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into deletion_certificate (id, institution_id, class, day, count, first_due, last_due, hashes_root,
                                                   hashes, made_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.class)
            .bind(&row.day)
            .bind(row.count)
            .bind(row.first_due)
            .bind(row.last_due)
            .bind(&row.hashes_root)
            .bind(&row.hashes)
            .bind(row.made_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The newest certificates of an institution.
    pub async fn newest(self, institution: InstitutionId, limit: i64) -> Result<Vec<CertificateRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, class, day, count, first_due, last_due, hashes_root, hashes, made_at
                 from deletion_certificate
                 where institution_id = $1
                 order by made_at desc, id
                 limit $2",
            )
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }
}
