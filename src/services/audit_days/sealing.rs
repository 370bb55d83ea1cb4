//! A day that is over is sealed, and where the log stands is signed.

use std::collections::HashMap;

use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::audit::day::{Break, Sealing};
use crate::domain::date::{bounds, day_of};
use crate::domain::ids::InstitutionId;
use crate::domain::signature::Purpose;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::audit_days::{LATE, Notary, zone_of};
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::signing::SignAs;
use crate::services::witness::Witness;
use crate::store::StoreError;

impl Notary<'_> {
    /// Seals every day that is over at `now` and was not sealed; how many. A day whose chain is broken is not sealed,
    /// nor is any after it in its institution; the others' are.
    ///
    /// # Errors
    /// When all was tried: with the first that could not be sealed.
    pub async fn seal(&self, now: Timestamp) -> Result<usize, Refusal> {
        self.seal_but(now, &HashMap::new()).await
    }

    /// The same, but nothing of a log that is not what the file beside the database says; and that file names it then.
    pub async fn seal_beside(&self, now: Timestamp, witness: &Witness) -> Result<usize, Refusal> {
        let contradicted = self.contradicted(&self.testimony(witness)?).await?;
        let sealed = self.seal_but(now, &contradicted).await;
        self.name_beside(witness).await;
        sealed
    }

    async fn seal_but(&self, now: Timestamp, not: &HashMap<InstitutionId, Break>) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let (mut sealed, mut failed) = (0, None);
        for institution in institutions {
            if let Some(broken) = not.get(&institution.id) {
                failed = failed.or_else(|| Some(contradicts(broken)));
                continue;
            }
            loop {
                match self.seal_next(institution.id, now).await {
                    Ok(true) => sealed += 1,
                    Ok(false) => break,
                    Err(refusal) => {
                        leave("seal_audit_days", &institution.id, refusal.clone())?;
                        failed = failed.or(Some(refusal));
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(sealed), Err)
    }

    /// Seals one day more; whether there was one.
    async fn seal_next(&self, institution: InstitutionId, now: Timestamp) -> Result<bool, Refusal> {
        let mut tx = self.db.read().await?;
        let zone = zone_of(&mut tx, institution).await?;
        let before = tx.audit_days().last(institution).await?;
        let mut last = before.as_ref().map_or(0, |seal| seal.last);
        let mut page = tx.audit().page(institution, last).await?;
        let day = match &before {
            Some(before) => before.day.tomorrow().ok(),
            None => page.first().and_then(|first| day_of(&zone, first.at)).map(|day| day.date),
        };
        let Some((day, end)) = day.and_then(|day| Some((day, bounds(&zone, day)?.1))) else { return Ok(false) };
        if now < end {
            return Ok(false);
        }
        let mut sealing = Sealing::begin(&institution.to_string(), day, before.as_ref());
        'entries: while let Some(newest) = page.last() {
            last = newest.seq;
            for entry in &page {
                if entry.at >= end {
                    break 'entries;
                }
                sealing.push(entry).map_err(|broken| Refusal::internal(&format!("the audit log: {broken}")))?;
            }
            page = tx.audit().page(institution, last).await?;
        }
        drop(tx);
        let seal = sealing.end();
        let mut tx = self.db.begin().await?;
        match tx.audit_days().insert(institution, &seal, now).await {
            // Another server sealed it in between.
            Err(StoreError::Conflict) => return Ok(true),
            other => other?,
        }
        let (what, hash) = (seal.subject(), seal.hash());
        self.signer().sign(&mut tx, now, institution, SignAs::Server, Purpose::AuditDay, &what, &hash).await?;
        tx.commit().await?;
        tracing::info!(institution.id = %institution, day = %day, entries = seal.entries(), "a day of the audit was sealed");
        if end + LATE < now {
            tracing::error!(institution.id = %institution, day = %day, "a day of the audit was sealed late: until now nothing \
                but the chain held it; a server that stood still does so, and somebody who took its seal away");
        }
        Ok(true)
    }

    /// Signs where each log stands at `now`, if it moved on since that was signed last; how many. A chain that is broken is
    /// not signed; the others are.
    ///
    /// # Errors
    /// When all was tried: with the first that could not be signed.
    pub async fn checkpoint(&self, now: Timestamp) -> Result<usize, Refusal> {
        self.checkpoint_but(now, &HashMap::new()).await
    }

    /// The same, but nothing of a log that is not what the file beside the database says; and that file names it then.
    pub async fn checkpoint_beside(&self, now: Timestamp, witness: &Witness) -> Result<usize, Refusal> {
        let contradicted = self.contradicted(&self.testimony(witness)?).await?;
        let signed = self.checkpoint_but(now, &contradicted).await;
        self.name_beside(witness).await;
        signed
    }

    async fn checkpoint_but(&self, now: Timestamp, not: &HashMap<InstitutionId, Break>) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let (mut signed, mut failed) = (0, None);
        for institution in institutions {
            if let Some(broken) = not.get(&institution.id) {
                failed = failed.or_else(|| Some(contradicts(broken)));
                continue;
            }
            match self.checkpoint_of(institution.id, now).await {
                Ok(is_signed) => signed += usize::from(is_signed),
                Err(refusal) => {
                    leave("checkpoint_audit", &institution.id, refusal.clone())?;
                    failed = failed.or(Some(refusal));
                }
            }
        }
        failed.map_or(Ok(signed), Err)
    }

    async fn checkpoint_of(&self, institution: InstitutionId, now: Timestamp) -> Result<bool, Refusal> {
        let mut tx = self.db.read().await?;
        let before = tx.audit_days().last_checkpoint(institution).await?;
        let (from, hash) = before.map_or((0, String::new()), |point| (point.seq, point.head_hash));
        let (mut seq, mut head_hash) = (from, hash);
        loop {
            let page = tx.audit().page(institution, seq).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                let follows = entry.seq == seq + 1 && entry.previous_hash == head_hash;
                if !follows || !entry.is_itself() {
                    return Err(Refusal::internal(&format!("the audit log is broken at entry {}", seq + 1)));
                }
                (seq, head_hash) = (entry.seq, entry.hash);
            }
        }
        drop(tx);
        if seq == from {
            return Ok(false);
        }
        let point = Checkpoint { institution: institution.to_string(), seq, head_hash, at: now };
        let mut tx = self.db.begin().await?;
        match tx.audit_days().mark(institution, &point).await {
            // Another server signed it in between.
            Err(StoreError::Conflict) => return Ok(true),
            other => other?,
        }
        let (what, hash) = (point.subject(), point.hash());
        self.signer().sign(&mut tx, now, institution, SignAs::Server, Purpose::AuditCheckpoint, &what, &hash).await?;
        tx.commit().await?;
        // A line of the log is out of the reach of whoever has the database alone.
        tracing::info!(institution.id = %institution, seq, head = %point.head_hash, "the head of the audit was signed");
        Ok(true)
    }
}

fn contradicts(broken: &Break) -> Refusal {
    Refusal::new(ErrorCode::Internal, format!("the audit log: {broken}; nothing of it is signed"))
}
