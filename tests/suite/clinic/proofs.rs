//! Documents and the public page behind their code.

use serde_json::{Value, json};
use yunzhen::domain::retention::root;
use yunzhen::services::verifying::verify_export;
use yunzhen::store::Db;

use super::audits::entries;
use super::opinions;
use super::pictures::png;
use super::prescriptions::{approval, claim, pharmacy, signed};
use super::stage::{Answer, Stage, Visit};
use super::tongue::{begin, put};
use crate::programs;
use crate::support::sql::run;

pub(super) async fn sign(stage: &Stage, visit: &Visit, version: i64, diagnosis: &str, reason: Option<&str>) {
    let content = json!({ "complaint": "发热2天，咳嗽", "diagnosis": diagnosis, "advice": "多饮水" });
    let body = json!({ "version": version, "content": content });
    stage.send(reqwest::Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await.ok();
    let request = json!({ "version": version + 1, "reason": reason });
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, request).await.ok();
}

/// A document: its status, its kind, its bytes.
async fn pdf(stage: &Stage, visit: &Visit, token: &str, paper: &str) -> (u16, String, Vec<u8>) {
    let at = stage.server.http_addr;
    let url = format!("http://{at}/api/v1/visits/{}/documents/record?paper={paper}", visit.id);
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    let mime = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), mime, answer.bytes().await.unwrap().to_vec())
}

/// What stands behind the code of the newest document.
pub(super) async fn code(stage: &Stage, visit: &Visit) -> String {
    let documents = stage.get(&format!("/visits/{}/documents", visit.id), &visit.patient).await.ok();
    documents[0]["link"].as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned()
}

pub(super) async fn verdict(stage: &Stage, token: &str) -> Value {
    let answer: Answer = stage.get(&format!("/verify/{token}"), "").await;
    answer.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_record_is_no_document() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let list = stage.get(&format!("/visits/{}/documents", visit.id), &visit.patient).await.ok();
    assert_eq!(list, json!([]));
    let (status, _, body) = pdf(&stage, &visit, &visit.doctor, "a4").await;
    let problem: Value = serde_json::from_slice(&body).unwrap();
    if problem["code"] == "document.no_font" {
        return programs::skip("a paper", "no font with Chinese letters (Debian: fonts-noto-cjk)");
    }
    assert_eq!((status, &problem["code"]), (409, &json!("document.unsigned")));
    assert_eq!(stage.get(&format!("/visits/{}/documents/record?paper=a3", visit.id), &visit.doctor).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signed_record_is_a_pdf_for_its_doctor_and_its_patient_alone_and_the_reading_is_audited() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    for (token, paper, action) in [(&visit.doctor, "a4", "document.read"), (&visit.patient, "a5", "document.read_own")]
    {
        let (status, mime, bytes) = pdf(&stage, &visit, token, paper).await;
        if status == 503 {
            return programs::skip("a paper", "no font with Chinese letters (Debian: fonts-noto-cjk)");
        }
        assert_eq!((status, mime.as_str()), (200, "application/pdf"));
        assert!(bytes.starts_with(b"%PDF-"));
        assert_eq!(entries(&stage, action).await.len(), 1);
    }
    assert_eq!(entries(&stage, "document.read").await[0].2.as_deref(), Some("treatment"));
    let other = stage.staff("doctor2").await;
    assert_eq!(pdf(&stage, &visit, &other, "a4").await.0, 404);
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(pdf(&stage, &visit, &stranger, "a4").await.0, 404);
    assert_eq!(stage.get(&format!("/visits/{}/documents", visit.id), &stranger).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_page_says_authentic_and_nothing_else() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let token = code(&stage, &visit).await;
    assert_eq!(code(&stage, &visit).await, token, "the same paper has the same code");
    let said = verdict(&stage, &token).await;
    assert_eq!(said["state"], "authentic");
    let mut names: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["day", "hash", "institution", "state"]);
    assert_eq!(said["hash"].as_str().unwrap().len(), 16);
    let text = said.to_string();
    assert!(!text.contains("感冒") && !text.contains(&visit.id));
    let unknown = json!({ "state": "unknown", "institution": null, "day": null, "hash": null });
    assert_eq!(verdict(&stage, "AAAAAAAAAAAAAAAAAAAAAA").await, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amended_record_says_so() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let first = code(&stage, &visit).await;
    sign(&stage, &visit, 1, "时行感冒", Some("更正诊断")).await;
    let second = code(&stage, &visit).await;
    assert_ne!(first, second);
    assert_eq!(verdict(&stage, &first).await["state"], "amended");
    assert_eq!(verdict(&stage, &second).await["state"], "authentic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_changed_in_the_database_is_authentic_no_longer() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let token = code(&stage, &visit).await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    run(&db, "drop trigger note_never_changes").await;
    run(&db, "update note set content = replace(content, '感冒', '肺炎')").await;
    db.close().await;
    assert_eq!(verdict(&stage, &token).await["state"], "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_on_a_prescription_says_whether_it_may_be_handed_out() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let documents = stage.get(&format!("/visits/{}/documents", visit.id), &visit.doctor).await.ok();
    let token = documents[0]["link"].as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned();
    assert_eq!(verdict(&stage, &token).await["state"], "unreviewed", "no pharmacist has seen it");
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    assert_eq!(verdict(&stage, &token).await["state"], "authentic");
    pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await.ok();
    assert_eq!(verdict(&stage, &token).await["state"], "dispensed", "nobody hands it out again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_sends_its_patient_on_has_a_referral_slip_and_another_has_none() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let choose = async |outcome: &str, reason: &str| {
        let body = json!({ "outcome": outcome, "reason": reason });
        stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, body).await
    };
    let outcome = async |outcome: &str| choose(outcome, "需胸部影像检查").await.ok();
    let slip = |paper: &str| format!("/visits/{}/documents/referral?paper={paper}", visit.id);
    outcome("go_to_hospital").await;
    let unsigned = stage.get(&slip("a4"), &visit.patient).await;
    if unsigned.status == 503 {
        return programs::skip("a paper", "no font with Chinese letters (Debian: fonts-noto-cjk)");
    }
    assert_eq!(unsigned.refusal(), (409, "document.unsigned"), "there is no slip of a draft");
    outcome("home_care").await;
    sign(&stage, &visit, 0, "感冒", None).await;
    assert_eq!(stage.get(&slip("a4"), &visit.patient).await.status, 404, "nobody is referred home");
    let listed = async || {
        let list = stage.get(&format!("/visits/{}/documents", visit.id), &visit.patient).await.ok();
        let of = |one: &Value| (one["kind"].as_str().unwrap().to_owned(), one["link"].as_str().unwrap().to_owned());
        list.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(listed().await.len(), 1);
    outcome("go_to_hospital").await;
    let list = listed().await;
    assert_eq!(list.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["record", "referral"]);
    assert_ne!(list[0].1, list[1].1, "each paper has its own code");
    for paper in ["a4", "a5"] {
        let url = format!("http://{}/api/v1{}", stage.server.http_addr, slip(paper));
        let answer = reqwest::Client::new().get(url).bearer_auth(&visit.patient).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        assert!(answer.bytes().await.unwrap().starts_with(b"%PDF-"));
    }
    let token = |link: &str| link.rsplit_once("/verify/").unwrap().1.to_owned();
    let first = token(&list[1].1);
    assert_eq!(verdict(&stage, &first).await["state"], "authentic");
    // Where to is a part of what the paper says, and so is why.
    outcome("emergency120").await;
    assert_eq!(verdict(&stage, &first).await["state"], "amended");
    choose("go_to_hospital", "需查血").await.ok();
    assert_eq!(verdict(&stage, &first).await["state"], "amended");
    outcome("go_to_hospital").await;
    assert_eq!(verdict(&stage, &first).await["state"], "authentic", "it says again what the visit does");
    outcome("home_care").await;
    assert_eq!(verdict(&stage, &first).await["state"], "amended", "nobody is sent anywhere");
    outcome("go_to_hospital").await;
    assert_eq!(verdict(&stage, &token(&listed().await[1].1)).await["state"], "authentic");
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&slip("a4"), &other).await.status, 404);
    assert_eq!(entries(&stage, "document.read_own").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_sent_to_a_hospital_is_told_why_and_an_emergency_waits_for_no_words() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let choose = async |body: Value| stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, body).await;
    let long = "长".repeat(501);
    for reason in ["", " ", "血", long.as_str()] {
        let refused = choose(json!({ "outcome": "go_to_hospital", "reason": reason })).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("reason")));
    }
    assert_eq!(choose(json!({ "outcome": "go_to_hospital" })).await.refusal(), (422, "request.invalid"));
    let sent = choose(json!({ "outcome": "go_to_hospital", "reason": " 需查血 " })).await.ok();
    assert_eq!((&sent["outcome"], &sent["outcome_reason"]), (&json!("go_to_hospital"), &json!("需查血")));
    let sent = choose(json!({ "outcome": "emergency120" })).await.ok();
    assert_eq!((&sent["outcome"], &sent["outcome_reason"]), (&json!("emergency120"), &Value::Null));
    let home = choose(json!({ "outcome": "home_care", "reason": "需查血" })).await.ok();
    assert_eq!(home["outcome_reason"], Value::Null, "nobody is sent on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_the_sealed_days_and_exports_one() {
    let stage = Stage::open().await;
    stage.visit().await;
    stage.clock.advance(std::time::Duration::from_hours(48));
    assert!(stage.server.services.seal_audit_days().await.unwrap() >= 1);
    let boss = stage.staff("admin").await;
    let days = stage.get("/audit/days", &boss).await.ok();
    let day = days["days"].as_array().unwrap().last().unwrap()["day"].as_str().unwrap().to_owned();
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.get("/audit/days", &nurse).await.refusal().0, 403);
    let url = format!("http://{}/api/v1/audit/days/{day}/export", stage.server.http_addr);
    let text = reqwest::Client::new().get(url).bearer_auth(&boss).send().await.unwrap().text().await.unwrap();
    let proved = verify_export(&text, days["fingerprint"].as_str()).unwrap();
    assert!(proved.what.contains(&day), "{proved}");
    assert_eq!(entries(&stage, "audit.export").await.len(), 1);
    assert_eq!(stage.get("/audit/days/2020-01-01/export", &boss).await.refusal().0, 404);
    assert_eq!(stage.get("/audit/days/nonsense/export", &boss).await.refusal().0, 404);
}

/// Says a line, sends a picture, ends the visit; the file of the picture.
async fn finished_visit(stage: &Stage) -> (Visit, std::path::PathBuf) {
    let visit = stage.visit().await;
    let line = json!({ "id": "0190a0a0-0000-7000-8000-000000000001", "text": "您好" });
    stage.post(&format!("/visits/{}/messages", visit.id), &visit.patient, line).await.ok();
    let id = "0190a0a0-0000-7000-8000-0000000000ca";
    let picture = png(&[(b"IDAT", &[7; 400])]);
    begin(stage, &visit, id, &picture).await;
    put(stage, id, &visit.patient, 0, &picture).await.ok();
    stage.act(&format!("/uploads/{id}/finish"), &visit.patient).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let file = stage.folder.path().join("attachments").join(id.replace('-', ""));
    assert!(file.exists());
    (visit, file)
}

const THREE_YEARS: std::time::Duration = std::time::Duration::from_hours(3 * 366 * 24);

#[tokio::test(flavor = "multi_thread")]
async fn deletion_leaves_a_certificate_with_counts_and_hashes() {
    let stage = Stage::open().await;
    let (_, file) = finished_visit(&stage).await;
    stage.clock.advance(THREE_YEARS.saturating_sub(std::time::Duration::from_millis(1)));
    assert_eq!(stage.server.services.apply_retention().await.unwrap(), 0, "a millisecond too early");
    assert!(file.exists());
    stage.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(stage.server.services.apply_retention().await.unwrap(), 1);
    assert_eq!(stage.server.services.apply_retention().await.unwrap(), 0, "once");
    assert!(!file.exists());
    let boss = stage.staff("admin").await;
    let seen = stage.get("/retention", &boss).await.ok();
    let certificate = &seen["certificates"][0];
    assert_eq!(certificate["class"], "process_record");
    let hashes: Vec<String> = serde_json::from_value(certificate["hashes"].clone()).unwrap();
    assert_eq!(certificate["count"], hashes.len());
    assert!(hashes.len() >= 2, "a line and a picture");
    assert_eq!(certificate["hashes_root"], root(&hashes), "who has the hashes makes the same root");
    assert_eq!(entries(&stage, "conversation.expire").await.len(), 1);
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.get("/retention", &nurse).await.refusal().0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_visit_is_deleted_by_no_job() {
    let stage = Stage::open().await;
    let (visit, file) = finished_visit(&stage).await;
    let boss = stage.staff("admin").await;
    let hold = format!("/visits/{}/hold", visit.id);
    let refused = stage.post(&hold, &boss, json!({ "reason": " " })).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("reason")));
    assert_eq!(stage.post(&hold, &visit.doctor, json!({ "reason": "纠纷" })).await.refusal().0, 403);
    let placed = stage.post(&hold, &boss, json!({ "reason": "医疗纠纷" })).await.ok();
    stage.clock.advance(THREE_YEARS * 2);
    assert_eq!(stage.server.services.apply_retention().await.unwrap(), 0);
    assert!(file.exists());
    let boss = stage.staff("admin").await;
    let seen = stage.get("/retention", &boss).await.ok();
    assert_eq!((&seen["holds"][0]["reason"], &seen["certificates"]), (&json!("医疗纠纷"), &json!([])));
    let lift = format!("/holds/{}/lift", placed["id"].as_str().unwrap());
    let wordless = stage.post(&lift, &boss, json!({ "reason": " " })).await;
    assert_eq!((wordless.refusal(), &wordless.body["field"]), ((422, "request.invalid"), &json!("reason")));
    let why = json!({ "reason": "调解已结案" });
    assert_eq!(stage.post(&lift, &boss, why.clone()).await.status, 204);
    assert_eq!(stage.post(&lift, &boss, why).await.refusal().0, 404, "it is lifted");
    let seen = stage.get("/retention", &boss).await.ok();
    assert_eq!((&seen["holds"][0]["lift_reason"], &seen["holds"][0]["no"]), (&json!("调解已结案"), &json!(1)));
    assert!(!seen["holds"][0]["lifted_by"]["zh"].as_str().unwrap().is_empty());
    assert_eq!(stage.server.services.apply_retention().await.unwrap(), 1);
    assert!(!file.exists());
    assert_eq!((entries(&stage, "hold.place").await.len(), entries(&stage, "hold.lift").await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_visit_is_verified_by_anybody_and_a_changed_letter_is_found() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    sign(&stage, &visit, 1, "时行感冒", Some("更正诊断")).await;
    let me = stage.get("/patients", &visit.patient).await.ok()[0]["id"].as_str().unwrap().replace('-', "");
    stage.clock.advance(std::time::Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let boss = stage.staff("admin").await;
    let path = format!("/visits/{}/seal", visit.id);
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.post(&path, &nurse, json!({ "reason": "医疗纠纷" })).await.refusal().0, 403);
    let key = stage.get("/audit/days", &boss).await.ok()["fingerprint"].as_str().unwrap().to_owned();
    let url = format!("http://{}/api/v1{path}", stage.server.http_addr);
    let request = reqwest::Client::new().post(url).bearer_auth(&boss).json(&json!({ "reason": "医疗纠纷" }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let proved = verify_export(&text, Some(&key)).unwrap();
    assert!(proved.what.contains("2 signed versions"), "{proved}");
    assert!(proved.what.contains(&format!(" of patient_{me} of ")), "it says whose visit it is: {proved}");
    for personal in ["测试患者", &super::stage::card(1), "1990-01-01"] {
        assert!(!text.contains(personal), "and nothing personal: {personal}");
    }
    assert!(!proved.what.contains(" 0 of them"), "{proved}");
    let (head, body) = text.split_once('\n').unwrap();
    for changed in [
        body.replacen("感冒", "肺炎", 1),
        body.replacen("note.sign", "note.read", 1),
        body[..body.len() / 2].to_owned(),
    ] {
        assert_ne!(changed, body);
        assert!(verify_export(&format!("{head}\n{changed}"), Some(&key)).is_err());
    }
    assert_eq!(entries(&stage, "visit.seal").await[0].2.as_deref(), Some("dispute"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_says_that_a_purpose_ended_and_approves_what_goes_and_neither_reaches_into_the_future() {
    let stage = Stage::open().await;
    let (boss, nurse) = (stage.staff("admin").await, stage.staff("nurse").await);
    let clinic = stage.get("/clinics", &boss).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let now = stage.clock.now().as_millis();
    let (end, approve) = (format!("/clinics/{clinic}/purpose-end"), "/retention/approvals");
    let word = |until: i64| json!({ "declared_until": until });
    let approval = |class: &str, until: i64| json!({ "class": class, "due_until": until });
    assert_eq!(stage.post(&end, &nurse, word(now)).await.refusal().0, 403);
    assert_eq!(stage.post(approve, &nurse, approval("prescription_ordinary", now)).await.refusal().0, 403);
    let refused = [
        (stage.post(&end, &boss, word(now + 1)).await, "declared_until"),
        (stage.post(approve, &boss, approval("prescription_ordinary", now + 1)).await, "due_until"),
        (stage.post(approve, &boss, approval("outpatient_record", now)).await, "class"),
        (stage.post(approve, &boss, approval("declaration", now)).await, "class"),
    ];
    for (answer, field) in &refused {
        assert_eq!((answer.refusal(), &answer.body["field"]), ((422, "request.invalid"), &json!(field)));
    }
    let nowhere = "/clinics/0190a0a0-0000-7000-8000-0000000000ff/purpose-end";
    assert_eq!(stage.post(nowhere, &boss, word(now)).await.refusal().0, 404);
    stage.post(&end, &boss, word(now)).await.ok();
    stage.post(approve, &boss, approval("prescription_toxic", now)).await.ok();
    let seen = stage.get("/retention", &boss).await.ok();
    assert_eq!((&seen["purposes"][0]["clinic"], &seen["purposes"][0]["said_at"]), (&json!(clinic), &json!(now)));
    assert_eq!(seen["approvals"].as_array().unwrap().len(), 1, "what was refused is not there");
    assert_eq!(seen["approvals"][0]["class"], "prescription_toxic");
    let whose = [&seen["approvals"][0]["approved_by"]["en"], &seen["purposes"][0]["said_by"]["en"]];
    assert_eq!(whose, ["Demo Administrator"; 2], "a name, for a screen");
    assert_eq!((entries(&stage, "purpose.end").await.len(), entries(&stage, "retention.approve").await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_a_visit_keeps_its_prescription_and_its_declaration_from_every_job() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    signed(&stage, &visit).await;
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let boss = stage.staff("admin").await;
    let reason = json!({ "reason": "医疗纠纷" });
    let placed = stage.post(&format!("/visits/{}/hold", visit.id), &boss, reason).await.ok();
    let clinic = stage.get("/clinics", &boss).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let word = json!({ "declared_until": stage.clock.now() });
    stage.post(&format!("/clinics/{clinic}/purpose-end"), &boss, word).await.ok();
    stage.clock.advance(THREE_YEARS * 2);
    let boss = stage.staff("admin").await;
    let approval = json!({ "class": "prescription_ordinary", "due_until": stage.clock.now() });
    stage.post("/retention/approvals", &boss, approval).await.ok();
    let gone = async || {
        let services = &stage.server.services;
        (services.remove_prescriptions().await.unwrap(), services.remove_declarations().await.unwrap())
    };
    assert_eq!(gone().await, (0, 0));
    assert_eq!(stage.get("/retention", &boss).await.ok()["certificates"], json!([]));
    let (lift, why) = (format!("/holds/{}/lift", placed["id"].as_str().unwrap()), json!({ "reason": "纠纷已结" }));
    assert_eq!(stage.post(&lift, &boss, why).await.status, 204);
    assert_eq!(gone().await, (1, 1));
    let seen = stage.get("/retention", &boss).await.ok();
    let mut classes: Vec<&str> =
        seen["certificates"].as_array().unwrap().iter().map(|one| one["class"].as_str().unwrap()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["declaration", "prescription_ordinary"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_not_the_patient_gets_no_paper_and_no_list_and_what_was_signed_of_them_is_in_force_no_longer() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let colleague = stage.staff("doctor2").await;
    let opinion = opinions::ask(&stage, &visit, &colleague).await;
    opinions::answer(&stage, &opinion, &colleague).await;
    let list = format!("/visits/{}/documents", visit.id);
    let documents = stage.get(&list, &visit.patient).await.ok();
    let link = |at: usize| documents[at]["link"].as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned();
    let codes = [link(0), link(1)];
    for code in &codes {
        assert_eq!(verdict(&stage, code).await["state"], "authentic");
    }
    let readers = format!("/me/visits/{}/readers", visit.id);
    stage.get(&readers, &visit.patient).await.ok();
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    let version = json!({ "version": ticket["version"] });
    stage.post(&format!("/desks/{}/wrong-person", visit.desk), &visit.doctor, version).await.ok();
    for path in
        [list, readers, format!("/visits/{}/documents/record", visit.id), format!("/opinions/{opinion}/document")]
    {
        let refused = stage.get(&path, &visit.patient).await;
        assert!([(404, "request.not_found"), (503, "document.no_font")].contains(&refused.refusal()), "{path}");
    }
    assert_eq!(entries(&stage, "document.read_own").await, []);
    for code in &codes {
        assert_eq!(verdict(&stage, code).await["state"], "stopped");
    }
}
