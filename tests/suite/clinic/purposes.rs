//! Every read of something clinical is in the audit with its purpose, operation by operation of the API document.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yunzhen::domain::access::ReadPurpose;

use super::audits::entries;
use super::opinions;
use super::pictures::png;
use super::prescriptions::{approval, claim, pharmacy, signed};
use super::proofs::sign;
use super::stage::{Stage, Visit};
use super::tongue::{begin, put};

/// What shows something clinical of a patient: operation, who reads, the audit's action and purpose.
const CLINICAL: [(&str, &str, &str, &str); 25] = [
    ("/adverse-events/{id}", "admin", "adverse.read", "safety"),
    ("/attachments/{id}", "doctor", "picture.read", "treatment"),
    ("/attachments/{id}", "patient", "picture.read", "own"),
    ("/case-reports/{id}", "doctor", "report.read", "reporting"),
    ("/desks/mine", "doctor", "patient.read", "treatment"),
    ("/desks/{id}", "doctor", "patient.read", "treatment"),
    ("/me/prescriptions", "patient", "rx.read_own", "own"),
    ("/me/visits", "patient", "visit.read_own", "own"),
    ("/opinions/{id}", "doctor", "opinion.read", "treatment"),
    ("/opinions/{id}", "doctor2", "opinion.read", "consultation"),
    ("/opinions/{id}/document", "patient", "document.read_own", "own"),
    ("/pharmacy/warned", "pharmacist", "rx.read", "review"),
    ("/prescriptions/to-countersign", "doctor2", "rx.read", "countersign"),
    ("/prescriptions/{id}/countersign", "doctor2", "rx.read", "countersign"),
    ("/prescriptions/{id}/document", "pharmacist", "document.read", "review"),
    ("/recordings", "doctor", "recording.list", "treatment"),
    ("/visits/mine", "doctor", "visit.list", "treatment"),
    ("/visits/{id}", "doctor", "visit.read", "continuity"),
    ("/visits/{id}/documents/record", "doctor", "document.read", "treatment"),
    ("/visits/{id}/documents/record", "patient", "document.read_own", "own"),
    ("/visits/{id}/documents/referral", "doctor", "document.read", "treatment"),
    ("/visits/{id}/messages", "doctor", "conversation.read", "treatment"),
    ("/visits/{id}/note/versions/{version}", "doctor", "note.version_read", "own_work"),
    ("/visits/{id}/prescriptions", "doctor", "rx.read", "treatment"),
    ("/visits/{id}/recordings", "doctor", "recording.list", "treatment"),
];

/// What shows nothing clinical, and why.
const PLAIN: [(&str, &[&str]); 6] = [
    (
        "the hospital's own",
        &[
            "/appointments/affected",
            "/audit/days",
            "/audit/days/{day}/export",
            "/auth/me",
            "/auth/second-factor",
            "/auth/sessions",
            "/clinics",
            "/consents",
            "/doctors",
            "/formula-templates",
            "/formulas",
            "/herbs",
            "/links/{link}",
            "/questionnaires/{version}",
            "/retention",
            "/rosters",
            "/slots",
            "/staff",
            "/templates",
            "/terms",
            "/terms/form",
            "/verify/{token}",
        ],
    ),
    (
        "places and times of a booking or a number",
        &[
            "/appointments",
            "/appointments/{id}",
            "/appointments/{id}/calendar-link",
            "/appointments/{id}/calendar.ics",
            "/calendar/{token}",
            "/clinics/{id}/appointments",
            "/clinics/{id}/queue-days/{day}",
            "/tickets/current",
            "/tickets/{id}",
            "/tickets/{id}/receipt",
            "/wishes",
        ],
    ),
    (
        "the patient's own form while it is filled in, names and consents",
        &["/declarations/{id}", "/patients", "/patients/{id}/consents", "/uploads/{id}"],
    ),
    (
        "who read, who signed, who is invited: about records, nothing of them",
        &[
            "/access-reviews",
            "/me/visits/{id}/readers",
            "/visits/{id}/documents",
            "/visits/{id}/invitations",
            "/visits/{id}/note/versions",
            "/visits/{id}/opinions",
            "/visits/{id}/readers",
        ],
    ),
    (
        "work that is called out, by masked names; whoever takes it is in the audit then",
        &[
            "/adverse-events",
            "/alarms",
            "/amendments",
            "/case-reports",
            "/clinics/{id}/board",
            "/opinions",
            "/pharmacy/queue",
        ],
    ),
    ("read in tests of their own", &["/amendments/{id}", "/desks/{id}/phone", "/recordings/{id}/media"]),
];

/// A finished visit with one of everything: the visit, the picture, the prescription.
async fn finished(stage: &Stage) -> (Visit, String, Value) {
    let visit = stage.visit_of(1, json!({})).await;
    let line = json!({ "id": "0190a0a0-0000-7000-8000-000000000001", "text": "您好" });
    stage.post(&format!("/visits/{}/messages", visit.id), &visit.patient, line).await.ok();
    let picture = "0190a0a0-0000-7000-8000-0000000000ca";
    let bytes = png(&[(b"IDAT", &[7; 400])]);
    begin(stage, &visit, picture, &bytes).await;
    put(stage, picture, &visit.patient, 0, &bytes).await.ok();
    stage.act(&format!("/uploads/{picture}/finish"), &visit.patient).await.ok();
    sign(stage, &visit, 0, "感冒", None).await;
    let rx = signed(stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(stage, &pharmacist, &rx).await.ok();
    pharmacy(stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    (visit, picture.to_owned(), rx)
}

#[test]
fn every_operation_that_reads_is_known_as_clinical_or_as_plain() {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let reads = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object());
    let reads: BTreeSet<&str> = reads.map(|(path, _)| path.trim_start_matches("/api/v1")).collect();
    let clinical: BTreeSet<&str> = CLINICAL.iter().map(|one| one.0).collect();
    let plain: BTreeSet<&str> = PLAIN.iter().flat_map(|(_, paths)| paths.iter().copied()).collect();
    assert!(clinical.is_disjoint(&plain));
    let known: BTreeSet<&str> = clinical.union(&plain).copied().collect();
    assert_eq!(reads, known, "a new operation is either audited with a purpose, or shows nothing clinical");
    let purposes: BTreeSet<&str> = ReadPurpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
    assert!(CLINICAL.iter().all(|one| purposes.contains(one.3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_of_something_clinical_is_in_the_audit_with_its_purpose() {
    let stage = Stage::open().await;
    let (visit, picture, rx) = finished(&stage).await;
    // A desk hands its patient over at the call; the second one is called after the first has gone.
    let handed = entries(&stage, "patient.read").await;
    assert!(!handed.is_empty() && handed.iter().all(|entry| entry.2.as_deref() == Some("treatment")), "{handed:?}");
    stage
        .post(
            &format!("/visits/{}/outcome", visit.id),
            &visit.doctor,
            json!({ "outcome": "go_to_hospital", "reason": "需面诊" }),
        )
        .await
        .ok();
    // Opposing herbs, which a second doctor is asked to sign.
    let aconite = json!({ "written": "黑顺片", "mg": 9000, "method": "first" });
    let lines = [aconite, json!({ "written": "法半夏", "mg": 9000 })];
    let herbal = json!({ "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200,
                         "timing": "after_meal" });
    let path = format!("/visits/{}/prescriptions", visit.id);
    let two = stage.post(&path, &visit.doctor, json!({ "content": { "herbal": herbal } })).await.ok();
    let open = two["report"]["findings"].as_array().unwrap().iter().filter(|finding| finding["needs"] != "nothing");
    let answers: serde_json::Map<String, Value> =
        open.map(|finding| (finding["key"].as_str().unwrap().to_owned(), json!("病情需要"))).collect();
    let sign = json!({ "version": two["version"], "answers": answers, "confirm": true });
    stage.post(&format!("/prescriptions/{}/sign", two["id"].as_str().unwrap()), &visit.doctor, sign).await.ok();
    let second = stage.staff("doctor2").await;
    let opinion = opinions::ask(&stage, &visit, &second).await;
    opinions::answer(&stage, &opinion, &second).await;
    let by_hand = json!({ "reason": "接触史可疑" });
    let report = stage.post(&format!("/visits/{}/case-report", visit.id), &visit.doctor, by_hand).await.ok();
    let adverse = json!({ "kind": "other", "is_serious": false, "happened_at": stage.clock.now().as_millis(),
                          "words": "皮疹", "measures": "停药" });
    let adverse = stage.post(&format!("/visits/{}/adverse-events", visit.id), &second, adverse).await.ok();
    let admin = stage.staff("admin").await;
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    // The desk calls the next, and shows a declaration again.
    stage.patient_waiting(5, json!({})).await;
    stage.act(&format!("/desks/{}/call-next", visit.desk), &visit.doctor).await.ok();
    let pharmacist = stage.staff("pharmacist").await;
    let known: BTreeSet<&str> = ReadPurpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
    for (template, reader, action, purpose) in CLINICAL {
        let id = match template.split('/').nth(1).unwrap() {
            "adverse-events" => adverse["id"].as_str().unwrap(),
            "attachments" => picture.as_str(),
            "case-reports" => report["id"].as_str().unwrap(),
            "desks" => visit.desk.as_str(),
            "opinions" => opinion.as_str(),
            "prescriptions" if purpose == "countersign" => two["id"].as_str().unwrap_or_default(),
            "prescriptions" => rx["id"].as_str().unwrap(),
            _ => visit.id.as_str(),
        };
        let token = match reader {
            "doctor" => &visit.doctor,
            "doctor2" => &second,
            "pharmacist" => &pharmacist,
            "admin" => &admin,
            _ => &visit.patient,
        };
        let mut path = template.replace("{id}", id).replace("{version}", "1");
        if purpose == "continuity" {
            path.push_str("?purpose=continuity");
        }
        let before = entries(&stage, action).await.len();
        let answer = stage.get(&path, token).await;
        if answer.refusal() == (503, "document.no_font") {
            eprintln!("SKIPPED: {template}: this machine has no font with Chinese letters");
            continue;
        }
        assert_eq!(answer.status, 200, "{path} for {reader}: {}", answer.body);
        let entries = entries(&stage, action).await;
        // A declaration at a desk is written down at the call, once, and not at every look.
        let since = if action == "patient.read" { 0 } else { before };
        let read = &entries[since..];
        assert!(!read.is_empty(), "{path} for {reader} left no {action}");
        assert!(read.iter().any(|entry| entry.2.as_deref() == Some(purpose)), "{path}: {read:?}");
        assert!(read.iter().all(|entry| entry.2.as_deref().is_some_and(|purpose| known.contains(purpose))), "{read:?}");
    }
    let count = entries(&stage, "patient.read").await.len();
    assert_eq!(count, handed.len() + 1, "once a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_number_is_read_with_a_purpose() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    stage.get(&format!("/desks/{}/phone", visit.desk), &visit.doctor).await.ok();
    assert_eq!(entries(&stage, "patient.phone_read").await[0].2.as_deref(), Some("treatment"));
}
