//! When films go: after the time for which the law wants them kept, and soon when they show somebody who was not the
//! patient.
//!
//! A film of a wrong person is not kept: the consent was given for the patient, so nothing allows to keep the picture of
//! somebody else; it belongs to no visit of anybody (`store::visits`), so no duty to keep records asks for it. Who said
//! that it was the wrong person is in the audit log, and so is the removal.

use serde_json::json;

use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::store::RecordingRow;

/// Films that one round removes.
const BATCH: i64 = 200;

impl Services {
    /// Removes the films that may go, and not a millisecond before they may; how many.
    pub async fn remove_recordings(&self) -> Result<usize, Refusal> {
        let rows = self.db.read().await?.recordings().removable(self.clock.now(), BATCH).await?;
        let mut removed = 0;
        for row in rows {
            match self.remove_recording(&row).await {
                Ok(()) => removed += 1,
                // The next round tries it again.
                Err(refusal) => {
                    tracing::error!(recording.id = %row.id, code = refusal.code.as_str(), "a recording was not removed");
                }
            }
        }
        Ok(removed)
    }

    /// The film first, then what knows of it: after a crash in between there is still somebody who knows what to remove.
    async fn remove_recording(&self, row: &RecordingRow) -> Result<(), Refusal> {
        self.archive.remove(&row.place).await.map_err(|e| Refusal::internal(&e))?;
        let mut work = self.begin().await?;
        let action = if row.retain_until < work.now { "recording.expire" } else { "recording.discard" };
        if work.tx.recordings().remove(row.id).await? {
            let detail = json!({ "visit": row.visit_id, "hash": row.hash, "retain_until": row.retain_until });
            let (institution, id) = (row.institution_id, row.id.to_string());
            work.audit_why(institution, "retention", action, &id, None, detail).await?;
        }
        work.commit().await
    }
}
