//! Amendments of archived records: signed by their doctor, let in by somebody else.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::NoteId;
use crate::domain::note::NoteContent;
use crate::domain::note::amendment::{Phase, State, Wrong};
use crate::domain::note::diff::{Change, diff};
use crate::domain::permission::{AmendmentAct, DoctorAct};
use crate::domain::signature::Purpose;
use crate::protocol::amendment::{AmendmentDecline, AmendmentLine, AmendmentView};
use crate::protocol::error::ErrorCode;
use crate::protocol::visit::VisitView;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::prescriptions::name;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::signing::{SignAs, Validity};
use crate::services::topics::Topic;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::{AmendmentRow, NoteRow, StoreError, Tx, VisitRow};

/// What waits, at once.
const LISTED: i64 = 50;

impl Services {
    /// Keeps what a doctor has signed of an archived record until somebody else has looked at it.
    pub(crate) async fn ask_amendment(
        &self,
        mut work: Work,
        act: DoctorAct,
        visit: &VisitRow,
        note: NoteRow,
        command: &Command,
    ) -> Result<VisitView, Refusal> {
        let row = AmendmentRow {
            id: note.id,
            institution_id: note.institution_id,
            visit_id: note.visit_id,
            number: note.number,
            content: note.content,
            hash: note.hash,
            previous_hash: note.previous_hash,
            asked_by: note.signed_by,
            asked_at: note.signed_at,
            reason: note.reason.unwrap_or_default(),
            state: Phase::Asked,
            decided_by: None,
            decided_at: None,
            decision_reason: None,
            identity: note.identity,
        };
        match work.tx.amendments().insert(&row).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::AmendmentWaits, "an amendment of it waits already"));
            }
            other => other?,
        }
        let (who, what) = (act.account.to_string(), row.id.to_string());
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Note, &what, &row.hash).await?;
        let view = self.visit_view(&mut work.tx, visit).await?;
        work.keep(command, &view).await?;
        let detail = json!({ "visit": visit.id, "number": row.number, "hash": row.hash });
        work.audit_why(act.institution, &who, "amendment.ask", &what, Some(row.reason.clone()), detail).await?;
        tell(&mut work, &row, "note.amending").await?;
        work.commit().await?;
        Ok(view)
    }

    /// What waits for somebody's word: `GET /amendments`.
    pub async fn amendments(&self, act: AmendmentAct) -> Result<Vec<AmendmentLine>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut lines = Vec::new();
        for row in tx.amendments().waiting(act.institution, act.account, LISTED).await? {
            lines.push(line(&mut tx, &row).await?);
        }
        Ok(lines)
    }

    /// What one that waits would change; the read is audited: `GET /amendments/{id}`.
    pub async fn amendment(&self, act: AmendmentAct, id: NoteId) -> Result<AmendmentView, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let row = waiting(&mut reading.tx, act, id).await?;
        let view = view(&mut reading.tx, &row).await?;
        reading.see("amendment.read", &id, ReadPurpose::Countersign, json!({ "visit": row.visit_id }));
        self.answer(reading, view).await
    }

    /// The newest amendment of a visit for its doctor, unless it is in the record by now.
    pub(crate) async fn open_amendment(&self, tx: &mut Tx, visit: &VisitRow) -> Result<Option<AmendmentView>, Refusal> {
        match tx.amendments().newest(visit.id).await?.filter(|row| row.state != Phase::Approved) {
            Some(row) => Ok(Some(view(tx, &row).await?)),
            None => Ok(None),
        }
    }

    /// Lets it into the record: `POST /amendments/{id}/approve`.
    pub async fn approve_amendment(
        &self,
        act: AmendmentAct,
        id: NoteId,
        command: &Command,
    ) -> Result<AmendmentLine, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = of_the_house(&mut work.tx, act, id).await?;
        let approved = state_of(&row)?.approve(act.account).map_err(refused)?;
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        let note = note_of(&row);
        let Validity::Holds(_) = self.check_note(&mut work.tx, &note).await? else {
            return Err(Refusal::new(ErrorCode::SignatureBroken, "the amendment is not what its doctor signed"));
        };
        let row = decided(&mut work, act, row, &approved, None).await?;
        match work.tx.notes().sign(&note).await {
            Err(StoreError::Conflict) => return Err(refused(Wrong::State)),
            other => other?,
        }
        let (who, what) = (act.account.to_string(), id.to_string());
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Approval, &what, &row.hash).await?;
        let line = line(&mut work.tx, &row).await?;
        work.keep(command, &line).await?;
        let detail = json!({ "visit": row.visit_id, "number": row.number, "hash": row.hash });
        work.audit_why(act.institution, &who, "amendment.approve", &what, None, detail.clone()).await?;
        // From here it is a version of the record like any other: its doctor signed it.
        let author = row.asked_by.to_string();
        work.audit_why(act.institution, &author, "note.sign", &what, Some(row.reason.clone()), detail).await?;
        tell(&mut work, &row, "note.signed").await?;
        work.commit().await?;
        Ok(line)
    }

    /// Does not let it in: `POST /amendments/{id}/decline`.
    pub async fn decline_amendment(
        &self,
        act: AmendmentAct,
        id: NoteId,
        request: &AmendmentDecline,
        command: &Command,
    ) -> Result<AmendmentLine, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = of_the_house(&mut work.tx, act, id).await?;
        let declined = state_of(&row)?.decline(act.account, why.clone()).map_err(refused)?;
        let row = decided(&mut work, act, row, &declined, Some(why.clone())).await?;
        let line = line(&mut work.tx, &row).await?;
        work.keep(command, &line).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        let detail = json!({ "visit": row.visit_id, "number": row.number, "hash": row.hash });
        work.audit_why(act.institution, &who, "amendment.decline", &what, Some(why), detail).await?;
        tell(&mut work, &row, "note.amending").await?;
        work.commit().await?;
        Ok(line)
    }
}

/// Where an amendment stands, as the domain knows it.
fn state_of(row: &AmendmentRow) -> Result<State, Refusal> {
    let by = row.asked_by;
    let approver = || row.decided_by.ok_or_else(|| Refusal::internal("an amendment was decided by nobody"));
    Ok(match row.state {
        Phase::Asked => State::Asked { by },
        Phase::Approved => State::Approved { by, approver: approver()? },
        Phase::Declined => {
            State::Declined { by, approver: approver()?, reason: row.decision_reason.clone().unwrap_or_default() }
        }
    })
}

/// Writes what somebody decided.
async fn decided(
    work: &mut Work,
    act: AmendmentAct,
    row: AmendmentRow,
    state: &State,
    why: Option<String>,
) -> Result<AmendmentRow, Refusal> {
    let (decided_by, decided_at) = (Some(act.account), Some(work.now));
    let row = AmendmentRow { state: state.phase(), decided_by, decided_at, decision_reason: why, ..row };
    if work.tx.amendments().decide(&row).await? { Ok(row) } else { Err(refused(Wrong::State)) }
}

fn refused(wrong: Wrong) -> Refusal {
    match wrong {
        Wrong::State => Refusal::new(ErrorCode::AmendmentState, "somebody has decided on it"),
        Wrong::Oneself => Refusal::new(ErrorCode::AmendmentState, "nobody decides on their own amendment"),
    }
}

/// An amendment of this institution.
async fn of_the_house(tx: &mut Tx, act: AmendmentAct, id: NoteId) -> Result<AmendmentRow, Refusal> {
    let row = tx.amendments().find(id).await?.filter(|row| row.institution_id == act.institution);
    row.ok_or_else(Refusal::not_found)
}

/// One that waits for this account's word: nobody else reads it, and nobody afterwards.
async fn waiting(tx: &mut Tx, act: AmendmentAct, id: NoteId) -> Result<AmendmentRow, Refusal> {
    let row = of_the_house(tx, act, id).await?;
    let is_for = row.state == Phase::Asked && row.asked_by != act.account;
    if is_for { Ok(row) } else { Err(Refusal::not_found()) }
}

/// The version of the record that it becomes.
fn note_of(row: &AmendmentRow) -> NoteRow {
    NoteRow {
        id: row.id,
        institution_id: row.institution_id,
        visit_id: row.visit_id,
        number: row.number,
        content: row.content.clone(),
        hash: row.hash.clone(),
        previous_hash: row.previous_hash.clone(),
        signed_by: row.asked_by,
        signed_at: row.asked_at,
        reason: Some(row.reason.clone()),
        identity: row.identity.clone(),
    }
}

async fn line(tx: &mut Tx, row: &AmendmentRow) -> Result<AmendmentLine, Refusal> {
    let orphan = || Refusal::internal("an amendment without its visit or patient");
    let visit = tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
    let patient = tx.patients().find(row.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
    Ok(AmendmentLine {
        id: row.id,
        visit: row.visit_id,
        number: row.number,
        state: row.state,
        patient_masked: patient.name_masked,
        asked_by: staff_name(tx, row.asked_by).await?.0,
        asked_at: row.asked_at,
        decided_by: name(tx, row.decided_by).await?,
        decided_at: row.decided_at,
        decision_reason: row.decision_reason.clone(),
    })
}

async fn view(tx: &mut Tx, row: &AmendmentRow) -> Result<AmendmentView, Refusal> {
    Ok(AmendmentView {
        line: line(tx, row).await?,
        reason: row.reason.clone(),
        changes: changes(tx, row).await?,
        hash: row.hash.clone(),
    })
}

/// What it would change of the version before it.
async fn changes(tx: &mut Tx, row: &AmendmentRow) -> Result<Vec<Change>, Refusal> {
    let before = tx.notes().signed(row.visit_id).await?.into_iter().find(|note| note.number + 1 == row.number);
    let read = |content: serde_json::Value| -> Result<NoteContent, Refusal> {
        serde_json::from_value(content).map_err(|e| Refusal::internal(&e))
    };
    let before = before.map(|note| read(note.content.0)).transpose()?.unwrap_or_default();
    Ok(diff(&before, &read(row.content.0.clone())?))
}

/// Tells the visit that something became of its record; nothing of what it says.
async fn tell(work: &mut Work, row: &AmendmentRow, kind: &str) -> Result<(), Refusal> {
    let data = json!({ "number": row.number, "amendment": row.state });
    work.emit(row.institution_id, Topic::Visit(row.visit_id).to_string(), kind, data).await
}
