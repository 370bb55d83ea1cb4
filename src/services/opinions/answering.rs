//! Who was asked writes and signs.

use serde_json::json;

use super::{hash_of, refused, state_of, tell};
use crate::domain::ids::OpinionId;
use crate::domain::opinion::{Answer, Wrong};
use crate::domain::permission::DoctorAct;
use crate::domain::signature::Purpose;
use crate::protocol::error::ErrorCode;
use crate::protocol::opinion::{OpinionSave, OpinionSign, OpinionView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::signing::SignAs;
use crate::services::visits::notes::can_be_written;
use crate::services::work::Command;
use crate::store::{OpinionRow, Tx};

impl Services {
    /// Saves the draft over the version that was edited: `PUT /opinions/{id}`.
    pub async fn save_opinion(
        &self,
        act: DoctorAct,
        id: OpinionId,
        save: OpinionSave,
        command: &Command,
    ) -> Result<OpinionView, Refusal> {
        let Answer { opinion, advice } = Answer::checked(&save.opinion, &save.advice).map_err(refused)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = asked_of(&mut work.tx, act, id).await?;
        state_of(&row).write(act.account).map_err(refused)?;
        if row.version != save.version {
            return Err(stale().with_newer(&self.opinion_view(&mut work.tx, act.account, &row).await?));
        }
        let row = OpinionRow { version: row.version + 1, opinion, advice, saved_at: Some(work.now), ..row };
        if !work.tx.opinions().save(&row).await? {
            return Err(stale());
        }
        let view = self.opinion_view(&mut work.tx, act.account, &row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Signs the draft; from then on it never changes, and the record is closed to its writer: `POST /opinions/{id}/sign`.
    pub async fn sign_opinion(
        &self,
        act: DoctorAct,
        id: OpinionId,
        request: &OpinionSign,
        command: &Command,
    ) -> Result<OpinionView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = asked_of(&mut work.tx, act, id).await?;
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        self.may_practise(&mut work, act).await?;
        let answer = Answer { opinion: row.opinion.clone(), advice: row.advice.clone() };
        let answered = state_of(&row).answer(act.account, visit.doctor_id, &answer, work.now);
        let answered = answered.map_err(|wrong| match wrong {
            Wrong::Blank(field) => Refusal::field(ErrorCode::OpinionIncomplete, field, "needed for a signature"),
            Wrong::Oneself => Refusal::new(ErrorCode::OpinionState, "who treats the patient gives no opinion on it"),
            other => refused(other),
        })?;
        if row.version != request.version {
            return Err(stale().with_newer(&self.opinion_view(&mut work.tx, act.account, &row).await?));
        }
        let mut row = OpinionRow {
            version: row.version + 1,
            state: answered.phase(),
            closed_at: Some(work.now),
            identity: Some(self.whose(&mut work.tx, &visit).await?),
            ..row
        };
        let hash = hash_of(&row);
        row.hash = Some(hash.clone());
        if !work.tx.opinions().save(&row).await? {
            return Err(stale());
        }
        let (who, what) = (act.account.to_string(), id.to_string());
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Opinion, &what, &hash).await?;
        let view = self.opinion_view(&mut work.tx, act.account, &row).await?;
        work.keep(command, &view).await?;
        let detail = json!({ "visit": row.visit_id, "hash": hash });
        work.audit_why(act.institution, &who, "opinion.sign", &what, None, detail).await?;
        tell(&mut work, &row, "opinion.answered").await?;
        work.commit().await?;
        Ok(view)
    }
}

/// What was asked of this doctor; nobody else learns that there is such a question.
async fn asked_of(tx: &mut Tx, act: DoctorAct, id: OpinionId) -> Result<OpinionRow, Refusal> {
    let row = tx.opinions().find(id).await?.filter(|row| row.institution_id == act.institution);
    row.filter(|row| row.doctor_id == act.account).ok_or_else(Refusal::not_found)
}

fn stale() -> Refusal {
    Refusal::new(ErrorCode::VersionConflict, "a newer draft was saved elsewhere; fetch it first")
}
