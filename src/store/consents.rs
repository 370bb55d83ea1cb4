//! Consents: appended to, never changed; the database refuses a change, too.

use uuid::Uuid;

use crate::domain::consent::ConsentKind;
use crate::domain::ids::{HolderId, InstitutionId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ConsentRow {
    /// The decision.
    pub id: Uuid,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// For whom.
    pub patient_id: PatientId,
    /// Who decided.
    pub holder_id: HolderId,
    /// About what.
    pub kind: ConsentKind,
    /// On which words.
    pub text_version: String,
    /// Yes or no.
    pub granted: bool,
    /// When.
    pub at: Timestamp,
}

/// The `consent` table.
pub struct Consents<'tx>(pub(super) &'tx mut Tx);

impl Consents<'_> {
    /// Keeps a decision.
    pub async fn append(self, row: &ConsentRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into consent (id, institution_id, patient_id, holder_id, kind, text_version, granted, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.patient_id)
            .bind(row.holder_id)
            .bind(row.kind)
            .bind(&row.text_version)
            .bind(row.granted)
            .bind(row.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The last decisions of a holder for a patient, so many at most, oldest first. Ids sort by time, so two decisions of
    /// one moment keep their order.
    pub async fn of(self, holder: HolderId, patient: PatientId, limit: i64) -> Result<Vec<ConsentRow>> {
        let mut rows: Vec<ConsentRow> = on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, patient_id, holder_id, kind, text_version, granted, at
                 from consent
                 where patient_id = $1 and holder_id = $2
                 order by at desc, id desc
                 limit $3",
            )
            .bind(patient)
            .bind(holder)
            .bind(limit)
            .fetch_all(conn)
            .await?
        });
        rows.reverse();
        Ok(rows)
    }

    /// The decision of a holder for a patient that stands: the newest of its kind.
    pub async fn standing(
        &mut self,
        holder: HolderId,
        patient: PatientId,
        kind: ConsentKind,
    ) -> Result<Option<ConsentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, patient_id, holder_id, kind, text_version, granted, at
                 from consent
                 where patient_id = $1 and holder_id = $2 and kind = $3
                 order by at desc, id desc
                 limit 1",
            )
            .bind(patient)
            .bind(holder)
            .bind(kind)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The decisions of a holder for a patient that stand, one of each kind, oldest first. However often somebody changed
    /// their mind, it is no more than that: whoever calls the patient reads it.
    pub async fn all_standing(&mut self, holder: HolderId, patient: PatientId) -> Result<Vec<ConsentRow>> {
        let mut rows = Vec::with_capacity(ConsentKind::ALL.len());
        for kind in ConsentKind::ALL {
            rows.extend(self.standing(holder, patient, kind).await?);
        }
        rows.sort_by_key(|row| (row.at, row.id));
        Ok(rows)
    }
}
