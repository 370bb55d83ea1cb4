//! A doctor asks another for an opinion: who reads what for how long, and what is signed.

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::clock::Ids;
use yunzhen::domain::ids::AccountId;
use yunzhen::store::{AccountRow, CredentialRow, Db};

use super::audits::entries;
use super::proofs::{sign as sign_note, verdict};
use super::sealed::{every_change_is_found, key, text, verify};
use super::stage::{Answer, Stage, Visit};
use crate::programs;
use crate::support::sql::run;

/// Whose account this is.
async fn account(stage: &Stage, token: &str) -> String {
    stage.get("/auth/me", token).await.ok()["account"].as_str().unwrap().to_owned()
}

/// A third doctor of the house, with the second one's password; the token.
async fn third_doctor(stage: &Stage) -> String {
    let db = database(stage).await;
    let mut tx = db.begin().await.unwrap();
    let twin = tx.accounts().by_username("doctor2").await.unwrap().unwrap();
    let twin_id = twin.id;
    let id = Ids::seeded(stage.clock.clone(), 3).make(AccountId::from_uuid);
    let row = AccountRow { id, username: "doctor3".into(), name_zh: "演示医师丙".into(), ..twin };
    tx.accounts().insert(&row).await.unwrap();
    let papers = tx.credentials().of(twin_id).await.unwrap().unwrap();
    tx.credentials().record(&CredentialRow { account_id: id, ..papers }).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let body = json!({ "username": "doctor3", "password": "yunzhen-doctor2" });
    stage.post("/auth/login", "", body).await.ok()["access_token"].as_str().unwrap().to_owned()
}

async fn database(stage: &Stage) -> Db {
    Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap()
}

fn question(doctor: &str) -> Value {
    json!({ "doctor": doctor, "question": "求治法", "summary": "发热2天，咳嗽" })
}

/// The doctor of a visit asks another; the question's id.
pub(super) async fn ask(stage: &Stage, visit: &Visit, asked: &str) -> String {
    let body = question(&account(stage, asked).await);
    let line = stage.post(&format!("/visits/{}/opinions", visit.id), &visit.doctor, body).await.ok();
    line["id"].as_str().unwrap().to_owned()
}

async fn save(stage: &Stage, id: &str, token: &str, version: i64, opinion: &str) -> Answer {
    let body = json!({ "version": version, "opinion": opinion, "advice": "辛凉解表，银翘散加减" });
    stage.send(Method::PUT, &format!("/opinions/{id}"), token, Some(body), None).await
}

/// The asked doctor writes and signs; the signed opinion.
pub(super) async fn answer(stage: &Stage, id: &str, asked: &str) -> Value {
    let saved = save(stage, id, asked, 0, "证属风热犯肺").await.ok();
    let sign = json!({ "version": saved["version"] });
    stage.post(&format!("/opinions/{id}/sign"), asked, sign).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_asks_another_who_reads_the_record_answers_and_signs_and_reads_it_no_more() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign_note(&stage, &visit, 0, "感冒", None).await;
    let other = stage.staff("doctor2").await;
    let record = format!("/visits/{}", visit.id);
    let closed = (403, "record.purpose_missing");
    assert_eq!(stage.get(&record, &other).await.refusal(), closed, "before anybody asked");
    let offered = stage.get(&format!("{record}/opinions"), &visit.doctor).await.ok();
    assert_eq!(offered["doctors"].as_array().unwrap().len(), 1, "everybody but oneself");
    let id = ask(&stage, &visit, &other).await;

    let mine = stage.get("/opinions", &other).await.ok();
    let line = &mine["of_me"][0];
    assert_eq!((&line["id"], &line["state"], &mine["by_me"]), (&json!(id), &json!("asked"), &json!([])));
    assert!(!mine.to_string().contains("求治法"), "a list says nothing of the case");
    let asked = stage.get(&format!("/opinions/{id}"), &other).await.ok();
    assert_eq!((&asked["question"], &asked["summary"]), (&json!("求治法"), &json!("发热2天，咳嗽")));
    // The record is open without a word, and each read is kept with what it was for.
    for _ in 0..2 {
        let read = stage.get(&record, &other).await.ok();
        assert_eq!(
            (&read["access"], &read["signed"][0]["content"]["diagnosis"]),
            (&json!("consultation"), &json!("感冒"))
        );
    }
    let reads = entries(&stage, "visit.read").await;
    assert_eq!(reads.iter().filter(|read| read.2.as_deref() == Some("consultation")).count(), 2, "{reads:?}");
    assert!(entries(&stage, "visit.break_glass").await.is_empty());
    let readers = stage.get(&format!("/me/visits/{}/readers", visit.id), &visit.patient).await.ok();
    assert_eq!(readers[0]["purpose"], "consultation", "the patient sees who was asked");

    // A draft is its writer's alone.
    save(&stage, &id, &other, 0, "初步意见").await.ok();
    let seen = stage.get(&format!("/opinions/{id}"), &visit.doctor).await.ok();
    assert_eq!((&seen["opinion"], &seen["advice"], &seen["saved_at"]), (&json!(""), &json!(""), &Value::Null));
    let saved = save(&stage, &id, &other, 1, "证属风热犯肺").await.ok();
    let sign = json!({ "version": saved["version"] });
    let signed = stage.post(&format!("/opinions/{id}/sign"), &other, sign).await.ok();
    assert_eq!((&signed["line"]["state"], &signed["signature"]["algorithm"]), (&json!("answered"), &json!("ed25519")));
    let seen = stage.get(&format!("/opinions/{id}"), &visit.doctor).await.ok();
    assert_eq!((&seen["opinion"], &seen["hash"]), (&json!("证属风热犯肺"), &signed["hash"]));
    assert_eq!(stage.get(&record, &other).await.refusal(), closed, "after the answer");
    stage.get(&format!("/opinions/{id}"), &other).await.ok();

    // It never changes, and both doctors heard of it.
    assert_eq!(save(&stage, &id, &other, 3, "另一意见").await.refusal(), (409, "opinion.state"));
    let sign = json!({ "version": 3 });
    assert_eq!(stage.post(&format!("/opinions/{id}/sign"), &other, sign).await.refusal(), (409, "opinion.state"));
    let withdrawn = stage.act(&format!("/opinions/{id}/withdraw"), &visit.doctor).await;
    assert_eq!(withdrawn.refusal(), (409, "opinion.state"));
    for who in [&visit.doctor, &other] {
        let topic = format!("account:{}", account(&stage, who).await);
        let told = stage.server.services.events_since(&topic, 0, 50).await.unwrap();
        let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["opinion.asked", "opinion.answered"]);
        assert!(told.iter().all(|event| !format!("{:?}", event.data).contains("证属")));
    }
    let purposes = |reads: Vec<(String, String, Option<String>)>| {
        reads.into_iter().map(|read| read.2.unwrap()).collect::<Vec<_>>()
    };
    let read = purposes(entries(&stage, "opinion.read").await);
    assert_eq!(read, ["consultation", "treatment", "treatment", "consultation"], "a row for each read");
    let done = (entries(&stage, "opinion.ask").await.len(), entries(&stage, "opinion.sign").await.len());
    assert_eq!(done, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_not_asked_learns_nothing_and_a_withdrawn_question_is_closed_to_who_was() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (other, third) = (stage.staff("doctor2").await, third_doctor(&stage).await);
    let (nurse, pharmacist) = (stage.staff("nurse").await, stage.staff("pharmacist").await);
    let (stranger, _) = stage.known_patient(7).await;
    let of_visit = format!("/visits/{}/opinions", visit.id);
    let body = question(&account(&stage, &third).await);
    // Who does not treat asks nobody, and sees no list.
    assert_eq!(stage.post(&of_visit, &other, body.clone()).await.refusal(), (404, "request.not_found"));
    assert_eq!(stage.get(&of_visit, &other).await.refusal(), (404, "request.not_found"));
    for token in [&nurse, &pharmacist, &visit.patient, &stranger] {
        assert_eq!(stage.post(&of_visit, token, body.clone()).await.refusal(), (403, "auth.forbidden"));
        assert_eq!(stage.get("/opinions", token).await.refusal(), (403, "auth.forbidden"));
    }
    let id = ask(&stage, &visit, &other).await;
    let (one, sign) = (format!("/opinions/{id}"), json!({ "version": 0 }));
    let not_there = format!("/opinions/{}", uuid::Uuid::from_u128(7));
    let unknown = stage.get(&not_there, &third).await;
    let refused = [
        stage.get(&one, &third).await,
        save(&stage, &id, &third, 0, "意见").await,
        stage.post(&format!("{one}/sign"), &third, sign.clone()).await,
        stage.act(&format!("{one}/withdraw"), &third).await,
        stage.get(&format!("{one}/document"), &third).await,
        stage.get(&format!("{one}/document"), &stranger).await,
        stage.get(&format!("{one}/document"), &visit.patient).await,
        stage.get(&format!("{one}/document"), &nurse).await,
        stage.act(&format!("{one}/withdraw"), &other).await,
        save(&stage, &id, &visit.doctor, 0, "意见").await,
        stage.post(&format!("{one}/sign"), &visit.doctor, sign.clone()).await,
    ];
    for (n, answer) in refused.iter().enumerate() {
        if answer.refusal() == (503, "document.no_font") {
            continue;
        }
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{n}: as if there were none");
    }
    for token in [&nurse, &visit.patient] {
        assert_eq!(stage.get(&one, token).await.refusal(), (403, "auth.forbidden"));
    }
    assert_eq!(stage.get("/opinions", &third).await.ok(), json!({ "of_me": [], "by_me": [] }));
    let record = format!("/visits/{}", visit.id);
    let closed = (403, "record.purpose_missing");
    assert_eq!(stage.get(&record, &third).await.refusal(), closed);
    stage.get(&record, &other).await.ok();
    // It is taken back, once; then it is closed to whom it was asked of.
    let back = format!("{one}/withdraw");
    let once = stage.send(Method::POST, &back, &visit.doctor, None, Some("once")).await.ok();
    assert_eq!(once["state"], "withdrawn");
    let again = stage.send(Method::POST, &back, &visit.doctor, None, Some("once")).await.ok();
    assert_eq!(again, once);
    assert_eq!(stage.act(&back, &visit.doctor).await.refusal(), (409, "opinion.state"));
    assert_eq!(stage.get(&record, &other).await.refusal(), closed);
    assert_eq!(stage.get(&one, &other).await.refusal(), (404, "request.not_found"));
    assert_eq!(save(&stage, &id, &other, 0, "意见").await.refusal(), (409, "opinion.state"));
    assert_eq!(stage.post(&format!("{one}/sign"), &other, sign).await.refusal(), (409, "opinion.state"));
    assert_eq!(stage.get("/opinions", &other).await.ok()["of_me"][0]["state"], "withdrawn");
    assert_eq!(entries(&stage, "opinion.withdraw").await.len(), 1);
    ask(&stage, &visit, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_and_a_second_press_asks_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let other = stage.staff("doctor2").await;
    let path = format!("/visits/{}/opinions", visit.id);
    let asked = account(&stage, &other).await;
    let refused = async |field: &str, value: Value| {
        let mut body = question(&asked);
        body[field] = value;
        let answer = stage.post(&path, &visit.doctor, body).await;
        assert_eq!((answer.refusal(), &answer.body["field"]), ((422, "request.invalid"), &json!(field)));
        answer.body
    };
    for (field, limit) in [("question", 500), ("summary", 4000)] {
        refused(field, json!("  ")).await;
        refused(field, json!("问".repeat(limit + 1))).await;
    }
    // Oneself, a nurse, and nobody at all are the same nobody.
    let mut words = Vec::new();
    for token in [&visit.doctor, &stage.staff("nurse").await] {
        words.push(refused("doctor", json!(account(&stage, token).await)).await);
    }
    words.push(refused("doctor", json!(uuid::Uuid::from_u128(7))).await);
    assert!(words.windows(2).all(|pair| pair[0] == pair[1]));
    let body = Some(question(&asked));
    let press = async |key: &str| stage.send(Method::POST, &path, &visit.doctor, body.clone(), Some(key)).await;
    let both = tokio::join!(press("once"), press("once"));
    let (one, two) = (both.0.ok(), both.1.ok());
    assert_eq!(one, two, "a doubled click is one question");
    assert_eq!(press("twice").await.refusal(), (409, "opinion.open"));
    assert_eq!(entries(&stage, "opinion.ask").await.len(), 1);
    let id = one["id"].as_str().unwrap();
    // Nothing is signed that says nothing.
    let empty = stage.post(&format!("/opinions/{id}/sign"), &other, json!({ "version": 0 })).await;
    assert_eq!((empty.refusal(), &empty.body["field"]), ((422, "opinion.incomplete"), &json!("opinion")));
    for (field, limit) in [("opinion", 4000), ("advice", 2000)] {
        let mut long = json!({ "version": 0, "opinion": "", "advice": "" });
        long[field] = json!("意".repeat(limit + 1));
        let answer = stage.send(Method::PUT, &format!("/opinions/{id}"), &other, Some(long), None).await;
        assert_eq!((answer.refusal(), &answer.body["field"]), ((422, "request.invalid"), &json!(field)));
    }
    // No more than ten about one visit, however often they are taken back.
    for _ in 1..10 {
        let open = stage.get("/opinions", &other).await.ok()["of_me"][0]["id"].clone();
        stage.act(&format!("/opinions/{}/withdraw", open.as_str().unwrap()), &visit.doctor).await.ok();
        ask(&stage, &visit, &other).await;
    }
    let open = stage.get("/opinions", &other).await.ok()["of_me"][0]["id"].clone();
    stage.act(&format!("/opinions/{}/withdraw", open.as_str().unwrap()), &visit.doctor).await.ok();
    assert_eq!(stage.post(&path, &visit.doctor, question(&asked)).await.refusal(), (409, "opinion.state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_draft_is_a_conflict_that_says_what_is_there_now() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let other = stage.staff("doctor2").await;
    let id = ask(&stage, &visit, &other).await;
    let saved = save(&stage, &id, &other, 0, "第一窗").await.ok();
    assert_eq!(saved["version"], 1);
    let behind = save(&stage, &id, &other, 0, "第二窗").await;
    assert_eq!((behind.refusal(), &behind.body["newer"]["opinion"]), ((409, "version.conflict"), &json!("第一窗")));
    let sign = format!("/opinions/{id}/sign");
    let stale = stage.post(&sign, &other, json!({ "version": 0 })).await;
    assert_eq!(stale.refusal(), (409, "version.conflict"), "what was not read is not signed");
    let body = Some(json!({ "version": 1 }));
    let signed = stage.send(Method::POST, &sign, &other, body.clone(), Some("once")).await.ok();
    assert_eq!(stage.send(Method::POST, &sign, &other, body, Some("once")).await.ok(), signed);
    assert_eq!((&signed["opinion"], &signed["version"]), (&json!("第一窗"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paper_of_an_opinion_is_for_the_two_doctors_and_the_patient_and_its_code_says_authentic() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign_note(&stage, &visit, 0, "感冒", None).await;
    let (other, third) = (stage.staff("doctor2").await, third_doctor(&stage).await);
    let id = ask(&stage, &visit, &other).await;
    let listed = async || {
        let list = stage.get(&format!("/visits/{}/documents", visit.id), &visit.patient).await.ok();
        list.as_array().unwrap().iter().find(|one| one["kind"] == "opinion").cloned()
    };
    assert_eq!(listed().await, None, "there is a paper of an answer, and none of a question");
    let paper = format!("/opinions/{id}/document?paper=a5");
    let early = stage.get(&paper, &visit.doctor).await;
    answer(&stage, &id, &other).await;
    let info = listed().await.unwrap();
    assert_eq!(info["path"], format!("/opinions/{id}/document"));
    let token = info["link"].as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned();
    let said = verdict(&stage, &token).await;
    assert_eq!(said["state"], "authentic");
    assert!(!said.to_string().contains("风热") && !said.to_string().contains(&id));
    if early.status == 503 {
        return programs::skip("a paper", "no font with Chinese letters (Debian: fonts-noto-cjk)");
    }
    assert_eq!(early.refusal(), (409, "document.unsigned"));
    for token in [&visit.doctor, &other, &visit.patient] {
        let url = format!("http://{}/api/v1{paper}", stage.server.http_addr);
        let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        assert!(answer.bytes().await.unwrap().starts_with(b"%PDF-"));
    }
    let (stranger, _) = stage.known_patient(7).await;
    for token in [&third, &stage.staff("nurse").await, &stage.staff("pharmacist").await, &stranger] {
        assert_eq!(stage.get(&paper, token).await.refusal(), (404, "request.not_found"));
    }
    let purposes: Vec<_> = entries(&stage, "document.read").await.into_iter().map(|read| read.2.unwrap()).collect();
    assert_eq!(purposes, ["treatment", "consultation"]);
    assert_eq!(entries(&stage, "document.read_own").await[0].2.as_deref(), Some("own"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opinion_that_was_changed_in_the_database_is_told_as_broken_and_never_printed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let other = stage.staff("doctor2").await;
    let id = ask(&stage, &visit, &other).await;
    answer(&stage, &id, &other).await;
    let documents = stage.get(&format!("/visits/{}/documents", visit.id), &visit.patient).await.ok();
    let code = documents[0]["link"].as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned();
    assert_eq!(verdict(&stage, &code).await["state"], "authentic");
    let db = database(&stage).await;
    run(&db, "drop trigger opinion_never_changes").await;
    run(&db, "update opinion set opinion = replace(opinion, '风热', '风寒')").await;
    let broken = (500, "signature.broken");
    assert_eq!(stage.get(&format!("/opinions/{id}"), &visit.doctor).await.refusal(), broken);
    assert_eq!(verdict(&stage, &code).await["state"], "unknown");
    let paper = stage.get(&format!("/opinions/{id}/document"), &visit.patient).await;
    assert!([broken, (503, "document.no_font")].contains(&paper.refusal()), "{}", paper.body);
    run(&db, "update opinion set opinion = replace(opinion, '风寒', '风热')").await;
    assert_eq!(verdict(&stage, &code).await["state"], "authentic");
    // The words alone prove nothing: without its doctor's signature it is no opinion.
    run(&db, "drop trigger signature_never_goes").await;
    run(&db, "delete from signature where purpose = 'opinion'").await;
    db.close().await;
    assert_eq!(stage.get(&format!("/opinions/{id}"), &visit.doctor).await.refusal(), broken);
    assert_eq!(verdict(&stage, &code).await["state"], "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_visit_holds_its_opinions_and_any_changed_letter_is_found() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let other = stage.staff("doctor2").await;
    let id = ask(&stage, &visit, &other).await;
    answer(&stage, &id, &other).await;
    let third = third_doctor(&stage).await;
    ask(&stage, &visit, &third).await;
    stage.clock.advance(std::time::Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let boss = stage.staff("admin").await;
    let key = key(&stage, &boss).await;
    let whole = text(&stage, Method::POST, &format!("/visits/{}/seal", visit.id), &boss).await;
    let lines: Vec<Value> = whole.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let opinions: Vec<_> = lines.iter().filter(|line| line["is"] == "opinion").collect();
    let [opinion] = opinions[..] else { panic!("one is signed, and one is asked: {opinions:?}") };
    assert_eq!(
        (&opinion["opinion"], &opinion["signatures"][0]["purpose"]),
        (&json!("证属风热犯肺"), &json!("opinion"))
    );
    for action in ["opinion.ask", "opinion.sign"] {
        assert!(whole.contains(action), "what happened is in the entries: {action}");
    }
    let (said, yes) = verify(&whole, &key);
    assert!(yes && said.contains("1 opinions") && said.contains("1 signatures"), "{said}");
    let (said, yes) = verify(&whole.replacen("风热", "风寒", 1), &key);
    assert!(!yes, "{said}");
    every_change_is_found(&whole, &key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_the_wrong_person_is_withdrawn_with_the_visit() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let other = stage.staff("doctor2").await;
    let id = ask(&stage, &visit, &other).await;
    let record = format!("/visits/{}", visit.id);
    stage.get(&record, &other).await.ok();
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    let version = json!({ "version": ticket["version"] });
    stage.post(&format!("/desks/{}/wrong-person", visit.desk), &visit.doctor, version).await.ok();
    assert_eq!(stage.get(&record, &other).await.refusal(), (403, "record.purpose_missing"));
    assert_eq!(save(&stage, &id, &other, 0, "意见").await.refusal(), (409, "opinion.state"));
    let body = question(&account(&stage, &other).await);
    let late = stage.post(&format!("{record}/opinions"), &visit.doctor, body).await;
    assert_eq!(late.refusal(), (409, "visit.ended"));
}
