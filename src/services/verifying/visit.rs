//! A sealed visit: the server's signature over every letter of it, and inside every signature of every person.

use sha2::{Digest as _, Sha256};

use super::Unproved;
use crate::domain::audit::Kept;
use crate::domain::audit::merkle::{Hash, is_included};
use crate::domain::hex::{hex, unhex};
use crate::domain::opinion::{Answer, Opined, Question};
use crate::domain::prescription::{Phase, hash_of as hash_of_prescription};
use crate::domain::signature::{Noted, Purpose, export_hash, export_subject, review_hash, review_subject};
use crate::protocol::prescription::{ReviewKept, ReviewVerdict};
use crate::protocol::proof::{
    ExportSignature, Included, SealedLine, SealedNote, SealedOpinion, SealedPrescription, SealedVersion, VisitExport,
};

/// What a file holds.
#[derive(Default)]
struct Counted {
    notes: usize,
    prescriptions: usize,
    opinions: usize,
    signatures: usize,
    entries: usize,
    proved: usize,
}

pub(super) fn verify(head: &str, rest: &str) -> Result<(String, ExportSignature), Unproved> {
    let export: VisitExport = serde_json::from_str(head).map_err(|_| Unproved::Unreadable { line: 1 })?;
    let canonical = serde_json::json!(export).to_string();
    if canonical != head {
        return Err(Unproved::Content("the first line".to_owned()));
    }
    let VisitExport { name, visit, hash, signature, .. } = export;
    let body = hex(&Sha256::digest(rest.as_bytes()));
    if hash != export_hash(&name, &visit, &body) {
        return Err(Unproved::Content("the first line, or what is behind it,".to_owned()));
    }
    if !signature.is_of_server_for(Purpose::Export, &export_subject(&visit), &hash) {
        return Err(Unproved::Signature);
    }
    let mut counted = Counted::default();
    for (text, number) in rest.lines().zip(2..) {
        let line = serde_json::from_str::<SealedLine>(text).map_err(|_| Unproved::Unreadable { line: number })?;
        match line {
            SealedLine::Note(note) => {
                let holds = note_holds(&visit, &note);
                counted.signatures += holds.ok_or_else(|| inside(format!("version {} of the record", note.number)))?;
                counted.notes += 1;
            }
            SealedLine::Prescription(sheet) => {
                let holds = prescription_holds(&sheet);
                counted.signatures += holds.ok_or_else(|| inside(format!("prescription {}", sheet.number)))?;
                counted.prescriptions += 1;
            }
            SealedLine::Opinion(opinion) => {
                let holds = opinion_holds(&visit, &opinion);
                counted.signatures += holds.ok_or_else(|| inside(format!("opinion {}", opinion.id)))?;
                counted.opinions += 1;
            }
            SealedLine::Audit { entry, proof } => {
                let is_proved = proof.as_ref().is_none_or(|proof| is_in_its_day(&entry, proof));
                if !entry.is_itself() || !is_proved {
                    return Err(inside(format!("entry {} of the audit", entry.seq)));
                }
                counted.entries += 1;
                counted.proved += usize::from(proof.is_some());
            }
        }
    }
    let Counted { notes, prescriptions, opinions, signatures, entries, proved } = counted;
    let what = format!(
        "authentic: {visit} of {name}: {notes} signed versions, {prescriptions} prescriptions, {opinions} opinions, \
         {signatures} signatures, {entries} entries of the audit, {proved} of them proved to be in sealed days"
    );
    Ok((what, signature))
}

fn inside(what: String) -> Unproved {
    Unproved::Content(what)
}

/// How many signatures a version of the record has, where all hold, one is its signer's, and it is what was hashed.
fn note_holds(visit: &str, note: &SealedNote) -> Option<usize> {
    let of = Noted {
        visit,
        number: note.number,
        content: &note.content,
        signed_by: &note.signed_by,
        signed_at: note.signed_at,
        reason: note.reason.as_deref(),
        previous_hash: &note.previous_hash,
    };
    // A signature of an earlier content is none of this one.
    let own: Vec<_> = note.signatures.iter().filter(|one| one.hash == note.hash).collect();
    let holds = own.iter().all(|one| one.holds_for(one.purpose, &note.id, &note.hash));
    let is_signed = own.iter().any(|one| one.purpose == Purpose::Note && one.owner == note.signed_by);
    (of.hash() == note.hash && holds && is_signed).then_some(own.len())
}

/// How many signatures a prescription has, where all hold, each version is signed by whoever it says, and its state is one
/// that those who have to sign have signed.
fn prescription_holds(sheet: &SealedPrescription) -> Option<usize> {
    let own = |version: &SealedVersion, purpose: Purpose| {
        let signed = sheet.signatures.iter().filter(move |one| one.hash == version.hash && one.purpose == purpose);
        signed.map(|one| one.owner.clone()).collect::<Vec<_>>()
    };
    let all = sheet.signatures.iter().all(|one| {
        let version = sheet.versions.iter().find(|version| version.hash == one.hash);
        version.is_some_and(|version| one.holds_for(one.purpose, &sheet.id, &version.hash))
    });
    let versions = sheet.versions.iter().all(|version| {
        let SealedVersion { version: number, content, report, answers, stated, hash, signed_by, .. } = version;
        let words = hash_of_prescription(&sheet.id, *number, content, report, answers, stated.as_deref());
        words == *hash && own(version, Purpose::Prescription).contains(signed_by)
    });
    let newest = sheet.versions.iter().find(|version| Some(&version.hash) == sheet.hash.as_ref());
    let second = sheet
        .countersigned_by
        .as_ref()
        .is_none_or(|second| newest.is_some_and(|version| own(version, Purpose::Countersignature).contains(second)));
    let is_sound = all && versions && second && review_holds(sheet);
    is_sound.then(|| sheet.signatures.len() + sheet.review_signatures.len())
}

/// Whether the pharmacist's word is what the pharmacist signed, and there where the state needs it.
fn review_holds(sheet: &SealedPrescription) -> bool {
    let subject = review_subject(&sheet.id);
    let all = sheet.review_signatures.iter().all(|one| one.holds_for(Purpose::Review, &subject, &one.hash));
    let is_dispensable = matches!(sheet.state, Phase::Approved | Phase::Dispensed);
    match (&sheet.hash, &sheet.review, &sheet.reviewed_by) {
        (Some(hash), Some(review), Some(by)) => {
            let signed = review_hash(hash, review);
            let kept = serde_json::from_str::<ReviewKept>(review);
            let says_yes = kept.is_ok_and(|kept| kept.verdict == ReviewVerdict::Approved);
            let mine = |one: &ExportSignature| one.hash == signed && one.owner == *by;
            all && sheet.review_signatures.iter().any(mine) && (says_yes || !is_dispensable)
        }
        _ => all && !is_dispensable,
    }
}

/// How many signatures an opinion has, where all hold and one is its doctor's.
fn opinion_holds(visit: &str, opinion: &SealedOpinion) -> Option<usize> {
    let question = Question { question: opinion.question.clone(), summary: opinion.summary.clone() };
    let answer = Answer { opinion: opinion.opinion.clone(), advice: opinion.advice.clone() };
    let of = Opined {
        id: &opinion.id,
        visit,
        asked_by: &opinion.asked_by,
        asked_at: opinion.asked_at,
        question: &question,
        answer: &answer,
        signed_by: &opinion.signed_by,
        signed_at: opinion.signed_at,
    };
    let holds = opinion.signatures.iter().all(|one| one.holds_for(Purpose::Opinion, &opinion.id, &opinion.hash));
    let own = opinion.signatures.iter().any(|one| one.owner == opinion.signed_by);
    (of.hash() == opinion.hash && holds && own).then_some(opinion.signatures.len())
}

fn is_in_its_day(entry: &Kept, proof: &Included) -> bool {
    let Included { seal, signature, path } = proof;
    let hashes = |text: &String| Hash::try_from(unhex(text)?).ok();
    let (root, path) = (hashes(&seal.root), path.iter().map(hashes).collect::<Option<Vec<_>>>());
    let number = |n: i64| usize::try_from(n).ok();
    let (Some(root), Some(path)) = (root, path) else { return false };
    let (Some(index), Some(count)) = (number(entry.seq - seal.first), number(seal.entries())) else { return false };
    is_included(&entry.leaf(), index, count, &path, &root)
        && signature.is_of_server_for(Purpose::AuditDay, &seal.subject(), &seal.hash())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::{Algorithm, signed_words};
    use crate::domain::time::Timestamp;
    use crate::services::signing::scheme;

    const DOCTOR: &str = "account_1";

    fn signature(owner: &str, purpose: Purpose, hash: &str) -> ExportSignature {
        let (scheme, seed, at) = (scheme(Algorithm::Ed25519), [7; 32], Timestamp::from_millis(2));
        let words = signed_words(purpose, "note_1", hash, "key_1", at);
        ExportSignature {
            purpose,
            subject: "note_1".to_owned(),
            hash: hash.to_owned(),
            at,
            key: "key_1".to_owned(),
            owner: owner.to_owned(),
            algorithm: Algorithm::Ed25519,
            public_key: hex(&scheme.public_key(&seed).unwrap()),
            bytes: hex(&scheme.sign(&seed, words.as_bytes()).unwrap()),
        }
    }

    #[test]
    fn a_version_of_the_record_is_signed_by_its_signer_or_is_not_authentic() {
        let (at, content) = (Timestamp::from_millis(1), "{}");
        let of = Noted {
            visit: "visit_1",
            number: 1,
            content,
            signed_by: DOCTOR,
            signed_at: at,
            reason: None,
            previous_hash: "",
        };
        let hash = of.hash();
        let note = |signatures: Vec<ExportSignature>| SealedNote {
            id: "note_1".to_owned(),
            number: 1,
            content: content.to_owned(),
            hash: hash.clone(),
            previous_hash: String::new(),
            signed_by: DOCTOR.to_owned(),
            signed_at: at,
            reason: None,
            signatures,
        };
        let holds = |signatures| note_holds("visit_1", &note(signatures));
        let own = || signature(DOCTOR, Purpose::Note, &hash);
        assert_eq!(holds(vec![own()]), Some(1));
        assert_eq!(holds(Vec::new()), None, "its hash alone is anybody's");
        assert_eq!(holds(vec![signature("account_2", Purpose::Note, &hash)]), None);
        assert_eq!(holds(vec![signature(DOCTOR, Purpose::Confirmation, &hash)]), None);
        assert_eq!(holds(vec![signature(DOCTOR, Purpose::Note, "aa")]), None, "of another content");
        assert_eq!(holds(vec![own(), ExportSignature { bytes: "00".repeat(64), ..own() }]), None);
    }
}
