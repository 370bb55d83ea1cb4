//! Who waits is asked again every fifteen minutes: worse goes up at once, nothing goes down.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Stage, nothing};

/// A fever that can wait, as the nurse saw: token, ticket and where it answers the three questions.
async fn mild(stage: &Stage, n: u32) -> (String, Value, String) {
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(n, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let lower = json!({ "version": ticket["version"], "level": "STANDARD", "reason": "电话问过" });
    stage.post(&format!("{path}/level"), &nurse, lower).await.ok();
    (patient.clone(), stage.get(&path, &patient).await.ok(), format!("{path}/retriage"))
}

fn answers(breathing: &str, general: &str) -> Value {
    json!({ "breathing": breathing, "general": general })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_feels_worse_goes_up_and_the_nurses_board_shows_it() {
    let stage = Stage::open().await;
    let (_, before, _) = mild(&stage, 1).await;
    let (patient, ticket, path) = mild(&stage, 2).await;
    assert_eq!((&ticket["level"], &ticket["ahead"]), (&json!("STANDARD"), &json!(1)));
    let raised = stage.post(&path, &patient, answers("same", "worse")).await.ok();
    assert_eq!((&raised["level"], &raised["moved"]), (&json!("URGENT"), &json!("raised")));
    assert_eq!((&raised["phase"], &raised["ahead"]), (&json!("waiting"), &json!(0)), "the answer tells the new place");
    let nurse = stage.staff("nurse").await;
    let board = stage.get(&format!("/clinics/{}/board", ticket["clinic"].as_str().unwrap()), &nurse).await.ok();
    let rows: Vec<_> = board["tickets"].as_array().unwrap().iter().map(|row| (&row["id"], &row["level"])).collect();
    assert_eq!(rows, [(&ticket["id"], &json!("URGENT")), (&before["id"], &json!("STANDARD"))]);
    assert_eq!(board["alarms"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_waiting_comes_to_the_desk_with_its_time_the_newest_first() {
    let stage = Stage::open().await;
    let (patient, _, path) = mild(&stage, 1).await;
    stage.clock.advance(Duration::from_mins(1));
    let mut worse = answers("worse", "same");
    worse["temperature"] = json!(39.6);
    stage.post(&path, &patient, worse).await.ok();
    let first = stage.clock.now().as_millis();
    stage.clock.advance(Duration::from_mins(2));
    stage.post(&path, &patient, answers("same", "worse")).await.ok();
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let current = &view["current"];
    assert_eq!(current["stated"]["temperature"], 39.6, "the figures on the card are the newest as well");
    assert_eq!(current["answers"]["sx.temp"], 38.2, "the declaration stays what was declared");
    let newest = json!({ "at": stage.clock.now().as_millis(), "breathing": "same", "general": "worse" });
    let before = json!({ "at": first, "breathing": "worse", "general": "same", "temperature": 39.6 });
    assert_eq!(current["waited"], json!([newest, before]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_much_worse_leaves_the_queue_and_rings_once_at_the_nurse() {
    let stage = Stage::open().await;
    let (patient, ticket, path) = mild(&stage, 1).await;
    let nurse = stage.staff("nurse").await;
    let view = stage.post(&path, &patient, answers("much_worse", "much_worse")).await.ok();
    assert_eq!((&view["phase"], &view["level"]), (&json!("emergency"), &json!("EMERGENCY")));
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!(alarms.as_array().unwrap().len(), 1);
    assert_eq!((&alarms[0]["kind"], &alarms[0]["ticket"]), (&json!("worsened"), &ticket["id"]));
    assert!(!alarms[0]["reasons"].as_array().unwrap().is_empty(), "the nurse reads why");
    assert_eq!(view["nurse_call"], alarms[0]["id"], "the patient is on this line");
    let again = stage.post(&path, &patient, answers("same", "same")).await;
    assert_eq!(again.refusal(), (409, "ticket.state"), "who is out of the queue is asked by a person");
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let empty = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await;
    assert_eq!(empty.refusal(), (409, "queue.empty"), "an emergency is nobody's next");
}

#[tokio::test(flavor = "multi_thread")]
async fn feeling_better_never_lowers_a_level() {
    let stage = Stage::open().await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    assert_eq!(ticket["level"], "URGENT");
    let path = format!("/tickets/{}/retriage", ticket["id"].as_str().unwrap());
    let body = json!({ "breathing": "better", "general": "better", "temperature": 36.6 });
    let view = stage.post(&path, &patient, body).await.ok();
    assert_eq!((&view["level"], &view["phase"]), (&json!("URGENT"), &json!("waiting")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_are_due_fifteen_minutes_after_the_arrival_and_after_each_answer() {
    const QUARTER: i64 = 15 * 60 * 1000;
    let stage = Stage::open().await;
    let (patient, ticket, path) = mild(&stage, 1).await;
    let (_, other) = stage.patient_waiting(2, nothing()).await;
    for ticket in [&ticket, &other] {
        assert_eq!(ticket["retriage_due"].as_i64(), Some(ticket["arrived_at"].as_i64().unwrap() + QUARTER));
    }
    stage.pass(Duration::from_mins(9)).await;
    let early = stage.post(&path, &patient, answers("same", "same")).await.ok();
    assert_eq!(early["retriage_due"], ticket["retriage_due"], "nobody asked, and nothing is worse");
    stage.pass(Duration::from_mins(6)).await;
    let (patient, advised) = (stage.holder(1).await, stage.holder(2).await);
    let view = stage.post(&path, &patient, answers("same", "same")).await.ok();
    assert_eq!(view["retriage_due"].as_i64(), Some(view["as_of"].as_i64().unwrap() + QUARTER));
    assert_eq!((&view["level"], &view["moved"]), (&json!("STANDARD"), &json!("lowered")));
    let other = stage.get(&format!("/tickets/{}", other["id"].as_str().unwrap()), &advised).await.ok();
    assert_eq!(other["retriage_due"].as_i64(), Some(other["arrived_at"].as_i64().unwrap() + QUARTER));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_calls_reads_few_answers_for_worse_is_kept_every_two_minutes_and_much_worse_at_once() {
    let stage = Stage::open().await;
    let (patient, _, path) = mild(&stage, 1).await;
    let raised = stage.post(&path, &patient, answers("worse", "same")).await.ok();
    assert_eq!(raised["level"], "URGENT");
    for wait in [120, 60] {
        let again = stage.post(&path, &patient, answers("worse", "worse")).await;
        assert_eq!((again.refusal(), &again.body["retry_after"]), ((429, "request.rate_limited"), &json!(wait)));
        stage.clock.advance(Duration::from_mins(1));
    }
    stage.post(&path, &patient, answers("worse", "worse")).await.ok();
    let view = stage.post(&path, &patient, answers("same", "better")).await.ok();
    assert_eq!(view["level"], "URGENT");
    let view = stage.post(&path, &patient, answers("much_worse", "worse")).await.ok();
    assert_eq!(view["level"], "EMERGENCY", "what raises the level waits for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_temperature_is_refused_by_name_and_a_strangers_ticket_is_not_there() {
    let stage = Stage::open().await;
    let (patient, _, path) = mild(&stage, 1).await;
    for temperature in [50.0, 20.0, -1.0] {
        let body = json!({ "breathing": "same", "general": "same", "temperature": temperature });
        let refused = stage.post(&path, &patient, body).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("temperature")));
    }
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(stage.post(&path, &stranger, answers("same", "same")).await.refusal(), (404, "request.not_found"));
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.post(&path, &nurse, answers("same", "same")).await.refusal(), (403, "auth.forbidden"));
}
