//! The four examinations: found, saved, merged, signed, read.

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::store::Db;

use super::stage::{Answer, Stage, Visit};
use crate::support::sql;

/// A note that can be signed, with a tongue, an untaken pulse and coded diagnoses.
fn examined() -> Value {
    json!({
        "complaint": "发热两天",
        "advice": "多饮水,注意休息",
        "exams": {
            "findings": { "ask.chills": { "terms": ["ask.chills.both"], "words": "午后重" } },
            "tongue": { "body": ["tongue.red_tip"], "coating": ["coating.thin", "coating.white"] },
            "pulse": { "state": "not_taken", "why": "remote" }
        },
        "diagnoses": [
            { "kind": "disease", "code": "A01.01.01.02" },
            { "kind": "pattern", "code": "B02.02.05.05", "tm1": ["SF8A"] },
            { "kind": "western", "code": "J11.1" }
        ],
        "principle": ["X-FA-02"]
    })
}

async fn save(stage: &Stage, visit: &Visit, version: i64, content: Value) -> Answer {
    let body = json!({ "version": version, "content": content });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await
}

async fn sign(stage: &Stage, visit: &Visit, version: i64) -> Answer {
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": version })).await
}

async fn database(stage: &Stage) -> Db {
    Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_are_found_by_whatever_a_doctor_types() {
    let stage = Stage::open().await;
    let doctor = stage.staff("doctor").await;
    for typed in ["sxgm", "时行", "epidemic%20cold", "A01.01.01.02"] {
        let found = stage.get(&format!("/terms?kind=disease&q={typed}"), &doctor).await.ok();
        assert_eq!(found["terms"][0]["code"], "A01.01.01.02", "{typed}");
        assert_eq!(found["status"], "draft", "nobody signed them, and every answer says so");
        assert!(found["terms"][0]["source"]["zh"].as_str().unwrap().contains("GB/T 15657"));
    }
    let form = stage.get("/terms/form", &doctor).await.ok();
    assert_eq!(form["pulses"].as_array().unwrap().len(), 28);
    let refused = stage.get("/terms?limit=51", &doctor).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("limit")));
    assert_eq!(stage.get("/terms?kind=herb", &doctor).await.body["field"], "kind");
    let (patient, _) = stage.known_patient(1).await;
    assert_eq!(stage.get("/terms", &patient).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_and_overlong_texts_are_refused_by_field() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let finding = |field: &str, value: Value| json!({ "exams": { "findings": { field: value } } });
    let cases = [
        (
            finding("ask.sweat", json!({ "terms": ["ask.sweat.cold"] })),
            "term.unknown",
            "content.exams.findings.ask.sweat",
        ),
        (finding("ask.luck", json!({})), "request.invalid", "content.exams.findings.ask.luck"),
        (
            finding("listen.smell", json!({ "terms": ["listen.smell.sour"] })),
            "request.invalid",
            "content.exams.findings.listen.smell",
        ),
        (
            finding("ask.sweat", json!({ "words": "长".repeat(4001) })),
            "request.invalid",
            "content.exams.findings.ask.sweat.words",
        ),
        (
            json!({ "diagnoses": [{ "kind": "western", "code": "A01.01.01" }] }),
            "term.unknown",
            "content.diagnoses.0.code",
        ),
        (json!({ "principle": ["J00"] }), "term.unknown", "content.principle"),
        (
            json!({ "exams": { "pulse": { "state": "taken", "by": "practitioner" } } }),
            "request.invalid",
            "content.exams.pulse",
        ),
    ];
    for (content, code, field) in cases {
        let refused = save(&stage, &visit, 0, content.clone()).await;
        assert_eq!(refused.refusal(), (422, code), "{content}");
        assert_eq!(refused.body["field"], field, "{content}");
    }
    let refused = save(&stage, &visit, 0, json!({ "exams": { "pulse": { "state": "felt" } } })).await;
    assert_eq!(refused.refusal(), (400, "request.malformed"));
    assert!(refused.body["field"].as_str().unwrap().starts_with("content.exams.pulse"), "{}", refused.body);
    let refused = save(&stage, &visit, 0, json!({ "diagnosys": "感冒" })).await;
    assert_eq!(refused.body["field"], "content.diagnosys");
}

#[tokio::test(flavor = "multi_thread")]
async fn examinations_without_a_word_on_the_pulse_are_not_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut content = examined();
    content["exams"]["pulse"] = Value::Null;
    save(&stage, &visit, 0, content).await.ok();
    let refused = sign(&stage, &visit, 1).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "note.incomplete"), &json!("exams.pulse")));
    let mut content = examined();
    content["diagnoses"] = json!([{ "kind": "disease", "code": "A17.01" }]);
    save(&stage, &visit, 1, content).await.ok();
    assert_eq!(sign(&stage, &visit, 2).await.body["field"], "diagnoses.0.provisional");
    save(&stage, &visit, 2, examined()).await.ok();
    sign(&stage, &visit, 3).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_codes_are_written_by_the_server() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let diagnosis = json!({ "kind": "disease", "code": "A01.01.01", "zh": "<script>", "en": "=cmd" });
    let saved = save(&stage, &visit, 0, json!({ "diagnoses": [diagnosis] })).await.ok();
    assert_eq!(saved["content"]["diagnoses"][0]["zh"], "感冒");
    assert_eq!(saved["content"]["diagnoses"][0]["en"], "common cold");
    assert!(saved["content"]["terms"].is_string(), "with the edition of the terms");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_that_wrote_different_fields_lose_nothing() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let merge = format!("/visits/{}/note/merge", visit.id);
    save(&stage, &visit, 0, json!({ "complaint": "发热" })).await.ok();
    save(&stage, &visit, 1, json!({ "complaint": "发热", "advice": "多饮水" })).await.ok();
    let mine = json!({ "complaint": "发热两天", "exams": { "tongue": { "body": ["tongue.red"] } } });
    assert_eq!(save(&stage, &visit, 1, mine.clone()).await.refusal(), (409, "version.conflict"));
    let merged = stage.post(&merge, &visit.doctor, json!({ "version": 1, "content": mine })).await.ok();
    assert_eq!((&merged["version"], &merged["conflicts"]), (&json!(2), &json!([])));
    let saved = save(&stage, &visit, 2, merged["content"].clone()).await.ok();
    assert_eq!(saved["content"]["complaint"], "发热两天");
    assert_eq!(saved["content"]["advice"], "多饮水");
    assert_eq!(saved["content"]["exams"]["tongue"]["body"], json!(["tongue.red"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_save_carries_the_newer_text() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, json!({ "complaint": "发热" })).await.ok();
    save(&stage, &visit, 1, json!({ "complaint": "发热两天" })).await.ok();
    let mine = json!({ "version": 1, "content": { "complaint": "发热三天" } });
    let merged = stage.post(&format!("/visits/{}/note/merge", visit.id), &visit.doctor, mine).await.ok();
    let conflict = json!({ "path": ["complaint"], "base": "发热", "mine": "发热三天", "theirs": "发热两天" });
    assert_eq!(merged["conflicts"], json!([conflict]));
    assert_eq!(merged["content"]["complaint"], "发热两天", "what is saved stands until a person decides");
    assert!(merged["saved_by"]["zh"].as_str().is_some_and(|name| !name.is_empty()));
    let other = stage.staff("doctor2").await;
    let stranger = json!({ "version": 1, "content": {} });
    let refused = stage.post(&format!("/visits/{}/note/merge", visit.id), &other, stranger).await;
    assert_eq!(refused.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_save_can_be_read_again_with_what_it_changed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, json!({ "complaint": "发热\n咳嗽" })).await.ok();
    save(&stage, &visit, 1, json!({ "complaint": "发热\n干咳" })).await.ok();
    let versions = stage.get(&format!("/visits/{}/note/versions", visit.id), &visit.doctor).await.ok();
    let numbers: Vec<_> = versions.as_array().unwrap().iter().map(|version| version["version"].clone()).collect();
    assert_eq!(numbers, [2, 1]);
    let second = stage.get(&format!("/visits/{}/note/versions/2", visit.id), &visit.doctor).await.ok();
    assert_eq!(second["changes"][0]["path"], json!(["complaint"]));
    let lines = json!([
        { "state": "same", "text": "发热" }, { "state": "gone", "text": "咳嗽" }, { "state": "new", "text": "干咳" }
    ]);
    assert_eq!(second["changes"][0]["lines"], lines);
    for path in ["3", "0", "x", "-1"] {
        let refused = stage.get(&format!("/visits/{}/note/versions/{path}", visit.id), &visit.doctor).await;
        assert_eq!(refused.refusal(), (404, "request.not_found"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_adds_a_signature_that_its_key_verifies() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, examined()).await.ok();
    let signed = sign(&stage, &visit, 1).await.ok();
    let note = &signed["signed"][0];
    assert_eq!(note["signature"]["algorithm"], "ed25519");
    assert_eq!(note["signature"]["key"].as_str().unwrap().len(), 16);
    // Read again, the signature is checked against the key that is kept.
    let again = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    assert_eq!(again["signed"][0]["signature"], note["signature"]);
    assert_eq!(note["sections"].as_array().unwrap().iter().filter(|s| s["id"] == "exams.pulse").count(), 1);
    assert_eq!(note["content"]["diagnoses"][2]["code"], "J11.1");
    assert!(note["content"]["diagnoses"][2]["en"].as_str().is_some_and(|name| name.contains("nfluenza")));
    let asked = section(note, "exams.ask");
    assert_eq!(asked["zh"], "恶寒发热，午后重");
    assert_eq!(asked["en"], "chills with fever, 午后重");
}

/// The text of a section of a signed note.
fn section<'note>(note: &'note Value, id: &str) -> &'note Value {
    &note["sections"].as_array().unwrap().iter().find(|section| section["id"] == id).unwrap()["text"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tongue_seen_without_a_colour_card_is_signed_as_not_corrected() {
    for (card, words) in [(json!("passed"), "色卡校正通过"), (Value::Null, "图像颜色未校正")] {
        let stage = Stage::open().await;
        let visit = stage.visit().await;
        let mut content = examined();
        content["exams"]["tongue"]["colour_card"] = card;
        content["exams"]["tongue"]["light"] = json!("daylight");
        content["exams"]["tongue"]["stained_within_2h"] = json!(false);
        save(&stage, &visit, 0, content).await.ok();
        let signed = sign(&stage, &visit, 1).await.ok();
        let tongue = section(&signed["signed"][0], "exams.tongue");
        let chinese = tongue["zh"].as_str().unwrap();
        assert!(chinese.contains(words) && chinese.contains("日光下所见"), "the conditions are said: {chinese}");
        assert!(chinese.contains("舌尖红") && chinese.contains("薄"), "with the terms: {chinese}");
        assert!(tongue["en"].as_str().unwrap().contains("seen in daylight"), "{tongue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_says_what_it_changed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, examined()).await.ok();
    sign(&stage, &visit, 1).await.ok();
    let mut content = examined();
    content["exams"]["tongue"]["body"] = json!(["tongue.red"]);
    save(&stage, &visit, 1, content).await.ok();
    let body = json!({ "version": 2, "reason": "更正舌象" });
    let signed = stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, body).await.ok();
    let amendment = &signed["signed"][1];
    assert_eq!(amendment["changes"][0]["path"], json!(["exams", "tongue", "body"]));
    assert_eq!(amendment["changes"][0]["was"], json!(["tongue.red_tip"]));
    assert_eq!(amendment["reason"], "更正舌象");
    let db = database(&stage).await;
    let id = serde_json::from_value(json!(visit.id)).unwrap();
    let kept = db.read().await.unwrap().notes().signed(id).await.unwrap();
    assert_eq!(kept[1].previous_hash, kept[0].hash, "it names the version that it changes, under its own signature");
    assert_eq!((kept[0].previous_hash.as_str(), kept[1].hash != kept[0].hash), ("", true));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_letter_of_a_signed_note_is_found() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, examined()).await.ok();
    sign(&stage, &visit, 1).await.ok();
    let db = database(&stage).await;
    sql::run(&db, "drop trigger note_never_changes").await;
    sql::run(&db, "update note set content = replace(content, '两天', '三天')").await;
    let read = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await;
    assert_eq!(read.refusal(), (500, "signature.broken"));
    let listed = stage.get("/me/visits", &visit.patient).await.ok();
    assert_eq!((&listed[0]["note"], &listed[0]["is_broken"]), (&Value::Null, &json!(true)), "and hides no other visit");
    sql::run(&db, "update note set content = replace(content, '三天', '两天')").await;
    stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    // A forged hash is not enough either: the key has signed another.
    sql::run(&db, "drop trigger signature_never_changes").await;
    sql::run(&db, "update signature set bytes = zeroblob(64)").await;
    let read = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await;
    assert_eq!(read.refusal(), (500, "signature.broken"));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_patient_reads_the_record_the_moment_it_is_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    save(&stage, &visit, 0, examined()).await.ok();
    let before = stage.get("/me/visits", &visit.patient).await.ok();
    assert_eq!((&before[0]["note"], &before[0]["plain"]), (&Value::Null, &json!([])), "a draft is nobody's to read");
    sign(&stage, &visit, 1).await.ok();
    let after = stage.get("/me/visits", &visit.patient).await.ok();
    let plain = after[0]["plain"].as_array().unwrap();
    assert_eq!(plain[0]["id"], "diagnosis");
    assert!(plain[0]["text"]["zh"].as_str().unwrap().starts_with("时行感冒"));
    let pulse = plain.iter().find(|section| section["id"] == "exams.pulse").unwrap();
    assert_eq!(pulse["text"]["en"], "This was a visit by video; nobody felt your pulse.");
    assert!(plain.iter().all(|section| !section["text"]["zh"].as_str().unwrap().contains("A01.01")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_never_in_a_note_without_its_mark() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let make = json!({ "name": "感冒医嘱", "field": "advice", "body": "多饮水\n注意休息" });
    let made = stage.post("/templates", &visit.doctor, make).await.ok();
    let template = made.as_array().unwrap().iter().find(|t| t["name"] == "感冒医嘱").unwrap();
    assert_eq!(template["is_own"], true);
    let insert = format!("/templates/{}/insert", template["id"].as_str().unwrap());
    save(&stage, &visit, 0, json!({ "advice": "按时吃药", "diagnosis": "感冒" })).await.ok();
    let stale = json!({ "visit": visit.id, "version": 0 });
    assert_eq!(stage.post(&insert, &visit.doctor, stale).await.refusal(), (409, "version.conflict"));
    let draft = stage.post(&insert, &visit.doctor, json!({ "visit": visit.id, "version": 1 })).await.ok();
    assert_eq!(draft["content"]["advice"], "按时吃药\n多饮水\n注意休息");
    assert_eq!(draft["content"]["inserted"][0]["name"], "感冒医嘱");
    // A window that leaves the mark out does not take it away.
    let without = json!({ "advice": "多饮水\n注意休息", "diagnosis": "感冒" });
    let saved = save(&stage, &visit, 2, without).await.ok();
    assert_eq!(saved["content"]["inserted"], draft["content"]["inserted"]);
    let signed = sign(&stage, &visit, 3).await.ok();
    assert_eq!(signed["signed"][0]["content"]["inserted"], draft["content"]["inserted"], "it is signed with the text");
    // Another doctor is not offered it, and cannot insert it.
    let other = stage.staff("doctor2").await;
    assert!(!stage.get("/templates", &other).await.ok().to_string().contains("感冒医嘱"));
    let theirs = json!({ "visit": visit.id, "version": 3 });
    assert_eq!(stage.post(&insert, &other, theirs).await.refusal(), (404, "request.not_found"));
}
