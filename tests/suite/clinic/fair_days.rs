//! The receipt of a ticket and the day of a queue: nobody was overtaken without a rule.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::clock::Clock;
use yunzhen::domain::fairness::{QueueEvent, What, replay};
use yunzhen::domain::ids::ClinicId;
use yunzhen::services::topics::Topic;
use yunzhen::store::{Db, NewEvent};

use super::levels::make_standard;
use super::stage::{Stage, nothing};
use crate::support::{database, sql};

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_shows_why_each_one_was_called_before() {
    let stage = Stage::open().await;
    let (first, ticket) = stage.patient_waiting(1, nothing()).await;
    make_standard(&stage, &stage.staff("nurse").await, &ticket).await;
    stage.pass(Duration::from_secs(1)).await;
    let (_, urgent) = stage.patient_waiting(2, json!({ "sx.fever": true, "sx.temp": 39.6 })).await;
    assert_eq!(urgent["level"], "URGENT", "the second is more urgent");
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let path = format!("/tickets/{}/receipt", ticket["id"].as_str().unwrap());
    let receipt = stage.get(&path, &first).await.ok();
    assert_eq!(receipt["passed"][0]["no"], urgent["no"], "{receipt}");
    assert_eq!((&receipt["passed"][0]["rule"], &receipt["findings"]), (&json!("LANE-1"), &json!(0)));
    // Its holder plays the events again, and finds the same.
    let events: Vec<QueueEvent> = serde_json::from_value(receipt["events"].clone()).unwrap();
    let told = replay(&events);
    assert_eq!((told.overtakings.len(), told.findings.len()), (1, 0));
    assert_eq!(json!(told.overtakings[0].waiting), ticket["id"]);
    let stranger = stage.holder(3).await;
    assert_eq!(stage.get(&path, &stranger).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_called_before_without_a_rule_is_in_the_receipt_and_in_the_day() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (first, ticket) = stage.patient_waiting(1, nothing()).await;
    make_standard(&stage, &nurse, &ticket).await;
    stage.pass(Duration::from_mins(1)).await;
    let (_, later) = stage.patient_waiting(2, nothing()).await;
    make_standard(&stage, &nurse, &later).await;
    // A hand in the database puts the later one first.
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update ticket set rank = rank - 600000 where no = (select max(no) from ticket)").await;
    db.close().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(view["current"]["no"], later["no"]);
    let path = format!("/tickets/{}/receipt", ticket["id"].as_str().unwrap());
    let receipt = stage.get(&path, &first).await.ok();
    assert_eq!((&receipt["passed"][0]["no"], &receipt["passed"][0]["rule"]), (&later["no"], &Value::Null));
    assert!(receipt["findings"].as_u64().unwrap() > 0, "{receipt}");
    let admin = stage.staff("admin").await;
    let clinic = stage.get("/clinics", &admin).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let day = stage.get(&format!("/clinics/{clinic}/queue-days/2023-11-15"), &admin).await.ok();
    assert!(day["findings"].as_array().unwrap().iter().any(|one| one["kind"] == "overtaken"), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_plays_a_day_again_and_finds_nothing_without_a_rule() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let nurse = stage.staff("nurse").await;
    for n in 1..=5 {
        let (_, ticket) = stage.patient_waiting(n, nothing()).await;
        if n != 4 {
            make_standard(&stage, &nurse, &ticket).await;
        }
    }
    // A call that is taken back, a missed one, and two more.
    for what in ["cancel-call", "skip", "skip", "skip"] {
        let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        let version = json!({ "version": view["current"]["version"] });
        stage.post(&format!("/desks/{desk}/{what}"), &doctor, version).await.ok();
        stage.pass(Duration::from_secs(1)).await;
    }
    let admin = stage.staff("admin").await;
    let clinic = stage.get("/clinics", &admin).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let day = stage.get(&format!("/clinics/{clinic}/queue-days/2023-11-15"), &admin).await.ok();
    assert_eq!(day["findings"], json!([]), "{day}");
    assert!(day["overtakings"].as_u64().unwrap() > 0, "the urgent one went first");
    let content = day["content"].as_str().unwrap();
    let events = serde_json::from_str::<Value>(content).unwrap()["events"].clone();
    let events: Vec<QueueEvent> = serde_json::from_value(events).unwrap();
    assert_eq!(json!(replay(&events).overtakings.len()), day["overtakings"], "what was signed is what was played");
    assert_eq!(day["signature"]["bytes"].as_str().unwrap().len(), 128);
    assert_eq!(stage.get(&format!("/clinics/{clinic}/queue-days/x"), &admin).await.status, 422);
    assert_eq!(stage.get(&format!("/clinics/{clinic}/queue-days/2023-11-15"), &doctor).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queues_day_ends_at_midnight_there_and_says_whether_it_is_complete() {
    // It is 06:13 in China.
    let stage = Stage::open().await;
    stage.patient_waiting(1, nothing()).await;
    let day = async |date: &str| {
        let admin = stage.staff("admin").await;
        let clinic = stage.get("/clinics", &admin).await.ok()[0]["id"].as_str().unwrap().to_owned();
        let day = stage.get(&format!("/clinics/{clinic}/queue-days/{date}"), &admin).await.ok();
        let content: Value = serde_json::from_str(day["content"].as_str().unwrap()).unwrap();
        assert_eq!((&day["complete"], &day["until"]), (&content["complete"], &content["until"]), "both are signed");
        (day, content["events"].as_array().unwrap().clone())
    };
    let (running, before) = day("2023-11-15").await;
    assert_eq!((&running["complete"], &running["until"]), (&json!(false), &json!(stage.clock.now())));
    stage.clock.advance(Duration::from_hours(20));
    stage.patient_waiting(2, nothing()).await;
    let (over, events) = day("2023-11-15").await;
    let midnight = 1_700_064_000_000_i64;
    assert_eq!((&over["complete"], &over["until"]), (&json!(true), &json!(midnight)));
    assert_eq!(events, before, "who came after midnight is in the next day");
    assert_eq!(day("2023-11-16").await.1.len(), before.len());
}

/// The tickets that joined, as a log of events tells it.
fn joined(events: &Value) -> Vec<Value> {
    let events: Vec<QueueEvent> = serde_json::from_value(events.clone()).unwrap();
    let joined = events.iter().filter(|event| matches!(event.what, What::Joined { .. }));
    joined.map(|event| json!(event.ticket)).collect()
}

/// Two draw at opening time: what the second does began before the first's, and was written after it.
async fn both_who_drew_in_one_moment_are_in_the_day(stage: &Stage, db: &Db) {
    let (_, first) = stage.patient_waiting(1, nothing()).await;
    let Clock::Manual(clock) = &stage.clock else { unreachable!("the clock of a stage stands") };
    clock.fetch_sub(5, Ordering::SeqCst);
    let (_, second) = stage.patient_waiting(2, nothing()).await;
    let both = [first["id"].clone(), second["id"].clone()];
    stage.clock.advance(Duration::from_hours(20));
    let (admin, holder) = (stage.staff("admin").await, stage.holder(1).await);
    let clinic = stage.get("/clinics", &admin).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let topic = Topic::Clinic(clinic.parse::<ClinicId>().unwrap()).to_string();
    let institution = db.read().await.unwrap().institutions().all().await.unwrap()[0].id;
    // Wherever the two lie in what the clinic was told: it is searched by halving.
    for more in 0..8 {
        let day = stage.get(&format!("/clinics/{clinic}/queue-days/2023-11-15"), &admin).await.ok();
        let content: Value = serde_json::from_str(day["content"].as_str().unwrap()).unwrap();
        assert_eq!((&day["complete"], joined(&content["events"])), (&json!(true), both.to_vec()), "{more} more events");
        let receipt = stage.get(&format!("/tickets/{}/receipt", first["id"].as_str().unwrap()), &holder).await.ok();
        assert_eq!(joined(&receipt["events"]), both, "{more} more events");
        let event =
            NewEvent { institution, topic: &topic, kind: "test.told", payload: &json!({}), at: stage.clock.now() };
        let mut tx = db.begin().await.unwrap();
        tx.events().emit(&[event]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_both_who_drew_in_one_moment_whoever_was_written_first() {
    let stage = Stage::open().await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    both_who_drew_in_one_moment_are_in_the_day(&stage, &db).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_both_who_drew_in_one_moment_whoever_was_written_first_on_postgres() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    both_who_drew_in_one_moment_are_in_the_day(&stage, &fresh.db).await;
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_the_last_minute_of_a_day_is_not_in_the_next() {
    // It is 06:13:20 in China.
    let stage = Stage::open().await;
    stage.clock.advance(Duration::from_secs(64_000 - 20));
    stage.patient_waiting(1, nothing()).await;
    stage.clock.advance(Duration::from_secs(40));
    let (holder, ticket) = stage.patient_waiting(2, nothing()).await;
    assert_eq!(ticket["no"], 1, "the numbers begin again");
    let receipt = stage.get(&format!("/tickets/{}/receipt", ticket["id"].as_str().unwrap()), &holder).await.ok();
    assert_eq!((&receipt["day"], joined(&receipt["events"])), (&json!("2023-11-16"), vec![ticket["id"].clone()]));
}
