//! Consents: the texts in force, and what was decided on them.

use crate::domain::consent::{self, ConsentKind, ConsentText};
use crate::domain::ids::{ConnectionId, PatientId, RoomId, VisitId};
use crate::domain::permission::{Actor, HolderAct};
use crate::domain::room::{Input, RoomPurpose};
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{ConsentDecision, ConsentRecord};
use crate::services::Services;
use crate::services::intake::patients::related;
use crate::services::refusal::Refusal;
use crate::services::work::{Command, Work};
use crate::store::{ConsentRow, RoomRow};

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

    /// Keeps one decision: `POST /patients/{id}/consents`. A recording that is no longer wanted stops at once.
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
        let record = self.note_decision(&mut work, act, patient, decision).await?;
        work.keep(command, &record).await?;
        let stopped =
            if is_withdrawal { self.withdraw_recording(&mut work, act, patient, None).await? } else { Vec::new() };
        work.commit().await?;
        self.stop_recordings(stopped).await;
        Ok(record)
    }

    async fn note_decision(
        &self,
        work: &mut Work,
        act: HolderAct,
        patient: PatientId,
        decision: ConsentDecision,
    ) -> Result<ConsentRecord, Refusal> {
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
        Ok(record(row))
    }

    /// The patient, in the call, stops its recording: `stop_recording` on the socket. What takes away is done first, for it must
    /// not wait for a database that is away; where it could not be written the browser says it again, and it is written once.
    pub async fn stop_recording_at_once(
        &self,
        actor: Actor,
        connection: ConnectionId,
        room: RoomId,
    ) -> Result<(), Refusal> {
        // The only holder in a room is its patient's.
        let act = actor.holder().ok_or_else(|| Refusal::new(ErrorCode::Forbidden, "the patient decides"))?;
        self.live.say(connection, room, Input::StopRecording).await?;
        let mut work = self.begin().await?;
        let row = work.tx.rooms().find(room).await?.filter(|row| row.recording);
        let Some(row) = row.filter(|row| row.purpose == RoomPurpose::Visit) else { return Ok(()) };
        let visit = work.tx.visits().find(VisitId::from_uuid(row.subject_id)).await?;
        let visit = visit.filter(|visit| visit.holder_id == Some(act.holder)).ok_or_else(Refusal::not_found)?;
        let decision = withdrawal(&row);
        self.note_decision(&mut work, act, visit.patient_id, decision).await?;
        let rooms = self.withdraw_recording(&mut work, act, visit.patient_id, None).await?;
        work.commit().await?;
        self.stop_recordings(rooms).await;
        Ok(())
    }

    /// The patient stops the recording of a visit: `POST /visits/{id}/recording/stop`. The consent is taken back, in the
    /// words in which it was given.
    pub async fn stop_recording(
        &self,
        act: HolderAct,
        id: VisitId,
        command: &Command,
    ) -> Result<ConsentRecord, Refusal> {
        let (decision, patient) = {
            let mut tx = self.db.read().await?;
            let visit = tx.visits().find(id).await?.filter(|visit| visit.holder_id == Some(act.holder));
            let visit = visit.ok_or_else(Refusal::not_found)?;
            let room = tx.rooms().find(visit.room_id).await?.ok_or_else(Refusal::not_found)?;
            (withdrawal(&room), visit.patient_id)
        };
        self.decide(act, patient, decision, command).await
    }
}

/// That the consent to the recording of a room is taken back, in the words in which it was given.
fn withdrawal(room: &RoomRow) -> ConsentDecision {
    let in_force = || consent::text(ConsentKind::ProcessRecord).version.clone();
    let version = room.agreed_version.clone().unwrap_or_else(in_force);
    ConsentDecision { kind: ConsentKind::ProcessRecord, version, granted: false }
}

fn record(row: ConsentRow) -> ConsentRecord {
    ConsentRecord { kind: row.kind, version: row.text_version, granted: row.granted, at: row.at }
}
