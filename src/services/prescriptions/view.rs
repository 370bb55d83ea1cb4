//! A prescription as staff read it.

use jiff::civil::Date;

use crate::domain::herb::HerbSet;
use crate::domain::ids::AccountId;
use crate::domain::prescription::{Content, label, legal_basis};
use crate::domain::text::Text;
use crate::protocol::prescription::{PrescriptionView, ReviewKept, ReviewVerdict};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::prescriptions::{state_of, stated_of};
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::store::{PrescriptionRow, Tx};

impl Services {
    /// A prescription for staff; what has run out says so.
    pub(crate) async fn prescription_view(
        &self,
        tx: &mut Tx,
        row: PrescriptionRow,
    ) -> Result<PrescriptionView, Refusal> {
        let broken = || Refusal::internal("a prescription does not read");
        let content: Content = serde_json::from_str(&row.content).map_err(|_| broken())?;
        let patient = tx.patients().find(row.institution_id, row.patient_id).await?.ok_or_else(broken)?;
        let written_on = written_on(tx, &row).await?;
        let review = review_of(&row);
        let is_declined = review.as_ref().is_some_and(|review| review.verdict == ReviewVerdict::Declined);
        Ok(PrescriptionView {
            id: row.id,
            number: row.number.clone(),
            visit: row.visit_id,
            state: state_of(&row)?.at(self.clock.now()).phase(),
            version: row.version,
            report: serde_json::from_str(&row.report).map_err(|_| broken())?,
            answers: serde_json::from_str(&row.answers).map_err(|_| broken())?,
            basis: legal_basis(&row.legal_basis, written_on),
            patient_masked: patient.name_masked,
            doctor: staff_name(tx, row.doctor_id).await?.0,
            signed_at: row.signed_at,
            expires_at: row.valid_until,
            longer: stated_of(&row)?.and_then(|stated| stated.longer),
            needs_second: row.needs_second,
            second_doctor: name(tx, row.countersigned_by).await?,
            declined_by: name(tx, row.reviewed_by.filter(|_| is_declined)).await?,
            pharmacist: name(tx, row.reviewed_by.filter(|_| !is_declined)).await?,
            reviewed_at: row.reviewed_at,
            review,
            label: label_of(&content),
            content,
            hash: row.hash,
            start_day: row.start_day,
            end_day: row.end_day,
            saved_at: row.saved_at,
            dispensed_at: row.dispensed_at,
            stop_reason: row.stop_reason,
            is_intact: None,
        })
    }
}

impl Services {
    /// The same beside a record, with whether it is what was signed.
    pub(crate) async fn prescription_read(
        &self,
        tx: &mut Tx,
        row: PrescriptionRow,
    ) -> Result<PrescriptionView, Refusal> {
        let is_intact = self.is_intact(tx, &row).await?;
        Ok(PrescriptionView { is_intact, ..self.prescription_view(tx, row).await? })
    }
}

/// The day on which it was written where the clinic stands, whatever days it is taken on: that of its signature, or of the
/// last save.
pub(crate) async fn written_on(tx: &mut Tx, row: &PrescriptionRow) -> Result<Date, Refusal> {
    let clinic = tx.clinics().find(row.clinic_id).await?;
    let clinic = clinic.ok_or_else(|| Refusal::internal("a prescription without its clinic"))?;
    Ok(day_at(&clinic, row.signed_at.unwrap_or(row.saved_at))?.date)
}

/// The label of a sheet of herbs.
pub(super) fn label_of(content: &Content) -> Option<crate::domain::prescription::Label> {
    match content {
        Content::Herbal(sheet) => Some(label(HerbSet::shipped(), sheet)),
        Content::Medicines(_) => None,
    }
}

/// The judgement that was kept.
pub(super) fn review_of(row: &PrescriptionRow) -> Option<ReviewKept> {
    row.review.as_ref().and_then(|kept| serde_json::from_str(kept).ok())
}

/// The name of an account, where there is one.
pub(crate) async fn name(tx: &mut Tx, account: Option<AccountId>) -> Result<Option<Text>, Refusal> {
    match account {
        Some(account) => Ok(Some(staff_name(tx, account).await?.0)),
        None => Ok(None),
    }
}
