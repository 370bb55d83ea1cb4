//! Prescriptions from draft to expiry.

mod draft;
mod facts;
mod herbs;
mod intact;
mod mine;
mod pane;
mod row;
mod second;
mod sign;
mod templates;
mod view;

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::{AccountId, InstitutionId, PrescriptionId};
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{Phase, Stated, Wrong};
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{PrescriptionRow, Tx};

pub(crate) use facts::note_of;
pub use herbs::{formulas_found, herbs_found};
pub(crate) use intact::{Intact, is_faced, version_words};
pub(crate) use pane::basis_of_day;
pub(crate) use row::{becomes, state_of};
pub(crate) use view::{name, written_on};

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
        let Some(mut row) = work.tx.prescriptions().lock(id).await? else { return Ok(false) };
        let now = state_of(&row)?.at(work.now);
        if now.phase() != Phase::Expired || row.state == Phase::Expired {
            return Ok(false);
        }
        let nobodys = row.doctor_id;
        becomes(&mut row, &now, nobodys, work.now);
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

/// A step that the domain refuses, in the words of the wire.
pub(crate) fn refused(wrong: Wrong) -> Refusal {
    match wrong {
        Wrong::State => Refusal::new(ErrorCode::RxState, "the prescription moved on; fetch it again"),
        Wrong::Unanswered(key) => Refusal::field(ErrorCode::RxUnanswered, key, "this finding needs an answer"),
        Wrong::RefusedOnline(rule) => Refusal::field(ErrorCode::RxRefusedOnline, rule, "not to be prescribed online"),
        Wrong::Undiagnosed => {
            Refusal::field(ErrorCode::RxUndiagnosed, "diagnosis", "the record states no diagnosis yet")
        }
        Wrong::Unconfirmed(key) => {
            Refusal::field(ErrorCode::RxUnconfirmed, key, "a warned sheet is signed once more: send `confirm` with it")
        }
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

/// A prescription of an institution, locked until the end of the transaction.
pub(crate) async fn locked(
    tx: &mut Tx,
    institution: InstitutionId,
    id: PrescriptionId,
) -> Result<PrescriptionRow, Refusal> {
    let row = tx.prescriptions().lock(id).await?.filter(|row| row.institution_id == institution);
    row.ok_or_else(Refusal::not_found)
}

/// A prescription of this doctor, locked.
async fn my_locked(tx: &mut Tx, act: DoctorAct, id: PrescriptionId) -> Result<PrescriptionRow, Refusal> {
    let row = locked(tx, act.institution, id).await?;
    if row.doctor_id == act.account { Ok(row) } else { Err(Refusal::not_found()) }
}

impl Services {
    /// Begins an act on a prescription for which its doctor says why, or breaks off with the answer where it was done before;
    /// `purpose` is that of reading the sheet.
    async fn open_act(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        said: &PrescriptionAct,
        purpose: ReadPurpose,
        command: &Command,
    ) -> Result<ControlFlow<Box<PrescriptionView>, (Work, String)>, Refusal> {
        let why = reason(&said.reason, "reason")?;
        let mut work = self.begin().await?;
        let Some(done) = work.recall(command).await? else { return Ok(ControlFlow::Continue((work, why))) };
        let view = work.rx_again(act.institution, command, &id.to_string(), purpose, done).await?;
        Ok(ControlFlow::Break(Box::new(view)))
    }

    /// The refusal of an act on a version that is not the one that is kept, with the sheet as it is now, to whoever may read
    /// it; that it was shown is in the audit.
    pub(crate) async fn behind(
        &self,
        mut work: Work,
        row: PrescriptionRow,
        who: AccountId,
        why: ReadPurpose,
    ) -> Refusal {
        let (institution, what) = (row.institution_id, row.id.to_string());
        let newer = async move {
            let view = self.prescription_view(&mut work.tx, row).await?;
            // What is newer leaves with the refusal; the work that is refused does not.
            drop(work);
            let mut work = self.begin().await?;
            work.audit_read(institution, &who.to_string(), "rx.read", &what, why, json!({ "newer": true })).await?;
            work.commit().await?;
            Ok(view)
        };
        newer.await.map_or_else(|refusal: Refusal| refusal, |newer| stale().with_newer(&newer))
    }
}

/// The same to whoever may not read what is newer.
pub(crate) fn stale() -> Refusal {
    Refusal::new(ErrorCode::VersionConflict, "the prescription was saved elsewhere; fetch it first")
}

/// How long a pharmacist's claim holds.
pub(crate) const CLAIM: Duration = Duration::from_mins(5);
/// Within which time a prescription should be judged.
pub(crate) const PROMISE: Duration = Duration::from_mins(10);
