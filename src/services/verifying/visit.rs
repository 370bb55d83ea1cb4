//! A sealed visit: the server's signature over every letter of it, and inside every signature of every person.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::Unproved;
use crate::domain::audit::Kept;
use crate::domain::audit::merkle::{Hash, is_included};
use crate::domain::herb::gate::Report;
use crate::domain::hex::{hex, unhex};
use crate::domain::opinion::{Answer, Opined, Question};
use crate::domain::prescription::{Signed, face_in, identity_in, lacks};
use crate::domain::signature::{Noted, Purpose, export_hash, export_subject, patient_in, review_hash, review_subject};
use crate::protocol::prescription::{ReviewKept, ReviewVerdict};
use crate::protocol::proof::ExportSignature;
use crate::protocol::sealed::{
    Included, SealedLine, SealedNote, SealedOpinion, SealedOutcome, SealedPrescription, SealedVersion, VisitExport,
};
use crate::services::verifying::outcome::{Ending, words};

/// What a file holds.
#[derive(Default)]
struct Counted {
    notes: usize,
    prescriptions: usize,
    opinions: usize,
    signatures: usize,
    entries: usize,
    proved: usize,
    /// Whose visit it is, by the words of all that says so.
    whose: BTreeSet<String>,
    outcome: Option<SealedOutcome>,
    ending: Ending,
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
    Ok((format!("authentic: {}", contents(&visit, &name, rest)?), signature))
}

/// What is inside of the file of a visit, in words, where all of it is what its people signed.
pub(crate) fn contents(visit: &str, name: &str, rest: &str) -> Result<String, Unproved> {
    let mut counted = Counted::default();
    for (text, number) in rest.lines().zip(2..) {
        let line = serde_json::from_str::<SealedLine>(text).map_err(|_| Unproved::Unreadable { line: number })?;
        match line {
            SealedLine::Note(note) => {
                let holds = note_holds(visit, &note);
                counted.signatures += holds.ok_or_else(|| inside(format!("version {} of the record", note.number)))?;
                counted.notes += 1;
                counted.whose.extend(note.identity);
            }
            SealedLine::Prescription(sheet) => {
                let holds = prescription_holds(&sheet);
                counted.signatures += holds.ok_or_else(|| inside(format!("prescription {}", sheet.number)))?;
                counted.prescriptions += 1;
                let said = sheet.versions.iter().filter_map(|version| identity_in(version.stated.as_deref()));
                counted.whose.extend(said);
            }
            SealedLine::Opinion(opinion) => {
                let holds = opinion_holds(visit, &opinion);
                counted.signatures += holds.ok_or_else(|| inside(format!("opinion {}", opinion.id)))?;
                counted.opinions += 1;
                counted.whose.extend(opinion.identity);
            }
            SealedLine::Outcome(outcome) => {
                if counted.outcome.replace(outcome).is_some() {
                    return Err(inside("how the visit ends".to_owned()));
                }
            }
            SealedLine::Audit { entry, proof } => {
                let is_proved = proof.as_ref().is_none_or(|proof| is_in_its_day(&entry, proof));
                if !entry.is_itself() || !is_proved {
                    return Err(inside(format!("entry {} of the audit", entry.seq)));
                }
                counted.entries += 1;
                counted.whose.extend(confirmed(&entry));
                counted.ending.hear(visit, &entry);
                counted.proved += usize::from(proof.is_some());
            }
        }
    }
    let Counted { notes, prescriptions, opinions, mut signatures, entries, proved, whose, outcome, ending } = counted;
    if whose.len() > 1 {
        return Err(inside("of whom the visit is".to_owned()));
    }
    let mut end = String::new();
    if let Some(outcome) = outcome {
        let holds = ending.holds(visit, &outcome);
        signatures += holds.ok_or_else(|| inside("how the visit ends".to_owned()))?;
        end = format!("; {}", words(&outcome));
    }
    let visit = whose.first().map_or_else(|| visit.to_owned(), |one| format!("{visit} of {}", patient_in(one)));
    Ok(format!(
        "{visit} of {name}: {notes} signed versions, {prescriptions} prescriptions, {opinions} opinions, \
         {signatures} signatures, {entries} entries of the audit, {proved} of them proved to be in sealed days{end}"
    ))
}

/// Whose visit it is by an entry that says that the doctor has compared it.
pub(crate) fn confirmed(entry: &Kept) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).ok()?;
    let is = entry.action == "visit.identity_confirmed";
    detail["identity"].as_str().filter(|_| is).map(str::to_owned)
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
        identity: note.identity.as_deref(),
    };
    // A signature of an earlier content is none of this one.
    let own: Vec<_> = note.signatures.iter().filter(|one| one.hash == note.hash).collect();
    let holds = own.iter().all(|one| one.holds_for(one.purpose, &note.id, &note.hash));
    let is_signed = own.iter().any(|one| one.purpose == Purpose::Note && one.owner == note.signed_by);
    (of.hash() == note.hash && holds && is_signed).then_some(own.len())
}

/// How many signatures a prescription has, where all hold, each version is signed by whoever has to, and its state is one
/// that those who have to sign have signed.
fn prescription_holds(sheet: &SealedPrescription) -> Option<usize> {
    let all = sheet.signatures.iter().all(|one| {
        let version = sheet.versions.iter().find(|version| version.hash == one.hash);
        version.is_some_and(|version| one.holds_for(one.purpose, &sheet.id, &version.hash))
    });
    let versions = sheet.versions.iter().all(|version| version_holds(sheet, version));
    let is_there = |hash: &String| sheet.versions.iter().any(|version| version.hash == *hash);
    // Whoever signed beside the doctor signed something that is there.
    let is_beside = sheet.countersigned_by.is_none() || sheet.hash.as_ref().is_some_and(is_there);
    let is_sound = all && versions && is_beside && review_holds(sheet);
    is_sound.then(|| sheet.signatures.len() + sheet.review_signatures.len())
}

/// Whether a version is what was hashed, and signed by whoever its report wants, each with the own key.
fn version_holds(sheet: &SealedPrescription, version: &SealedVersion) -> bool {
    let SealedVersion { version: number, content, report, answers, stated, hash, signed_by, .. } = version;
    let words = Signed { id: &sheet.id, version: *number, content, report, answers, stated: stated.as_deref() };
    let has = |purpose: Purpose, owner: &str| {
        let mut own = sheet.signatures.iter().filter(|one| one.hash == *hash && one.owner == owner);
        own.any(|one| one.purpose == purpose)
    };
    let by_doctor = [Purpose::Prescription, Purpose::Confirmation].into_iter();
    let mut purposes: Vec<Purpose> = by_doctor.filter(|purpose| has(*purpose, signed_by)).collect();
    let is_newest = sheet.hash.as_ref() == Some(hash);
    let second = sheet.countersigned_by.as_ref().filter(|_| is_newest);
    let is_second = second.is_none_or(|second| second != signed_by && has(Purpose::Countersignature, second));
    purposes.extend(second.map(|_| Purpose::Countersignature));
    let is_whole = serde_json::from_str::<Report>(report).is_ok_and(|report| match lacks(&report, &purposes) {
        None => true,
        // Until it is approved it waits for the second doctor.
        Some(Purpose::Countersignature) => !(is_newest && is_approved(sheet)),
        Some(_) => false,
    });
    // What stands on the paper beside the words is what was signed with them.
    let is_faced = face_in(stated.as_deref())
        .is_none_or(|face| face.number == sheet.number && (!is_newest || face.basis == sheet.legal_basis));
    words.hash() == *hash && is_second && is_whole && is_faced
}

/// Whether a pharmacist has approved it, whatever came after.
fn is_approved(sheet: &SealedPrescription) -> bool {
    let says_yes = |review: &String| {
        serde_json::from_str::<ReviewKept>(review).is_ok_and(|kept| kept.verdict == ReviewVerdict::Approved)
    };
    sheet.state.is_approved() || sheet.review.as_ref().is_some_and(says_yes)
}

/// Whether the pharmacist's word is what the pharmacist signed, and there where the state needs it.
fn review_holds(sheet: &SealedPrescription) -> bool {
    let subject = review_subject(&sheet.id);
    let all = sheet.review_signatures.iter().all(|one| one.holds_for(Purpose::Review, &subject, &one.hash));
    let is_dispensable = sheet.state.is_approved();
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
        identity: opinion.identity.as_deref(),
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::prescription::Phase;
    use crate::domain::time::Timestamp;
    use crate::protocol::sealed::VISIT_FORMAT;
    use crate::services::verifying::samples::signature_of;

    const DOCTOR: &str = "account_1";

    fn signature(owner: &str, purpose: Purpose, hash: &str) -> ExportSignature {
        signature_of("note_1", owner, purpose, hash)
    }

    #[test]
    fn a_sealed_file_of_before_outcomes_were_in_it_still_verifies_and_none_has_two() {
        let file = |outcomes: usize| {
            let none = SealedLine::Outcome(SealedOutcome {
                outcome: None,
                words: None,
                reason: None,
                hash: None,
                signed_by: None,
                signatures: Vec::new(),
            });
            let body = format!("{}\n", serde_json::json!(none)).repeat(outcomes);
            let hash = export_hash("Demo", "visit_1", &hex(&Sha256::digest(body.as_bytes())));
            let signature = signature_of(&export_subject("visit_1"), "server", Purpose::Export, &hash);
            let (format, name) = (VISIT_FORMAT.to_owned(), "Demo".to_owned());
            let head = VisitExport { format, name, visit: "visit_1".to_owned(), hash, signature };
            verify(&serde_json::json!(head).to_string(), &body).map(|(what, _)| what)
        };
        let (before, now) = (file(0).unwrap(), file(1).unwrap());
        assert!(!before.contains("outcome") && now.ends_with("; no outcome"), "{before} / {now}");
        assert!(file(2).is_err());
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
            identity: None,
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
            identity: None,
            signatures,
        };
        let holds = |signatures| note_holds("visit_1", &note(signatures));
        let own = || signature(DOCTOR, Purpose::Note, &hash);
        assert_eq!(holds(vec![own()]), Some(1));
        // A file of before that was asked has no such words, and a word that was put in is found.
        let text = serde_json::to_string(&note(vec![own()])).unwrap();
        assert!(!text.contains("identity"));
        let put_in = text.replacen('{', r#"{"identity":"patient_1:aa","#, 1);
        assert_eq!(note_holds("visit_1", &serde_json::from_str(&text).unwrap()), Some(1));
        assert_eq!(note_holds("visit_1", &serde_json::from_str(&put_in).unwrap()), None);
        assert_eq!(holds(Vec::new()), None, "its hash alone is anybody's");
        assert_eq!(holds(vec![signature("account_2", Purpose::Note, &hash)]), None);
        assert_eq!(holds(vec![signature(DOCTOR, Purpose::Confirmation, &hash)]), None);
        assert_eq!(holds(vec![signature(DOCTOR, Purpose::Note, "aa")]), None, "of another content");
        assert_eq!(holds(vec![own(), ExportSignature { bytes: "00".repeat(64), ..own() }]), None);
    }
    const RX: &str = "prescription_1";
    const SECOND: &str = "account_2";
    const PHARMACIST: &str = "account_3";

    /// An approved sheet whose findings want these, with these signatures of its doctors.
    fn sheet(needs: &[&str], by: &[(Purpose, &str)], countersigned_by: Option<&str>) -> SealedPrescription {
        let said = serde_json::json!({ "zh": "甲", "en": "a" });
        let finding = |needs: &&str| {
            serde_json::json!({ "key": needs, "rule": "R", "lines": [], "severity": "warn", "needs": needs,
                                "fact": said, "source": said, "edition": "1" })
        };
        let findings: Vec<_> = needs.iter().map(finding).collect();
        let report = serde_json::json!({ "findings": findings, "passed": [], "data_version": "1",
                                         "data_status": "draft" })
        .to_string();
        let words = Signed { id: RX, version: 1, content: "{}", report: &report, answers: "{}", stated: Some("{}") };
        let hash = words.hash();
        let kept = ReviewKept { verdict: ReviewVerdict::Approved, items: BTreeSet::new(), reason: String::new() };
        let review = serde_json::json!(kept).to_string();
        let reviewed = review_hash(&hash, &review);
        let at = Timestamp::from_millis(1);
        SealedPrescription {
            id: RX.to_owned(),
            number: "R1".to_owned(),
            state: Phase::Approved,
            hash: Some(hash.clone()),
            legal_basis: "return_visit".to_owned(),
            versions: vec![SealedVersion {
                version: 1,
                content: "{}".to_owned(),
                report: report.clone(),
                answers: "{}".to_owned(),
                stated: Some("{}".to_owned()),
                hash: hash.clone(),
                signed_by: DOCTOR.to_owned(),
                signed_at: at,
            }],
            countersigned_by: countersigned_by.map(str::to_owned),
            countersigned_at: None,
            reviewed_by: Some(PHARMACIST.to_owned()),
            reviewed_at: Some(at),
            review: Some(review),
            dispensed_by: None,
            dispensed_at: None,
            stop_reason: None,
            signatures: by.iter().map(|(purpose, owner)| signature_of(RX, owner, *purpose, &hash)).collect(),
            review_signatures: vec![signature_of(&review_subject(RX), PHARMACIST, Purpose::Review, &reviewed)],
        }
    }

    /// What the report needs, who signed, who is said to be the second, and how many signatures count.
    type Row<'a> = (&'a [&'a str], &'a [(Purpose, &'a str)], Option<&'a str>, Option<usize>);

    #[test]
    fn an_approved_sheet_without_a_signature_that_its_report_wants_is_not_authentic() {
        let (own, again, beside) = (Purpose::Prescription, Purpose::Confirmation, Purpose::Countersignature);
        let table: [Row; 9] = [
            (&[], &[(own, DOCTOR)], None, Some(2)),
            (&[], &[(own, SECOND)], None, None),
            (&["confirm"], &[(own, DOCTOR)], None, None),
            (&["confirm"], &[(own, DOCTOR), (again, SECOND)], None, None),
            (&["confirm"], &[(own, DOCTOR), (again, DOCTOR)], None, Some(3)),
            (&["second_doctor"], &[(own, DOCTOR)], None, None),
            (&["second_doctor"], &[(own, DOCTOR)], Some(SECOND), None),
            (&["second_doctor"], &[(own, DOCTOR), (beside, DOCTOR)], Some(DOCTOR), None),
            (&["second_doctor"], &[(own, DOCTOR), (beside, SECOND)], Some(SECOND), Some(3)),
        ];
        for (needs, by, second, counted) in table {
            assert_eq!(prescription_holds(&sheet(needs, by, second)), counted, "{needs:?} {by:?} {second:?}");
        }
        // Whoever takes it back out of the state does not take back the approval.
        let stopped = SealedPrescription { state: Phase::Stopped, ..sheet(&["second_doctor"], &[(own, DOCTOR)], None) };
        assert_eq!(prescription_holds(&stopped), None);
        let (review, review_signatures) = (None, Vec::new());
        let waiting =
            SealedPrescription { state: Phase::Signed, review, reviewed_by: None, review_signatures, ..stopped };
        assert_eq!(prescription_holds(&waiting), Some(1), "it waits for the second doctor");
    }
}
