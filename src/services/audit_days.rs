//! The days of the audit log: sealed once they are over, verified whenever somebody asks, exported for whoever has no
//! access to the database.
//!
//! A [`Notary`] does it with a database and the operator's secret alone, so that a command can do it beside the server.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde_json::json;

use crate::clock::Ids;
use crate::domain::audit::Kept;
use crate::domain::audit::checkpoint::{Checkpoint, Watch};
use crate::domain::audit::day::{Break, DaySeal, Sealing, Signed, Verifier, What};
use crate::domain::date::{HOME, bounds, day_of, zone_or_home};
use crate::domain::ids::{InstitutionId, KeyId};
use crate::domain::permission::AdministratorAct;
use crate::domain::signature::{Algorithm, Purpose};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::proof::{AuditDayView, AuditDays, AuditVerdict, DayExport, ExportSignature, ServerKey};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::signing::{Choice, SignAs, Signer, fingerprint, is_ours, signature_holds};
use crate::services::vault::Vault;
use crate::store::{Db, InstitutionRow, KeyRow, SignatureRow, StoreError, Tx};

/// An institution's log, verified.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedLog {
    /// Whose.
    pub institution: InstitutionId,
    /// Its name in English.
    pub name: String,
    /// Entries, or the first place where they are not what was written.
    pub found: Result<i64, Break>,
    /// Days that are sealed.
    pub days: usize,
    /// The fingerprint of the key that sealed the last of them.
    pub fingerprint: Option<String>,
    /// Each key that sealed one, in the order of their first days: how it signs, and its fingerprint.
    pub sealed_by: Vec<(Algorithm, String)>,
    /// Up to which entry the head is signed, if it ever was.
    pub signed_to: Option<i64>,
}

/// The server's signatures of one institution's days, or of its heads, and whether each holds.
struct DaySignatures {
    /// By subject: hash and whether the signature is ours and holds.
    by_subject: HashMap<String, Vec<(String, bool)>>,
}

impl DaySignatures {
    fn hold(&self, subject: &str, hash: &str) -> bool {
        let signed = self.by_subject.get(subject);
        signed.is_some_and(|signed| signed.iter().any(|(of, holds)| *holds && of == hash))
    }

    /// Whether every head of these is signed, and none is gone that was.
    fn cover(&self, points: &[Checkpoint]) -> Result<(), Break> {
        let broken = |seq| Break { day: None, seq, what: What::Checkpoint };
        if let Some(point) = points.iter().find(|point| !self.hold(&point.subject(), &point.hash())) {
            return Err(broken(point.seq));
        }
        if points.len() < self.by_subject.len() {
            return Err(broken(points.last().map_or(0, |point| point.seq) + 1));
        }
        Ok(())
    }
}

impl Signed for DaySignatures {
    fn is_signed(&self, seal: &DaySeal) -> bool {
        self.hold(&seal.subject(), &seal.hash())
    }

    fn count(&self) -> usize {
        self.by_subject.len()
    }
}

/// Seals, verifies and exports.
pub struct Notary<'a> {
    /// The log.
    pub db: &'a Db,
    /// The keys.
    pub vault: &'a Vault,
    /// For a key that is made at the first seal.
    pub ids: &'a Ids,
    /// How it signs.
    pub signing: Choice,
}

impl Notary<'_> {
    fn signer(&self) -> Signer<'_> {
        Signer { vault: self.vault, ids: self.ids, choice: self.signing }
    }

    /// Verifies the logs of all institutions: the chains, the seals of the days, their signatures, the counts.
    pub async fn verify(&self) -> Result<Vec<VerifiedLog>, Refusal> {
        // One moment of the database, for the count belongs to the entries.
        let mut tx = self.db.read().await?;
        let mut logs = Vec::new();
        for institution in tx.institutions().all().await? {
            logs.push(self.verify_one(&mut tx, institution).await?);
        }
        Ok(logs)
    }

    /// Verifies the log of one institution.
    async fn verify_one(&self, tx: &mut Tx, institution: InstitutionRow) -> Result<VerifiedLog, Refusal> {
        let id = institution.id;
        let keys = tx.signatures().keys(id).await?;
        let signatures = tx.signatures().of_purpose(id, Purpose::AuditDay).await?;
        let seals: Vec<DaySeal> = tx.audit_days().all(id).await?.into_iter().map(|(seal, _)| seal).collect();
        let days = seals.len();
        let key = |id: KeyId| keys.iter().find(|key| key.id == id);
        let fingerprint_of = |key: &KeyRow| fingerprint(&key.public_key);
        let last = signatures.last().and_then(|signature| key(signature.key_id)).map(fingerprint_of);
        let mut sealed_by: Vec<(Algorithm, String)> = Vec::new();
        for key in signatures.iter().filter_map(|signature| key(signature.key_id)) {
            let one = (key.algorithm, fingerprint_of(key));
            if !sealed_by.contains(&one) {
                sealed_by.push(one);
            }
        }
        let signed = self.judge(signatures, &keys);
        let points = tx.audit_days().checkpoints(id).await?;
        let signed_to = points.last().map(|point| point.seq);
        let heads = self.judge(tx.signatures().of_purpose(id, Purpose::AuditCheckpoint).await?, &keys);
        let covered = heads.cover(&points);
        let walked = Self::walk(tx, id, seals, &signed, points).await?;
        let found = walked.and_then(|entries| covered.map(|()| entries));
        Ok(VerifiedLog {
            institution: id,
            name: institution.name_en,
            found,
            days,
            fingerprint: last,
            sealed_by,
            signed_to,
        })
    }

    async fn walk(
        tx: &mut Tx,
        institution: InstitutionId,
        seals: Vec<DaySeal>,
        signed: &DaySignatures,
        points: Vec<Checkpoint>,
    ) -> Result<Result<i64, Break>, Refusal> {
        let mut watch = Watch::begin(points);
        let mut verifier = match Verifier::begin(&institution.to_string(), seals, signed) {
            Ok(verifier) => verifier,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut last = i64::MIN;
        loop {
            let page = tx.audit().page(institution, last).await?;
            let Some(end) = page.last() else { break };
            last = end.seq;
            if let Err(broken) = page.iter().try_for_each(|entry| verifier.push(entry).and_then(|()| watch.push(entry)))
            {
                return Ok(Err(broken));
            }
        }
        let head = tx.audit().head(institution).await?;
        Ok(verifier.end(head).and_then(|entries| watch.end(entries).map(|()| entries)))
    }

    fn judge(&self, signatures: Vec<SignatureRow>, keys: &[KeyRow]) -> DaySignatures {
        let of_server = keys.iter().filter(|key| key.owner == SignAs::Server.owner() && is_ours(self.vault, key));
        let ours: HashMap<KeyId, &KeyRow> = of_server.map(|key| (key.id, key)).collect();
        let mut by_subject: HashMap<String, Vec<(String, bool)>> = HashMap::new();
        for signature in signatures {
            let holds = ours.get(&signature.key_id).is_some_and(|key| signature_holds(&signature, key));
            by_subject.entry(signature.subject).or_default().push((signature.hash, holds));
        }
        DaySignatures { by_subject }
    }

    /// Whether every signature in the database holds, whoever's; how many there are, or the first that does not.
    pub async fn verify_signatures(&self) -> Result<Result<usize, String>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut keys: HashMap<KeyId, KeyRow> = HashMap::new();
        for institution in tx.institutions().all().await? {
            keys.extend(tx.signatures().keys(institution.id).await?.into_iter().map(|key| (key.id, key)));
        }
        let foreign: HashSet<KeyId> = keys.values().filter(|key| !is_ours(self.vault, key)).map(|key| key.id).collect();
        let (mut after, mut count) = (None, 0);
        loop {
            let page = tx.signatures().page(after).await?;
            let Some(last) = page.last() else { return Ok(Ok(count)) };
            after = Some(last.id);
            for signature in page {
                let key = keys.get(&signature.key_id).filter(|key| !foreign.contains(&key.id));
                if !key.is_some_and(|key| signature_holds(&signature, key)) {
                    return Ok(Err(signature.subject));
                }
                count += 1;
            }
        }
    }

    /// Seals every day that is over at `now` and was not sealed; how many. A day whose chain is broken is not sealed,
    /// nor is any after it in its institution; the others' are.
    ///
    /// # Errors
    /// When all was tried: with the first that could not be sealed.
    pub async fn seal(&self, now: Timestamp) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let (mut sealed, mut failed) = (0, None);
        for institution in institutions {
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
        let zone = tx.clinics().of(institution).await?.into_iter().next().map(|clinic| clinic.time_zone);
        let zone = zone_or_home(zone.as_deref().unwrap_or(HOME));
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
        Ok(true)
    }

    /// Signs where each log stands at `now`, if it moved on since that was signed last; how many. A chain that is broken is
    /// not signed; the others are.
    ///
    /// # Errors
    /// When all was tried: with the first that could not be signed.
    pub async fn checkpoint(&self, now: Timestamp) -> Result<usize, Refusal> {
        let institutions = self.db.read().await?.institutions().all().await?;
        let (mut signed, mut failed) = (0, None);
        for institution in institutions {
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

    /// A sealed day as a file: a first line with the seal and its signature, then one entry a line.
    pub async fn export(&self, institution: InstitutionId, day: Date) -> Result<String, Refusal> {
        let mut tx = self.db.read().await?;
        let seal = tx.audit_days().all(institution).await?.into_iter().find(|(seal, _)| seal.day == day);
        let (seal, sealed_at) = seal.ok_or_else(Refusal::not_found)?;
        let hash = seal.hash();
        let keys = tx.signatures().keys(institution).await?;
        let signed = tx.signatures().of(&seal.subject()).await?.into_iter().filter(|one| one.hash == hash);
        // A signature that somebody else put beside ours is not the one to hand out.
        let mut ours = signed.filter_map(|one| {
            let key = keys.iter().find(|key| key.id == one.key_id && is_ours(self.vault, key))?;
            signature_holds(&one, key).then(|| (one, key.clone()))
        });
        let (signature, key) = ours.next().ok_or_else(|| {
            Refusal::new(ErrorCode::SignatureBroken, "the seal of this day is not signed by this server")
        })?;
        let name = tx.institutions().find(institution).await?.map(|row| row.name_en).unwrap_or_default();
        let mut last = seal.first - 1;
        let (end, entries) = (seal.last, seal.entries());
        let head = DayExport::new(name, seal, sealed_at, ExportSignature::of(&signature, &key));
        let mut text = json!(head).to_string();
        text.push('\n');
        let mut written = 0;
        while last < end {
            let page = tx.audit().page(institution, last).await?;
            let Some(newest) = page.last() else { break };
            last = newest.seq;
            for entry in page.iter().filter(|entry| entry.seq <= end) {
                text.push_str(&line(entry));
                written += 1;
            }
        }
        if written != entries {
            return Err(Refusal::internal("entries of a sealed day are missing"));
        }
        Ok(text)
    }
}

fn line(entry: &Kept) -> String {
    format!("{}\n", json!(entry))
}

impl ExportSignature {
    /// A signature with the key that made it.
    pub(crate) fn of(signature: &SignatureRow, key: &KeyRow) -> Self {
        use crate::domain::hex::hex;
        Self {
            purpose: signature.purpose,
            subject: signature.subject.clone(),
            hash: signature.hash.clone(),
            at: signature.at,
            key: key.id.to_string(),
            owner: key.owner.clone(),
            algorithm: key.algorithm,
            public_key: hex(&key.public_key),
            bytes: hex(&signature.bytes),
        }
    }
}

impl Services {
    pub(crate) fn notary(&self) -> Notary<'_> {
        Notary { db: &self.db, vault: &self.vault, ids: &self.ids, signing: Choice::Operators(self.config.signing) }
    }

    /// Seals the days that are over; how many. For the hourly tidying.
    pub async fn seal_audit_days(&self) -> Result<usize, Refusal> {
        self.notary().seal(self.clock.now()).await
    }

    /// Signs the heads of the logs; how many. For the hourly tidying.
    pub async fn checkpoint_audit(&self) -> Result<usize, Refusal> {
        self.notary().checkpoint(self.clock.now()).await
    }

    /// The sealed days of the institution, newest first, and whether the log is whole now.
    pub async fn audit_days(&self, act: AdministratorAct) -> Result<AuditDays, Refusal> {
        let mut tx = self.db.read().await?;
        let seals = tx.audit_days().all(act.institution).await?;
        let keys = tx.signatures().keys(act.institution).await?;
        let keys = keys.into_iter().filter(|key| key.owner == SignAs::Server.owner()).map(|key| ServerKey {
            algorithm: key.algorithm,
            fingerprint: fingerprint(&key.public_key),
            since: key.created_at,
            until: key.retired_at,
        });
        let keys: Vec<ServerKey> = keys.collect();
        let newest = keys.iter().rev().find(|key| key.until.is_none());
        let days = seals.into_iter().rev().map(|(seal, sealed_at)| AuditDayView {
            day: seal.day.to_string(),
            entries: seal.entries(),
            root: seal.root,
            sealed_at,
        });
        let fingerprint = newest.map(|key| key.fingerprint.clone());
        Ok(AuditDays { fingerprint, keys, days: days.collect() })
    }

    /// Reads the whole log again; that somebody asked is in it.
    pub async fn verify_audit(&self, act: AdministratorAct) -> Result<AuditVerdict, Refusal> {
        let mut tx = self.db.read().await?;
        let entries = tx.audit().head(act.institution).await?;
        let institution = tx.institutions().find(act.institution).await?.ok_or_else(Refusal::not_found)?;
        let log = self.notary().verify_one(&mut tx, institution).await?;
        drop(tx);
        let (entries, broken) = match log.found {
            Ok(read) => (read, None),
            Err(broken) => (entries, Some(broken.to_string())),
        };
        let mut work = self.begin().await?;
        let at = work.now;
        let who = act.account.to_string();
        work.audit(act.institution, &who, "audit.verify", &who).await?;
        work.commit().await?;
        Ok(AuditVerdict { entries, days: log.days, broken, at })
    }

    /// A sealed day as a file; that it was fetched is in the log of the day on which it was.
    pub async fn export_audit_day(&self, act: AdministratorAct, day: &str) -> Result<String, Refusal> {
        let day: Date = day.parse().map_err(|_| Refusal::not_found())?;
        let text = self.notary().export(act.institution, day).await?;
        let mut work = self.begin().await?;
        let (who, what) = (act.account.to_string(), format!("audit_day:{day}"));
        work.audit(act.institution, &who, "audit.export", &what).await?;
        work.commit().await?;
        Ok(text)
    }
}
