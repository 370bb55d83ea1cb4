//! Whether a prescription is what was signed: asked before it is shown, printed, judged, signed beside or handed out.
//!
//! Everything that a row says can be written by whoever may write to the database; what stands against that are the
//! signatures over its words, and the audit's last word of it.

use crate::domain::herb::gate::Report;
use crate::domain::prescription::{Phase, Signed, face_in, is_left_in, lacks};
use crate::domain::signature::{Purpose, review_hash, review_subject};
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{ReviewKept, ReviewVerdict};
use crate::services::Services;
use crate::services::prescriptions::state_of;
use crate::services::refusal::Refusal;
use crate::services::signing::{SignAs, Validity, is_signed_by};
use crate::services::tickets::day_at;
use crate::store::{PrescriptionRow, SignatureRow, SignedVersionRow, Tx};

/// What was signed of a prescription that is that still.
pub(crate) struct Intact {
    /// What its doctors signed.
    pub hash: String,
    /// Their signatures, oldest first.
    pub signatures: Vec<SignatureRow>,
}

impl Services {
    /// Looks whether the words of a signed prescription give the hash that was signed, whether everybody has signed it who
    /// had to on the way to its state, each with the own key, and whether the audit left it in that state.
    ///
    /// # Errors
    /// Where it is not so, or nobody has signed it.
    pub(crate) async fn intact(&self, tx: &mut Tx, row: &PrescriptionRow) -> Result<Intact, Refusal> {
        let subject = row.id.to_string();
        let hash = sheet_words(&subject, row).hash();
        let report = serde_json::from_str::<Report>(&row.report);
        let (Ok(report), Ok(_), true) = (report, state_of(row), row.hash.as_ref() == Some(&hash)) else {
            return Err(broken(&subject));
        };
        let Validity::Holds(signatures) = self.check_signatures(tx, &subject, &hash).await? else {
            return Err(broken(&subject));
        };
        let mut by = vec![(Purpose::Prescription, row.doctor_id), (Purpose::Confirmation, row.doctor_id)];
        let second = row.countersigned_by.filter(|second| *second != row.doctor_id);
        by.extend(second.map(|second| (Purpose::Countersignature, second)));
        let mut purposes = Vec::new();
        for (purpose, who) in by {
            if is_signed_by(tx, &signatures, purpose, &SignAs::Account(who).owner()).await? {
                purposes.push(purpose);
            }
        }
        let is_second = row.countersigned_by.is_none() || purposes.contains(&Purpose::Countersignature);
        let is_signed = match lacks(&report, &purposes) {
            None => true,
            // Until it is approved it waits for the second doctor.
            Some(Purpose::Countersignature) => !row.state.is_approved(),
            Some(_) => false,
        };
        let is_asked = row.needs_second == report.needs_second_doctor();
        let last = tx.audit().last_rx_act(row.institution_id, &subject).await?;
        let is_when = |at| row.state != Phase::Dispensed || row.dispensed_at == Some(at);
        let is_left = last.is_some_and(|(act, at)| is_left_in(&act, row.state) && is_when(at));
        let is_faced = is_faced(tx, row, row.stated.as_deref()).await?;
        let is_reviewed = !row.state.is_approved() || self.is_approved(tx, row, &subject, &hash).await?;
        if is_second && is_signed && is_asked && is_left && is_faced && is_reviewed {
            Ok(Intact { hash, signatures })
        } else {
            Err(broken(&subject))
        }
    }

    /// The same as a verdict, for whoever reads the sheet beside a record: nothing of one that nobody has signed.
    pub(crate) async fn is_intact(&self, tx: &mut Tx, row: &PrescriptionRow) -> Result<Option<bool>, Refusal> {
        if row.state == Phase::Draft {
            return Ok(None);
        }
        match self.intact(tx, row).await {
            Ok(_) => Ok(Some(true)),
            Err(refusal) if refusal.code == ErrorCode::SignatureBroken => Ok(Some(false)),
            Err(other) => Err(other),
        }
    }

    /// Whether the pharmacist whom the row names has signed that it may be handed out.
    async fn is_approved(
        &self,
        tx: &mut Tx,
        row: &PrescriptionRow,
        subject: &str,
        hash: &str,
    ) -> Result<bool, Refusal> {
        let (Some(by), Some(review)) = (row.reviewed_by, &row.review) else { return Ok(false) };
        let kept = serde_json::from_str::<ReviewKept>(review);
        if !kept.is_ok_and(|kept| kept.verdict == ReviewVerdict::Approved) {
            return Ok(false);
        }
        let signed = self.check_signatures(tx, &review_subject(subject), &review_hash(hash, review)).await?;
        let Validity::Holds(signatures) = signed else { return Ok(false) };
        is_signed_by(tx, &signatures, Purpose::Review, &SignAs::Account(by).owner()).await
    }
}

/// Whether number, basis, days and end of a sheet are those that were signed with it; whether its number alone is where it
/// was changed since. What was signed before they were says nothing of them.
pub(crate) async fn is_faced(tx: &mut Tx, row: &PrescriptionRow, stated: Option<&str>) -> Result<bool, Refusal> {
    let Some(face) = face_in(stated) else { return Ok(true) };
    if row.number != face.number || row.stated.as_deref() != stated {
        return Ok(row.number == face.number);
    }
    // What was handed out counts from that day, also where it was stopped afterwards.
    let is_out = matches!(row.state, Phase::Dispensed | Phase::Stopped);
    let handed_out = match row.dispensed_at.filter(|_| is_out) {
        Some(at) if at < face.until => {
            let clinic = tx.clinics().find(row.clinic_id).await?;
            let clinic = clinic.ok_or_else(|| Refusal::internal("a prescription without its clinic"))?;
            Some(day_at(&clinic, at)?.date)
        }
        Some(_) => return Ok(false),
        None => None,
    };
    let is_for = face.is_for(&row.start_day, &row.end_day, handed_out);
    Ok(is_for && row.legal_basis == face.basis && row.valid_until == Some(face.until))
}

/// The words of a prescription as they stand in its row.
pub(crate) fn sheet_words<'a>(subject: &'a str, row: &'a PrescriptionRow) -> Signed<'a> {
    Signed {
        id: subject,
        version: row.version,
        content: &row.content,
        report: &row.report,
        answers: &row.answers,
        stated: row.stated.as_deref(),
    }
}

/// The words of one that was signed, as they were kept then.
pub(crate) fn version_words<'a>(subject: &'a str, row: &'a SignedVersionRow) -> Signed<'a> {
    Signed {
        id: subject,
        version: row.version,
        content: &row.content,
        report: &row.report,
        answers: &row.answers,
        stated: row.stated.as_deref(),
    }
}

fn broken(subject: &str) -> Refusal {
    tracing::error!(prescription.id = subject, "a prescription is not what was signed");
    Refusal::new(ErrorCode::SignatureBroken, "this prescription is not what was signed, or not by everybody who has to")
}
