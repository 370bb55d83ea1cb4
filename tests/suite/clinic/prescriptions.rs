//! A prescription from the doctor's first line to the patient's bag, and everything that keeps it from getting there.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use yunzhen::domain::time::Timestamp;
use yunzhen::store::Db;

use super::stage::{Answer, Stage, Visit};
use crate::support::sql;

/// The ten items, found suitable.
const ITEMS: [&str; 10] =
    ["form", "indication", "names", "dose", "method", "pairs", "contraindications", "allergy", "duplicates", "limits"];

pub(super) async fn tick(stage: &Stage, visit: &Visit, basis: Value) -> Answer {
    stage.send(Method::PUT, &format!("/visits/{}/basis", visit.id), &visit.doctor, Some(basis), None).await
}

pub(super) fn returning() -> Value {
    json!({ "kind": "return", "proof_seen": true })
}

pub(super) fn line(written: &str, mg: i64) -> Value {
    json!({ "written": written, "mg": mg })
}

pub(super) fn herbal(lines: &[Value]) -> Value {
    json!({ "herbal": { "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200,
                        "timing": "after_meal" } })
}

pub(super) async fn begin(stage: &Stage, visit: &Visit, content: Value) -> Answer {
    let path = format!("/visits/{}/prescriptions", visit.id);
    stage.post(&path, &visit.doctor, json!({ "content": content })).await
}

pub(super) async fn save(stage: &Stage, visit: &Visit, rx: &Value, content: Value) -> Answer {
    let path = format!("/prescriptions/{}", rx["id"].as_str().unwrap());
    let body = json!({ "version": rx["version"], "content": content });
    stage.send(Method::PUT, &path, &visit.doctor, Some(body), None).await
}

/// A reason for everything that a reason opens.
pub(super) fn answers(rx: &Value) -> Value {
    let findings = rx["report"]["findings"].as_array().unwrap();
    let open = findings.iter().filter(|finding| finding["needs"] != "nothing");
    open.map(|finding| (finding["key"].as_str().unwrap().to_owned(), json!("病情需要")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Says in the record what it is for, where nothing was written there yet.
pub(super) async fn diagnose(stage: &Stage, visit: &Visit) {
    let body = json!({ "version": 0, "content": { "complaint": "咳嗽", "diagnosis": "咳嗽" } });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await;
}

/// Whether the doctor is warned of something, and signs a second time.
pub(super) fn is_warned(rx: &Value) -> bool {
    rx["report"]["findings"].as_array().unwrap().iter().any(|finding| finding["needs"] == "confirm")
}

/// Signs a prescription of a visit with a diagnosis.
pub(super) async fn sign(stage: &Stage, visit: &Visit, rx: &Value, answers: Value) -> Answer {
    diagnose(stage, visit).await;
    sign_as_it_is(stage, visit, rx, answers).await
}

pub(super) async fn sign_as_it_is(stage: &Stage, visit: &Visit, rx: &Value, answers: Value) -> Answer {
    let path = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
    let body = json!({ "version": rx["version"], "answers": answers, "confirm": is_warned(rx) });
    stage.post(&path, &visit.doctor, body).await
}

/// A plain sheet, signed.
pub(super) async fn signed(stage: &Stage, visit: &Visit) -> Value {
    tick(stage, visit, returning()).await.ok();
    let rx = begin(stage, visit, herbal(&[line("茯苓", 15_000), line("陈皮", 6000)])).await.ok();
    sign(stage, visit, &rx, json!({})).await.ok()
}

pub(super) async fn pharmacy(stage: &Stage, token: &str, rx: &Value, act: &str, body: Value) -> Answer {
    stage.post(&format!("/pharmacy/{}/{act}", rx["id"].as_str().unwrap()), token, body).await
}

pub(super) async fn claim(stage: &Stage, token: &str, rx: &Value) -> Answer {
    stage.act(&format!("/pharmacy/{}/claim", rx["id"].as_str().unwrap()), token).await
}

pub(super) fn approval(rx: &Value) -> Value {
    json!({ "version": rx["version"], "items": ITEMS })
}

pub(super) fn rules(rx: &Value) -> Vec<&str> {
    rx["report"]["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_prescribes_nothing_and_says_why() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let path = format!("/visits/{}/prescriptions", visit.id);
    let view = stage.get(&path, &visit.doctor).await.ok();
    assert_eq!(view["pane"]["closed"], "consult");
    let refused = begin(&stage, &visit, herbal(&[])).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.closed"), &json!("consult")));
    let view = tick(&stage, &visit, json!({ "kind": "return" })).await.ok();
    assert_eq!(view["pane"]["closed"], "proof_missing");
    let view = tick(&stage, &visit, returning()).await.ok();
    assert_eq!(view["pane"]["basis"]["code"], "return_visit");
    let view = tick(&stage, &visit, json!({ "kind": "epidemic" })).await.ok();
    assert_eq!(view["pane"]["basis"]["code"], "epidemic_prescription");
    begin(&stage, &visit, herbal(&[])).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_that_does_not_use_the_epidemics_basis_prescribes_nothing_on_it_and_says_why() {
    let stage = Stage::open_with(|config| config.epidemic_prescriptions = false).await;
    let visit = stage.visit_of(1, json!({})).await;
    let view = tick(&stage, &visit, json!({ "kind": "epidemic" })).await.ok();
    assert_eq!((&view["pane"]["closed"], &view["pane"]["basis"]), (&json!("switched_off"), &Value::Null));
    let refused = begin(&stage, &visit, herbal(&[])).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.closed"), &json!("switched_off")));
    let view = tick(&stage, &visit, returning()).await.ok();
    assert_eq!(view["pane"]["basis"]["code"], "return_visit", "what it returns for is another basis");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_without_a_guardian_gets_no_prescription() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update patient set birth_date = '2019-05-01'").await;
    db.close().await;
    let view = tick(&stage, &visit, returning()).await.ok();
    assert_eq!((&view["pane"]["closed"], &view["pane"]["asks_guardian"]), (&json!("guardian_missing"), &json!(true)));
    let refused = begin(&stage, &visit, herbal(&[])).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.closed"), &json!("guardian_missing")));
    let with_guardian = json!({ "kind": "return", "proof_seen": true, "guardian_present": true });
    assert_eq!(tick(&stage, &visit, with_guardian).await.ok()["pane"]["closed"], "paediatrician_missing");
    let with_both = json!({ "kind": "return", "proof_seen": true, "guardian_present": true, "paediatric": true });
    tick(&stage, &visit, with_both).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("茯苓", 12_000)])).await.ok();
    assert!(rules(&rx).contains(&"DOSE-CHILD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_finding_keeps_a_prescription_from_being_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("细辛", 6000), line("茯苓", 15_000)])).await.ok();
    assert_eq!(rules(&rx), ["DOSE-HIGH"]);
    let finding = &rx["report"]["findings"][0];
    assert_eq!((&finding["severity"], &finding["needs"]), (&json!("warn"), &json!("confirm")));
    assert!(finding["edition"].as_str().unwrap().contains("2020") && finding["source"]["zh"] == "中国药典一部");
    let refused = sign(&stage, &visit, &rx, json!({})).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &finding["key"]));
    let blank = sign(&stage, &visit, &rx, json!({ finding["key"].as_str().unwrap(): "  " })).await;
    assert_eq!(blank.refusal(), (422, "rx.unanswered"));
    let done = sign(&stage, &visit, &rx, answers(&rx)).await.ok();
    assert_eq!((&done["state"], &done["needs_second"]), (&json!("signed"), &json!(false)));
    assert_eq!(done["answers"][finding["key"].as_str().unwrap()], "病情需要");
    // The prescriber has signed twice, and both hold.
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let subject = format!("prescription_{}", done["id"].as_str().unwrap().replace('-', ""));
    let found = db.read().await.unwrap().signatures().of(&subject).await.unwrap();
    let purposes: Vec<&str> = found.iter().map(|signature| signature.purpose.as_str()).collect();
    assert!(purposes.contains(&"prescription") && purposes.contains(&"confirmation"), "{purposes:?}");
    assert!(found.iter().all(|signature| json!(signature.hash) == done["hash"]));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opposing_pair_needs_a_second_doctor() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let aconite = json!({ "written": "黑顺片", "mg": 9000, "method": "first" });
    let rx = begin(&stage, &visit, herbal(&[aconite, line("法半夏", 9000)])).await.ok();
    assert!(rules(&rx).contains(&"18F-1"), "{rx}");
    let rx = sign(&stage, &visit, &rx, answers(&rx)).await.ok();
    assert_eq!(rx["needs_second"], true);
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    let early = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await;
    assert_eq!(early.refusal(), (409, "rx.second_signature"));
    let path = format!("/prescriptions/{}/countersign", rx["id"].as_str().unwrap());
    let body = json!({ "version": rx["version"], "reason": "同意,病情需要" });
    let same = stage.post(&path, &visit.doctor, body.clone()).await;
    assert_eq!(same.refusal(), (409, "rx.second_signature"), "nobody is the second beside themselves");
    assert_eq!(stage.get("/prescriptions/to-countersign", &visit.doctor).await.ok(), json!([]));
    let second = stage.staff("doctor2").await;
    let waiting = stage.get("/prescriptions/to-countersign", &second).await.ok();
    assert_eq!(waiting[0]["id"], rx["id"]);
    let done = stage.post(&path, &second, body).await.ok();
    assert_eq!(done["second_doctor"]["zh"], "演示医师乙");
    assert_eq!(stage.get("/prescriptions/to-countersign", &second).await.ok(), json!([]));
    let done = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    assert_eq!(done["state"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_online_is_refused_by_its_rule() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("生附子", 3000)])).await.ok();
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.refused_online"), &json!("TOX-STATUTORY")));
    let rx = save(&stage, &visit, &rx, herbal(&[line("贝母", 6000)])).await.ok();
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &json!("NAME-ASK@0")));
    let chosen = json!({ "written": "贝母", "herb": "浙贝母", "mg": 6000 });
    let rx = save(&stage, &visit, &rx, herbal(&[chosen])).await.ok();
    sign(&stage, &visit, &rx, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_woman_is_asked_and_a_late_answer_stops_what_was_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(2, json!({ "rf.preg": "unsure" })).await;
    let view = tick(&stage, &visit, returning()).await.ok();
    assert_eq!((&view["pane"]["pregnancy"], &view["pane"]["asks_pregnancy"]), (&json!("unknown"), &json!(true)));
    let content = herbal(&[line("莪术", 9000)]);
    let rx = begin(&stage, &visit, content.clone()).await.ok();
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &json!("PREG-UNKNOWN")));
    tick(&stage, &visit, json!({ "kind": "return", "proof_seen": true, "pregnancy": "no" })).await.ok();
    let rx = sign(&stage, &visit, &rx, json!({})).await.ok();
    // FC18: now she says that she is pregnant.
    tick(&stage, &visit, json!({ "kind": "return", "proof_seen": true, "pregnancy": "pregnant" })).await.ok();
    let stop = format!("/prescriptions/{}/stop", rx["id"].as_str().unwrap());
    let body = json!({ "version": rx["version"], "reason": "患者告知已怀孕" });
    assert_eq!(stage.post(&stop, &visit.doctor, body.clone()).await.ok()["state"], "stopped");
    assert_eq!(stage.post(&stop, &visit.doctor, body).await.refusal(), (409, "rx.state"));
    let pharmacist = stage.staff("pharmacist").await;
    assert_eq!(claim(&stage, &pharmacist, &rx).await.refusal(), (409, "rx.state"));
    let rx = begin(&stage, &visit, content).await.ok();
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.refused_online"), &json!("PREG-FORBID")));
    assert_eq!(stage.get("/me/prescriptions", &visit.patient).await.ok()[0]["state"], "stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_licence_ended_signs_no_prescription() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db"));
    let pool = SqlitePool::connect_with(file).await.unwrap();
    for (until, refused) in [(0, true), (1, false)] {
        let until = stage.clock.now().as_millis() + until;
        let change = sqlx::query("update account set licence_until = $1 where username = 'doctor'").bind(until);
        change.execute(&pool).await.unwrap();
        let answer = sign(&stage, &visit, &rx, json!({})).await;
        if refused {
            assert_eq!(answer.refusal(), (403, "desk.licence_ended"));
        } else {
            assert_eq!(answer.ok()["state"], "signed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returned_prescription_is_corrected_and_signed_anew() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    let queue = stage.get("/pharmacy/queue", &pharmacist).await.ok();
    assert_eq!((&queue["waiting"][0]["id"], &queue["promise_minutes"]), (&rx["id"], &json!(10)));
    let minutes = |field: &str| queue["waiting"][0][field].as_i64().unwrap() / 60_000;
    assert_eq!(minutes("due_at") - minutes("signed_at"), 10, "and each row says until when");
    let sheet = claim(&stage, &pharmacist, &rx).await.ok();
    assert_eq!((sheet["items"].as_array().unwrap().len(), &sheet["sex"]), (10, &json!("male")));
    let readers = stage.get(&format!("/me/visits/{}/readers", visit.id), &visit.patient).await.ok();
    let names: Vec<_> = readers.as_array().unwrap().iter().map(|reader| reader["name"]["zh"].clone()).collect();
    let judged = names.iter().position(|name| *name == json!("演示药师"));
    assert_eq!(
        judged.map(|at| &readers[at]["purpose"]),
        Some(&json!("review")),
        "the patient sees who judged it: {names:?}"
    );
    let silent = pharmacy(&stage, &pharmacist, &rx, "return", json!({ "version": rx["version"] })).await;
    assert_eq!((silent.refusal(), &silent.body["field"]), ((422, "request.invalid"), &json!("reason")));
    let body = json!({ "version": rx["version"], "reason": "请核对茯苓用量" });
    let returned = pharmacy(&stage, &pharmacist, &rx, "return", body).await.ok();
    assert_eq!((&returned["state"], &returned["review"]["reason"]), (&json!("returned"), &json!("请核对茯苓用量")));
    assert_eq!(sign(&stage, &visit, &rx, json!({})).await.refusal(), (409, "rx.state"), "not the same again");
    let sent_back = async || {
        let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
        let rows = desk["unfinished"].as_array().unwrap().clone();
        rows.iter().filter(|row| row["sent_back"] == true).map(|row| row["visit"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sent_back().await, [json!(visit.id)], "in the visit the desk says so");
    let rx = save(&stage, &visit, &returned, herbal(&[line("茯苓", 12_000)])).await.ok();
    assert_eq!((&rx["state"], &rx["hash"], &rx["version"]), (&json!("draft"), &Value::Null, &json!(2)));
    assert_eq!(sent_back().await, [json!(visit.id)], "a change alone sends nothing");
    let rx = sign(&stage, &visit, &rx, json!({})).await.ok();
    assert_eq!(sent_back().await, Vec::<Value>::new());
    claim(&stage, &pharmacist, &rx).await.ok();
    let nine = json!({ "version": rx["version"], "items": ITEMS[..9] });
    let refused = pharmacy(&stage, &pharmacist, &rx, "approve", nine).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("items.limits")));
    let approved = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    assert_eq!(approved["pharmacist"]["zh"], "演示药师");
    let version = json!({ "version": rx["version"] });
    let done = pharmacy(&stage, &pharmacist, &rx, "dispense", version.clone()).await.ok();
    assert_eq!(done["state"], "dispensed");
    assert_eq!(pharmacy(&stage, &pharmacist, &rx, "dispense", version).await.refusal(), (409, "rx.state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_after_the_signature_voids_it_and_takes_it_out_of_the_queue() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    let changed = save(&stage, &visit, &rx, herbal(&[line("茯苓", 12_000)])).await.ok();
    assert_eq!((&changed["state"], &changed["signed_at"]), (&json!("draft"), &Value::Null));
    assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["waiting"], json!([]));
    let late = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await;
    assert_eq!(late.status, 404, "a draft is nobody's but its doctor's");
    let stale = save(&stage, &visit, &rx, herbal(&[])).await;
    assert_eq!(stale.refusal(), (409, "version.conflict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_pharmacist_judges_at_a_time_and_nobody_without_a_claim() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    let unclaimed = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await;
    assert_eq!(unclaimed.refusal(), (409, "rx.claimed"));
    claim(&stage, &pharmacist, &rx).await.ok();
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update prescription set claimed_by = (select id from account where username = 'admin')").await;
    db.close().await;
    assert_eq!(claim(&stage, &pharmacist, &rx).await.refusal(), (409, "rx.claimed"));
    stage.clock.advance(Duration::from_mins(5));
    claim(&stage, &pharmacist, &rx).await.ok();
    stage.act(&format!("/pharmacy/{}/release", rx["id"].as_str().unwrap()), &pharmacist).await.ok();
    let queue = stage.get("/pharmacy/queue", &pharmacist).await.ok();
    assert_eq!(queue["waiting"][0]["claimed_by"], Value::Null);
    for doctor_or_nurse in [&visit.doctor, &stage.staff("nurse").await, &visit.patient] {
        assert_eq!(stage.get("/pharmacy/queue", doctor_or_nurse).await.refusal(), (403, "auth.forbidden"));
    }
}

/// The midnight that ends the day of the stage in China.
fn midnight(stage: &Stage) -> Duration {
    Timestamp::from_millis(1_700_064_000_000).since(stage.clock.now())
}

async fn sign_until(stage: &Stage, visit: &Visit, days: i64, reason: &str) -> Answer {
    diagnose(stage, visit).await;
    tick(stage, visit, returning()).await.ok();
    let rx = begin(stage, visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let path = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
    let body = json!({ "version": rx["version"], "valid_days": days, "valid_reason": reason });
    stage.post(&path, &visit.doctor, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prescription_is_good_on_its_day_and_not_a_moment_longer() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    assert_eq!((&rx["expires_at"], &rx["longer"]), (&json!(1_700_064_000_000_i64), &Value::Null));
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    stage.clock.advance(midnight(&stage).saturating_sub(Duration::from_millis(1)));
    let pharmacist = stage.staff("pharmacist").await;
    assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["approved"][0]["id"], rx["id"]);
    assert_eq!(stage.server.services.expire_prescriptions().await.unwrap(), 0);
    stage.clock.advance(Duration::from_millis(1));
    let late = pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await;
    assert_eq!(late.refusal(), (410, "rx.expired"));
    assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["approved"], json!([]));
    assert_eq!(stage.server.services.expire_prescriptions().await.unwrap(), 1);
    assert_eq!(stage.server.services.expire_prescriptions().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_makes_it_good_for_up_to_three_days() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let wrong = [(0, "山区取药不便", "valid_days"), (4, "山区取药不便", "valid_days"), (2, " ", "valid_reason")];
    for (days, reason, field) in wrong {
        let refused = sign_until(&stage, &visit, days, reason).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!(field)), "{days}");
    }
    let rx = sign_until(&stage, &visit, 3, " 山区取药不便 ").await.ok();
    assert_eq!(rx["longer"], json!({ "days": 3, "reason": "山区取药不便" }));
    let last = midnight(&stage) + Duration::from_hours(48);
    stage.clock.advance(last.saturating_sub(Duration::from_millis(1)));
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    stage.clock.advance(Duration::from_millis(1));
    let late = pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await;
    assert_eq!(late.refusal(), (410, "rx.expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_patient_sees_no_drug_before_it_is_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let mine = async || stage.get("/me/prescriptions", &visit.patient).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    assert_eq!(mine().await, json!([]), "nothing of a draft");
    sign(&stage, &visit, &rx, json!({})).await.ok();
    let seen = mine().await;
    assert_eq!((&seen[0]["state"], &seen[0]["says"]["zh"]), (&json!("signed"), &json!("药师审核中")));
    assert!(!seen.to_string().contains("茯苓"), "and no drug before a pharmacist has looked");
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    let seen = mine().await;
    assert_eq!(seen[0]["content"]["herbal"]["lines"][0]["written"], "茯苓");
    assert!(!seen[0]["label"]["steps"].as_array().unwrap().is_empty());
    let (stranger, _) = stage.known_patient(9).await;
    assert_eq!(stage.get("/me/prescriptions", &stranger).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pharmacist_of_another_hospital_sees_nothing() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(
        &db,
        "insert into institution (id, kind, name_zh, name_en, help_phone, created_at)
         values (x'00000000000000000000000000000001', 'hospital', '别院', 'Another', '0', 0)",
    )
    .await;
    sql::run(
        &db,
        "update account set institution_id = x'00000000000000000000000000000001' where username = 'pharmacist'",
    )
    .await;
    db.close().await;
    let stranger = stage.staff("pharmacist").await;
    assert_eq!(stage.get("/pharmacy/queue", &stranger).await.ok()["waiting"], json!([]));
    assert_eq!(claim(&stage, &stranger, &rx).await.refusal(), (404, "request.not_found"));
    let refused = pharmacy(&stage, &stranger, &rx, "approve", approval(&rx)).await;
    assert_eq!(refused.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_letter_of_a_signed_prescription_is_not_handed_out() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update prescription set content = replace(content, '15000', '25000')").await;
    db.close().await;
    let refused = pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await;
    assert_eq!(refused.refusal(), (500, "signature.broken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prescriptions_of_the_same_days_are_judged_together() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let first = begin(&stage, &visit, herbal(&[line("麻黄", 6000), line("法半夏", 9000)])).await.ok();
    let first = sign(&stage, &visit, &first, answers(&first)).await.ok();
    let aconite = json!({ "written": "附子", "mg": 6000, "method": "first" });
    let second = begin(&stage, &visit, herbal(&[line("麻黄", 6000), aconite])).await.ok();
    let found = rules(&second);
    assert!(["CUM-DOSE", "DUP-ACTIVE", "18F-1"].iter().all(|rule| found.contains(rule)), "{found:?}");
    assert!(second["report"].to_string().contains(first["number"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_click_twice_is_one_prescription_and_wrong_fields_are_named() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let path = format!("/visits/{}/prescriptions", visit.id);
    let body = json!({ "content": herbal(&[line("茯苓", 15_000)]) });
    let twice =
        async || stage.send(Method::POST, &path, &visit.doctor, Some(body.clone()), Some("one-click")).await.ok();
    assert_eq!(twice().await["id"], twice().await["id"]);
    for (content, field) in [
        (herbal(&[line("茯苓", 0)]), "content.herbal.lines[0].mg"),
        (herbal(&[line("茯苓", 600_000)]), "content.herbal.lines[0].mg"),
        (herbal(&[line(&"长".repeat(41), 9000)]), "content.herbal.lines[0].written"),
        (herbal(&[json!({ "written": "甘草", "herb": "附子", "mg": 9000 })]), "content.herbal.lines[0].herb"),
    ] {
        let refused = begin(&stage, &visit, content).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!(field)));
    }
    let unit = begin(&stage, &visit, herbal(&[json!({ "written": "茯苓", "mg": "9 g" })])).await;
    let where_it_is = json!("content.herbal.lines[0].mg");
    assert_eq!((unit.refusal(), &unit.body["field"]), ((400, "request.malformed"), &where_it_is));
    // What looks like a script or a formula is a name that nobody knows.
    let rx = begin(&stage, &visit, herbal(&[line("<script>alert(1)</script>", 9000), line("=1+1", 9000)])).await.ok();
    assert_eq!(rules(&rx), ["NAME-UNKNOWN", "NAME-UNKNOWN"]);
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &other).await.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn herbs_and_formulas_are_found_by_what_a_doctor_types() {
    let stage = Stage::open().await;
    let doctor = stage.staff("doctor").await;
    let found = stage.get("/formulas?q=qpt", &doctor).await.ok();
    assert_eq!((&found["formulas"][0]["name"], &found["status"]), (&json!("清肺排毒汤"), &json!("draft")));
    let found = stage.get("/herbs?q=mh", &doctor).await.ok();
    assert!(found["herbs"].to_string().contains("麻黄"));
    let asked = stage.get("/herbs?q=%E8%B4%9D%E6%AF%8D", &doctor).await.ok();
    assert_eq!(asked["asked"]["candidates"].as_array().unwrap().len(), 5, "贝母 is asked");
    assert_eq!(stage.get("/herbs?x=1", &doctor).await.refusal(), (422, "request.unknown_field"));
    let patient = stage.holder(3).await;
    assert_eq!(stage.get("/herbs?q=mh", &patient).await.refusal(), (403, "auth.forbidden"));
}
