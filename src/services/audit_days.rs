//! The days of the audit log: sealed once they are over, verified whenever somebody asks, exported for whoever has no
//! access to the database.
//!
//! A [`Notary`] does it with a database and the operator's secret alone, so that a command can do it beside the server.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

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
use crate::services::audit_records::first_lost;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::signing::{Choice, SignAs, Signer, fingerprint, is_ours, signature_holds};
use crate::services::vault::Vault;
use crate::services::verifying::entry_line;
use crate::services::witness::{Testimony, Witness};
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
    /// Up to which entry the file beside the database names it, where that was asked and names it.
    pub witnessed_to: Option<i64>,
}

/// A day that is over for longer than this has its seal, where the log went on.
const LATE: Duration = Duration::from_hours(48);

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

    /// Verifies the logs of all institutions: the chains, the seals of the days, their signatures, the counts, and that what
    /// was signed is there.
    pub async fn verify(&self) -> Result<Vec<VerifiedLog>, Refusal> {
        self.verify_all(None).await
    }

    /// The same, compared with what the file beside the database says; and what that file is.
    pub async fn verify_beside(&self, witness: &Witness) -> Result<(Vec<VerifiedLog>, Testimony), Refusal> {
        let testimony = self.testimony(witness)?;
        Ok((self.verify_all(Some(&testimony)).await?, testimony))
    }

    async fn verify_all(&self, testimony: Option<&Testimony>) -> Result<Vec<VerifiedLog>, Refusal> {
        // One moment of the database, for the count belongs to the entries.
        let mut tx = self.db.read().await?;
        let mut logs = Vec::new();
        for institution in tx.institutions().all().await? {
            logs.push(self.verify_one(&mut tx, institution, testimony).await?);
        }
        Ok(logs)
    }

    /// Verifies the log of one institution.
    async fn verify_one(
        &self,
        tx: &mut Tx,
        institution: InstitutionRow,
        testimony: Option<&Testimony>,
    ) -> Result<VerifiedLog, Refusal> {
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
        let beside = testimony.map_or(Ok(()), |testimony| compare(testimony, id, &seals, &points));
        let named = testimony.map(|testimony| testimony.heads(id)).unwrap_or_default();
        let witnessed_to = named.last().map(|point| point.seq);
        let ours = keys.iter().filter(|key| is_ours(self.vault, key)).map(|key| (key.id, key.clone())).collect();
        let walked = self.walk(tx, id, seals, &signed, Watches { points, named, ours }).await?;
        let found = walked.and_then(|entries| covered.and(beside).map(|()| entries));
        Ok(VerifiedLog {
            institution: id,
            name: institution.name_en,
            found,
            days,
            fingerprint: last,
            sealed_by,
            signed_to,
            witnessed_to,
        })
    }

    async fn walk(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        seals: Vec<DaySeal>,
        signed: &DaySignatures,
        watches: Watches,
    ) -> Result<Result<i64, Break>, Refusal> {
        let Watches { points, named, ours } = watches;
        let (mut watch, mut beside) = (Watch::begin(points), Watch::begin(named));
        let spans: Vec<(Date, i64, i64)> = seals.iter().map(|seal| (seal.day, seal.first, seal.last)).collect();
        let day_at = |seq: i64| spans.iter().find(|(_, first, last)| (*first..=*last).contains(&seq)).map(|one| one.0);
        let witness = |broken: Break| Break { day: day_at(broken.seq), seq: broken.seq, what: What::Witness };
        let (mut first_at, mut newest_at) = (None, None);
        let mut verifier = match Verifier::begin(&institution.to_string(), seals, signed) {
            Ok(verifier) => verifier,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut last = i64::MIN;
        loop {
            let page = tx.audit().page(institution, last).await?;
            let Some(end) = page.last() else { break };
            last = end.seq;
            (first_at, newest_at) = (first_at.or_else(|| page.first().map(|entry| entry.at)), Some(end.at));
            let mut push = |entry: &Kept| {
                verifier.push(entry)?;
                watch.push(entry)?;
                beside.push(entry).map_err(witness)
            };
            if let Err(broken) = page.iter().try_for_each(&mut push) {
                return Ok(Err(broken));
            }
            if let Some((seq, what)) = first_lost(tx, institution, &ours, self.vault, &page).await? {
                return Ok(Err(Break { day: day_at(seq), seq, what }));
            }
        }
        let head = tx.audit().head(institution).await?;
        let ended = verifier.end(head).and_then(|entries| {
            watch.end(entries)?;
            beside.end(entries).map_err(witness)?;
            Ok(entries)
        });
        let (Ok(entries), Some(first_at), Some(newest_at)) = (&ended, first_at, newest_at) else { return Ok(ended) };
        let zone = zone_of(tx, institution).await?;
        let (open, from) = match spans.last() {
            Some((day, _, last)) => (day.tomorrow().ok(), last + 1),
            None => (day_of(&zone, first_at).map(|day| day.date), 1),
        };
        // By the log's own time: a server that stood still could not seal.
        let overdue = open.filter(|day| bounds(&zone, *day).is_some_and(|(_, end)| end + LATE < newest_at));
        Ok(match overdue {
            Some(day) => Err(Break { day: Some(day), seq: from.min(*entries), what: What::Unsealed }),
            None => ended,
        })
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
        let mut count = 0;
        while last < end {
            let page = tx.audit().page(institution, last).await?;
            let Some(newest) = page.last() else { break };
            last = newest.seq;
            for entry in page.iter().filter(|entry| entry.seq <= end) {
                text.push_str(&entry_line(entry));
                count += 1;
            }
        }
        if count != entries {
            return Err(Refusal::internal("entries of a sealed day are missing"));
        }
        Ok(text)
    }
}

/// What the entries of a log are compared with while they are read.
struct Watches {
    /// The heads that the database names.
    points: Vec<Checkpoint>,
    /// Those that the file beside it names.
    named: Vec<Checkpoint>,
    /// The keys that this server made.
    ours: HashMap<KeyId, KeyRow>,
}

/// Compares the seals and heads of a database with the file beside it.
fn compare(
    testimony: &Testimony,
    institution: InstitutionId,
    seals: &[DaySeal],
    points: &[Checkpoint],
) -> Result<(), Break> {
    if let Some(point) = points.last().filter(|_| !testimony.is_there) {
        return Err(Break { day: None, seq: point.seq, what: What::NoWitness });
    }
    testimony.other_day(institution, seals).map_or(Ok(()), Err)
}

fn contradicts(broken: &Break) -> Refusal {
    Refusal::new(ErrorCode::Internal, format!("the audit log: {broken}; nothing of it is signed"))
}

/// Where an institution stands.
async fn zone_of(tx: &mut Tx, institution: InstitutionId) -> Result<jiff::tz::TimeZone, Refusal> {
    let zone = tx.clinics().of(institution).await?.into_iter().next().map(|clinic| clinic.time_zone);
    Ok(zone_or_home(zone.as_deref().unwrap_or(HOME)))
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
        self.notary().seal_beside(self.clock.now(), &self.witness()).await
    }

    /// Signs the heads of the logs; how many. For the hourly tidying.
    pub async fn checkpoint_audit(&self) -> Result<usize, Refusal> {
        self.notary().checkpoint_beside(self.clock.now(), &self.witness()).await
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
        let notary = self.notary();
        let testimony = notary.testimony(&self.witness())?;
        let log = notary.verify_one(&mut tx, institution, Some(&testimony)).await?;
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
