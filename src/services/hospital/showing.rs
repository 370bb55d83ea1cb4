//! What a clinic shows before anybody comes: what a visit costs, and where to complain.

use crate::domain::time::Timestamp;
use crate::protocol::house::{Complaints, Text};
use crate::services::hospital::clinic_settings::{ClinicSet, note_of_operator, one_clinic};
use crate::services::refusal::Refusal;
use crate::store::{Db, ShownRow};

/// What an operator changes; what is not named stays, and what is empty is taken away.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The price of a visit, in fen.
    pub price_fen: Option<Option<i64>>,
    /// The number for complaints.
    pub complaints_phone: Option<String>,
    /// Where else one may complain.
    pub complaints_at_zh: Option<String>,
    /// The same in English.
    pub complaints_at_en: Option<String>,
}

/// Changes what the clinic with this code shows; `institution` names which, where several have one.
pub async fn set_shown(
    db: &Db,
    now: Timestamp,
    code: &str,
    institution: Option<&str>,
    change: &Change,
) -> Result<ClinicSet, Refusal> {
    let mut tx = db.begin().await?;
    let clinic = match one_clinic(&mut tx, code, institution).await? {
        Ok(clinic) => clinic,
        Err(why) => return Ok(why),
    };
    let before = tx.clinics().shown(clinic.id).await?;
    let words = |new: &Option<String>, old: Option<String>| match new.as_deref().map(str::trim) {
        Some("") => None,
        Some(text) => Some(text.to_owned()),
        None => old,
    };
    let shown = ShownRow {
        price_fen: change.price_fen.unwrap_or(before.price_fen),
        complaints_phone: words(&change.complaints_phone, before.complaints_phone),
        complaints_at_zh: words(&change.complaints_at_zh, before.complaints_at_zh),
        complaints_at_en: words(&change.complaints_at_en, before.complaints_at_en),
    };
    tx.clinics().show(clinic.id, &shown).await?;
    note_of_operator(&mut tx, now, &clinic, "clinic.shown").await?;
    tx.commit().await?;
    Ok(ClinicSet::Done)
}

/// What the clinic with this code shows now; `None` where there is no one such clinic.
pub async fn shown_of(db: &Db, code: &str, institution: Option<&str>) -> Result<Option<ShownRow>, Refusal> {
    let mut tx = db.read().await?;
    match one_clinic(&mut tx, code, institution).await? {
        Ok(clinic) => Ok(Some(tx.clinics().shown(clinic.id).await?)),
        Err(_) => Ok(None),
    }
}

/// Where to complain: at the clinic's own number, or the hospital's.
pub(crate) fn complaints(shown: ShownRow, help_phone: &str) -> Complaints {
    // One language is better than none.
    let at = match (shown.complaints_at_zh, shown.complaints_at_en) {
        (Some(zh), Some(en)) => Some(Text::new(zh, en)),
        (Some(one), None) | (None, Some(one)) => Some(Text::new(one.clone(), one)),
        (None, None) => None,
    };
    Complaints { phone: shown.complaints_phone.unwrap_or_else(|| help_phone.to_owned()), at }
}
