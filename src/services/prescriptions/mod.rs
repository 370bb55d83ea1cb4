//! Prescriptions from draft to expiry.

mod draft;
mod facts;
mod herbs;
mod mine;
mod pane;
mod second;
mod sign;
mod templates;
mod view;

use std::time::Duration;

use serde_json::json;

use crate::domain::ids::{InstitutionId, PrescriptionId};
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{Phase, Second, State, Stated, Wrong};
use crate::domain::written::{is_plain, letters};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;
use crate::store::{PrescriptionRow, Tx};

pub use herbs::{formulas_found, herbs_found};
pub(crate) use view::name;

/// Prescriptions that are looked at at once.
const EXPIRE_AT_ONCE: i64 = 100;

impl Services {
    /// Marks what has run out; how many. Whoever reads one before sees that it has, so that nothing hangs on the hour of
    /// this.
    pub async fn expire_prescriptions(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let mut pages = self.pages("expire_prescriptions", EXPIRE_AT_ONCE);
        while let Some(before) = pages.before() {
            let rows = self.db.read().await?.prescriptions().run_out(now, EXPIRE_AT_ONCE, before).await?;
            pages.found(rows.len());
            for row in rows {
                pages.heard(&row.id, self.expire_prescription(row.id).await)?;
            }
        }
        Ok(pages.done)
    }

    async fn expire_prescription(&self, id: PrescriptionId) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let Some(mut row) = work.tx.prescriptions().hold(id).await? else { return Ok(false) };
        if state_of(&row)?.at(work.now).phase() != Phase::Expired || row.state == Phase::Expired {
            return Ok(false);
        }
        row.state = Phase::Expired;
        work.tx.prescriptions().save(&row).await?;
        self.tell(&mut work, &row, "rx.expired").await?;
        work.commit().await?;
        Ok(true)
    }

    /// Tells the visit and the pharmacy what became of a prescription; nothing of what it holds.
    pub(crate) async fn tell(&self, work: &mut Work, row: &PrescriptionRow, kind: &str) -> Result<(), Refusal> {
        let data = json!({ "prescription": row.id, "state": row.state, "version": row.version });
        work.emit(row.institution_id, Topic::Visit(row.visit_id).to_string(), kind, data.clone()).await?;
        if row.state != Phase::Draft || kind == "rx.withdrawn" {
            work.emit(row.institution_id, Topic::Pharmacy(row.institution_id).to_string(), kind, data.clone()).await?;
            // The desk lists what was sent back, whatever the doctor does meanwhile.
            if let Some(desk) = work.tx.desks().of_account(row.doctor_id).await? {
                work.emit(row.institution_id, Topic::Desk(desk.id).to_string(), kind, data).await?;
            }
        }
        Ok(())
    }
}

/// Where a prescription stands, as the domain knows it.
pub(crate) fn state_of(row: &PrescriptionRow) -> Result<State, Refusal> {
    let broken = || Refusal::internal("a prescription's columns contradict its state");
    let by = row.doctor_id;
    let reason = || review_reason(row);
    Ok(match row.state {
        Phase::Draft => State::Draft,
        Phase::Signed => {
            let second = match (row.needs_second, row.countersigned_by) {
                (false, _) => Second::NotNeeded,
                (true, None) => Second::Awaited,
                (true, Some(doctor)) => Second::Given(doctor),
            };
            State::Signed { by, until: row.valid_until.ok_or_else(broken)?, second }
        }
        Phase::Approved => State::Approved {
            by,
            pharmacist: row.reviewed_by.ok_or_else(broken)?,
            until: row.valid_until.ok_or_else(broken)?,
        },
        Phase::Returned => State::Returned { reason: reason() },
        Phase::Refused => State::Refused { reason: reason() },
        Phase::Dispensed => State::Dispensed { by, pharmacist: row.reviewed_by.ok_or_else(broken)? },
        Phase::Stopped => State::Stopped { reason: row.stop_reason.clone().unwrap_or_default() },
        Phase::Expired => State::Expired,
    })
}

fn review_reason(row: &PrescriptionRow) -> String {
    view::review_of(row).map(|review| review.reason).unwrap_or_default()
}

/// A step that the domain refuses, in the words of the wire.
pub(crate) fn refused(wrong: Wrong) -> Refusal {
    match wrong {
        Wrong::State => Refusal::new(ErrorCode::RxState, "the prescription moved on; fetch it again"),
        Wrong::Unanswered(key) => Refusal::field(ErrorCode::RxUnanswered, key, "this finding needs an answer"),
        Wrong::RefusedOnline(rule) => Refusal::field(ErrorCode::RxRefusedOnline, rule, "not to be prescribed online"),
        Wrong::SecondSignature => Refusal::new(ErrorCode::RxSecondSignature, "a second doctor has to sign first"),
        Wrong::SameDoctor => Refusal::new(ErrorCode::RxSecondSignature, "the second doctor is another one"),
        Wrong::Expired => Refusal::new(ErrorCode::RxExpired, "its time is over"),
    }
}

/// What stands on the paper of a signed prescription beside what is prescribed.
pub(crate) fn stated_of(row: &PrescriptionRow) -> Result<Option<Stated>, Refusal> {
    let read = |stated: &String| serde_json::from_str(stated).map_err(|e| Refusal::internal(&e));
    row.stated.as_ref().map(read).transpose()
}

/// A prescription of an institution, held until the end of the transaction.
pub(crate) async fn held(
    tx: &mut Tx,
    institution: InstitutionId,
    id: PrescriptionId,
) -> Result<PrescriptionRow, Refusal> {
    let row = tx.prescriptions().hold(id).await?.filter(|row| row.institution_id == institution);
    row.ok_or_else(Refusal::not_found)
}

/// A prescription of this doctor, held.
async fn my_held(tx: &mut Tx, act: DoctorAct, id: PrescriptionId) -> Result<PrescriptionRow, Refusal> {
    let row = held(tx, act.institution, id).await?;
    if row.doctor_id == act.account { Ok(row) } else { Err(Refusal::not_found()) }
}

/// Refuses a version that is not the one that is kept.
pub(crate) fn same_version(row: &PrescriptionRow, version: i64) -> Result<(), Refusal> {
    if row.version == version {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::VersionConflict, "the prescription was saved elsewhere; fetch it first"))
}

/// A reason in words, without blanks around it.
pub(crate) fn reason(text: &str, field: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let fits = letters(text) >= 2 && text.chars().count() <= 500 && is_plain(text);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Refusal::field(ErrorCode::Invalid, field, "2 letters or more, at most 500 characters"))
    }
}

/// How long a pharmacist's claim holds.
pub(crate) const CLAIM: Duration = Duration::from_mins(5);
/// Within which time a prescription should be judged.
pub(crate) const PROMISE: Duration = Duration::from_mins(10);
