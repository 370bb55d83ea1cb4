//! Case reports: due from a doctor's suspicion on, copied by a person into the national system, and loud when overdue.
//! Nothing of them is told on a topic that patients hear.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::case_report::{Cause, Phase, State, WITHIN, Wrong, next_ring, receipt};
use crate::domain::ids::{AccountId, CaseReportId, InstitutionId, VisitId};
use crate::domain::people::Role;
use crate::domain::permission::{DoctorAct, DutyAct, TriageAct};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::visit::{Outcome, VisitEnd};
use crate::protocol::case_report::{CaseReportDismiss, CaseReportDone, CaseReportForm, CaseReportLine, CaseReportOpen};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::alarms::showing::place;
use crate::services::identity::sessions::staff_name;
use crate::services::intake::triage::Decisions;
use crate::services::prescriptions::note_of;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::visits::doctors_visit;
use crate::services::work::{Command, Work};
use crate::store::{CaseReportRow, Tx, VisitRow};

/// Reports that are listed as due at once; a clinic that owes more has them one after the other.
const DUE: i64 = 200;
/// Closed ones that are listed below them.
const CLOSED: i64 = 20;
/// Reports that ring in one round.
const BATCH: i64 = 50;

impl Services {
    /// What is owed, what is due first first, and below it what was closed last: `GET /case-reports`.
    pub async fn case_reports(&self, act: DutyAct) -> Result<Vec<CaseReportLine>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut rows = tx.case_reports().due(act.institution, DUE).await?;
        rows.extend(tx.case_reports().closed(act.institution, CLOSED).await?);
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            lines.push(line(&mut tx, &row, act.account).await?);
        }
        Ok(lines)
    }

    /// The card, for whoever may report: every doctor and nurse while it is due, afterwards its doctors and who closed it.
    /// The read is audited: `GET /case-reports/{id}`.
    pub async fn case_report(&self, act: TriageAct, id: CaseReportId) -> Result<CaseReportForm, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let row = own_report(&mut reading.tx, act.institution, id).await?;
        let visit = reading.tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
        let is_of = [Some(row.suspected_by), row.closed_by, Some(visit.doctor_id)].contains(&Some(act.account));
        if row.state != Phase::Due && !is_of {
            return Err(Refusal::not_found());
        }
        let form = self.card(&mut reading.tx, &row, &visit, act.account).await?;
        let detail = json!({ "visit": visit.id, "state": row.state });
        reading.see("report.read", &id, ReadPurpose::Reporting, detail);
        self.answer(reading, form).await
    }

    async fn card(
        &self,
        tx: &mut Tx,
        row: &CaseReportRow,
        visit: &VisitRow,
        reader: AccountId,
    ) -> Result<CaseReportForm, Refusal> {
        let institution = row.institution_id;
        let patient = tx.patients().find(institution, visit.patient_id).await?.ok_or_else(orphan)?;
        let holder = tx.holders().find(institution, visit.holder_id.ok_or_else(orphan)?).await?.ok_or_else(orphan)?;
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
        let house = tx.institutions().find(institution).await?.ok_or_else(orphan)?;
        let answers = match ticket.declaration_id {
            Some(declaration) => self.answers_of(tx, institution, declaration).await?.map(|(_, answers)| answers),
            None => None,
        };
        let answers = answers.unwrap_or_default();
        let note = note_of(tx, visit, self.clock.now()).await?;
        let words = |field, sealed: Option<&[u8]>| {
            sealed.map(|sealed| self.open_field(field, row.id.as_uuid(), sealed)).transpose()
        };
        Ok(CaseReportForm {
            line: line(tx, row, reader).await?,
            reason: words(Field::Reason, row.words_sealed.as_deref())?,
            dismissal: words(Field::Judgement, row.dismissal_sealed.as_deref())?,
            identity: self.identity_of(tx, visit).await?,
            document_number: self.open_field(Field::DocumentNumber, patient.id.as_uuid(), &patient.number_sealed)?,
            phone: self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed)?,
            address: place(&answers),
            onset: answers.get("sx.onset").and_then(serde_json::Value::as_str).map(str::to_owned),
            diagnosis: note.diagnosis_line(),
            complaint: note.complaint,
            triage: Decisions::of(tx, &ticket).await?.map(|decided| decided.terms()).unwrap_or_default(),
            institution_name: Text::new(house.name_zh, house.name_en),
        })
    }

    /// The visit's doctor opens a report by hand, also after its end: `POST /visits/{id}/case-report`.
    pub async fn open_case_report(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: CaseReportOpen,
        command: &Command,
    ) -> Result<CaseReportLine, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        // Two who open one at once do so one after the other.
        work.tx.visits().lock(id).await?;
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        if visit.end_reason == Some(VisitEnd::WrongPerson) {
            return Err(Refusal::new(ErrorCode::VisitEnded, "it was not the right person"));
        }
        if work.tx.case_reports().live_of(id).await?.is_some() {
            return Err(Refusal::new(ErrorCode::ReportState, "this visit has a report"));
        }
        let row = self.suspect(&mut work, &visit, act.account, Some(&why)).await?;
        let view = line(&mut work.tx, &row, act.account).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// It was reported in the national system, and that gave it a number: `POST /case-reports/{id}/report`.
    pub async fn report_case(
        &self,
        act: TriageAct,
        id: CaseReportId,
        request: CaseReportDone,
        command: &Command,
    ) -> Result<CaseReportLine, Refusal> {
        let number = receipt(&request.receipt);
        let number = number.ok_or_else(|| {
            Refusal::field(ErrorCode::Invalid, "receipt", "4 to 64 letters, digits and -_/. with at least one digit")
        })?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = own_report(&mut work.tx, act.institution, id).await?;
        let state = state_of(&row).report(act.account, work.now).map_err(refused)?;
        let row = CaseReportRow { receipt: Some(number), ..row };
        let row = close(&mut work, row, state, act.account, "report.done").await?;
        let view = line(&mut work.tx, &row, act.account).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// A second doctor finds nothing to report: `POST /case-reports/{id}/dismiss`.
    pub async fn dismiss_case(
        &self,
        act: DoctorAct,
        id: CaseReportId,
        request: CaseReportDismiss,
        command: &Command,
    ) -> Result<CaseReportLine, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = own_report(&mut work.tx, act.institution, id).await?;
        let state = state_of(&row).dismiss(act.account, work.now).map_err(refused)?;
        let sealed = self.vault.seal(Field::Judgement, id.as_uuid(), &why);
        let row = CaseReportRow { dismissal_sealed: Some(sealed), ..row };
        let row = close(&mut work, row, state, act.account, "report.dismissed").await?;
        let view = line(&mut work.tx, &row, act.account).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// What an outcome says of a suspicion, in the transaction that chooses it: a report is due from this moment on; and one
    /// that came of an outcome is withdrawn when the doctor chooses otherwise before the end.
    pub(crate) async fn weigh_outcome(
        &self,
        work: &mut Work,
        visit: &VisitRow,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let live = work.tx.case_reports().live_of(visit.id).await?;
        match live {
            None if outcome.is_suspicion() => self.suspect(work, visit, visit.doctor_id, None).await.map(drop),
            Some(row) if !outcome.is_suspicion() && row.cause == Cause::Outcome && row.state == Phase::Due => {
                withdraw(work, row, visit.doctor_id).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn suspect(
        &self,
        work: &mut Work,
        visit: &VisitRow,
        by: AccountId,
        why: Option<&str>,
    ) -> Result<CaseReportRow, Refusal> {
        let (id, now) = (self.ids.make(CaseReportId::from_uuid), work.now);
        let due_at = now + WITHIN;
        let row = CaseReportRow {
            id,
            institution_id: visit.institution_id,
            clinic_id: visit.clinic_id,
            visit_id: visit.id,
            cause: if why.is_some() { Cause::Hand } else { Cause::Outcome },
            state: State::suspect(by, now).phase(),
            suspected_by: by,
            suspected_at: now,
            due_at,
            words_sealed: why.map(|why| self.vault.seal(Field::Reason, id.as_uuid(), why)),
            rang: 0,
            rings_at: next_ring(due_at, now),
            closed_by: None,
            closed_at: None,
            receipt: None,
            dismissal_sealed: None,
        };
        work.tx.case_reports().insert(&row).await?;
        let detail = json!({ "visit": visit.id, "cause": row.cause, "due_at": row.due_at });
        work.audit_why(row.institution_id, &by.to_string(), "report.due", &id.to_string(), None, detail).await?;
        tell(work, &row, "report.due").await?;
        Ok(row)
    }

    /// Reports that are overdue ring, each once a step, whatever was missed before. How often is in the row and in the
    /// transaction of the announcement: a process that ends in between rings once, later.
    pub(crate) async fn sweep_reports(&self, now: Timestamp) -> Result<(), Refusal> {
        let mut pages = self.pages("sweep_reports", BATCH);
        while let Some(before) = pages.before() {
            let overdue = self.db.read().await?.case_reports().ringing(now, BATCH, before).await?;
            pages.found(overdue.len());
            for row in overdue {
                pages.heard(&row.id, self.ring_report(&row).await)?;
            }
        }
        Ok(())
    }

    async fn ring_report(&self, row: &CaseReportRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let next = next_ring(row.due_at, work.now);
        if !work.tx.case_reports().ring(row, next).await? {
            return Ok(false);
        }
        let detail = json!({ "visit": row.visit_id, "rang": row.rang + 1 });
        work.audit_why(row.institution_id, "server", "report.overdue", &row.id.to_string(), None, detail).await?;
        tell(&mut work, row, "report.overdue").await?;
        work.commit().await?;
        tracing::error!(report.id = %row.id, rang = row.rang + 1, "a case report is overdue");
        Ok(true)
    }
}

/// It was somebody else who sat there: what is due about the visit is withdrawn.
pub(crate) async fn withdraw_report(work: &mut Work, by: AccountId, visit: VisitId) -> Result<(), Refusal> {
    match work.tx.case_reports().live_of(visit).await? {
        Some(row) if row.state == Phase::Due => withdraw(work, row, by).await,
        Some(_) | None => Ok(()),
    }
}

async fn withdraw(work: &mut Work, row: CaseReportRow, by: AccountId) -> Result<(), Refusal> {
    let state = state_of(&row).withdraw(by, work.now).map_err(refused)?;
    match close(work, row, state, by, "report.withdrawn").await {
        // Somebody reported it in this moment: what was reported stays, and the visit goes its way.
        Err(refusal) if refusal.code == ErrorCode::ReportState => Ok(()),
        other => other.map(drop),
    }
}

/// Closes, writes down and tells.
async fn close(
    work: &mut Work,
    row: CaseReportRow,
    state: State,
    by: AccountId,
    kind: &str,
) -> Result<CaseReportRow, Refusal> {
    let row = CaseReportRow { state: state.phase(), closed_by: Some(by), closed_at: Some(work.now), ..row };
    if !work.tx.case_reports().close(&row).await? {
        return Err(refused(Wrong::State));
    }
    let in_time = row.closed_at.is_some_and(|at| at <= row.due_at);
    let detail = json!({ "visit": row.visit_id, "in_time": in_time });
    work.audit_why(row.institution_id, &by.to_string(), kind, &row.id.to_string(), None, detail).await?;
    tell(work, &row, kind).await?;
    Ok(row)
}

/// Tells staff and administrators that something moved; no word of the case.
async fn tell(work: &mut Work, row: &CaseReportRow, kind: &str) -> Result<(), Refusal> {
    let data = json!({ "report": row.id, "state": row.state });
    work.emit(row.institution_id, Topic::Alarms(row.institution_id).to_string(), kind, data).await
}

async fn own_report(tx: &mut Tx, institution: InstitutionId, id: CaseReportId) -> Result<CaseReportRow, Refusal> {
    let row = tx.case_reports().find(id).await?.filter(|row| row.institution_id == institution);
    row.ok_or_else(Refusal::not_found)
}

fn orphan() -> Refusal {
    Refusal::internal("a report without its visit, ticket, patient, holder or house")
}

/// Where it stands, as the domain knows it.
fn state_of(row: &CaseReportRow) -> State {
    let (by, at) = (row.closed_by.unwrap_or(row.suspected_by), row.closed_at.unwrap_or(row.suspected_at));
    match row.state {
        Phase::Due => State::Due { by: row.suspected_by, due_at: row.due_at },
        Phase::Reported => State::Reported { by, at },
        Phase::Dismissed => State::Dismissed { by, at },
        Phase::Withdrawn => State::Withdrawn { by, at },
    }
}

fn refused(wrong: Wrong) -> Refusal {
    match wrong {
        Wrong::State => Refusal::new(ErrorCode::ReportState, "it was closed; fetch it again"),
        Wrong::SamePerson => Refusal::new(ErrorCode::ReportOwn, "a second doctor dismisses a suspicion"),
    }
}

async fn line(tx: &mut Tx, row: &CaseReportRow, reader: AccountId) -> Result<CaseReportLine, Refusal> {
    let visit = tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
    let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
    let patient = tx.patients().find(row.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
    let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(orphan)?;
    let is_doctor = tx.accounts().find(reader).await?.is_some_and(|account| account.role == Role::Doctor);
    let closed_by = match row.closed_by {
        Some(account) => Some(staff_name(tx, account).await?.0),
        None => None,
    };
    Ok(CaseReportLine {
        id: row.id,
        visit: row.visit_id,
        no: ticket.no,
        patient_masked: patient.name_masked,
        clinic_name: Text::new(clinic.name_zh, clinic.name_en),
        cause: row.cause,
        state: row.state,
        doctor_name: staff_name(tx, row.suspected_by).await?.0,
        suspected_at: row.suspected_at,
        due_at: row.due_at,
        rang: u32::try_from(row.rang).unwrap_or(u32::MAX),
        may_dismiss: is_doctor && state_of(row).dismiss(reader, row.due_at).is_ok(),
        closed_by,
        closed_at: row.closed_at,
        receipt: row.receipt.clone(),
    })
}
