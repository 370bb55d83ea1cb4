//! Whether the log is what was written: its chains, the seals of its days, its signed heads, and the file beside it.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::domain::audit::Kept;
use crate::domain::audit::checkpoint::{Checkpoint, Watch};
use crate::domain::audit::day::{Break, DaySeal, Signed, Verifier, What};
use crate::domain::date::{bounds, day_of};
use crate::domain::ids::{InstitutionId, KeyId};
use crate::domain::signature::{Algorithm, Purpose};
use crate::services::audit::records::first_lost;
use crate::services::audit::witness::{Testimony, Witness};
use crate::services::audit::{LATE, Notary, zone_of};
use crate::services::refusal::Refusal;
use crate::services::signing::{SignAs, fingerprint, is_ours, signature_holds};
use crate::store::{InstitutionRow, KeyRow, SignatureRow, Tx};

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

impl Notary<'_> {
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
    pub(super) async fn verify_one(
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
