//! One unit of work: a transaction, the moment it happens at, and what will be announced after the commit.
//!
//! Law of announcements: a change is committed first and announced after, in commit order.
//!
//! Law of counters: every event and every entry of the audit counts, and a counter's row is held until the commit. They are
//! written last, events by the names of their topics and then the audit, so that two that count the same never wait for each
//! other, in whatever order they said it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::bus::{Announcement, Bus};
use crate::domain::access::ReadPurpose;
use crate::domain::audit::Entry;
use crate::domain::ids::InstitutionId;
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;
use crate::services::vault::{Field, Vault};
use crate::store::{Claim, JobRow, NewEvent, Tx};

/// A command as a browser sent it: who, and the key that makes a repetition the same command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The subject, as [`Actor::key`] names it; for the unnamed, their address or link.
    pub actor: String,
    /// The `Idempotency-Key`, if one was sent.
    pub key: Option<String>,
    /// SHA-256 over method, path and body.
    pub hash: Vec<u8>,
}

impl Command {
    /// A command of `actor` without a key; for jobs and tests.
    pub fn once(actor: Actor) -> Self {
        Self { actor: actor.key(), key: None, hash: Vec::new() }
    }
}

/// A transaction with its announcements.
pub struct Work {
    /// The open transaction.
    pub tx: Tx,
    /// The moment at which everything in it happens.
    pub now: Timestamp,
    bus: Bus,
    vault: Vault,
    said: Vec<(InstitutionId, Announcement)>,
    entries: Vec<(InstitutionId, Entry)>,
    jobs: Vec<JobRow>,
}

impl Work {
    /// Wraps an open transaction.
    pub fn new(tx: Tx, now: Timestamp, bus: Bus, vault: Vault) -> Self {
        Self { tx, now, bus, vault, said: Vec::new(), entries: Vec::new(), jobs: Vec::new() }
    }

    /// The stored answer of this command, if it was carried out before; claims its key otherwise.
    pub async fn recall<T: DeserializeOwned>(&mut self, command: &Command) -> Result<Option<T>, Refusal> {
        let Some(key) = &command.key else { return Ok(None) };
        // A body may hold little more than a name and a number: a plain hash of it could be tried out.
        let hash = self.vault.mac("command-body", &[&command.hash]);
        match self.tx.idem().claim(&command.actor, key, &hash, self.now).await? {
            Claim::Fresh => Ok(None),
            Claim::Done(sealed) => {
                let sealed = sealed.as_str().and_then(|text| STANDARD.decode(text).ok());
                let sealed = sealed.ok_or_else(|| Refusal::internal("a kept answer is not sealed"))?;
                let body = self.vault.open(Field::Command, self.row_of(command, key), &sealed);
                let body = body.map_err(|e| Refusal::internal(&e))?;
                serde_json::from_str(&body).map(Some).map_err(|e| Refusal::internal(&e))
            }
            Claim::Mismatch => Err(Refusal::new(ErrorCode::KeyReused, "this key came with another request")),
        }
    }

    /// Keeps the answer for a repetition of the command; sealed, for it may hold names, answers and notes.
    pub async fn keep<T: Serialize>(&mut self, command: &Command, answer: &T) -> Result<(), Refusal> {
        let Some(key) = &command.key else { return Ok(()) };
        let body = serde_json::to_string(answer).map_err(|e| Refusal::internal(&e))?;
        let sealed = self.vault.seal(Field::Command, self.row_of(command, key), &body);
        Ok(self.tx.idem().keep(&command.actor, key, &Value::from(STANDARD.encode(sealed))).await?)
    }

    /// What binds a sealed answer to its command: such a row has no id of its own.
    fn row_of(&self, command: &Command, key: &str) -> Uuid {
        let mac = self.vault.mac("command-row", &[command.actor.as_bytes(), &[0], key.as_bytes()]);
        Uuid::from_slice(&mac[..16]).expect("a UUID has 16 bytes")
    }

    /// Has an event written with the commit and announced after it. `data` must hold no personal datum.
    #[expect(
        clippy::unused_async,
        reason = "whoever says something awaits it; when it is written is for this file to decide"
    )]
    pub async fn emit(
        &mut self,
        institution: InstitutionId,
        topic: String,
        kind: &str,
        data: Value,
    ) -> Result<(), Refusal> {
        let data = match data {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        // Its number is known when it is written.
        let announcement = Announcement { topic, seq: 0, at: self.now, kind: kind.to_owned(), data };
        self.said.push((institution, announcement));
        Ok(())
    }

    /// Has a job written with the commit; one of the same kind, subject and moment is the same job.
    pub fn later(&mut self, job: JobRow) {
        self.jobs.push(job);
    }

    /// Has an entry of the audit chain written with the commit.
    pub async fn audit(
        &mut self,
        institution: InstitutionId,
        actor: &str,
        action: &str,
        subject: &str,
    ) -> Result<(), Refusal> {
        self.audit_why(institution, actor, action, subject, None, Value::Object(Map::new())).await
    }

    /// The same with a purpose and particulars; no clinical text, no personal datum.
    #[expect(
        clippy::unused_async,
        reason = "whoever says something awaits it; when it is written is for this file to decide"
    )]
    pub async fn audit_why(
        &mut self,
        institution: InstitutionId,
        actor: &str,
        action: &str,
        subject: &str,
        purpose: Option<String>,
        detail: Value,
    ) -> Result<(), Refusal> {
        let (actor, action, subject) = (actor.to_owned(), action.to_owned(), subject.to_owned());
        self.entries.push((institution, Entry { at: self.now, actor, action, subject, purpose, detail }));
        Ok(())
    }

    /// Writes down that something of a patient was read, and why: before it leaves.
    pub async fn audit_read(
        &mut self,
        institution: InstitutionId,
        actor: &str,
        action: &str,
        subject: &str,
        purpose: ReadPurpose,
        detail: Value,
    ) -> Result<(), Refusal> {
        self.audit_why(institution, actor, action, subject, Some(purpose.as_str().to_owned()), detail).await
    }

    /// Writes what was said, commits, then announces.
    pub async fn commit(self) -> Result<(), Refusal> {
        let Self { mut tx, bus, mut said, mut entries, mut jobs, .. } = self;
        // Who writes the same one waits for us here; in one order, so that nobody waits for each other.
        jobs.sort_by(|one, next| {
            (&one.kind, one.subject_id, one.run_at).cmp(&(&next.kind, next.subject_id, next.run_at))
        });
        tx.jobs().add(&jobs).await?;
        // What is said twice to one topic, and every entry of one chain, stays in its order.
        let payloads: Vec<_> = said.iter().map(|(_, announcement)| json!(announcement.data)).collect();
        let mut events = Vec::with_capacity(said.len());
        for ((institution, Announcement { topic, kind, at, .. }), payload) in said.iter().zip(&payloads) {
            events.push(NewEvent { institution: *institution, topic, kind, payload, at: *at });
        }
        let numbers = tx.events().emit(&events).await?;
        for ((_, announcement), number) in said.iter_mut().zip(numbers) {
            announcement.seq = number;
        }
        entries.sort_by_key(|(institution, _)| institution.as_uuid());
        for (institution, entry) in entries {
            tx.audit().append(institution, &entry).await?;
        }
        tx.commit().await?;
        for (_, announcement) in said {
            bus.announce(announcement);
        }
        Ok(())
    }
}
