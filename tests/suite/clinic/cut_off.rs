//! The database is away, and the call is not.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use yunzhen::store::Db;

use super::live::Socket;
use super::stage::Stage;
use crate::support::{database, sql};

/// Waits until the other one is so.
async fn the_other(socket: &mut Socket, is_so: impl Fn(&Value) -> bool) {
    loop {
        let room = socket.expect("room").await["room"].clone();
        let mut others = room["participants"].as_array().unwrap().iter().filter(|one| one["id"] != room["you"]);
        if others.any(&is_so) {
            return;
        }
    }
}

async fn the_other_is(socket: &mut Socket, presence: &str) {
    the_other(socket, |one| one["presence"]["state"] == presence).await;
}

/// Says what waits for the database, and hears within two seconds that it does not answer; then the socket hears again.
async fn gives_up(socket: &mut Socket, ask: Value) {
    socket.say(ask.clone()).await;
    refused_in_time(socket, &ask).await;
}

async fn refused_in_time(socket: &mut Socket, ask: &Value) {
    let refused = tokio::time::timeout(Duration::from_secs(4), socket.expect("refused")).await;
    let refused = refused.unwrap_or_else(|_| panic!("deaf after {ask}"));
    assert_eq!((&refused["id"], &refused["problem"]["code"]), (&ask["id"], &json!("server.unavailable")), "{ask}");
    socket.say(json!({ "type": "ping", "id": 8 })).await;
    socket.expect("pong").await;
}

/// Says hello; the code with which the server closes.
async fn turned_away(stage: &Stage, token: &str, resume: Option<&Value>) -> Option<u16> {
    let mut socket = Socket::open(stage).await;
    let mut hello = json!({ "type": "hello", "version": 1, "token": token });
    if let Some(resume) = resume {
        hello["resume"] = resume.clone();
    }
    socket.say(hello).await;
    socket.closed().await
}

/// Waits until the server has looked round once more since its clock was moved: then it asks for an echo.
async fn looked_round(socket: &mut Socket) {
    let asked = async {
        loop {
            match socket.0.next().await {
                Some(Ok(Message::Ping(_))) => return,
                Some(Ok(Message::Close(frame))) => panic!("closed: {frame:?}"),
                Some(Ok(_)) => {}
                other => panic!("closed: {other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.expect("an echo is asked for");
}

/// So long before it ends a token is still taken for everything.
const NEARLY_OVER: Duration = Duration::from_secs(595);
const AND_OVER: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn who_was_in_a_call_is_back_in_it_and_nobody_else_comes() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    let seat = patient.join(&stage, &visit, &visit.patient).await["you"].clone();
    let (stranger, _) = stage.known_patient(7).await;
    the_other_is(&mut doctor, "here").await;

    stage.server.services.close().await;
    drop(patient);
    the_other_is(&mut doctor, "lost").await;
    assert_eq!(turned_away(&stage, &stranger, None).await, Some(1001), "nobody can say who that is");
    assert_eq!(turned_away(&stage, &visit.patient, None).await, Some(1001), "not by the token alone");
    assert_eq!(turned_away(&stage, &visit.doctor, Some(&welcome["resume"])).await, Some(1001), "of another session");
    assert_eq!(turned_away(&stage, &visit.patient, Some(&json!("forged"))).await, Some(1001));

    let (mut patient, again) = Socket::hello(&stage, &visit.patient, welcome["resume"].as_str()).await;
    assert_eq!(again["resumed"], true);
    let room = patient.expect("room").await["room"].clone();
    assert_eq!(room["you"], seat);
    the_other_is(&mut doctor, "here").await;
    // The media is looked after: the relay itself says what it thinks of this.
    let offer = json!({ "type": "offer", "id": 2, "room": room["room"], "offer_id": 1, "fresh": true, "sdp": "v=0" });
    patient.say(offer).await;
    patient.expect("offer_refused").await;
    let topic = format!("ticket:{}", visit.ticket);
    for ask in [
        json!({ "type": "subscribe", "id": 3, "topic": topic }),
        json!({ "type": "watch", "id": 4, "ticket": visit.ticket }),
    ] {
        patient.say(ask.clone()).await;
        let refused = patient.expect("refused").await;
        assert_eq!((&refused["id"], &refused["problem"]["code"]), (&ask["id"], &json!("server.unavailable")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_believed_is_out_as_soon_as_the_database_says_that_the_session_was_ended() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    // Whoever asks for a session waits from here on.
    let mut held = fresh.db.begin().await.unwrap();
    sql::within(&mut held, "lock table session").await;
    drop(patient);
    the_other_is(&mut doctor, "lost").await;
    let (mut patient, again) = Socket::hello(&stage, &visit.patient, welcome["resume"].as_str()).await;
    assert_eq!(again["resumed"], true);
    the_other_is(&mut doctor, "here").await;
    patient.say(json!({ "type": "watch", "id": 3, "ticket": visit.ticket })).await;
    assert_eq!(patient.expect("refused").await["problem"]["code"], "server.unavailable", "nothing is read for them");
    // Somebody else has ended the session: nobody told this process.
    sql::within(&mut held, "update session set revoked_at = 1 where subject_kind = 'holder'").await;
    held.commit().await.unwrap();
    // A question that waited may still be answered as of before; it is asked again every five seconds.
    stage.clock.advance(Duration::from_secs(6));
    assert_eq!(patient.expect("bye").await["problem"]["code"], "auth.required");
    assert_eq!(patient.closed().await, Some(4005));
    while doctor.expect("room").await["room"]["participants"].as_array().unwrap().len() > 1 {}
    drop((doctor, patient));
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_without_the_database_for_longer_than_a_token_lives_and_not_for_ever() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    stage.clock.advance(NEARLY_OVER);
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    let (mut beside, of_beside) = Socket::hello(&stage, &visit.patient, None).await;

    stage.server.services.close().await;
    stage.clock.advance(AND_OVER);
    looked_round(&mut doctor).await;
    looked_round(&mut patient).await;
    assert_eq!(beside.closed().await, Some(4005), "whoever has no seat has no call to go on with");
    let unseated = turned_away(&stage, &visit.patient, Some(&of_beside["resume"])).await;
    assert_eq!(unseated, Some(4001), "and does not come back so");
    // The networks change meanwhile, again and again.
    drop(patient);
    the_other_is(&mut doctor, "lost").await;
    for minutes in (0..63).step_by(9) {
        let (patient, again) = Socket::hello(&stage, &visit.patient, welcome["resume"].as_str()).await;
        assert_eq!(again["resumed"], true, "{minutes} minutes after the end of the token");
        drop(patient);
        stage.clock.advance(Duration::from_mins(9));
    }
    assert_eq!(turned_away(&stage, &visit.patient, Some(&welcome["resume"])).await, Some(4001), "an hour, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_outlived_the_token_is_looked_up_when_the_database_answers_and_comes_back_with_a_renewed_one() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let visit = stage.visit().await;
    let login = json!({ "username": "doctor", "password": "yunzhen-doctor" });
    let tokens = stage.post("/auth/login", "", login).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    stage.clock.advance(NEARLY_OVER);
    let (mut doctor, welcome) = Socket::hello(&stage, token, None).await;
    let seat = doctor.join(&stage, &visit, token).await["you"].clone();
    let mut held = fresh.db.begin().await.unwrap();
    sql::within(&mut held, "lock table session").await;
    stage.clock.advance(AND_OVER);
    looked_round(&mut doctor).await;
    drop(doctor);
    let (mut doctor, again) = Socket::hello(&stage, token, welcome["resume"].as_str()).await;
    assert_eq!(again["resumed"], true, "the database does not answer");
    held.commit().await.unwrap();
    assert_eq!(doctor.expect("bye").await["problem"]["code"], "auth.required");
    assert_eq!(doctor.closed().await, Some(4005));
    assert_eq!(
        turned_away(&stage, token, Some(&welcome["resume"])).await,
        Some(4001),
        "it answers: a token is renewed"
    );
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let renewed = stage.post("/auth/refresh", "", refresh).await.ok()["access_token"].clone();
    let (mut doctor, again) = Socket::hello(&stage, renewed.as_str().unwrap(), welcome["resume"].as_str()).await;
    assert_eq!(again["resumed"], true);
    assert_eq!(doctor.expect("room").await["room"]["you"], seat);
    drop(doctor);
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_for_the_database_leaves_a_socket_deaf_for_two_seconds_and_takes_away_before() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let room = patient.join(&stage, &visit, &visit.patient).await;
    the_other_is(&mut doctor, "here").await;
    let mut held = fresh.db.begin().await.unwrap();
    sql::within(&mut held, "lock table session, seat, event, ticket").await;
    let (id, topic) = (&room["room"], format!("ticket:{}", visit.ticket));
    let mute = json!({ "type": "host", "id": 7, "room": id, "participant": room["you"], "act": "mute" });
    doctor.say(mute.clone()).await;
    // What is asked of the room is done all the same, before.
    let is_muted = |one: &Value| one["id"] == room["you"] && one["muted"] == true;
    let told = async {
        while !patient.expect("room").await["room"]["participants"].as_array().unwrap().iter().any(is_muted) {}
    };
    tokio::time::timeout(Duration::from_secs(2), told).await.expect("the room does not wait");
    refused_in_time(&mut doctor, &mute).await;
    gives_up(&mut doctor, json!({ "type": "renew", "id": 7, "token": visit.doctor })).await;
    gives_up(&mut patient, json!({ "type": "subscribe", "id": 7, "topic": topic })).await;
    gives_up(&mut patient, json!({ "type": "watch", "id": 7, "ticket": visit.ticket })).await;
    gives_up(&mut patient, json!({ "type": "unmute", "id": 7, "room": id })).await;
    the_other(&mut doctor, |one| one["muted"] == false).await;
    held.commit().await.unwrap();
    drop((doctor, patient));
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_told_to_the_room_before_the_database_is_asked_for_anything() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    patient.say(json!({ "type": "watch", "id": 2, "ticket": visit.ticket })).await;
    patient.expect("ticket").await;
    the_other_is(&mut doctor, "here").await;
    // Whoever writes waits for five seconds, and then gives up. That the patient does not watch any more is written.
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let held = db.begin().await.unwrap();
    drop(patient);
    let told = tokio::time::timeout(Duration::from_secs(4), the_other_is(&mut doctor, "lost")).await;
    assert!(told.is_ok(), "the doctor looks at somebody who has gone");
    drop(held);
    db.close().await;
}
