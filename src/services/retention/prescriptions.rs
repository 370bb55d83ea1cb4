//! Prescriptions go once their years are over and an administrator has approved it; drafts that nobody ever signed go with
//! the rest of their visit.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::herb::HerbSet;
use crate::domain::hex::hex;
use crate::domain::ids::{InstitutionId, PrescriptionId};
use crate::domain::prescription::class_of;
use crate::domain::retention::acts::{Approval, approved};
use crate::domain::retention::{Item, RetentionClass, may_go};
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::store::{GoneRow, PrescriptionRow, SignedVersionRow, Tx, VisitRow};

/// Prescriptions that are looked at together.
const BATCH: i64 = 100;
/// The classes of prescriptions, the shortest kept first.
const CLASSES: [RetentionClass; 3] =
    [RetentionClass::PrescriptionOrdinary, RetentionClass::PrescriptionToxic, RetentionClass::PrescriptionControlled];

impl Services {
    /// Removes the prescriptions that may go, and not a millisecond before they may; how many.
    pub async fn remove_prescriptions(&self) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let mut removed = 0;
        for institution in institutions {
            removed += self.remove_prescriptions_of(institution.id).await?;
        }
        Ok(removed)
    }

    async fn remove_prescriptions_of(&self, institution: InstitutionId) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let mut approvals = Vec::new();
        let mut tx = self.db.read().await?;
        for class in CLASSES {
            let until = tx.retention().approved_until(institution, class).await?;
            approvals.extend(until.map(|due_until| Approval { class, due_until }));
        }
        drop(tx);
        // None that was signed later can be due by what was approved.
        let signed = approvals.iter().map(|one| one.due_until - one.class.span()).max();
        let signed = signed.unwrap_or(Timestamp::from_millis(i64::MIN));
        let saved = now - CLASSES[0].span();
        let (mut after, mut removed) = (PrescriptionId::from_uuid(Uuid::nil()), 0);
        loop {
            let rows = self.db.read().await?.prescriptions().old(institution, after, signed, saved, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(removed) };
            after = last.id;
            for row in rows {
                match self.remove_prescription(row.id, &approvals).await {
                    Ok(went) => removed += usize::from(went),
                    // The next round tries it again.
                    Err(refusal) => leave("remove_prescriptions", &row.id, refusal)?,
                }
            }
        }
    }

    /// Whether a prescription went.
    async fn remove_prescription(&self, id: PrescriptionId, approvals: &[Approval]) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let Some(row) = work.tx.prescriptions().lock(id).await? else { return Ok(false) };
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        let versions = work.tx.prescriptions().signed(id).await?;
        let holds = self.holds_on(&mut work.tx, row.institution_id, &id.to_string(), row.visit_id).await?;
        let item = approved(item_of(&row, &versions, &visit), approvals);
        let Ok(gone) = may_go(&item, work.now, &holds) else { return Ok(false) };
        let hash = hash_of_gone(&row, &versions);
        mark_gone(&mut work.tx, &row, &gone, &hash, work.now).await?;
        work.tx.prescriptions().forget(id).await?;
        let detail = json!({ "visit": row.visit_id, "hash": hash, "class": gone.class(), "due": gone.due() });
        let institution = row.institution_id;
        self.certify(&mut work, institution, &[(gone, hash)]).await?;
        work.audit_why(institution, "retention", "rx.expire", &id.to_string(), None, detail).await?;
        work.commit().await?;
        Ok(true)
    }
}

/// A prescription as what is kept: by the strictest class of anything that was ever signed of it, from the last signature.
fn item_of(row: &PrescriptionRow, versions: &[SignedVersionRow], visit: &VisitRow) -> Item {
    let class = |content: &String| match serde_json::from_str(content) {
        Ok(content) => class_of(&content, HerbSet::shipped()),
        // What nobody can read is kept longest.
        Err(_) => RetentionClass::PrescriptionControlled,
    };
    let prescribed = versions.iter().map(|version| version.signed_at).chain(row.signed_at).max();
    let (class, since) = match prescribed {
        Some(at) => {
            let contents = versions.iter().map(|version| &version.content).chain([&row.content]);
            (contents.map(class).max().unwrap_or(RetentionClass::PrescriptionControlled), Some(at))
        }
        // Nobody ever prescribed this.
        None => (RetentionClass::ProcessRecord, visit.ended_at),
    };
    Item { class, subject: row.id.to_string(), visit: Some(row.visit_id.to_string()), since, is_approved: false }
}

async fn mark_gone(
    tx: &mut Tx,
    row: &PrescriptionRow,
    gone: &crate::domain::retention::Deletable,
    hash: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let gone = GoneRow {
        prescription_id: row.id,
        institution_id: row.institution_id,
        class: gone.class(),
        hash: hash.to_owned(),
        due: gone.due(),
        gone_at: now,
    };
    Ok(tx.retention().mark_gone(&gone).await?)
}

/// What a prescription was, in a hash that gives no word of it back: the hashes that were signed, in order, and what
/// became of it. A draft is hashed with its id, of which nobody can guess the rest.
fn hash_of_gone(row: &PrescriptionRow, versions: &[SignedVersionRow]) -> String {
    let mut hash = Sha256::new_with_prefix(row.id.as_uuid().as_bytes());
    for version in versions {
        hash.update(&version.hash);
    }
    if versions.is_empty() {
        hash.update(&row.content);
    }
    hash.update(row.review.as_deref().unwrap_or_default());
    hash.update(row.state.as_str());
    hex(&hash.finalize())
}
