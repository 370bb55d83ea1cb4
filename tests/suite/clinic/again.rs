//! A record that leaves by the answer of a command leaves a line in the audit, the first time and every time after it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::audits::entries;
use super::prescriptions::{approval, herbal, line, returning, signed};
use super::stage::{Answer, Stage, nothing};

/// What a command's answer may hold that is a record of somebody.
const RECORDS: [&str; 4] = ["NoteContent", "PrescriptionView", "CurrentPatient", "ReviewSheet"];

/// Every command whose answer holds one.
const ANSWERS: [(&str, &[&str]); 4] = [
    (
        "patient.read",
        &[
            "post /desks/{id}/call-next",
            "post /desks/{id}/cancel-call",
            "post /desks/{id}/close",
            "post /desks/{id}/confirm",
            "post /desks/{id}/end-ring",
            "post /desks/{id}/open",
            "post /desks/{id}/pause",
            "post /desks/{id}/put-back",
            "post /desks/{id}/recall",
            "post /desks/{id}/resume",
            "post /desks/{id}/ring",
            "post /desks/{id}/skip",
            "post /desks/{id}/transfer",
            "post /desks/{id}/wrong-person",
            "post /visits/{id}/end",
        ],
    ),
    (
        "rx.read",
        &[
            "post /pharmacy/{id}/approve",
            "post /pharmacy/{id}/claim",
            "post /pharmacy/{id}/dispense",
            "post /pharmacy/{id}/refuse",
            "post /pharmacy/{id}/return",
            "post /prescriptions/{id}/countersign",
            "post /prescriptions/{id}/decline",
            "post /prescriptions/{id}/sign",
            "post /prescriptions/{id}/stop",
            "post /visits/{id}/prescriptions",
            "put /prescriptions/{id}",
            "put /visits/{id}/basis",
        ],
    ),
    (
        "visit.read",
        &[
            "post /templates/{id}/insert",
            "post /visits/{id}/note/merge",
            "post /visits/{id}/outcome",
            "post /visits/{id}/sign",
            "put /visits/{id}/note",
        ],
    ),
    ("visit.break_glass", &["post /visits/{id}/break-glass"]),
];

/// The schemas that are named below a part of the document.
fn named<'a>(document: &'a Value, part: &'a Value, found: &mut BTreeSet<&'a str>) {
    match part {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(|name| name.as_str()?.rsplit('/').next())
                && found.insert(name)
            {
                named(document, &document["components"]["schemas"][name], found);
            }
            for field in fields.values() {
                named(document, field, found);
            }
        }
        Value::Array(parts) => {
            for part in parts {
                named(document, part, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_command_whose_answer_holds_a_record_is_known() {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let mut holding = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "get") {
            let mut found = BTreeSet::new();
            named(&document, &operation["responses"]["200"], &mut found);
            if RECORDS.iter().any(|record| found.contains(record)) {
                holding.insert(format!("{method} {}", path.trim_start_matches("/api/v1")));
            }
        }
    }
    let known: BTreeSet<String> =
        ANSWERS.iter().flat_map(|(_, paths)| paths.iter().map(|&path| path.to_owned())).collect();
    assert_eq!(holding, known, "a new command that answers by a record leaves a line whenever it is repeated");
}

/// A stage, and the commands that were repeated on it.
struct Repeated {
    stage: Stage,
    told: BTreeSet<String>,
}

impl Repeated {
    /// Sends a command twice with one key: the answer is the same, and the second time leaves a line.
    async fn twice(&mut self, template: &str, id: &str, token: &str, body: Option<Value>) -> Value {
        let (method, path) = template.split_once(' ').unwrap();
        let (method, path): (Method, _) = (method.to_uppercase().parse().unwrap(), path.replace("{id}", id));
        let action = ANSWERS.iter().find(|(_, known)| known.contains(&template)).unwrap().0;
        let key = format!("again-{}", self.told.len());
        let send = async || self.stage.send(method.clone(), &path, token, body.clone(), Some(&key)).await;
        let first = send().await.ok();
        let before = entries(&self.stage, action).await.len();
        let again: Answer = send().await;
        assert_eq!(again.ok(), first, "{template}");
        let after = entries(&self.stage, action).await;
        assert_eq!(after.len(), before + 1, "{template} left no {action} when it was repeated");
        assert!(after.last().unwrap().2.is_some(), "{template}: for which purpose");
        self.told.insert(template.to_owned());
        first
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_repeated_shows_the_record_again_and_leaves_a_line() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, _) = stage.patient_waiting(1, nothing()).await;
    let (second, pharmacist) = (stage.staff("doctor2").await, stage.staff("pharmacist").await);
    let mut all = Repeated { stage, told: BTreeSet::new() };
    let view = all.twice("post /desks/{id}/call-next", &desk, &doctor, None).await;
    let ticket = view["current"]["ticket"].as_str().unwrap().to_owned();
    let version = json!({ "version": view["current"]["version"] });
    let view = all.twice("post /desks/{id}/recall", &desk, &doctor, Some(version)).await;
    let version = json!({ "version": view["current"]["version"] });
    let accepted = all.stage.post(&format!("/tickets/{ticket}/accept"), &patient, version).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = all.twice("post /desks/{id}/confirm", &desk, &doctor, Some(version)).await;
    let visit = view["current"]["visit"].as_str().unwrap().to_owned();
    all.twice("post /desks/{id}/pause", &desk, &doctor, Some(json!({ "minutes": null }))).await;
    all.twice("post /desks/{id}/resume", &desk, &doctor, None).await;

    let content = json!({ "complaint": "发热2天，咳嗽", "diagnosis": "感冒", "advice": "多饮水" });
    let note = json!({ "version": 0, "content": content });
    all.twice("put /visits/{id}/note", &visit, &doctor, Some(note)).await;
    let template = json!({ "name": "感冒医嘱", "field": "advice", "body": "注意休息" });
    let made = all.stage.post("/templates", &doctor, template).await.ok();
    let made = made.as_array().unwrap().iter().find(|one| one["name"] == "感冒医嘱").unwrap()["id"].clone();
    let insert = json!({ "visit": visit, "version": 1 });
    all.twice("post /templates/{id}/insert", made.as_str().unwrap(), &doctor, Some(insert)).await;
    all.twice("post /visits/{id}/outcome", &visit, &doctor, Some(json!({ "outcome": "home_care" }))).await;
    all.twice("post /visits/{id}/sign", &visit, &doctor, Some(json!({ "version": 2 }))).await;

    all.twice("put /visits/{id}/basis", &visit, &doctor, Some(returning())).await;
    let sheet = herbal(&[line("茯苓", 15_000)]);
    let begin = json!({ "content": sheet });
    let rx = all.twice("post /visits/{id}/prescriptions", &visit, &doctor, Some(begin)).await;
    let id = rx["id"].as_str().unwrap().to_owned();
    let rx = all.twice("put /prescriptions/{id}", &id, &doctor, Some(json!({ "version": 1, "content": sheet }))).await;
    let sign = json!({ "version": rx["version"], "answers": {} });
    let rx = all.twice("post /prescriptions/{id}/sign", &id, &doctor, Some(sign)).await;
    all.twice("post /pharmacy/{id}/claim", &id, &pharmacist, None).await;
    all.twice("post /pharmacy/{id}/approve", &id, &pharmacist, Some(approval(&rx))).await;
    let act = json!({ "version": rx["version"], "reason": "患者怀孕" });
    all.twice("post /prescriptions/{id}/stop", &id, &doctor, Some(act)).await;

    let glass = json!({ "reason": "急会诊需要" });
    all.twice("post /visits/{id}/break-glass", &visit, &second, Some(glass)).await;
    all.stage.act(&format!("/visits/{visit}/end"), &doctor).await.ok();
    assert_eq!(all.told.len(), 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prescription_that_is_shown_to_whoever_saves_over_it_leaves_a_line() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let before = entries(&stage, "rx.read").await.len();
    let stale = json!({ "version": 99, "content": rx["content"] });
    let path = format!("/prescriptions/{}", rx["id"].as_str().unwrap());
    let refused = stage.send(Method::PUT, &path, &visit.doctor, Some(stale), Some("stale")).await;
    assert_eq!((refused.refusal(), &refused.body["newer"]["id"]), ((409, "version.conflict"), &rx["id"]));
    let read = entries(&stage, "rx.read").await;
    assert_eq!((read.len(), read.last().unwrap().2.as_deref()), (before + 1, Some("treatment")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_merged_for_who_treats_or_says_why_and_leaves_a_line() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    super::proofs::sign(&stage, &visit, 0, "感冒", None).await;
    let merge = format!("/visits/{}/note/merge", visit.id);
    let (own, nothing) = (json!({ "version": 0, "content": {} }), "record.purpose_missing");
    let on_desk = stage.post(&merge, &visit.doctor, own.clone()).await.ok();
    assert_eq!(on_desk["theirs"]["diagnosis"], "感冒");
    assert_eq!(entries(&stage, "visit.read").await.last().unwrap().2.as_deref(), Some("treating"));
    let outcome = json!({ "outcome": "home_care" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let before = entries(&stage, "visit.read").await.len();
    let refused = stage.post(&merge, &visit.doctor, own).await;
    assert_eq!((refused.refusal(), &refused.body["theirs"]), ((403, nothing), &Value::Null));
    assert_eq!(entries(&stage, "visit.read").await.len(), before, "a refusal is no read");
    let why = json!({ "version": 0, "content": {}, "purpose": "continuity" });
    stage.post(&merge, &visit.doctor, why).await.ok();
    let read = entries(&stage, "visit.read").await;
    assert_eq!((read.len(), read.last().unwrap().2.as_deref()), (before + 1, Some("continuity")));
}
