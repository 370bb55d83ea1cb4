//! The patient drops out of the visit, and a colleague is told why one is sent on.

use std::time::Duration;

use serde_json::{Value, json};

use super::live::Socket;
use super::stage::{LINK, Stage, Visit};

async fn current(stage: &Stage, visit: &Visit) -> Value {
    stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok()["current"].clone()
}

async fn act(stage: &Stage, visit: &Visit, what: &str) -> Value {
    let version = json!({ "version": current(stage, visit).await["version"] });
    stage.post(&format!("/desks/{}/{what}", visit.desk), &visit.doctor, version).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_hears_at_once_that_its_patient_went_and_came_back_and_since_when() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut desk, _) = Socket::hello(&stage, &visit.doctor, None).await;
    desk.say(json!({ "type": "subscribe", "id": 1, "topic": format!("desk:{}", visit.desk) })).await;
    desk.expect("done").await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.say(json!({ "type": "watch", "id": 1, "ticket": visit.ticket })).await;
    assert_eq!(desk.expect("event").await["kind"], "desk.patient_online");
    assert!(current(&stage, &visit).await["offline_since"].is_null());
    let left_at = stage.clock.now().as_millis();
    drop(patient);
    assert_eq!(desk.expect("event").await["kind"], "desk.patient_offline");
    stage.clock.advance(Duration::from_secs(5));
    assert_eq!(current(&stage, &visit).await["offline_since"], left_at, "the same after every reading");
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.say(json!({ "type": "watch", "id": 1, "ticket": visit.ticket })).await;
    assert_eq!(desk.expect("event").await["kind"], "desk.patient_online");
    assert!(current(&stage, &visit).await["offline_since"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drew_a_number_just_now_is_not_shown_as_gone_before_the_page_could_open_its_socket() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (_, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let board = format!("/clinics/{}/board", ticket["clinic"].as_str().unwrap());
    assert_eq!(stage.get(&board, &nurse).await.ok()["tickets"][0]["online"], true);
    stage.clock.advance(Duration::from_secs(10));
    assert_eq!(stage.get(&board, &nurse).await.ok()["tickets"][0]["online"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_patient_is_rung_for_as_long_as_the_clinic_rings_or_until_the_doctor_ends_it() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let rung = act(&stage, &visit, "ring").await;
    let until = stage.clock.now().as_millis() + 90_000;
    assert_eq!((&rung["current"]["ring_until"], &rung["current"]["phase"]), (&json!(until), &json!("serving")));
    let path = format!("/tickets/{}", visit.ticket);
    assert_eq!(stage.get(&path, &visit.patient).await.ok()["call"]["ring_until"], until, "the page may ring");
    assert!(act(&stage, &visit, "end-ring").await["current"]["ring_until"].is_null());
    // A ring that runs out is no missed call: the visit goes on.
    act(&stage, &visit, "ring").await;
    stage.server.services.renew_desk(doctor(&stage, &visit).await, visit.desk.parse().unwrap()).await.unwrap();
    stage.clock.advance(Duration::from_secs(89));
    stage.server.services.renew_desk(doctor(&stage, &visit).await, visit.desk.parse().unwrap()).await.unwrap();
    stage.pass(Duration::from_secs(5)).await;
    let ticket = stage.get(&path, &visit.patient).await.ok();
    assert_eq!((&ticket["phase"], &ticket["missed"]), (&json!("serving"), &json!(0)));
}

async fn doctor(stage: &Stage, visit: &Visit) -> yunzhen::domain::permission::Actor {
    stage.server.services.authenticate(&visit.doctor).await.unwrap().unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_telephone_number_is_for_the_doctor_who_has_the_patient_and_for_nobody_else() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/desks/{}/phone", visit.desk);
    assert_eq!(stage.get(&path, &visit.doctor).await.ok(), json!({ "phone": "+8613800000001" }));
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &other).await.refusal(), (409, "desk.not_open"));
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.get(&path, &nurse).await.refusal(), (403, "auth.forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_patient_is_put_back_and_the_next_one_is_called() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (_, second) = stage.patient_waiting(2, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let view = act(&stage, &visit, "put-back").await;
    assert!(view["current"].is_null());
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    let told = (&ticket["phase"], &ticket["moved"], &ticket["missed"]);
    assert_eq!(told, (&json!("waiting"), &json!("patient_lost"), &json!(0)));
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await;
    assert_eq!(grant.refusal(), (409, "visit.ended"), "the call is over for both");
    let next = stage.act(&format!("/desks/{}/call-next", visit.desk), &visit.doctor).await.ok();
    assert_eq!(next["current"]["ticket"], second["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_colleague_reads_why_a_patient_was_sent_on_and_the_note_and_the_audit_log_holds_neither() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let note = json!({ "version": 0, "content": { "complaint": "反复低热", "diagnosis": "待查" } });
    let path = format!("/visits/{}/note", visit.id);
    stage.send(reqwest::Method::PUT, &path, &visit.doctor, Some(note), None).await.ok();
    let clinics = stage.get("/clinics", &visit.doctor).await.ok();
    let version = current(&stage, &visit).await["version"].clone();
    let body = json!({ "version": version, "clinic": clinics[1]["id"], "reason": "脉象请中医科一看" });
    stage.post(&format!("/desks/{}/transfer", visit.desk), &visit.doctor, body).await.ok();
    let colleague = stage.staff("doctor2").await;
    let desk = clinics[1]["desks"][0]["id"].as_str().unwrap();
    stage.act(&format!("/desks/{desk}/open"), &colleague).await.ok();
    let view = stage.act(&format!("/desks/{desk}/call-next"), &colleague).await.ok();
    let handover = &view["current"]["handover"];
    assert_eq!(handover["reason"], "脉象请中医科一看");
    assert_eq!(handover["visit"], visit.id);
    assert_eq!(handover["clinic_name"], clinics[0]["name"]);
    let first = stage.get(&format!("/visits/{}", visit.id), &colleague).await.ok();
    assert_eq!(first["draft"]["content"]["complaint"], "反复低热");
    let kept = std::fs::read(stage.folder.path().join("yunzhen.db")).unwrap();
    let wal = std::fs::read(stage.folder.path().join("yunzhen.db-wal")).unwrap_or_default();
    let word = "脉象请中医科一看".as_bytes();
    let is_in = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    assert!(!is_in(&kept) && !is_in(&wal), "the reason is kept sealed");
    let current = stage.get(&format!("/tickets/current?link={LINK}"), &visit.patient).await.ok();
    assert_eq!(current["ticket"]["phase"], "called");
}
