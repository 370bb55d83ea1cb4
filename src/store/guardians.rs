//! Consents of guardians: appended to, never changed; the database refuses a change, too.

use uuid::Uuid;

use crate::domain::ids::{HolderId, InstitutionId, PatientId};
use crate::domain::people::Relation;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// What a guardian agreed to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct GuardianRow {
    /// The consent.
    pub id: Uuid,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// For whom.
    pub patient_id: PatientId,
    /// On whose telephone.
    pub holder_id: HolderId,
    /// The guardian's name, sealed.
    pub name_sealed: Vec<u8>,
    /// How the guardian is related to the patient.
    pub relation: Relation,
    /// To which words.
    pub text_version: String,
    /// When.
    pub at: Timestamp,
}

/// The `guardian_consent` table.
pub struct Guardians<'tx>(pub(super) &'tx mut Tx);

impl Guardians<'_> {
    /// Keeps a consent.
    pub async fn append(self, row: &GuardianRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into guardian_consent (id, institution_id, patient_id, holder_id, name_sealed, relation,
                                               text_version, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.patient_id)
            .bind(row.holder_id)
            .bind(&row.name_sealed)
            .bind(row.relation)
            .bind(&row.text_version)
            .bind(row.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The newest consent that a guardian gave for a patient on a holder's telephone.
    pub async fn newest(self, holder: HolderId, patient: PatientId) -> Result<Option<GuardianRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, patient_id, holder_id, name_sealed, relation, text_version, at
                 from guardian_consent
                 where patient_id = $1 and holder_id = $2
                 order by at desc, id desc
                 limit 1",
            )
            .bind(patient)
            .bind(holder)
            .fetch_optional(conn)
            .await?
        }))
    }
}
