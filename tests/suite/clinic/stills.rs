//! Stills through the doors: who sees them, what is no still, how often, and none after a revocation.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::live::Socket;
use super::stage::{Stage, Visit};

/// A JPEG of 320 by 240 pixels whose data is `shade`.
pub(super) fn jpeg(shade: u8, length: usize) -> Vec<u8> {
    let head = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 240, 1, 64, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 2];
    [&head[..], &vec![shade; length], &[0xFF, 0xD9]].concat()
}

pub(super) fn still(room: &Value, id: u64, bytes: &[u8]) -> Value {
    json!({ "type": "still", "id": id, "room": room, "jpeg": STANDARD.encode(bytes) })
}

pub(super) fn media(room: &Value, rung: &str) -> Value {
    let state = json!({ "microphone": true, "camera": true, "rung": rung });
    json!({ "type": "media", "id": 2, "room": room, "state": state })
}

async fn enter(stage: &Stage, token: &str, grant: &str) -> (Socket, Value) {
    let (mut socket, _) = Socket::hello(stage, token, None).await;
    let grant = stage.act(grant, token).await.ok();
    socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    let room = socket.expect("room").await["room"].clone();
    (socket, room)
}

/// Doctor and patient in a call, the patient's network bears stills alone; the room and the patient's seat.
async fn met(stage: &Stage, visit: &Visit) -> (Socket, Socket, Value, Value) {
    let grant = format!("/visits/{}/grant", visit.id);
    let (doctor, _) = enter(stage, &visit.doctor, &grant).await;
    let (mut patient, room) = enter(stage, &visit.patient, &grant).await;
    patient.say(media(&room["room"], "still")).await;
    patient.expect("done").await;
    (doctor, patient, room["room"].clone(), room["you"].clone())
}

/// The code of the answer to what was just said; `done` where it was done.
async fn answer(socket: &mut Socket) -> String {
    loop {
        let message = socket.next().await.unwrap();
        match message["type"].as_str() {
            Some("done") => return "done".to_owned(),
            Some("refused") => return message["problem"]["code"].as_str().unwrap().to_owned(),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_reaches_the_other_side_without_what_was_written_beside_it() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, mut patient, room, seat) = met(&stage, &visit).await;
    let plain = jpeg(7, 3_000);
    let mut told = plain.clone();
    let place = b"\xFF\xE1\x00\x10Exif31N121E....";
    told.splice(2..2, place.iter().copied().take(18));
    patient.say(still(&room, 3, &told)).await;
    assert_eq!(answer(&mut patient).await, "done");
    let seen = doctor.expect("still").await;
    assert_eq!((&seen["room"], &seen["participant"]), (&room, &seat));
    assert_eq!(STANDARD.decode(seen["jpeg"].as_str().unwrap()).unwrap(), plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_still_too_large_too_soon_or_beside_the_rung_is_refused() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, mut patient, room, _) = met(&stage, &visit).await;
    for (bytes, code) in [
        (jpeg(1, 9_000), "request.too_large"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0".to_vec(), "request.unsupported_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "request.unsupported_type"),
        (jpeg(2, 100), "done"),
        (jpeg(3, 100), "request.rate_limited"),
    ] {
        patient.say(still(&room, 3, &bytes)).await;
        assert_eq!(answer(&mut patient).await, code);
    }
    patient.say(json!({ "type": "still", "id": 4, "room": room, "jpeg": "?" })).await;
    assert_eq!(answer(&mut patient).await, "request.invalid");
    stage.clock.advance(Duration::from_secs(1));
    patient.say(still(&room, 5, &jpeg(4, 100))).await;
    assert_eq!(answer(&mut patient).await, "done");
    patient.say(media(&room, "full")).await;
    assert_eq!(answer(&mut patient).await, "done");
    stage.clock.advance(Duration::from_secs(2));
    patient.say(still(&room, 6, &jpeg(5, 100))).await;
    assert_eq!(answer(&mut patient).await, "request.invalid");
    doctor.say(still(&room, 3, &jpeg(6, 100))).await;
    assert_eq!(answer(&mut doctor).await, "request.invalid", "the doctor's network bears a picture that moves");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_held_apart_neither_shows_a_still_nor_sees_one_and_a_stranger_shows_none() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, mut patient, room, seat) = met(&stage, &visit).await;
    let hold = |act: &str| json!({ "type": "host", "id": 9, "room": room, "participant": seat, "act": act });
    doctor.say(hold("hold")).await;
    assert_eq!(answer(&mut doctor).await, "done");
    patient.say(still(&room, 3, &jpeg(1, 100))).await;
    assert_eq!(answer(&mut patient).await, "request.invalid");
    doctor.say(media(&room, "still")).await;
    assert_eq!(answer(&mut doctor).await, "done");
    doctor.say(still(&room, 4, &jpeg(2, 100))).await;
    assert_eq!(answer(&mut doctor).await, "done");
    stage.clock.advance(Duration::from_secs(2));
    doctor.say(hold("release")).await;
    assert_eq!(answer(&mut doctor).await, "done");
    doctor.say(still(&room, 5, &jpeg(3, 100))).await;
    let seen = patient.expect("still").await;
    assert_eq!(
        STANDARD.decode(seen["jpeg"].as_str().unwrap()).unwrap(),
        jpeg(3, 100),
        "the one before was not for them"
    );

    let stranger = stage.staff("nurse").await;
    let (mut stranger, _) = Socket::hello(&stage, &stranger, None).await;
    stranger.say(still(&room, 1, &jpeg(4, 100))).await;
    assert_eq!(answer(&mut stranger).await, "request.not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_stills_a_slow_reader_gets_the_newest() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, mut patient, room, _) = met(&stage, &visit).await;
    // The doctor's browser reads nothing meanwhile, so that nothing behind the first is asked for.
    for shade in 0..9 {
        patient.say(still(&room, 3, &jpeg(shade, 4_000))).await;
        assert_eq!(answer(&mut patient).await, "done");
        stage.clock.advance(Duration::from_secs(1));
    }
    let mut shades = Vec::new();
    while shades.last() != Some(&8) {
        let seen = doctor.expect("still").await;
        shades.push(STANDARD.decode(seen["jpeg"].as_str().unwrap()).unwrap()[19]);
    }
    assert!(shades.len() <= 2, "one that was on its way, and the newest: {shades:?}");
}
