//! A room, or a server, that is full, and who hears of it.

use serde_json::{Value, json};
use uuid::Uuid;
use yunzhen::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId};
use yunzhen::domain::room::{CAPACITY, ParticipantRole, RoomEnd, Seat, Standing};
use yunzhen::domain::text::Text;

use super::browser::Doctor;
use super::live::Socket;
use super::stage::Stage;

/// Somebody more in the room, without a browser.
async fn one_more(stage: &Stage, room: &Value, n: u128) -> ConnectionId {
    let live = &stage.server.services.live;
    let id = Uuid::from_u128(n);
    let connection = ConnectionId::from_uuid(id);
    let (outbox, _untold) = tokio::sync::mpsc::channel(256);
    let who = (format!("somebody {n}"), std::net::Ipv4Addr::LOCALHOST.into());
    live.connect(connection, SessionId::from_uuid(id), who, outbox);
    let (role, standing, name) = (ParticipantRole::Observer, Standing::Inside, Text::new("某人", "someone"));
    let seat = Seat { participant: ParticipantId::from_uuid(id), role, name, standing, muted: false };
    live.join(id_of(room), seat, connection).await.unwrap();
    connection
}

/// The answer to the command of this id.
async fn answer(socket: &mut Socket, id: u64) -> Value {
    loop {
        let message = socket.next().await.unwrap();
        if message["id"] == id && ["done", "refused"].iter().any(|kind| message["type"] == *kind) {
            return message;
        }
    }
}

fn id_of(room: &Value) -> RoomId {
    RoomId::from_uuid(room.as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_the_room_full_is_told_so_and_so_is_the_host_who_lets_in_one_too_many() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = Doctor::new(&stage, &visit).await;
    doctor.0.expect("room").await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let room = patient.join(&stage, &visit, &visit.patient).await["room"].clone();
    let mut crowd = Vec::new();
    for n in 2..CAPACITY as u128 {
        crowd.push(one_more(&stage, &room, n).await);
    }
    let path = format!("/visits/{}/invitations", visit.id);
    let made = stage.post(&path, &visit.doctor, json!({ "role": "family", "name": "王女士" })).await.ok();
    let uses = json!({ "token": made["token"], "nonce": Uuid::from_u128(1), "name": "王女士" });
    let token = stage.post("/invitations/use", "", uses).await.ok()["access_token"].as_str().unwrap().to_owned();
    let (mut guest, _) = Socket::hello(&stage, &token, None).await;
    let grant = stage.act("/invitations/mine/grant", &token).await.ok();
    guest.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    guest.expect("door").await;
    let knock = loop {
        let seen = doctor.0.expect("room").await["room"].clone();
        if let Some(knock) = seen["door"].get(0) {
            break knock["id"].clone();
        }
    };
    let admit = |id| json!({ "type": "host", "id": id, "room": room, "participant": knock, "act": "admit" });
    doctor.0.say(admit(20)).await;
    assert_eq!(answer(&mut doctor.0, 20).await["problem"]["code"], "room.full");

    // The patient goes, somebody takes the place, and the patient finds none.
    patient.say(json!({ "type": "leave", "id": 2, "room": room })).await;
    assert_eq!(answer(&mut patient, 2).await["type"], "done");
    crowd.push(one_more(&stage, &room, 99).await);
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await.ok();
    patient.say(json!({ "type": "join", "id": 3, "grant": grant["grant"] })).await;
    let ended = patient.expect("room_ended").await;
    assert_eq!((&ended["room"], &ended["reason"]), (&room, &json!("full")));

    // One has gone: whoever waits at the door is let in, by the same word.
    stage.server.services.live.leave(crowd[0], id_of(&room)).await.unwrap();
    doctor.0.say(admit(21)).await;
    assert_eq!(answer(&mut doctor.0, 21).await["type"], "done");
    guest.expect("room").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_room_left_calls_nobody_and_whoever_was_called_comes_in_all_the_same() {
    let stage = Stage::open_with(|config| config.rooms = 1).await;
    let (colleague, desk) = stage.doctor_at_desk("doctor2", 1).await;
    let visit = stage.visit().await;
    let (next, _) = stage.patient_waiting(2, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    // The one room is a check's: a quarter is at least one.
    let check = stage.act("/checks", &next).await.ok();
    let (mut tries, _) = Socket::hello(&stage, &next, None).await;
    tries.say(json!({ "type": "join", "id": 1, "grant": check["grant"] })).await;
    tries.expect("room").await;
    let call = format!("/desks/{desk}/call-next");
    let answer = stage.act(&call, &colleague).await;
    assert_eq!(answer.refusal(), (503, "room.none_free"));
    assert_eq!(stage.act("/checks", &visit.patient).await.refusal(), (503, "room.none_free"));
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let room = patient.join(&stage, &visit, &visit.patient).await;
    assert_eq!(room["participants"].as_array().unwrap().len(), 2);
    // Nobody lost their place by it, and where there is one again the next is called.
    let live = &stage.server.services.live;
    for open in [check["room"].clone(), room["room"].clone()] {
        live.end(id_of(&open), RoomEnd::Finished).await;
        while live.is_open(id_of(&open)) {
            tokio::task::yield_now().await;
        }
    }
    stage.act(&call, &colleague).await.ok();
}
