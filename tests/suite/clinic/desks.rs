//! The desk as such, and what its doctor does with a call: pause, resume, close; ring again, skip, take the call back.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
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
async fn whose_licence_ended_opens_no_desk_and_calls_nobody() {
    let stage = Stage::open().await;
    let doctor = stage.staff("doctor").await;
    let desk = stage.desk(&doctor, 0).await;
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db"));
    let pool = SqlitePool::connect_with(file).await.unwrap();
    let licence = async |until: i64| {
        let change = sqlx::query("update account set licence_until = $1 where username = 'doctor'").bind(until);
        assert_eq!(change.execute(&pool).await.unwrap().rows_affected(), 1);
    };
    let (open, call) = (format!("/desks/{desk}/open"), format!("/desks/{desk}/call-next"));
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let now = stage.clock.now().as_millis();
    licence(now).await;
    assert_eq!(stage.act(&open, &doctor).await.refusal(), (403, "desk.licence_ended"), "in the very moment");
    licence(now + 1).await;
    stage.act(&open, &doctor).await.ok();
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.act(&call, &doctor).await.refusal(), (403, "desk.licence_ended"), "at a desk that is open");
    licence(now + 2).await;
    assert_eq!(stage.act(&call, &doctor).await.ok()["current"]["ticket"], ticket["id"]);
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

#[tokio::test(flavor = "multi_thread")]
async fn ringing_again_gives_the_patient_the_whole_time_again_and_asks_for_another_yes() {
    let stage = Stage::open().await;
    let (doctor, desk, patient, call) = called(&stage).await;
    let path = format!("/tickets/{}", call["ticket"].as_str().unwrap());
    let version = json!({ "version": call["version"] });
    let accepted = stage.post(&format!("{path}/accept"), &patient, version.clone()).await.ok();
    stage.clock.advance(Duration::from_secs(30));
    let recall = format!("/desks/{desk}/recall");
    assert_eq!(stage.post(&recall, &doctor, version).await.refusal(), (409, "ticket.state"), "an old version");
    let view = stage.post(&recall, &doctor, json!({ "version": accepted["version"] })).await.ok();
    assert_eq!((&view["current"]["phase"], &view["current"]["call_count"]), (&json!("called"), &json!(2)));
    let longer = view["current"]["ring_until"].as_i64().unwrap() - call["ring_until"].as_i64().unwrap();
    assert_eq!(longer, 30_000);
    let seen = stage.get(&path, &patient).await.ok();
    assert_eq!((&seen["phase"], &seen["missed"]), (&json!("called"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_call_counts_as_missed_and_the_desk_is_free_for_the_next() {
    let stage = Stage::open().await;
    let (doctor, desk, patient, call) = called(&stage).await;
    let (_, next) = stage.patient_waiting(2, nothing()).await;
    let version = json!({ "version": call["version"] });
    let skip = format!("/desks/{desk}/skip");
    let (colleague, _) = stage.doctor_at_desk("doctor2", 1).await;
    assert_eq!(stage.post(&skip, &colleague, version.clone()).await.refusal(), (409, "desk.not_open"));
    let view = stage.post(&skip, &doctor, version.clone()).await.ok();
    assert_eq!((&view["current"], &view["phase"]), (&json!(null), &json!("open")));
    let seen = stage.get(&format!("/tickets/{}", call["ticket"].as_str().unwrap()), &patient).await.ok();
    assert_eq!((&seen["phase"], &seen["missed"], &seen["ahead"]), (&json!("waiting"), &json!(1), &json!(1)));
    assert_eq!(seen["moved"], "missed_call");
    assert_eq!(stage.post(&skip, &doctor, version).await.refusal(), (409, "ticket.state"), "nobody is called");
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(view["current"]["ticket"], next["id"]);
}
