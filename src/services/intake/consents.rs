//! Consents: the texts in force, and what was decided on them.

use crate::domain::consent::{self, ConsentKind, ConsentText};
use crate::domain::ids::{PatientId, VisitId};
use crate::domain::permission::HolderAct;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{ConsentDecision, ConsentRecord};
use crate::services::Services;
use crate::services::intake::patients::related;
use crate::services::refusal::Refusal;
use crate::services::work::Command;
use crate::store::ConsentRow;

/// Decisions that are shown to whoever made them.
const SHOWN: i64 = 200;

impl Services {
    /// The texts in force: `GET /consents`.
    pub fn consent_texts(&self) -> Vec<ConsentText> {
        consent::in_force().to_vec()
    }

    /// What a holder decided for a patient, the last 200, oldest first: `GET /patients/{id}/consents`.
    pub async fn consents(&self, act: HolderAct, patient: PatientId) -> Result<Vec<ConsentRecord>, Refusal> {
        let mut tx = self.db.read().await?;
        related(&mut tx, act, patient).await?;
        let rows = tx.consents().of(act.holder, patient, SHOWN).await?;
        Ok(rows.into_iter().map(record).collect())
    }

    /// Keeps one decision: `POST /patients/{id}/consents`. A recording that is no longer wanted stops at once. Who decides
    /// what is in force anyway has decided it then: the row that stands is the answer.
    pub async fn decide(
        &self,
        act: HolderAct,
        patient: PatientId,
        decision: ConsentDecision,
        command: &Command,
    ) -> Result<ConsentRecord, Refusal> {
        let mut work = self.begin().await?;
        let is_withdrawal = decision.kind == ConsentKind::ProcessRecord && !decision.granted;
        if let Some(record) = work.recall(command).await? {
            if is_withdrawal {
                // The first time may have been cut off between its commit and this. What was agreed to since then is not
                // taken back by it.
                let record: &ConsentRecord = &record;
                let rooms = self.withdraw_recording(&mut work, act, patient, Some(record.at)).await?;
                work.commit().await?;
                self.stop_recordings(rooms).await;
            }
            return Ok(record);
        }
        related(&mut work.tx, act, patient).await?;
        // A recording can be stopped in whatever words it was agreed to.
        if !is_withdrawal && decision.version != consent::text(decision.kind).version {
            return Err(Refusal::field(ErrorCode::ConsentOutdated, "version", "the text has changed; read it again"));
        }
        let stands = work.tx.consents().standing(act.holder, patient, decision.kind).await?;
        let stands = stands.filter(|row| (row.granted, &row.text_version) == (decision.granted, &decision.version));
        let is_new = stands.is_none();
        let row = stands.unwrap_or_else(|| ConsentRow {
            id: self.ids.uuid(),
            institution_id: act.institution,
            patient_id: patient,
            holder_id: act.holder,
            kind: decision.kind,
            text_version: decision.version,
            granted: decision.granted,
            at: work.now,
        });
        if is_new {
            work.tx.consents().append(&row).await?;
        }
        let record = record(row);
        work.keep(command, &record).await?;
        let stopped =
            if is_withdrawal { self.withdraw_recording(&mut work, act, patient, None).await? } else { Vec::new() };
        work.commit().await?;
        self.stop_recordings(stopped).await;
        Ok(record)
    }

    /// The patient stops the recording of a visit: `POST /visits/{id}/recording/stop`. The consent is taken back, in the
    /// words in which it was given.
    pub async fn stop_recording(
        &self,
        act: HolderAct,
        id: VisitId,
        command: &Command,
    ) -> Result<ConsentRecord, Refusal> {
        let (version, patient) = {
            let mut tx = self.db.read().await?;
            let visit = tx.visits().find(id).await?.filter(|visit| visit.holder_id == Some(act.holder));
            let visit = visit.ok_or_else(Refusal::not_found)?;
            let room = tx.rooms().find(visit.room_id).await?.ok_or_else(Refusal::not_found)?;
            let in_force = || consent::text(ConsentKind::ProcessRecord).version.clone();
            (room.agreed_version.unwrap_or_else(in_force), visit.patient_id)
        };
        let decision = ConsentDecision { kind: ConsentKind::ProcessRecord, version, granted: false };
        self.decide(act, patient, decision, command).await
    }
}

fn record(row: ConsentRow) -> ConsentRecord {
    ConsentRecord { kind: row.kind, version: row.text_version, granted: row.granted, at: row.at }
}
