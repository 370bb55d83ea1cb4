//! No room outlives its visit, whatever happens to the command that ends it, and no seat its session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::any;
use futures_util::FutureExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;
use yunzhen::domain::ids::RoomId;
use yunzhen::domain::room::{Input, Room, RoomPurpose, SelfMedia};
use yunzhen::http::router;
use yunzhen::protocol::error::ErrorCode;
use yunzhen::store::Db;

use super::at_hand::AtHand;
use super::live::Socket;
use super::stage::Stage;
use crate::support::{database, sql};

async fn database_of(stage: &Stage) -> Db {
    Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap()
}

/// A command whose browser goes as soon as the server has begun with it.
fn goes_at_once(stage: &Stage, path: &str, token: &str, key: &str) {
    let site = router::site(Arc::clone(&stage.server.services), any(async || ()), None);
    let request = Request::post(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header("idempotency-key", key)
        .body(Body::empty())
        .unwrap();
    let begun = site.oneshot(request).now_or_never();
    assert!(begun.is_none(), "it waits for the database, and nobody waits for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_whose_end_nobody_waits_for_ends_and_its_room_with_it() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    let outcome = json!({ "outcome": "home_care" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    let end = format!("/visits/{}/end", visit.id);
    goes_at_once(&stage, &end, &visit.doctor, "end");
    assert_eq!(patient.expect("room_ended").await["reason"], "finished");
    let again = stage.send(Method::POST, &end, &visit.doctor, None, Some("end")).await.ok();
    assert_eq!(again["current"], Value::Null, "the browser that comes back hears what came of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_carries_to_its_end_what_nobody_waits_for() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let outcome = json!({ "outcome": "home_care" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    let end = format!("/visits/{}/end", visit.id);
    goes_at_once(&stage, &end, &visit.doctor, "end");
    let stage = stage.restart().await;
    assert_eq!(stage.act(&end, &visit.doctor).await.refusal(), (409, "visit.ended"));
}

async fn is_over(stage: &Stage, room: RoomId) {
    let ended = async {
        while stage.server.services.live.is_open(room) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends");
}

/// Sits down in a room that somebody opened anew.
async fn comes_back(stage: &Stage, doctor: &AtHand) {
    let live = &stage.server.services.live;
    live.open(Room::new(doctor.room, 1, RoomPurpose::Visit, None, stage.clock.now()));
    live.join(doctor.room, doctor.seat.clone(), doctor.connection).await.unwrap();
}

/// Waits until the room has said something after all that was asked of it, and has not ended.
async fn goes_on(stage: &Stage, doctor: &mut AtHand, room: RoomId, microphone: bool) {
    let media = SelfMedia { microphone, ..SelfMedia::default() };
    stage.server.services.live.say(doctor.connection, room, Input::Media(doctor.connection, media)).await.unwrap();
    let says = |message: &Value| {
        let own = &message["room"]["participants"][0]["media"]["microphone"];
        message["type"] == "room_ended" || message["room"]["room"] == json!(room) && *own == json!(microphone)
    };
    assert_eq!(doctor.told(says).await["type"], "room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_live_though_its_visit_is_over_ends_at_the_next_sweep_and_says_why() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    let db = database_of(&stage).await;
    sql::run(&db, "update visit set ended_at = 1, end_reason = 'finished'").await;
    sql::run(&db, "update room set closed_at = 1").await;
    for (ends, reason) in [
        ("update visit set end_reason = 'finished'", "finished"),
        ("update visit set end_reason = 'wrong_person'", "wrong_person"),
        ("update visit set end_reason = 'transferred'", "transferred"),
        ("update visit set end_reason = 'doctor_lost'", "staff_lost"),
        ("update visit set end_reason = 'patient_lost'", "patient_lost"),
        ("update visit set end_reason = 'emergency'", "emergency"),
    ] {
        sql::run(&db, ends).await;
        // Also one that was opened anew by a grant from before the end.
        comes_back(&stage, &doctor).await;
        stage.server.services.sweep_outlived().await.unwrap();
        assert_eq!(doctor.told(|message| message["type"] == "room_ended").await["reason"], reason);
        is_over(&stage, doctor.room).await;
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_goes_on_whose_visit_goes_on_or_is_not_written_yet_or_cannot_be_read() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    let services = &stage.server.services;
    let unknown = RoomId::from_uuid(Uuid::from_u128(7));
    services.live.open(Room::new(unknown, 1, RoomPurpose::Visit, None, stage.clock.now()));
    services.live.join(unknown, doctor.seat.clone(), doctor.connection).await.unwrap();
    // The seat is noted where it was taken last; the first room knows it as well.
    services.sweep_outlived().await.unwrap();
    let own = doctor.room;
    for (microphone, room) in [(true, own), (true, unknown)] {
        goes_on(&stage, &mut doctor, room, microphone).await;
    }
    let db = database_of(&stage).await;
    sql::run(&db, "alter table visit rename to away").await;
    sql::run(&db, "update room set closed_at = 1").await;
    assert!(services.sweep_outlived().await.is_err());
    services.close().await;
    assert_eq!(services.sweep_outlived().await.unwrap_err().code, ErrorCode::Unavailable);
    for (microphone, room) in [(false, own), (false, unknown)] {
        goes_on(&stage, &mut doctor, room, microphone).await;
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_signed_out_unheard_loses_the_seat_at_the_next_sweep() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    // Without a socket, that would ask for itself.
    let _patient = AtHand::sit(&stage, &visit, &visit.patient).await;
    let are = |message: &Value| message["room"]["participants"].as_array().map(Vec::len);
    doctor.told(|message| are(message) == Some(2)).await;
    let db = database_of(&stage).await;
    sql::run(&db, "update session set revoked_at = 1 where subject_kind = 'holder'").await;
    stage.server.services.sweep_outlived().await.unwrap();
    doctor.told(|message| are(message) == Some(1)).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_and_sessions_that_are_over_are_known_on_postgres_as_well() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    let _patient = AtHand::sit(&stage, &visit, &visit.patient).await;
    let are = |message: &Value| message["room"]["participants"].as_array().map(Vec::len);
    doctor.told(|message| are(message) == Some(2)).await;
    sql::run(&fresh.db, "update session set revoked_at = 1 where subject_kind = 'holder'").await;
    stage.server.services.sweep_outlived().await.unwrap();
    doctor.told(|message| are(message) == Some(1)).await;
    sql::run(&fresh.db, "update visit set ended_at = 1, end_reason = 'wrong_person'").await;
    sql::run(&fresh.db, "update room set closed_at = 1").await;
    stage.server.services.sweep_outlived().await.unwrap();
    assert_eq!(doctor.told(|message| message["type"] == "room_ended").await["reason"], "wrong_person");
    drop(doctor);
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sits_is_not_refused_because_the_second_look_into_the_database_fails() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await.ok();
    // Of all that a join reads, this is read at the second look alone.
    let db = database_of(&stage).await;
    sql::run(&db, "alter table visit rename to away").await;
    patient.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    let answer = loop {
        let message = patient.next().await.unwrap();
        if message["id"] == 1 {
            break message;
        }
    };
    assert_eq!(answer["type"], "done", "{answer}");
    patient.expect("room").await;
    db.close().await;
}
