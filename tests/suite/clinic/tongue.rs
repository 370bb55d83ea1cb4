//! A picture in pieces: asked for, sent over a network that breaks, checked, and in the visit once.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use yunzhen::domain::ids::AttachmentId;
use yunzhen::domain::room::{Input, PictureAsk, PictureOf};
use yunzhen::protocol::error::ErrorCode;
use yunzhen::services::work::Command;

use super::at_hand::AtHand;
use super::live::Socket;
use super::pictures::png;
use super::stage::{Answer, Stage, Visit};

fn picture() -> Vec<u8> {
    let pixels: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    png(&[(b"IDAT", &pixels)])
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Begins to send `whole` as a picture of the tongue.
pub(super) async fn begin(stage: &Stage, visit: &Visit, id: &str, whole: &[u8]) {
    let begin = json!({ "id": id, "of": "tongue", "size": whole.len(), "sha256": hex(whole) });
    stage.post(&format!("/visits/{}/uploads", visit.id), &visit.patient, begin).await.ok();
}

pub(super) async fn put(stage: &Stage, id: &str, token: &str, offset: usize, piece: &[u8]) -> Answer {
    let url = format!("http://{}/api/v1/uploads/{id}?offset={offset}", stage.server.http_addr);
    let request = reqwest::Client::new().put(url).bearer_auth(token).body(piece.to_vec());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    Answer { status, body: response.json().await.unwrap_or_default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_asked_for_comes_in_pieces_and_is_in_the_conversation_once() {
    let stage = Stage::open().await;
    let Visit { patient, doctor, id: visit, .. } = stage.visit().await;
    let join = async |token: &str| {
        let (mut socket, _) = Socket::hello(&stage, token, None).await;
        let grant = stage.act(&format!("/visits/{visit}/grant"), token).await.ok();
        socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
        let room = socket.expect("room").await["room"]["room"].clone();
        (socket, room)
    };
    let (mut asks, room) = join(&doctor).await;
    let (mut asked, _) = join(&patient).await;
    asks.say(json!({ "type": "ask_picture", "id": 2, "room": room, "of": "tongue" })).await;
    let id = loop {
        let room = asked.expect("room").await["room"].clone();
        if let Some(id) = room["picture"]["id"].as_str() {
            break id.to_owned();
        }
    };
    let whole = picture();
    let begin = json!({ "id": id, "of": "tongue", "size": whole.len(), "sha256": hex(&whole) });
    let path = format!("/visits/{visit}/uploads");
    assert_eq!(stage.post(&path, &doctor, begin.clone()).await.refusal(), (404, "request.not_found"));
    stage.post(&path, &patient, begin.clone()).await.ok();
    put(&stage, &id, &patient, 0, &whole[..300_000]).await.ok();
    // The answer was lost: the browser asks, and goes on from there.
    assert_eq!(put(&stage, &id, &patient, 0, &whole[..300_000]).await.refusal(), (409, "upload.offset"));
    let state = stage.get(&format!("/uploads/{id}"), &patient).await.ok();
    assert_eq!(state["received"], 300_000);
    assert_eq!(stage.get(&format!("/uploads/{id}"), &doctor).await.refusal(), (404, "request.not_found"));
    let finish = format!("/uploads/{id}/finish");
    assert_eq!(stage.act(&finish, &patient).await.refusal(), (409, "upload.offset"), "not all is here");
    put(&stage, &id, &patient, 300_000, &whole[300_000..]).await.ok();

    let line = stage.act(&finish, &patient).await.ok();
    assert_eq!(stage.act(&finish, &patient).await.ok(), line, "the same again is the same line");
    let mut lines = stage.get(&format!("/visits/{visit}/messages"), &doctor).await.ok();
    assert_eq!(lines[0]["mine"].take(), false);
    lines[0]["mine"] = line["mine"].clone();
    assert_eq!(lines, json!([line]));
    assert_eq!(line["attachment"], json!(id));
    let url = format!("http://{}/api/v1/attachments/{id}", stage.server.http_addr);
    let shown = reqwest::Client::new().get(url).bearer_auth(&doctor).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(hex(&shown), hex(&whole), "every pixel");
    loop {
        if asks.expect("room").await["room"]["picture"] == Value::Null {
            break;
        }
    }
    stage.send(Method::GET, "/healthz", "", None, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_not_what_was_promised_begins_anew_and_a_page_is_none() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/uploads", visit.id);
    let whole = picture();
    let id = "0190a0a0-0000-7000-8000-0000000000aa";
    let begin = json!({ "id": id, "of": "tongue", "size": whole.len(), "sha256": hex(b"other") });
    stage.post(&path, &visit.patient, begin).await.ok();
    put(&stage, id, &visit.patient, 0, &whole).await.ok();
    let finish = format!("/uploads/{id}/finish");
    assert_eq!(stage.act(&finish, &visit.patient).await.refusal(), (422, "upload.broken"));
    assert_eq!(stage.get(&format!("/uploads/{id}"), &visit.patient).await.ok()["received"], 0);
    // The page was reloaded, and another photo taken for the same wish.
    put(&stage, id, &visit.patient, 0, &whole[..100]).await.ok();
    let begin = json!({ "id": id, "of": "tongue", "size": whole.len(), "sha256": hex(&whole) });
    assert_eq!(stage.post(&path, &visit.patient, begin).await.ok()["received"], 0);
    put(&stage, id, &visit.patient, 0, &whole).await.ok();
    assert_eq!(stage.act(&finish, &visit.patient).await.ok()["attachment"], id);
    let (page, id) = (b"<html>".as_slice(), "0190a0a0-0000-7000-8000-0000000000ab");
    let begin = json!({ "id": id, "of": "tongue", "size": page.len(), "sha256": hex(page) });
    stage.post(&path, &visit.patient, begin).await.ok();
    put(&stage, id, &visit.patient, 0, page).await.ok();
    let refused = stage.act(&format!("/uploads/{id}/finish"), &visit.patient).await;
    assert_eq!(refused.refusal(), (415, "request.unsupported_type"));
    let large = json!({ "id": id, "of": "tongue", "size": 9_000_000, "sha256": hex(page) });
    assert_eq!(stage.post(&path, &visit.patient, large).await.refusal(), (413, "request.too_large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_file_is_gone_begins_anew_and_ends_well() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let whole = picture();
    let id = "0190a0a0-0000-7000-8000-0000000000af";
    begin(&stage, &visit, id, &whole).await;
    put(&stage, id, &visit.patient, 0, &whole).await.ok();
    std::fs::remove_file(stage.folder.path().join("uploads").join(id.replace('-', ""))).unwrap();
    // And of the picture half was written when the disk was full.
    let picture = stage.folder.path().join("attachments").join(id.replace('-', ""));
    std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
    std::fs::write(&picture, &whole[..1000]).unwrap();
    let finish = format!("/uploads/{id}/finish");
    assert_eq!(stage.act(&finish, &visit.patient).await.refusal(), (422, "upload.broken"));
    assert_eq!(stage.get(&format!("/uploads/{id}"), &visit.patient).await.ok()["received"], 0);
    put(&stage, id, &visit.patient, 0, &whole).await.ok();
    assert_eq!(stage.act(&finish, &visit.patient).await.ok()["attachment"], id);
}

async fn end(stage: &Stage, visit: &Visit) {
    let outcome = json!({ "outcome": "follow_up" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_visit_no_piece_is_taken_and_what_had_come_is_swept_away() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let whole = picture();
    let id = "0190a0a0-0000-7000-8000-0000000000ac";
    begin(&stage, &visit, id, &whole).await;
    put(&stage, id, &visit.patient, 0, &whole[..100]).await.ok();
    let file = stage.folder.path().join("uploads").join(id.replace('-', ""));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 100);
    assert_eq!(stage.server.services.sweep_uploads().await.unwrap(), 0, "the visit goes on");
    end(&stage, &visit).await;
    let another = json!({ "id": id, "of": "tongue", "size": whole.len(), "sha256": hex(b"another") });
    let refused = stage.post(&format!("/visits/{}/uploads", visit.id), &visit.patient, another).await;
    assert_eq!(refused.refusal(), (409, "visit.ended"), "nor begun anew");
    let refused = put(&stage, id, &visit.patient, 100, &whole[100..]).await;
    assert_eq!(refused.refusal(), (409, "visit.ended"));
    let actor = stage.server.services.authenticate(&visit.patient).await.unwrap().unwrap().0;
    let late = stage.server.services.take_piece(actor, id.parse().unwrap(), 100, &whole[100..]).await;
    assert_eq!(late.unwrap_err().code, ErrorCode::VisitEnded, "also one that was read before the end");
    assert_eq!(stage.server.services.sweep_uploads().await.unwrap(), 1);
    assert!(!file.exists());
    assert_eq!(stage.get(&format!("/uploads/{id}"), &visit.patient).await.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_finishes_is_swept_away_after_a_day_and_a_finished_one_stays() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let whole = picture();
    let [left, done] = ["0190a0a0-0000-7000-8000-0000000000ad", "0190a0a0-0000-7000-8000-0000000000ae"];
    for id in [left, done] {
        begin(&stage, &visit, id, &whole).await;
        put(&stage, id, &visit.patient, 0, &whole).await.ok();
    }
    stage.act(&format!("/uploads/{done}/finish"), &visit.patient).await.ok();
    stage.clock.advance(Duration::from_hours(23));
    assert_eq!(stage.server.services.sweep_uploads().await.unwrap(), 0);
    stage.clock.advance(Duration::from_mins(61));
    assert_eq!(stage.server.services.sweep_uploads().await.unwrap(), 1);
    let folder = |name: &str| std::fs::read_dir(stage.folder.path().join(name)).unwrap().count();
    assert_eq!((folder("uploads"), folder("attachments")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pieces_that_a_killed_process_left_of_a_finished_picture_are_removed_and_those_of_others_stay() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let [done, under_way, stranger] =
        [0xb1, 0xb2, 0xb3].map(|n| Uuid::from_u128(0x0190_a0a0_0000_7000_8000_0000_0000_0000 + n));
    let whole = picture();
    for id in [done, under_way] {
        begin(&stage, &visit, &id.to_string(), &whole).await;
        put(&stage, &id.to_string(), &visit.patient, 0, &whole[..300_000]).await.ok();
    }
    put(&stage, &done.to_string(), &visit.patient, 300_000, &whole[300_000..]).await.ok();
    let file = |id: Uuid| stage.folder.path().join("uploads").join(id.simple().to_string());
    stage.act(&format!("/uploads/{done}/finish"), &visit.patient).await.ok();
    assert!(!file(done).exists());
    // As if it had been killed between the commit and the removal; and of one that nobody knows.
    for id in [done, stranger] {
        std::fs::write(file(id), &whole).unwrap();
    }
    stage.server.services.sweep_uploads().await.unwrap();
    assert!(!file(done).exists() && !file(stranger).exists() && file(under_way).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_the_visit_refuses_leaves_no_file() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let whole = picture();
    let id = "0190a0a0-0000-7000-8000-0000000000af";
    begin(&stage, &visit, id, &whole).await;
    put(&stage, id, &visit.patient, 0, &whole).await.ok();
    end(&stage, &visit).await;
    let services = &stage.server.services;
    let actor = services.authenticate(&visit.patient).await.unwrap().unwrap().0;
    // Both were asked for while the visit went on, and are here a moment too late.
    let attached = services.attach(actor, visit.id.parse().unwrap(), &whole, &Command::once(actor)).await;
    assert_eq!(attached.unwrap_err().code, ErrorCode::VisitEnded);
    let finished = services.finish_upload(actor, id.parse().unwrap()).await;
    assert_eq!(finished.unwrap_err().code, ErrorCode::VisitEnded);
    assert_eq!(std::fs::read_dir(stage.folder.path().join("attachments")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_finished_again_is_asked_for_no_longer() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    let _patient = AtHand::sit(&stage, &visit, &visit.patient).await;
    let (id, whole) = (Uuid::from_u128(7), png(&[(b"IDAT", &[7; 9000])]));
    begin(&stage, &visit, &id.to_string(), &whole).await;
    put(&stage, &id.to_string(), &visit.patient, 0, &whole).await.ok();
    for _ in 0..2 {
        // The second time stands for a room that was not told of the first.
        let ask = PictureAsk { id: AttachmentId::from_uuid(id), of: PictureOf::Tongue, at: stage.clock.now() };
        let asks = Input::AskPicture { by: doctor.connection, ask };
        stage.server.services.live.say(doctor.connection, doctor.room, asks).await.unwrap();
        doctor.told(|message| message["room"]["picture"]["id"] == json!(id)).await;
        stage.act(&format!("/uploads/{id}/finish"), &visit.patient).await.ok();
        doctor.told(|message| message["type"] == "room" && message["room"]["picture"] == Value::Null).await;
    }
}
