//! Whatever ends or moves says why, and says what is true.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Stage, nothing};

/// A declared patient with a number, and the declaration.
async fn declared(stage: &Stage, n: u32) -> (String, Value, Value) {
    let (token, patient) = stage.known_patient(n).await;
    stage.consent(&token, &patient, true).await;
    let declaration = stage.declare(&token, &patient, json!({ "sx.fever": true })).await;
    let ticket = stage.post("/tickets", &token, json!({ "declaration": declaration["id"] })).await.ok();
    (token, declaration, ticket)
}

/// The waiting patient says that it is much worse; the alarm.
async fn worsen(stage: &Stage, token: &str, ticket: &Value, staff: &str) -> String {
    let answers = json!({ "breathing": "much_worse", "general": "same" });
    stage.post(&format!("/tickets/{}/retriage", ticket["id"].as_str().unwrap()), token, answers).await.ok();
    stage.get("/alarms", staff).await.ok()[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_doctor_takes_back_keeps_the_place_and_blames_no_connection() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    stage.patient_waiting(2, nothing()).await;
    let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let cancel = format!("/desks/{desk}/cancel-call");
    let version = json!({ "version": called["current"]["version"] });
    let view = stage.post(&cancel, &doctor, version.clone()).await.ok();
    assert_eq!((&view["current"], &view["phase"]), (&json!(null), &json!("open")));
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
    assert_eq!((&seen["phase"], &seen["ahead"]), (&json!("waiting"), &json!(0)));
    assert_eq!((&seen["moved"], &seen["missed"]), (&json!("call_cancelled"), &json!(0)));
    assert_eq!(stage.post(&cancel, &doctor, version).await.refusal(), (409, "ticket.state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_under_way_is_not_taken_back_like_a_call() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let view = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    let version = json!({ "version": view["current"]["version"] });
    let refused = stage.post(&format!("/desks/{}/cancel-call", visit.desk), &visit.doctor, version).await;
    assert_eq!(refused.refusal(), (409, "ticket.state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_whom_nobody_reached_was_seen_by_nobody_and_may_use_the_declaration_again() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, declaration, ticket) = declared(&stage, 1).await;
    let alarm = worsen(&stage, &patient, &ticket, &nurse).await;
    stage.act(&format!("/alarms/{alarm}/take"), &nurse).await.ok();
    let close = json!({ "outcome": "not_reached", "note": "三次无人接听" });
    stage.post(&format!("/alarms/{alarm}/close"), &nurse, close).await.ok();
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
    assert_eq!((&seen["phase"], &seen["moved"]), (&json!("no_show"), &json!("not_reached")));
    stage.post("/tickets", &patient, json!({ "declaration": declaration["id"] })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_whose_patient_becomes_an_emergency_ends_for_that_and_not_for_want_of_the_doctor() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    stage.pass(Duration::from_secs(91)).await;
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    let nurse = stage.staff("nurse").await;
    let raise = json!({ "version": ticket["version"], "level": "EMERGENCY", "reason": "" });
    stage.post(&format!("/tickets/{}/level", visit.ticket), &nurse, raise).await.ok();
    let told = stage.server.services.events_since(&format!("visit:{}", visit.id), 0, 50).await.unwrap();
    let ended = told.iter().find(|event| event.kind == "visit.ended").unwrap();
    assert_eq!(ended.data["reason"], "emergency");
    // The doctor has seen the patient: there is a note to write.
    let desk = stage.act(&format!("/desks/{}/open", visit.desk), &visit.doctor).await.ok();
    assert_eq!(desk["unfinished"][0]["visit"], visit.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whoever_closed_an_alarm_noted_is_read_by_the_doctor_who_calls_the_patient_next() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, _, ticket) = declared(&stage, 1).await;
    let alarm = worsen(&stage, &patient, &ticket, &doctor).await;
    stage.act(&format!("/alarms/{alarm}/take"), &doctor).await.ok();
    let close = json!({ "outcome": "false_alarm", "note": "视频中呼吸平稳" });
    stage.post(&format!("/alarms/{alarm}/close"), &doctor, close).await.ok();
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
    assert_eq!((&seen["phase"], &seen["moved"]), (&json!("waiting"), &json!("lowered")));
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let closed = &view["current"]["alarms"][0];
    assert_eq!((&closed["outcome"], &closed["note"]), (&json!("false_alarm"), &json!("视频中呼吸平稳")));
    assert!(closed["by"]["zh"].is_string() && closed["at"].is_i64(), "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_always_somebody_else_holds_no_desk_up_for_ever() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let mut waiting = Vec::new();
    for n in 1..=5 {
        waiting.push(stage.patient_waiting(n, nothing()).await);
    }
    let (patient, ticket) = &waiting[0];
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let not_me = async || {
        let version = stage.get(&path, patient).await.ok()["version"].clone();
        stage.post(&format!("{path}/not-me"), patient, json!({ "version": version })).await.ok()
    };
    let call = async || stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok()["current"].clone();
    assert_eq!(call().await["ticket"], ticket["id"]);
    let first = not_me().await;
    assert_eq!((&first["phase"], &first["ahead"], &first["wrong_persons"]), (&json!("waiting"), &json!(0), &json!(1)));
    assert_eq!(call().await["ticket"], ticket["id"], "a mistake costs no place");
    let second = not_me().await;
    assert_eq!((&second["moved"], &second["ahead"]), (&json!("wrong_person"), &second["miss_shift"]));
    for (other, _) in &waiting[1..=3] {
        let current = call().await;
        let leave = json!({ "version": current["version"] });
        stage.post(&format!("/tickets/{}/leave", current["ticket"].as_str().unwrap()), other, leave).await.ok();
    }
    // The doctor's word counts like the patient's own.
    let called = call().await;
    assert_eq!(called["ticket"], ticket["id"]);
    let wrong = json!({ "version": called["version"] });
    stage.post(&format!("/desks/{desk}/wrong-person"), &doctor, wrong).await.ok();
    let last = stage.get(&path, patient).await.ok();
    assert_eq!((&last["phase"], &last["moved"]), (&json!("no_show"), &json!("wrong_person")));
}
