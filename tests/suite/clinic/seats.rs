//! How long a seat waits for its socket, and what a server says before it closes one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::Input;
use yunzhen::domain::room::relay::RelayEvent;

use super::live::Socket;
use super::stage::{Stage, Visit};

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_waits_ten_minutes_for_its_socket_and_no_longer() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    for (away, is_kept) in [(Duration::from_secs(599), true), (Duration::from_secs(601), false)] {
        let login = json!({ "username": "doctor", "password": "yunzhen-doctor" });
        let tokens = stage.post("/auth/login", "", login).await.ok();
        let token = tokens["access_token"].as_str().unwrap();
        let (mut doctor, welcome) = Socket::hello(&stage, token, None).await;
        let seat = enter(&stage, &visit, &mut doctor, token).await;
        // Any call is older than its socket's loss.
        stage.clock.advance(Duration::from_secs(9));
        drop(doctor);
        let services = &stage.server.services;
        let (actor, _) = services.authenticate(token).await.unwrap().unwrap();
        while services.live.is_here(&actor.key()) {
            tokio::task::yield_now().await;
        }
        stage.clock.advance(away);
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let tokens = stage.post("/auth/refresh", "", refresh).await.ok();
        let token = tokens["access_token"].as_str().unwrap();
        let (mut doctor, welcome) = Socket::hello(&stage, token, welcome["resume"].as_str()).await;
        assert_eq!(welcome["resumed"], is_kept, "{away:?}");
        if is_kept {
            assert_eq!(doctor.expect("room").await["room"]["you"], seat);
        } else {
            assert_eq!(welcome["rooms"], json!([]));
            assert_eq!(enter(&stage, &visit, &mut doctor, token).await, seat, "the same seat, by a new grant");
        }
    }
}

/// Takes the seat, alone in the room; which seat it is.
async fn enter(stage: &Stage, visit: &Visit, socket: &mut Socket, token: &str) -> Value {
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), token).await.ok();
    socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    let room = socket.expect("room").await["room"].clone();
    assert_eq!(room["participants"].as_array().unwrap().len(), 1, "no ghost");
    room["you"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_to_read_faster_and_not_that_a_window_took_over() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await.ok();
    patient.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    let room = patient.expect("room").await["room"].clone();
    let services = &stage.server.services;
    let (actor, _) = services.authenticate(&visit.patient).await.unwrap().unwrap();
    let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
    let participant = ParticipantId::from_uuid(id(&room["you"]));
    let large = RelayEvent::Answer { participant, offer_id: 1, sdp: "a".repeat(64 * 1024) };
    // Nobody reads, so the network's buffers fill first and then the outbox.
    while services.live.is_here(&actor.key()) {
        services.live.send(RoomId::from_uuid(id(&room["room"])), Input::Relay(large.clone())).await;
    }
    assert_eq!(patient.closed().await, Some(1013));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_has_said_goodbye_to_everybody_before() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut sockets, tokens) = (Vec::new(), [&visit.doctor, &visit.patient]);
    for token in tokens {
        sockets.push(Socket::hello(&stage, token, None).await.0);
    }
    let Stage { server, .. } = stage;
    server.stop().await;
    for mut socket in sockets {
        assert_eq!(socket.expect("bye").await["problem"]["code"], "server.shutting_down");
        assert_eq!(socket.closed().await, Some(1001));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_relay_ended_says_goodbye_and_ends_as_one_that_failed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut socket, _) = Socket::hello(&stage, &visit.patient, None).await;
    let room = socket.join(&stage, &visit, &visit.patient).await;
    let Stage { server, .. } = stage;
    let relay = server.relay.clone();
    let server = TaskTracker::new().spawn(server.until(std::future::pending()));
    relay.stop();
    let bye = socket.expect("bye").await;
    assert_eq!(bye["problem"]["code"], "server.shutting_down", "the browser comes back by itself, to its room {room}");
    assert_eq!(socket.closed().await, Some(1001));
    assert!(server.await.unwrap().is_err(), "its supervisor starts it anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_asked_to_end_has_not_failed() {
    let stage = Stage::open().await;
    let Stage { server, .. } = stage;
    assert!(server.until(std::future::ready(())).await.is_ok());
}
