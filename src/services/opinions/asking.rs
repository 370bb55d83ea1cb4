//! Who treats asks, and may take it back.

use serde_json::json;

use super::{line, lines, nobody_to_ask, refused, state_of, tell};
use crate::domain::ids::{AccountId, OpinionId, VisitId};
use crate::domain::opinion::{Phase, Question, State};
use crate::domain::people::Role;
use crate::domain::permission::DoctorAct;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::opinion::{OpinionLine, OpinionRequest, VisitOpinions};
use crate::services::Services;
use crate::services::booking::doctor_view;
use crate::services::refusal::Refusal;
use crate::services::visits::doctors_visit;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::{AccountRow, OpinionRow, StoreError, Tx};

/// Questions about one visit, answered and withdrawn ones too.
const OF_A_VISIT: usize = 10;

impl Services {
    /// What was asked about a visit, and whom its doctor may ask: `GET /visits/{id}/opinions`.
    pub async fn visit_opinions(&self, act: DoctorAct, id: VisitId) -> Result<VisitOpinions, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        doctors_visit(&mut tx, act, id).await?;
        let rows = tx.opinions().of_visit(id).await?;
        let doctors = self.others(&mut tx, act, now).await?;
        Ok(VisitOpinions {
            opinions: lines(&mut tx, rows).await?,
            doctors: doctors.into_iter().map(doctor_view).collect(),
        })
    }

    /// Asks another doctor of the house: `POST /visits/{id}/opinions`.
    pub async fn ask_opinion(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: OpinionRequest,
        command: &Command,
    ) -> Result<OpinionLine, Refusal> {
        let Question { question, summary } = Question::checked(&request.question, &request.summary).map_err(refused)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        can_be_written(&doctors_visit(&mut work.tx, act, id).await?)?;
        let now = work.now;
        let asked = self.others(&mut work.tx, act, now).await?.into_iter().find(|one| one.id == request.doctor);
        let asked = asked.ok_or_else(nobody_to_ask)?.id;
        State::ask(act.account, asked).map_err(refused)?;
        if work.tx.opinions().of_visit(id).await?.len() >= OF_A_VISIT {
            let full = format!("at most {OF_A_VISIT} questions about one visit");
            return Err(Refusal::new(ErrorCode::OpinionState, full));
        }
        let row = OpinionRow {
            id: self.ids.make(OpinionId::from_uuid),
            institution_id: act.institution,
            visit_id: id,
            asked_by: act.account,
            doctor_id: asked,
            state: Phase::Asked,
            version: 0,
            question,
            summary,
            opinion: String::new(),
            advice: String::new(),
            hash: None,
            asked_at: now,
            saved_at: None,
            closed_at: None,
            identity: None,
        };
        match work.tx.opinions().insert(&row).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::OpinionOpen, "this doctor was asked and has not answered yet"));
            }
            other => other?,
        }
        let view = line(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        let detail = json!({ "visit": id, "doctor": asked });
        let (who, what) = (act.account.to_string(), row.id.to_string());
        work.audit_why(act.institution, &who, "opinion.ask", &what, None, detail).await?;
        tell(&mut work, &row, "opinion.asked").await?;
        work.commit().await?;
        Ok(view)
    }

    /// Takes a question back that nobody has answered: `POST /opinions/{id}/withdraw`. Who treats may, also when another asked.
    pub async fn withdraw_opinion(
        &self,
        act: DoctorAct,
        id: OpinionId,
        command: &Command,
    ) -> Result<OpinionLine, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = work.tx.opinions().find(id).await?.ok_or_else(Refusal::not_found)?;
        doctors_visit(&mut work.tx, act, row.visit_id).await?;
        let row = close(&mut work, act.account, row).await?;
        let view = line(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// The other doctors who work here and may practise, by name.
    async fn others(&self, tx: &mut Tx, act: DoctorAct, now: Timestamp) -> Result<Vec<AccountRow>, Refusal> {
        let mut rows = tx.accounts().of_role(act.institution, Role::Doctor).await?;
        rows.retain(|row| row.id != act.account);
        self.practising(tx, rows, now).await
    }
}

/// Takes back every open question about a visit: it was somebody else who sat there.
pub(crate) async fn withdraw_all(work: &mut Work, by: AccountId, visit: VisitId) -> Result<(), Refusal> {
    for row in work.tx.opinions().of_visit(visit).await? {
        if row.state == Phase::Asked {
            close(work, by, row).await?;
        }
    }
    Ok(())
}

/// Withdraws, writes down and tells.
async fn close(work: &mut Work, by: AccountId, row: OpinionRow) -> Result<OpinionRow, Refusal> {
    let now = work.now;
    let state = state_of(&row).withdraw(now).map_err(refused)?;
    if !work.tx.opinions().withdraw(row.id, now).await? {
        return Err(Refusal::new(ErrorCode::OpinionState, "it was answered in between"));
    }
    let row = OpinionRow { state: state.phase(), version: row.version + 1, closed_at: Some(now), ..row };
    let detail = json!({ "visit": row.visit_id });
    work.audit_why(row.institution_id, &by.to_string(), "opinion.withdraw", &row.id.to_string(), None, detail).await?;
    tell(work, &row, "opinion.withdrawn").await?;
    Ok(row)
}
