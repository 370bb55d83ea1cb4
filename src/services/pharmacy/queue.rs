//! What waits for a pharmacist, in its order, and one prescription for one pharmacist at a time.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::{Needs, Report};
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::note::NoteContent;
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::{Content, Phase, SUITABILITY, attention, place};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::pharmacy::{PharmacyItem, PharmacyQueue, Recipient, ReviewSheet, SuitabilityItem};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::prescriptions::{CLAIM, PROMISE, locked, name, state_of, stated_of};
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{PrescriptionRow, Tx};

/// Rows of a list.
pub(super) const LIST: i64 = 100;

impl Services {
    /// The queue: `GET /pharmacy/queue`.
    pub async fn pharmacy_queue(&self, act: PharmacistAct) -> Result<PharmacyQueue, Refusal> {
        let mut tx = self.db.read().await?;
        self.queue(&mut tx, act, self.clock.now()).await
    }

    /// Begins to judge; nobody else can for five minutes. The read is audited: `POST /pharmacy/{id}/claim`.
    pub async fn claim_prescription(
        &self,
        act: PharmacistAct,
        id: PrescriptionId,
        command: &Command,
    ) -> Result<ReviewSheet, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Review, done).await;
        }
        let row = locked(&mut work.tx, act.institution, id).await?;
        let state = state_of(&row)?.at(work.now).phase();
        if state == Phase::Expired {
            return Err(Refusal::new(ErrorCode::RxExpired, "its time is over"));
        }
        if state == Phase::Draft {
            return Err(Refusal::not_found());
        }
        if state == Phase::Signed {
            let until = work.now + CLAIM;
            if !work.tx.prescriptions().claim(id, act.account, work.now, until).await? {
                return Err(Refusal::new(ErrorCode::RxClaimed, "another pharmacist is judging it"));
            }
        } else if state != Phase::Approved {
            return Err(Refusal::new(ErrorCode::RxState, "there is nothing to judge any more"));
        }
        let row = locked(&mut work.tx, act.institution, id).await?;
        self.intact(&mut work.tx, &row).await?;
        let sheet = self.review_sheet(&mut work.tx, row.clone(), work.now).await?;
        work.keep(command, &sheet).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        let detail = json!({ "version": row.version, "named": sheet.recipient.is_some() });
        work.audit_read(act.institution, &who, "rx.read", &what, ReadPurpose::Review, detail).await?;
        if state == Phase::Signed {
            self.tell(&mut work, &row, "rx.claimed").await?;
        }
        work.commit().await?;
        Ok(sheet)
    }

    /// Gives a claim back without a judgement: `POST /pharmacy/{id}/release`.
    pub async fn release_prescription(
        &self,
        act: PharmacistAct,
        id: PrescriptionId,
        command: &Command,
    ) -> Result<PharmacyQueue, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let mut row = locked(&mut work.tx, act.institution, id).await?;
        if row.claimed_by == Some(act.account) {
            (row.claimed_by, row.claim_until) = (None, None);
            work.tx.prescriptions().save(&row).await?;
            self.tell(&mut work, &row, "rx.released").await?;
        }
        let now = work.now;
        let queue = self.queue(&mut work.tx, act, now).await?;
        work.keep(command, &queue).await?;
        work.commit().await?;
        Ok(queue)
    }

    async fn review_sheet(&self, tx: &mut Tx, row: PrescriptionRow, now: Timestamp) -> Result<ReviewSheet, Refusal> {
        let visit = tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        let facts = self.facts_for_gate(tx, &visit, now).await?;
        let diagnosis = self.diagnosis_of_sheet(tx, &row).await?;
        let claim_until = row.claim_until;
        let recipient = match state_of(&row)?.at(now).phase() {
            Phase::Approved => Some(self.recipient(tx, &row).await?),
            _ => None,
        };
        Ok(ReviewSheet {
            prescription: self.prescription_view(tx, row).await?,
            age_years: facts.patient.age_months / 12,
            sex: facts.patient.sex,
            pregnancy: facts.patient.pregnancy,
            allergies: facts.patient.allergies,
            drugs: facts.patient.drugs,
            diagnosis,
            items: SUITABILITY.into_iter().map(|item| SuitabilityItem { item, name: item.name() }).collect(),
            claim_until,
            recipient,
        })
    }

    /// What a signed sheet is for: as it was signed with it; earlier versions of this program signed none.
    pub(crate) async fn diagnosis_of_sheet(&self, tx: &mut Tx, row: &PrescriptionRow) -> Result<String, Refusal> {
        match stated_of(row)? {
            Some(stated) => Ok(stated.note().diagnosis_line().zh),
            None => self.diagnosis_of_record(tx, row.visit_id).await,
        }
    }

    /// The diagnosis of the signed record, or of its draft.
    async fn diagnosis_of_record(&self, tx: &mut Tx, visit: VisitId) -> Result<String, Refusal> {
        let note = match tx.notes().signed(visit).await?.pop() {
            Some(note) if matches!(self.check_note(tx, &note).await?, Validity::Holds(_)) => Some(note.content.0),
            Some(_) => {
                return Err(Refusal::new(
                    ErrorCode::SignatureBroken,
                    "the record of this visit is not what was signed",
                ));
            }
            None => tx.notes().draft(visit).await?.map(|draft| draft.content.0),
        };
        let note = note.map(serde_json::from_value::<NoteContent>).transpose().map_err(|e| Refusal::internal(&e))?;
        Ok(note.map(|note| note.diagnosis_line().zh).unwrap_or_default())
    }

    /// The name and the end of the document, to be asked of whoever comes for the bag.
    async fn recipient(&self, tx: &mut Tx, row: &PrescriptionRow) -> Result<Recipient, Refusal> {
        let patient = tx.patients().find(row.institution_id, row.patient_id).await?.ok_or_else(Refusal::not_found)?;
        let name = self.open_field(Field::Name, patient.id.as_uuid(), &patient.name_sealed)?;
        Ok(Recipient { name, document_tail: patient.number_tail })
    }
}

impl Services {
    async fn queue(&self, tx: &mut Tx, act: PharmacistAct, now: Timestamp) -> Result<PharmacyQueue, Refusal> {
        let waiting = tx.prescriptions().to_review(act.institution, now, LIST).await?;
        let approved = tx.prescriptions().to_dispense(act.institution, now, LIST).await?;
        let promise_minutes = u32::try_from(PROMISE.as_secs() / 60).unwrap_or(u32::MAX);
        let mut waiting = self.items(tx, act, waiting, now).await?;
        let approved = self.items(tx, act, approved, now).await?;
        waiting.sort_by_key(|item| place(item.attention, item.due_at.unwrap_or(now), now));
        Ok(PharmacyQueue { waiting, approved, promise_minutes })
    }

    /// The rows of a list. One that does not read is left out and told of: it hides no other.
    async fn items(
        &self,
        tx: &mut Tx,
        act: PharmacistAct,
        rows: Vec<PrescriptionRow>,
        now: Timestamp,
    ) -> Result<Vec<PharmacyItem>, Refusal> {
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            items.extend(self.told.readable("pharmacy_queue", &id, item(tx, act, row, now).await)?.flatten());
        }
        Ok(items)
    }
}

/// A row of a list, unless its time is over.
async fn item(
    tx: &mut Tx,
    act: PharmacistAct,
    row: PrescriptionRow,
    now: Timestamp,
) -> Result<Option<PharmacyItem>, Refusal> {
    let broken = || Refusal::internal("a prescription does not read");
    let state = state_of(&row)?.at(now).phase();
    if state != row.state {
        return Ok(None);
    }
    let content: Content = serde_json::from_str(&row.content).map_err(|_| broken())?;
    let report: Report = serde_json::from_str(&row.report).map_err(|_| broken())?;
    let patient = tx.patients().find(act.institution, row.patient_id).await?.ok_or_else(broken)?;
    let claimed_by = row.claimed_by.filter(|_| row.claim_until.is_some_and(|until| until > now));
    Ok(Some(PharmacyItem {
        id: row.id,
        number: row.number,
        state,
        version: row.version,
        patient_masked: patient.name_masked,
        doctor: staff_name(tx, row.doctor_id).await?.0,
        signed_at: row.signed_at,
        due_at: row.signed_at.map(|at| at + PROMISE),
        lines: match &content {
            Content::Herbal(sheet) => sheet.lines.len(),
            Content::Medicines(sheet) => sheet.items.len(),
        },
        findings: report.findings.iter().filter(|finding| finding.needs != Needs::Nothing).count(),
        attention: attention(&report),
        awaits_second: row.needs_second && row.countersigned_by.is_none(),
        claimed_by: name(tx, claimed_by).await?,
        is_mine: claimed_by == Some(act.account),
        claim_until: row.claim_until.filter(|_| claimed_by.is_some()),
    }))
}
