//! Consents: the texts in force, and what was decided on them.

use crate::domain::consent::{self, ConsentText};
use crate::domain::ids::PatientId;
use crate::domain::permission::HolderAct;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{ConsentDecision, ConsentRecord};
use crate::services::Services;
use crate::services::intake::patients::related;
use crate::services::refusal::Refusal;
use crate::services::work::Command;
use crate::store::ConsentRow;

impl Services {
    /// The texts in force: `GET /consents`.
    pub fn consent_texts(&self) -> Vec<ConsentText> {
        consent::in_force().to_vec()
    }

    /// What a holder decided for a patient, oldest first: `GET /patients/{id}/consents`.
    pub async fn consents(&self, act: HolderAct, patient: PatientId) -> Result<Vec<ConsentRecord>, Refusal> {
        let mut tx = self.db.read().await?;
        related(&mut tx, act, patient).await?;
        let rows = tx.consents().of(act.holder, patient).await?;
        Ok(rows.into_iter().map(record).collect())
    }

    /// Keeps one decision: `POST /patients/{id}/consents`.
    pub async fn decide(
        &self,
        act: HolderAct,
        patient: PatientId,
        decision: ConsentDecision,
        command: &Command,
    ) -> Result<ConsentRecord, Refusal> {
        let mut work = self.begin().await?;
        if let Some(record) = work.recall(command).await? {
            return Ok(record);
        }
        related(&mut work.tx, act, patient).await?;
        let text = consent::text(decision.kind);
        if decision.version != text.version {
            return Err(Refusal::field(ErrorCode::ConsentOutdated, "version", "the text has changed; read it again"));
        }
        let row = ConsentRow {
            id: self.ids.uuid(),
            institution_id: act.institution,
            patient_id: patient,
            holder_id: act.holder,
            kind: decision.kind,
            text_version: decision.version,
            granted: decision.granted,
            at: work.now,
        };
        work.tx.consents().append(&row).await?;
        let record = record(row);
        work.keep(command, &record).await?;
        work.commit().await?;
        Ok(record)
    }
}

fn record(row: ConsentRow) -> ConsentRecord {
    ConsentRecord { kind: row.kind, version: row.text_version, granted: row.granted, at: row.at }
}
