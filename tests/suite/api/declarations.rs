//! `/questionnaires` and `/declarations`.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use serde_json::{Map, Value, json};

use super::patients::grandmother;
use crate::support::app::{Browser, LINK, TestApp};

/// A patient who is named, with a declaration begun; `consents` says which of the three are given.
struct Way<'app> {
    holder: Browser<'app>,
    patient: String,
    declaration: Value,
}

impl<'app> Way<'app> {
    async fn begin(app: &'app TestApp, phone: &str, consents: [bool; 3]) -> Self {
        let holder = app.holder(phone).await;
        let patient = holder.post("/patients", &grandmother()).await.ok()["id"].as_str().unwrap().to_owned();
        let kinds = [
            ("treatment", "treatment-1"),
            ("sensitive_data", "sensitive-data-1"),
            ("process_record", "process-record-1"),
        ];
        for ((kind, version), granted) in kinds.into_iter().zip(consents) {
            let decision = json!({ "kind": kind, "version": version, "granted": granted });
            holder.post(&format!("/patients/{patient}/consents"), &decision).await.ok();
        }
        let declaration = holder.post("/declarations", &json!({ "patient": patient, "link": LINK })).await.ok();
        Self { holder, patient, declaration }
    }

    fn path(&self) -> String {
        format!("/declarations/{}", self.declaration["id"].as_str().unwrap())
    }

    async fn save(&mut self, answers: Value) {
        let save = json!({ "version": self.declaration["version"], "answers": answers });
        self.declaration = self.holder.patch(&self.path(), &save).await.ok();
    }

    /// Answers everything that is missing as somebody does who is well, until nothing is.
    async fn fill(&mut self) {
        let form = self.holder.get("/questionnaires/current").await.ok();
        for _ in 0..5 {
            let missing = self.declaration["missing"].as_array().unwrap().clone();
            if missing.is_empty() {
                return;
            }
            let answers: Map<String, Value> =
                missing.iter().map(|id| (id.as_str().unwrap().to_owned(), well(&form, id.as_str().unwrap()))).collect();
            self.save(answers.into()).await;
        }
        panic!("the questionnaire never ends: {}", self.declaration["missing"]);
    }

    async fn submit(&self) -> crate::support::app::Answer {
        let body = json!({ "version": self.declaration["version"] });
        self.holder.post(&format!("{}/submit", self.path()), &body).await
    }
}

/// The answer of somebody who is well.
fn well(form: &Value, link_id: &str) -> Value {
    let items = form["pages"].as_array().unwrap().iter().flat_map(|page| page["items"].as_array().unwrap());
    let item = items.into_iter().find(|item| item["link_id"] == link_id).unwrap();
    let codes: Vec<&str> =
        item["options"].as_array().into_iter().flatten().map(|option| option["code"].as_str().unwrap()).collect();
    let harmless = ["none", "no", "normal", "green", "same", "fever"];
    let code = harmless.into_iter().find(|code| codes.contains(code)).or(codes.first().copied());
    match item["type"].as_str().unwrap() {
        "boolean" => json!(matches!(link_id, "su.promise" | "loc.now" | "rf.room")),
        "choice" => json!(code.unwrap()),
        "choices" => json!([code.unwrap()]),
        "integer" | "quantity" => item["min"].clone(),
        "date" => json!("2026-03-01"),
        _ if item["format"] == "phone" => json!("13800000009"),
        _ => json!("演示"),
    }
}

#[tokio::test]
async fn the_questionnaire_is_served_as_data_under_its_version() {
    let app = TestApp::start().await;
    let current = app.browser().get("/questionnaires/current").await.ok();
    let version = current["version"].as_str().unwrap();
    assert_eq!(app.browser().get(&format!("/questionnaires/{version}")).await.ok(), current);
    app.browser().get("/questionnaires/none").await.refused("request.not_found");
}

#[tokio::test]
async fn answers_are_saved_one_by_one_and_found_again_on_another_device() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.save(json!({ "sx.fever": true })).await;
    way.save(json!({ "sx.temp": 38.5 })).await;
    assert_eq!(way.declaration["answers"], json!({ "sx.fever": true, "sx.temp": 38.5 }));
    assert_eq!(way.declaration["version"], 3);
    way.save(json!({ "sx.temp": null })).await;
    assert_eq!(way.declaration["answers"], json!({ "sx.fever": true }));

    app.pass(120);
    let other_device = app.holder("13800000001").await;
    let begin = json!({ "patient": way.patient, "link": LINK });
    let found = other_device.post("/declarations", &begin).await.ok();
    assert_eq!(found, way.declaration);
    assert_eq!(other_device.get(&way.path()).await.ok(), way.declaration);
}

#[tokio::test]
async fn an_older_version_does_not_overwrite_a_newer_one() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.save(json!({ "sx.fever": true })).await;
    let stale = json!({ "version": 1, "answers": { "sx.fever": false } });
    way.holder.patch(&way.path(), &stale).await.refused_field("version.conflict", "version");
    way.holder.post(&format!("{}/submit", way.path()), &json!({ "version": 1 })).await.refused("version.conflict");
    assert_eq!(way.holder.get(&way.path()).await.ok(), way.declaration);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_refused_by_question_and_nothing_is_saved() {
    let app = TestApp::start().await;
    let way = Way::begin(&app, "13800000001", [true, true, true]).await;
    for (id, value) in [
        ("sx.toothache", json!(true)),
        ("sx.toothache", Value::Null),
        ("sx.fever", json!("yes")),
        ("sx.temp", json!(99)),
        ("sx.cough", json!("wet")),
        ("id.emerg.phone", json!("x")),
        ("id.addr.door", json!("x".repeat(10_000))),
        ("lab.ct", json!("yes")),
    ] {
        let save = json!({ "version": 1, "answers": { "sx.chest": false, id: value } });
        way.holder.patch(&way.path(), &save).await.refused_field("declaration.invalid", id);
    }
    let path = way.path();
    let patch = async |body: Value| way.holder.patch(&path, &body).await;
    patch(json!({ "version": 1 })).await.refused_field("request.malformed", "answers");
    patch(json!({ "version": "1", "answers": {} })).await.refused_field("request.malformed", "version");
    patch(json!({ "version": 1, "answers": {}, "x": 1 })).await.refused_field("request.unknown_field", "x");
    assert_eq!(way.holder.get(&way.path()).await.ok(), way.declaration);
}

#[tokio::test]
async fn a_declaration_needs_its_consents_and_its_answers() {
    let app = TestApp::start().await;
    let way = Way::begin(&app, "13800000001", [true, false, true]).await;
    way.submit().await.refused_field("consent.missing", "sensitive_data");
    let way = Way::begin(&app, "13800000002", [true, true, true]).await;
    let first = way.declaration["missing"][0].as_str().unwrap().to_owned();
    way.submit().await.refused_field("declaration.missing", &first);
}

#[tokio::test]
async fn refusing_the_recording_does_not_end_the_way() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, false]).await;
    way.fill().await;
    let result = way.submit().await.ok()["result"].clone();
    assert_ne!(result["level"], "EMERGENCY");
    assert!(result["alarm"].is_null());
    assert!(!result["reasons"].as_array().unwrap().is_empty());
    assert_eq!(result["ruleset"]["status"], "draft");
}

#[tokio::test]
async fn a_declaration_is_handed_in_once() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.fill().await;
    let handed = way.submit().await.ok();
    assert_eq!(way.holder.get(&way.path()).await.ok(), handed);
    way.submit().await.refused("declaration.closed");
    let save = json!({ "version": handed["version"], "answers": {} });
    way.holder.patch(&way.path(), &save).await.refused("declaration.closed");
    let next = way.holder.post("/declarations", &json!({ "patient": way.patient, "link": LINK })).await.ok();
    assert_ne!(next["id"], handed["id"]);
}

#[tokio::test]
async fn a_repeated_submission_gives_the_same_answer_and_one_alarm() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.save(json!({ "sx.dysp": "sentence" })).await;
    way.fill().await;
    way.holder = way.holder.keyed("submit-1");
    let first = way.submit().await.ok();
    assert_eq!(first["result"]["level"], "EMERGENCY");
    assert_eq!(way.submit().await.ok(), first);
    let alarms = app.staff("nurse").await.get("/alarms").await.ok();
    assert_eq!(alarms.as_array().unwrap().len(), 1);
    assert_eq!(alarms[0]["id"], first["result"]["alarm"]);
    assert_eq!(alarms[0]["kind"], "triage");
}

#[tokio::test]
async fn two_holders_of_one_person_do_not_see_each_others_declarations() {
    let app = TestApp::start().await;
    let one = Way::begin(&app, "13800000001", [true, true, true]).await;
    let other = Way::begin(&app, "13800000002", [true, true, true]).await;
    assert_ne!(one.patient, other.patient, "one person, whom each of them has named");
    assert_ne!(one.declaration["id"], other.declaration["id"]);
    let stranger = app.holder("13800000003").await;
    for outsider in [&other.holder, &stranger] {
        outsider.get(&one.path()).await.refused("request.not_found");
        let save = json!({ "version": 1, "answers": { "sx.fever": true } });
        outsider.patch(&one.path(), &save).await.refused("request.not_found");
        let submit = format!("{}/submit", one.path());
        outsider.post(&submit, &json!({ "version": 1 })).await.refused("request.not_found");
    }
    let begin = json!({ "patient": one.patient, "link": LINK });
    stranger.post("/declarations", &begin).await.refused("request.not_found");
    app.staff("doctor").await.get(&one.path()).await.refused("auth.forbidden");
    one.holder.get("/declarations/x").await.refused("request.not_found");
}

#[tokio::test]
async fn nothing_that_a_patient_stated_stands_in_the_database_in_clear() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.holder = way.holder.keyed("save-1");
    way.save(json!({ "id.addr.door": "金丝雀路1号" })).await;
    // The kept answer of the command says the same again.
    let first = way.declaration.clone();
    let again = json!({ "version": 1, "answers": { "id.addr.door": "金丝雀路1号" } });
    assert_eq!(way.holder.patch(&way.path(), &again).await.ok(), first);

    let yunzhen::store::Db::Sqlite { writer, .. } = &app.db else { panic!("the site stands on SQLite") };
    sqlx::query("pragma wal_checkpoint(truncate)").execute(writer).await.unwrap();
    let bytes = std::fs::read(app.file()).unwrap();
    let holds = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
    assert!(holds("fever-intake"), "what is no secret is in the file");
    for canary in ["演示患者甲", "11010519491231002X", "13800000001", "8613800000001", "金丝雀"] {
        assert!(!holds(canary), "{canary}");
    }
}

#[tokio::test]
async fn nothing_that_names_a_person_is_in_an_event() {
    let app = TestApp::start().await;
    let mut way = Way::begin(&app, "13800000001", [true, true, true]).await;
    way.save(json!({ "sx.dysp": "sentence", "id.addr.door": "金丝雀路1号" })).await;
    way.fill().await;
    way.submit().await.ok();
    let mut tx = app.db.read().await.unwrap();
    let me = app.staff("nurse").await.get("/auth/me").await.ok();
    let topic = format!("alarms:{}", me["institution"].as_str().unwrap());
    let events = tx.events().since(&topic, 0, 100).await.unwrap();
    assert_eq!(events.len(), 1);
    let text = format!("{events:?}");
    for canary in ["演示患者甲", "11010519491231002X", "002X", "13800000001", "金丝雀"] {
        assert!(!text.contains(canary), "{canary}");
    }
}
