//! What must be reported: a suspicion within two hours, an adverse event to the administrators.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::clock::Clock;

use super::audits::entries;
use super::proofs::sign;
use super::stage::{self, Answer, Site, Stage, Visit, card, nothing};
use crate::support::binary::Binary;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

async fn choose(stage: &Stage, visit: &Visit, outcome: &str) -> Answer {
    let path = format!("/visits/{}/outcome", visit.id);
    stage.post(&path, &visit.doctor, json!({ "outcome": outcome, "reason": "需要面诊" })).await
}

async fn listed(stage: &Stage, token: &str) -> Vec<Value> {
    stage.get("/case-reports", token).await.ok().as_array().unwrap().clone()
}

/// The topic of a hospital's alarms.
async fn alarms(stage: &Stage, staff: &str) -> String {
    let me = stage.get("/auth/me", staff).await.ok();
    format!("alarms:{}", me["institution"].as_str().unwrap())
}

/// The kinds of what was told of reports and adverse events, oldest first.
async fn told(stage: &Stage, topic: &str, about: &str) -> Vec<String> {
    let events = stage.server.services.events_since(topic, 0, 500).await.unwrap();
    events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with(about)).collect()
}

fn path(report: &Value, what: &str) -> String {
    format!("/case-reports/{}{what}", report["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspicion_is_due_two_hours_after_the_click_and_gone_from_the_list_with_its_receipt() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    assert!(listed(&stage, &visit.doctor).await.is_empty());
    let topic = alarms(&stage, &visit.doctor).await;
    let clicked = stage.clock.now().as_millis();
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    // The visit ends later; the time runs from the suspicion, and a second click opens no second one.
    stage.clock.advance(MINUTE);
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let (nurse, admin) = (stage.staff("nurse").await, stage.staff("admin").await);
    for token in [&visit.doctor, &nurse, &admin] {
        let lines = listed(&stage, token).await;
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(
            (&line["state"], &line["cause"], &line["visit"]),
            (&json!("due"), &json!("outcome"), &json!(visit.id))
        );
        assert_eq!(line["suspected_at"], clicked);
        assert_eq!(line["due_at"], clicked + 2 * 3_600_000);
        assert_eq!(
            (&line["rang"], &line["may_dismiss"]),
            (&json!(0), &json!(false)),
            "the own suspicion, or no doctor"
        );
    }
    let line = listed(&stage, &nurse).await[0].clone();
    let wrong = stage.post(&path(&line, "/report"), &nurse, json!({ "receipt": "已报告" })).await;
    assert_eq!((wrong.refusal(), &wrong.body["field"]), ((422, "request.invalid"), &json!("receipt")));
    let done = stage.post(&path(&line, "/report"), &nurse, json!({ "receipt": " 3201-2023-00042 " })).await.ok();
    assert_eq!((&done["state"], &done["receipt"]), (&json!("reported"), &json!("3201-2023-00042")));
    assert_eq!(done["closed_by"]["zh"], stage.get("/auth/me", &nurse).await.ok()["name_zh"]);
    let lines = listed(&stage, &visit.doctor).await;
    assert!(lines.iter().all(|line| line["state"] != "due"), "{lines:?}");
    // Closed for good.
    let again = stage.post(&path(&line, "/report"), &visit.doctor, json!({ "receipt": "3201-2023-00043" })).await;
    assert_eq!(again.refusal(), (409, "report.state"));
    let by_hand = json!({ "reason": "化验回报阳性" });
    let again = stage.post(&format!("/visits/{}/case-report", visit.id), &visit.doctor, by_hand).await;
    assert_eq!(again.refusal(), (409, "report.state"));
    stage.pass(HOUR * 5).await;
    assert_eq!(told(&stage, &topic, "report.").await, ["report.due", "report.done"], "what is reported does not ring");
    let kept = (entries(&stage, "report.due").await.len(), entries(&stage, "report.done").await.len());
    assert_eq!(kept, (1, 1));
    // Nothing of it is on a topic that the patient hears.
    for topic in [format!("visit:{}", visit.id), format!("ticket:{}", visit.ticket)] {
        let events = stage.server.services.events_since(&topic, 0, 500).await.unwrap();
        assert!(events.iter().all(|event| !event.kind.starts_with("report")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_report_rings_once_a_step_and_never_twice_for_what_was_slept_through() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let topic = alarms(&stage, &visit.doctor).await;
    let overdue = async |stage: &Stage| told(stage, &topic, "report.overdue").await.len();
    stage.pass(Duration::from_millis(2 * 3_600_000 - 1)).await;
    assert_eq!(overdue(&stage).await, 0);
    stage.pass(Duration::from_millis(1)).await;
    assert_eq!(overdue(&stage).await, 1, "in the moment in which it is overdue");
    for _ in 0..29 {
        stage.pass(MINUTE).await;
    }
    assert_eq!(overdue(&stage).await, 1);
    stage.pass(MINUTE).await;
    assert_eq!(overdue(&stage).await, 2, "after half an hour");
    stage.pass(MINUTE * 30).await;
    assert_eq!(overdue(&stage).await, 3, "after an hour");
    // The server is away for seven hours and comes back twice: it rings once, and goes on by the hour.
    stage.clock.advance(HOUR * 7);
    let stage = stage.restart().await;
    stage.server.services.sweep().await.unwrap();
    let stage = stage.restart().await;
    stage.server.services.sweep().await.unwrap();
    assert_eq!(overdue(&stage).await, 4);
    let nurse = stage.staff("nurse").await;
    let line = listed(&stage, &nurse).await[0].clone();
    assert_eq!((&line["rang"], &line["state"]), (&json!(4), &json!("due")));
    stage.pass(HOUR).await;
    assert_eq!(overdue(&stage).await, 5);
    assert_eq!(entries(&stage, "report.overdue").await.len(), 5, "and each is in the audit");
    let nurse = stage.staff("nurse").await;
    stage.post(&path(&line, "/report"), &nurse, json!({ "receipt": "3201-2023-00042" })).await.ok();
    stage.pass(HOUR * 30).await;
    assert_eq!(overdue(&stage).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_a_report_is_still_owed_and_rings_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Binary::start(&["demo"], folder.path(), &[]);
    let site = Site::at(&server.base);
    let visit = site.visit().await;
    let outcome = json!({ "outcome": "closed_loop_transport" });
    site.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    // In the very next moment.
    server.kill();
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("yunzhen.db"));
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    // As if its time had come while nobody was there.
    let moved = sqlx::query("update case_report set rings_at = 1").execute(&pool).await.unwrap();
    assert_eq!(moved.rows_affected(), 1, "what was acknowledged is kept");
    for _ in 0..2 {
        let mut server = Binary::start(&["demo"], folder.path(), &[]);
        let site = Site::at(&server.base);
        let nurse = site.staff("nurse").await;
        let deadline = Clock::System.now() + Duration::from_secs(20);
        let mut line = Value::Null;
        while line["rang"] != 1 && Clock::System.now() < deadline {
            line = site.get("/case-reports", &nurse).await.ok()[0].clone();
        }
        assert_eq!((&line["rang"], &line["state"], &line["visit"]), (&json!(1), &json!("due"), &json!(visit.id)));
        server.kill();
    }
    let rang: i64 = sqlx::query_scalar("select count(*) from audit where action = 'report.overdue'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rang, 1);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_chooses_otherwise_before_the_end_takes_the_suspicion_back_and_afterwards_a_second_one_dismisses_it()
 {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    choose(&stage, &visit, "go_to_hospital").await.ok();
    assert_eq!(listed(&stage, &visit.doctor).await[0]["state"], "withdrawn");
    // What was opened by hand stays, whatever is chosen.
    let by_hand = format!("/visits/{}/case-report", visit.id);
    let opened = stage.post(&by_hand, &visit.doctor, json!({ "reason": "接触史可疑" })).await.ok();
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    choose(&stage, &visit, "home_care").await.ok();
    let due: Vec<_> = listed(&stage, &visit.doctor).await.into_iter().filter(|line| line["state"] == "due").collect();
    assert_eq!((due.len(), &due[0]["id"], &due[0]["cause"]), (1, &opened["id"], &json!("hand")));
    let (other, nurse, admin) = (stage.staff("doctor2").await, stage.staff("nurse").await, stage.staff("admin").await);
    let why = json!({ "reason": "核酸两次阴性，予以排除" });
    let own = stage.post(&path(&opened, "/dismiss"), &visit.doctor, why.clone()).await;
    assert_eq!(own.refusal(), (403, "report.own"));
    for token in [&nurse, &admin, &visit.patient] {
        let refused = stage.post(&path(&opened, "/dismiss"), token, why.clone()).await;
        assert_eq!(refused.refusal(), (403, "auth.forbidden"));
    }
    assert_eq!(stage.post(&by_hand, &other, json!({ "reason": "可疑" })).await.refusal(), (404, "request.not_found"));
    assert!(listed(&stage, &other).await[0]["may_dismiss"].as_bool().unwrap());
    let blank = stage.post(&path(&opened, "/dismiss"), &other, json!({ "reason": " " })).await;
    assert_eq!(blank.refusal(), (422, "request.invalid"));
    let dismissed = stage.post(&path(&opened, "/dismiss"), &other, why).await.ok();
    assert_eq!(dismissed["state"], "dismissed");
    // Whose suspicion it was reads why.
    let form = stage.get(&path(&opened, ""), &visit.doctor).await.ok();
    assert_eq!((&form["reason"], &form["dismissal"]), (&json!("接触史可疑"), &json!("核酸两次阴性，予以排除")));
    assert_eq!(stage.get(&path(&opened, ""), &nurse).await.refusal(), (404, "request.not_found"), "it is closed");
    let topic = alarms(&stage, &other).await;
    stage.pass(HOUR * 9).await;
    assert!(told(&stage, &topic, "report.overdue").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_holds_what_the_visit_knows_for_doctors_and_nurses_alone_and_each_read_is_audited() {
    let stage = Stage::open().await;
    let stated = json!({ "sx.fever": true, "sx.temp": 38.2, "sx.onset": "2023-11-12" });
    let visit = stage.visit_of(1, stated).await;
    let note = json!({ "version": 0, "content": { "complaint": "发热两天", "diagnosis": "疑似新冠肺炎" } });
    let save = format!("/visits/{}/note", visit.id);
    stage.send(reqwest::Method::PUT, &save, &visit.doctor, Some(note), None).await.ok();
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    let (nurse, admin, pharmacist) =
        (stage.staff("nurse").await, stage.staff("admin").await, stage.staff("pharmacist").await);
    let list = stage.get("/case-reports", &admin).await.ok();
    assert!(
        !list.to_string().contains(&card(1)) && !list.to_string().contains("发热两天"),
        "a list says nothing of the case"
    );
    let one = path(&list[0], "");
    for token in [&admin, &pharmacist, &visit.patient] {
        assert_eq!(stage.get(&one, token).await.refusal(), (403, "auth.forbidden"));
    }
    for token in [&pharmacist, &visit.patient] {
        assert_eq!(stage.get("/case-reports", token).await.refusal(), (403, "auth.forbidden"));
    }
    assert!(entries(&stage, "report.read").await.is_empty());
    for token in [&nurse, &visit.doctor] {
        let form = stage.get(&one, token).await.ok();
        assert_eq!(form["document_number"], card(1));
        assert_eq!((&form["onset"], &form["complaint"]), (&json!("2023-11-12"), &json!("发热两天")));
        assert!(form["diagnosis"]["zh"].as_str().unwrap().contains("疑似新冠肺炎"));
        assert!(form["phone"].as_str().unwrap().ends_with(form["identity"]["phone_tail"].as_str().unwrap()));
        assert_eq!(form["identity"]["birth_date"], "1990-01-01");
        assert!(
            !form["address"].as_str().unwrap().is_empty()
                && !form["institution_name"]["zh"].as_str().unwrap().is_empty()
        );
    }
    let read = entries(&stage, "report.read").await;
    assert_eq!(read.len(), 2);
    assert!(read.iter().all(|entry| entry.2.as_deref() == Some("reporting")), "{read:?}");
    let me = stage.get("/auth/me", &nurse).await.ok()["account"].as_str().unwrap().replace('-', "");
    assert_eq!(read[0].0, format!("account_{me}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_was_not_the_right_person_nothing_is_owed_about_the_patient() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    choose(&stage, &visit, "closed_loop_transport").await.ok();
    let current = stage.get("/desks/mine", &visit.doctor).await.ok()["desk"]["current"].clone();
    let version = json!({ "version": current["version"] });
    stage.post(&format!("/desks/{}/wrong-person", visit.desk), &visit.doctor, version).await.ok();
    assert_eq!(listed(&stage, &visit.doctor).await[0]["state"], "withdrawn");
    let by_hand = format!("/visits/{}/case-report", visit.id);
    let opened = stage.post(&by_hand, &visit.doctor, json!({ "reason": "可疑" })).await;
    assert_eq!(opened.refusal(), (409, "visit.ended"));
}

fn adverse(stage: &Stage, is_serious: bool) -> Value {
    json!({ "kind": "medicine", "is_serious": is_serious, "happened_at": stage.clock.now().as_millis(),
            "words": "服药后全身皮疹", "measures": "嘱停药，已联系急诊" })
}

#[tokio::test(flavor = "multi_thread")]
async fn any_staff_tells_an_adverse_event_and_a_serious_one_rings_until_an_administrator_reads_it() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, nothing()).await;
    let to = format!("/visits/{}/adverse-events", visit.id);
    let (nurse, pharmacist, admin) =
        (stage.staff("nurse").await, stage.staff("pharmacist").await, stage.staff("admin").await);
    let topic = alarms(&stage, &nurse).await;
    for token in [&visit.doctor, &nurse, &pharmacist] {
        stage.post(&to, token, adverse(&stage, false)).await.ok();
    }
    assert_eq!(told(&stage, &topic, "adverse.").await, ["adverse.told"; 3]);
    let serious = stage.post(&to, &nurse, adverse(&stage, true)).await.ok();
    assert_eq!(told(&stage, &topic, "adverse.serious").await.len(), 1);
    // It happened, and not before anybody came.
    let later = (stage.clock.now() + MINUTE).as_millis();
    for at in [later, later - 25 * 3_600_000] {
        let mut wrong = adverse(&stage, true);
        wrong["happened_at"] = json!(at);
        let refused = stage.post(&to, &nurse, wrong).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("happened_at")));
    }
    let mut wrong = adverse(&stage, true);
    wrong["measures"] = json!(" ");
    let refused = stage.post(&to, &nurse, wrong).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("measures")));
    // For administrators alone, and the words for who opens one.
    let patient = stage.post(&to, &visit.patient, adverse(&stage, true)).await;
    assert_eq!(patient.refusal(), (403, "auth.forbidden"));
    let one = format!("/adverse-events/{}", serious["id"].as_str().unwrap());
    for token in [&visit.doctor, &nurse, &pharmacist, &visit.patient] {
        assert_eq!(stage.get("/adverse-events", token).await.refusal(), (403, "auth.forbidden"));
        assert_eq!(stage.get(&one, token).await.refusal(), (403, "auth.forbidden"));
    }
    let list = stage.get("/adverse-events", &admin).await.ok();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (4, &serious["id"]), "the serious one first");
    assert!(!list.to_string().contains("皮疹") && list[0]["seen_at"].is_null());
    assert!(entries(&stage, "adverse.read").await.is_empty());
    let read = stage.get(&one, &admin).await.ok();
    assert_eq!((&read["words"], &read["measures"]), (&json!("服药后全身皮疹"), &json!("嘱停药，已联系急诊")));
    stage.get(&one, &admin).await.ok();
    let entries = entries(&stage, "adverse.read").await;
    assert_eq!(entries.len(), 2, "each read");
    assert!(entries.iter().all(|entry| entry.2.as_deref() == Some("safety")));
    let list = stage.get("/adverse-events", &admin).await.ok();
    let seen: Vec<&Value> = list.as_array().unwrap().iter().filter(|one| !one["seen_at"].is_null()).collect();
    assert_eq!((seen.len(), &seen[0]["id"]), (1, &serious["id"]));
    assert_eq!(told(&stage, &topic, "adverse.seen").await.len(), 1, "the first read alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_shown_to_an_account_between_two_moments_stands_in_the_table_of_a_breach_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let other = stage.staff("doctor2").await;
    let read = format!("/visits/{}/break-glass", visit.id);
    stage.post(&read, &other, json!({ "reason": "转诊询问" })).await.ok();
    stage.clock.advance(MINUTE);
    stage.post(&read, &other, json!({ "reason": "再次询问" })).await.ok();
    let search = json!({ "document": "resident_card", "number": card(9) });
    stage.post("/visits/by-document", &other, search).await.ok();
    // The day after.
    stage.clock.advance(HOUR * 24);
    let other = stage.staff("doctor2").await;
    stage.post(&read, &other, json!({ "reason": "第二天询问" })).await.ok();
    let file = stage.folder.path().join("people.csv");
    let config = stage::config(&stage.folder);
    let between = ("2023-11-14T00:00:00Z", "2023-11-15T12:00:00+08:00");
    yunzhen::app::proof::breach_notice(&config, "doctor2", between, &file).await.unwrap();
    let table = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<Vec<String>> = yunzhen::domain::csv::read(&table).unwrap().into_iter().map(|row| row.cells).collect();
    assert_eq!(rows.len(), 3, "the names of columns, one person, one search: {table}");
    let person = &rows[1];
    assert_eq!(person[0], "测试患者");
    assert!(person[2].starts_with("tel:+86138"), "{table}");
    assert_eq!((person[6].as_str(), person[7].as_str()), ("2", "visit.break_glass x2"), "the next day is not in it");
    assert_eq!((rows[2][0].as_str(), rows[2][7].as_str()), ("", "visit.search x1"));
    assert_eq!(entries(&stage, "breach.notice").await.len(), 1);
    // Another account was shown nobody of these.
    yunzhen::app::proof::breach_notice(&config, "nurse", between, &file).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    assert!(yunzhen::app::proof::breach_notice(&config, "nobody", between, &file).await.is_err());
    assert!(yunzhen::app::proof::breach_notice(&config, "nurse", ("yesterday", "now"), &file).await.is_err());
}
