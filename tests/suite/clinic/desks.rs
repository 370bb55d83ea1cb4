//! The desk as such, and what its doctor does with a call: pause, resume, close; ring again, skip, take the call back.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::ids::DeskId;

use super::stage::{Stage, nothing};

/// More than a desk may be silent.
const SILENCE: Duration = Duration::from_secs(91);

async fn phase(stage: &Stage, doctor: &str, desk: &str) -> Value {
    stage.get(&format!("/desks/{desk}"), doctor).await.ok()["phase"].clone()
}

/// The desk's browser is heard again.
async fn heard(stage: &Stage, doctor: &str, desk: &str) {
    let services = &stage.server.services;
    let (actor, _) = services.authenticate(doctor).await.unwrap().unwrap();
    let id: DeskId = serde_json::from_value(json!(desk)).unwrap();
    services.renew_desk(actor, id).await.unwrap();
}

/// A desk that calls its one waiting patient: (doctor, desk, patient, the call).
async fn called(stage: &Stage) -> (String, String, String, Value) {
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, _) = stage.patient_waiting(1, nothing()).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    (doctor, desk, patient, view["current"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_fell_silent_in_a_pause_comes_back_paused_and_an_open_one_open() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.pass(SILENCE).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "lost");
    heard(&stage, &doctor, &desk).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "open");

    stage.post(&format!("/desks/{desk}/pause"), &doctor, json!({ "minutes": 30 })).await.ok();
    stage.pass(SILENCE).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "lost");
    heard(&stage, &doctor, &desk).await;
    let view = stage.get(&format!("/desks/{desk}"), &doctor).await.ok();
    assert_eq!(view["phase"], "paused");
    assert!(view["paused_until"].is_i64(), "the pause ends when it would have ended: {view}");
    let refused = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await;
    assert_eq!(refused.refusal(), (409, "desk.not_open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_desk_closes_when_its_last_patient_leaves_of_his_own_accord() {
    let stage = Stage::open().await;
    let (doctor, desk, patient, call) = called(&stage).await;
    let closing = stage.act(&format!("/desks/{desk}/close"), &doctor).await.ok();
    assert_eq!(closing["phase"], "closing");
    let leave = json!({ "version": call["version"] });
    stage.post(&format!("/tickets/{}/leave", call["ticket"].as_str().unwrap()), &patient, leave).await.ok();
    stage.pass(Duration::ZERO).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "closed");
    assert_eq!(stage.get("/desks/mine", &doctor).await.ok()["desk"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_desk_closes_when_nobody_answers_its_last_call_even_while_its_doctor_is_away() {
    let stage = Stage::open().await;
    let (doctor, desk, ..) = called(&stage).await;
    stage.act(&format!("/desks/{desk}/close"), &doctor).await.ok();
    stage.pass(SILENCE).await;
    stage.pass(Duration::ZERO).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_in_a_pause_calls_nobody_until_it_is_resumed_or_the_pause_is_over() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, nothing()).await;
    let (pause, call) = (format!("/desks/{desk}/pause"), format!("/desks/{desk}/call-next"));
    let refused = stage.post(&pause, &doctor, json!({ "minutes": 121 })).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("minutes")));
    let view = stage.post(&pause, &doctor, json!({})).await.ok();
    assert_eq!((&view["phase"], &view["paused_until"]), (&json!("paused"), &json!(null)));
    assert_eq!(stage.act(&call, &doctor).await.refusal(), (409, "desk.not_open"));
    assert_eq!(stage.post(&pause, &doctor, json!({})).await.refusal(), (409, "desk.not_open"));
    assert_eq!(stage.act(&format!("/desks/{desk}/resume"), &doctor).await.ok()["phase"], "open");

    stage.post(&pause, &doctor, json!({ "minutes": 1 })).await.ok();
    stage.pass(Duration::from_secs(61)).await;
    assert_eq!(phase(&stage, &doctor, &desk).await, "open");
    stage.act(&call, &doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_closes_at_once_without_a_patient_and_only_its_doctor_closes_it() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let close = format!("/desks/{desk}/close");
    let colleague = stage.staff("doctor2").await;
    assert_eq!(stage.act(&close, &colleague).await.refusal(), (409, "desk.not_open"));
    assert_eq!(stage.act(&close, &doctor).await.ok()["phase"], "closed");
    for act in ["close", "resume", "call-next"] {
        let refused = stage.act(&format!("/desks/{desk}/{act}"), &doctor).await;
        assert_eq!(refused.refusal(), (409, "desk.not_open"), "{act}");
    }
    assert_eq!(stage.act(&format!("/desks/{desk}/open"), &colleague).await.ok()["phase"], "open");
    assert_eq!(stage.act(&format!("/desks/{desk}/open"), &doctor).await.refusal(), (409, "desk.taken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_desk_can_stay_after_all() {
    let stage = Stage::open().await;
    let (doctor, desk, ..) = called(&stage).await;
    stage.act(&format!("/desks/{desk}/close"), &doctor).await.ok();
    assert_eq!(stage.act(&format!("/desks/{desk}/resume"), &doctor).await.ok()["phase"], "open");
}
