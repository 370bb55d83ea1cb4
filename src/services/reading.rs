//! Reading what the audit has to know of.
//!
//! Law of audited reads: a transaction that only reads makes the view; what was read is written down in a short unit of work
//! of its own; and only then the answer leaves. What cannot be written down is not answered. The one writer of the database
//! is held for the audit alone, so that nobody waits for somebody who reads, opens and verifies.

use std::fmt::Display;

use serde_json::Value;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::Work;
use crate::store::Tx;

/// Something that was read, as the audit names it.
pub(crate) struct Seen {
    /// What was done, such as `visit.read`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub purpose: ReadPurpose,
    /// Particulars; no clinical text, no personal datum.
    pub detail: Value,
}

/// Somebody reads: a transaction that only reads, and what the audit is told before its answer leaves.
#[must_use = "what was read leaves through `Services::answer`"]
pub(crate) struct Reading {
    /// The open transaction.
    pub tx: Tx,
    /// The moment at which it is read.
    pub now: Timestamp,
    institution: InstitutionId,
    reader: String,
    seen: Vec<Seen>,
}

impl Reading {
    /// Has the audit told of a read before the answer leaves.
    pub fn see(&mut self, action: &str, subject: &impl Display, purpose: ReadPurpose, detail: Value) {
        self.seen.push(Seen { action: action.to_owned(), subject: subject.to_string(), purpose, detail });
    }
}

impl Services {
    /// Opens a reading by `reader`, as [`crate::domain::permission::Actor::key`] names them.
    pub(crate) async fn reading(&self, institution: InstitutionId, reader: &impl Display) -> Result<Reading, Refusal> {
        let (tx, now, reader) = (self.db.read().await?, self.clock.now(), reader.to_string());
        Ok(Reading { tx, now, institution, reader, seen: Vec::new() })
    }

    /// Writes down what was read, and gives the answer only then. Where nothing was, nobody is waited for.
    pub(crate) async fn answer<T>(&self, reading: Reading, view: T) -> Result<T, Refusal> {
        if !reading.seen.is_empty() {
            self.closing(reading).await?.commit().await?;
        }
        Ok(view)
    }

    /// Ends a reading with the unit of work that writes down what was read, for whoever has a word to add to it.
    pub(crate) async fn closing(&self, reading: Reading) -> Result<Work, Refusal> {
        let Reading { tx, institution, reader, seen, .. } = reading;
        // Nobody holds two connections.
        drop(tx);
        self.seeing(institution, &reader, seen).await
    }

    /// The same of what was read in another way.
    pub(crate) async fn seeing(
        &self,
        institution: InstitutionId,
        reader: &str,
        seen: Vec<Seen>,
    ) -> Result<Work, Refusal> {
        let mut work = self.begin().await?;
        for Seen { action, subject, purpose, detail } in seen {
            work.audit_read(institution, reader, &action, &subject, purpose, detail).await?;
        }
        Ok(work)
    }
}
