//! When films go: after the time for which the law wants them kept, and soon when they show somebody who was not the
//! patient.
//!
//! A film of a wrong person is not kept: the consent was given for the patient, so nothing allows to keep the picture of
//! somebody else; it belongs to no visit of anybody (`store::visits`), so no duty to keep records asks for it. Who said
//! that it was the wrong person is in the audit log, and so is the removal.
//!
//! A film goes in three steps, so that nobody waits for the store: it is marked while nobody can order that it stays; the
//! store removes it; and only then it is forgotten and certified. Whoever ends in between leaves the mark, and the next
//! round goes on from there.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::domain::retention::{Item, RetentionClass, may_go};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::store::RecordingRow;

/// So long the store may take for one film; the next round asks it again.
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
    async fn remove_recording(&self, row: &RecordingRow) -> Result<bool, Refusal> {
        if !self.mark_film(row).await? {
            return Ok(false);
        }
        self.take_film_away(row).await?;
        self.certify_film(row).await?;
        Ok(true)
    }

    /// First: marks that a film goes, unless somebody holds it; whether it goes. From here on nobody sees it, and no order
    /// keeps it.
    pub async fn mark_film(&self, row: &RecordingRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        if work.tx.leaving().since(row.id.as_uuid()).await?.is_some() {
            return Ok(true);
        }
        let holds = self.holds_on(&mut work.tx, row.institution_id, &row.id.to_string(), row.visit_id).await?;
        if holds.iter().any(|hold| hold.lifted_at.is_none_or(|at| at > work.now)) {
            return Ok(false);
        }
        let now = work.now;
        work.tx.leaving().mark(row.institution_id, row.id.as_uuid(), now).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Second: has the store remove a film, while nobody waits for it. One that is gone is gone.
    pub async fn take_film_away(&self, row: &RecordingRow) -> Result<(), Refusal> {
        let removed = timeout(STORE_WITHIN, self.archive.remove(&row.place)).await;
        let removed =
            removed.map_err(|_| Refusal::new(ErrorCode::Unavailable, "the store of films does not answer"))?;
        removed.map_err(|e| Refusal::internal(&e))
    }

    /// Third: forgets a film that was marked and removed, and certifies it, once.
    pub async fn certify_film(&self, row: &RecordingRow) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let since = work.tx.leaving().since(row.id.as_uuid()).await?;
        // Of two who remove it at once, one says so.
        let is_ours = work.tx.leaving().end(row.id.as_uuid()).await?;
        let Some(since) = since.filter(|_| is_ours) else { return Ok(()) };
        work.tx.recordings().remove(row.id).await?;
        let action = if row.retain_until < since { "recording.expire" } else { "recording.discard" };
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
        // One of a wrong person goes before its time, for there was none; it needs no certificate. What was ordered since the
        // mark came too late.
        if let Ok(gone) = may_go(&item, since, &[]) {
            self.certify(&mut work, institution, &[(gone, row.hash.clone())]).await?;
        }
        work.commit().await
    }
}
