//! When films go: after the time for which the law wants them kept, and soon when they show somebody who was not the
//! patient.
//!
//! A film of a wrong person is not kept: the consent was given for the patient, so nothing allows to keep the picture of
//! somebody else; it belongs to no visit of anybody (`store::visits`), so no duty to keep records asks for it. Who said
//! that it was the wrong person is in the audit log, and so is the removal.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::domain::retention::{Item, RetentionClass, may_go};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::store::RecordingRow;

/// The store is asked while nobody may order that the film stays, and on SQLite while nobody else writes: a hospital does
/// not wait for it. Below the databases' own limits of five seconds.
const STORE_WITHIN: Duration = Duration::from_secs(3);
/// Films that are looked at together.
const BATCH: i64 = 200;

impl Services {
    /// Removes the films that may go, and not a millisecond before they may; how many.
    pub async fn remove_recordings(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let (mut removed, mut left) = (0, 0);
        loop {
            // Those that stay stand first for ever: whoever comes after them is looked for behind them.
            let rows = self.db.read().await?.recordings().removable(now, BATCH, left).await?;
            for row in &rows {
                match self.remove_recording(row).await {
                    Ok(true) => removed += 1,
                    Ok(false) => left += 1,
                    Err(refusal) => {
                        leave("remove_recordings", &row.id, refusal)?;
                        left += 1;
                    }
                }
            }
            if i64::try_from(rows.len()).is_ok_and(|n| n < BATCH) {
                return Ok(removed);
            }
        }
    }

    /// Removes a film, unless somebody holds it; whether it went.
    ///
    /// The film first, then what knows of it: after a crash in between there is still somebody who knows what to remove.
    async fn remove_recording(&self, row: &RecordingRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let holds = self.holds_on(&mut work.tx, row.institution_id, &row.id.to_string(), row.visit_id).await?;
        if holds.iter().any(|hold| hold.lifted_at.is_none_or(|at| at > work.now)) {
            return Ok(false);
        }
        let removed = timeout(STORE_WITHIN, self.archive.remove(&row.place)).await;
        let removed =
            removed.map_err(|_| Refusal::new(ErrorCode::Unavailable, "the store of films does not answer"))?;
        removed.map_err(|e| Refusal::internal(&e))?;
        let action = if row.retain_until < work.now { "recording.expire" } else { "recording.discard" };
        if work.tx.recordings().remove(row.id).await? {
            let detail = json!({ "visit": row.visit_id, "hash": row.hash, "retain_until": row.retain_until });
            let (institution, id) = (row.institution_id, row.id.to_string());
            work.audit_why(institution, "retention", action, &id, None, detail).await?;
            let class = RetentionClass::ProcessRecord;
            let item = Item {
                class,
                subject: id,
                visit: Some(row.visit_id.to_string()),
                since: Some(row.retain_until - class.span()),
                is_approved: false,
            };
            // One of a wrong person goes before its time, for there was none; it needs no certificate.
            if let Ok(gone) = may_go(&item, work.now, &holds) {
                self.certify(&mut work, institution, &[(gone, row.hash.clone())]).await?;
            }
        }
        work.commit().await?;
        Ok(true)
    }
}
