//! Who came and who did not: nobody whom a doctor saw is called missed, and who gave the place back in time neither.

use serde_json::{Value, json};

use super::booking::{HALF_HOUR, TCM, act, book, booked, check_in, now, open, single};
use super::stage::{Stage, nothing};

/// A doctor at the desk of the booked clinic: token and desk.
async fn at_desk(stage: &Stage) -> (String, String) {
    let doctor = stage.staff("doctor").await;
    let desk = stage.get("/clinics", &doctor).await.ok()[1]["desks"][0]["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/desks/{desk}/open"), &doctor).await.ok();
    (doctor, desk)
}

/// What the doctor does with whoever is on the desk.
async fn with_patient(stage: &Stage, doctor: &str, desk: &str, what: &str) -> Value {
    let view = stage.get(&format!("/desks/{desk}"), doctor).await.ok();
    let version = json!({ "version": view["current"]["version"] });
    stage.post(&format!("/desks/{desk}/{what}"), doctor, version).await.ok()
}

/// The `n`th patient has come, and is in the visit: token, appointment, ticket.
async fn in_visit(stage: &Stage, n: u32, doctor: &str, desk: &str) -> (String, Value, Value) {
    let (token, patient, appointment) = booked(stage, n).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    let ticket = check_in(stage, &token, &appointment, &declaration).await.ok();
    let view = stage.act(&format!("/desks/{desk}/call-next"), doctor).await.ok();
    assert_eq!(view["current"]["ticket"], ticket["id"]);
    let accept = format!("/tickets/{}/accept", ticket["id"].as_str().unwrap());
    stage.post(&accept, &token, json!({ "version": view["current"]["version"] })).await.ok();
    with_patient(stage, doctor, desk, "confirm").await;
    (token, appointment, ticket)
}

/// What the nurse reads of an appointment: its state, and how many its patient missed.
async fn told(stage: &Stage, appointment: &Value) -> Value {
    stage.server.services.run_jobs().await.unwrap();
    let nurse = stage.staff("nurse").await;
    let path = format!("/clinics/{}/appointments", appointment["clinic"].as_str().unwrap());
    let rows = stage.get(&path, &nurse).await.ok()["appointments"].clone();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == appointment["id"]).unwrap().clone();
    json!([row["state"], row["missed"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_seen_and_sent_on_and_left_there_was_seen() {
    let stage = open().await;
    let (doctor, desk) = at_desk(&stage).await;
    let (token, appointment, _) = in_visit(&stage, 1, &doctor, &desk).await;
    let clinics = stage.get("/clinics", &doctor).await.ok();
    let view = stage.get(&format!("/desks/{desk}"), &doctor).await.ok();
    let body =
        json!({ "clinic": clinics[0]["id"], "version": view["current"]["version"], "reason": "发热，转发热门诊" });
    stage.post(&format!("/desks/{desk}/transfer"), &doctor, body).await.ok();
    assert_eq!(told(&stage, &appointment).await, json!(["checked_in", 0]), "it goes on there");
    let next = stage.get(&format!("/tickets/current?link={TCM}"), &token).await.ok()["ticket"].clone();
    assert_eq!(next["clinic"], clinics[0]["id"]);
    let leave = format!("/tickets/{}/leave", next["id"].as_str().unwrap());
    stage.post(&leave, &token, json!({ "version": next["version"] })).await.ok();
    assert_eq!(told(&stage, &appointment).await, json!(["seen", 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dropped_out_of_the_visit_and_answered_no_call_after_it_was_seen() {
    let stage = open().await;
    let (doctor, desk) = at_desk(&stage).await;
    let (token, appointment, ticket) = in_visit(&stage, 1, &doctor, &desk).await;
    with_patient(&stage, &doctor, &desk, "put-back").await;
    for _ in 0..3 {
        stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        with_patient(&stage, &doctor, &desk, "skip").await;
    }
    let ticket = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &token).await.ok();
    assert_eq!(ticket["phase"], "no_show");
    assert_eq!(told(&stage, &appointment).await, json!(["seen", 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sent_somebody_else_and_answered_no_call_was_not_seen() {
    let stage = open().await;
    let (doctor, desk) = at_desk(&stage).await;
    let (_, appointment, _) = in_visit(&stage, 1, &doctor, &desk).await;
    with_patient(&stage, &doctor, &desk, "wrong-person").await;
    for _ in 0..3 {
        stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        with_patient(&stage, &doctor, &desk, "skip").await;
    }
    assert_eq!(told(&stage, &appointment).await, json!(["no_show", 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gave_back_in_time_or_moved_or_still_waits_has_missed_nothing() {
    let stage = open().await;
    let (token, patient, waiting) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    check_in(&stage, &token, &waiting, &declaration).await.ok();
    let (other, second) = stage.known_patient(2).await;
    let given = book(&stage, &other, &second, &single(&stage, 1).await).await;
    act(&stage, "cancel", &other, &given).await.ok();
    let (third, moving) = stage.known_patient(3).await;
    let moved = book(&stage, &third, &moving, &single(&stage, 1).await).await;
    let to = single(&stage, 12).await;
    let path = format!("/appointments/{}/move", moved["id"].as_str().unwrap());
    stage.post(&path, &third, json!({ "slot": to["id"], "version": moved["version"] })).await.ok();
    stage.clock.advance(HALF_HOUR * 4);
    assert_eq!(told(&stage, &waiting).await, json!(["checked_in", 0]));
    assert_eq!(told(&stage, &given).await, json!(["cancelled", 0]));
    assert_eq!(told(&stage, &moved).await, json!(["booked", 0]));
}

/// The place can go to nobody any more: to say so before the door closes is not the same as to have given it back.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_back_what_has_begun_has_missed_it() {
    let stage = open().await;
    let (_, _, appointment) = booked(&stage, 1).await;
    stage.clock.advance(HALF_HOUR);
    let token = stage.holder(1).await;
    let answer = act(&stage, "cancel", &token, &appointment).await.ok();
    assert_eq!(answer["state"], "no_show");
    let topic = format!("appointment:{}", appointment["id"].as_str().unwrap());
    let events = stage.server.services.events_since(&topic, 0, 50).await.unwrap();
    assert_eq!(events.last().unwrap().kind, "appointment.no_show");
    assert_eq!(told(&stage, &appointment).await, json!(["no_show", 1]));
    assert_eq!(act(&stage, "cancel", &token, &appointment).await.refusal(), (409, "appointment.state"));
    assert_eq!(now(&stage, &token, &appointment).await["state"], "no_show");
}
