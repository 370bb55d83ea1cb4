//! What administrators said of things whose time runs, and which prescriptions went.

use crate::domain::ids::{ApprovalId, ClinicId, InstitutionId, PrescriptionId, PurposeEndId};
use crate::domain::retention::RetentionClass;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// Somebody's word that the purpose of a clinic's declarations has ended.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PurposeEndRow {
    /// The word.
    pub id: PurposeEndId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose declarations.
    pub clinic_id: ClinicId,
    /// Those that were stated at or before this moment.
    pub declared_until: Timestamp,
    /// Who said so.
    pub said_by: String,
    /// When.
    pub said_at: Timestamp,
}

/// Somebody's word that what was due may go.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApprovalRow {
    /// The word.
    pub id: ApprovalId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Of which class.
    pub class: RetentionClass,
    /// What was due at or before this moment.
    pub due_until: Timestamp,
    /// Who said so.
    pub approved_by: String,
    /// When.
    pub approved_at: Timestamp,
}

/// A prescription that went.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct GoneRow {
    /// Which.
    pub prescription_id: PrescriptionId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Its class.
    pub class: RetentionClass,
    /// What it was, as on the certificate.
    pub hash: String,
    /// Since when it might go.
    pub due: Timestamp,
    /// When it went.
    pub gone_at: Timestamp,
}

/// The `purpose_end`, `retention_approval` and `prescription_gone` tables.
pub struct Retentions<'tx>(pub(super) &'tx mut Tx);

impl Retentions<'_> {
    /// Keeps a word that a purpose has ended.
    pub async fn end_purpose(self, row: &PurposeEndRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into purpose_end (id, institution_id, clinic_id, declared_until, said_by, said_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.declared_until)
            .bind(&row.said_by)
            .bind(row.said_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The words about a clinic, newest first.
    pub async fn purpose_ends(self, clinic: ClinicId) -> Result<Vec<PurposeEndRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, clinic_id, declared_until, said_by, said_at
                 from purpose_end
                 where clinic_id = $1
                 order by said_at desc, id",
            )
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Keeps an approval.
    pub async fn approve(self, row: &ApprovalRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into retention_approval (id, institution_id, class, due_until, approved_by, approved_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.class)
            .bind(row.due_until)
            .bind(&row.approved_by)
            .bind(row.approved_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The newest approvals of an institution.
    pub async fn approvals(self, institution: InstitutionId, limit: i64) -> Result<Vec<ApprovalRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, class, due_until, approved_by, approved_at
                 from retention_approval
                 where institution_id = $1
                 order by approved_at desc, id
                 limit $2",
            )
            .bind(institution)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Until when what is due of a class was approved to go.
    pub async fn approved_until(self, institution: InstitutionId, class: RetentionClass) -> Result<Option<Timestamp>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select due_until
                 from retention_approval
                 where institution_id = $1 and class = $2
                 order by due_until desc
                 limit 1",
            )
            .bind(institution)
            .bind(class)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Writes that a prescription goes; only then the database lets it.
    pub async fn mark_gone(self, row: &GoneRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into prescription_gone (prescription_id, institution_id, class, hash, due, gone_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.prescription_id)
            .bind(row.institution_id)
            .bind(row.class)
            .bind(&row.hash)
            .bind(row.due)
            .bind(row.gone_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What is said of a prescription that went.
    pub async fn gone(self, id: PrescriptionId) -> Result<Option<GoneRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select prescription_id, institution_id, class, hash, due, gone_at
                 from prescription_gone
                 where prescription_id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }
}
