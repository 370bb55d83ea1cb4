//! A day that is over is sealed, and where the log stands is signed.

use std::collections::HashMap;

use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::audit::day::{Break, Sealing};
use crate::domain::date::{bounds, day_of};
use crate::domain::ids::InstitutionId;
use crate::domain::signature::Purpose;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::audit::witness::Witness;
use crate::services::audit::{LATE, Notary, zone_of};
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::signing::SignAs;
use crate::store::{InstitutionRow, StoreError};

/// What is done to the log of each institution.
#[derive(Clone, Copy)]
enum Chore {
    Seal,
    Checkpoint,
}

impl Chore {
    const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal_audit_days",
            Self::Checkpoint => "checkpoint_audit",
        }
    }
}

impl Notary<'_> {
    /// Seals every day that is over at `now` and was not sealed; how many. A day whose chain is broken is not sealed,
    /// nor is any after it in its institution; the others' are.
    ///
    /// # Errors
    /// When all was tried: with the first that could not be sealed.
    pub async fn seal(&self, now: Timestamp) -> Result<usize, Refusal> {
        self.go_round(Chore::Seal, now, &HashMap::new()).await
    }

    /// The same, but nothing of a log that is not what the file beside the database says; and that file names it then.
    pub async fn seal_beside(&self, now: Timestamp, witness: &Witness) -> Result<usize, Refusal> {
        self.go_round_beside(Chore::Seal, now, witness).await
    }

    /// Seals what is over of one institution; how many days.
    async fn seal_of(&self, institution: InstitutionId, now: Timestamp) -> Result<usize, Refusal> {
        let mut sealed = 0;
        while self.seal_next(institution, now).await? {
            sealed += 1;
        }
        Ok(sealed)
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
        self.go_round(Chore::Checkpoint, now, &HashMap::new()).await
    }

    /// The same, but nothing of a log that is not what the file beside the database says; and that file names it then.
    pub async fn checkpoint_beside(&self, now: Timestamp, witness: &Witness) -> Result<usize, Refusal> {
        self.go_round_beside(Chore::Checkpoint, now, witness).await
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

    async fn go_round_beside(&self, chore: Chore, now: Timestamp, witness: &Witness) -> Result<usize, Refusal> {
        let contradicted = self.contradicted(&self.testimony(witness)?).await?;
        let done = self.go_round(chore, now, &contradicted).await;
        self.name_beside(witness).await;
        done
    }

    /// Does it for each institution, but for those whose log is contradicted; how often. One that fails hinders no other.
    async fn go_round(
        &self,
        chore: Chore,
        now: Timestamp,
        contradicted: &HashMap<InstitutionId, Break>,
    ) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let (mut count, mut failed) = (0, None);
        for InstitutionRow { id, .. } in institutions {
            if let Some(broken) = contradicted.get(&id) {
                failed = failed.or_else(|| Some(contradicts(broken)));
                continue;
            }
            let done = match chore {
                Chore::Seal => self.seal_of(id, now).await,
                Chore::Checkpoint => self.checkpoint_of(id, now).await.map(usize::from),
            };
            match done {
                Ok(done) => count += done,
                Err(refusal) => {
                    leave(chore.name(), &id, refusal.clone())?;
                    failed = failed.or(Some(refusal));
                }
            }
        }
        failed.map_or(Ok(count), Err)
    }
}

fn contradicts(broken: &Break) -> Refusal {
    Refusal::new(ErrorCode::Internal, format!("the audit log: {broken}; nothing of it is signed"))
}
