//! Many in the room: invited by a link, in front of the door, let in, held apart, muted, taken out.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use yunzhen::store::Db;

use super::audits::entries;
use super::live::Socket;
use super::stage::{Answer, Stage, Visit};
use crate::support::sql;

async fn invite(stage: &Stage, visit: &Visit, role: &str) -> Value {
    // Each a moment after the one before, so that their order is no matter of chance.
    stage.clock.advance(Duration::from_millis(1));
    let path = format!("/visits/{}/invitations", visit.id);
    stage.post(&path, &visit.doctor, json!({ "role": role, "name": "王译员" })).await.ok()
}

async fn come(stage: &Stage, token: &Value, nonce: u128) -> Answer {
    let nonce = Uuid::from_u128(nonce);
    stage.post("/invitations/use", "", json!({ "token": token, "nonce": nonce, "name": "王小译" })).await
}

/// Somebody's socket, after they asked to come into the room.
pub(super) async fn enter(stage: &Stage, token: &str, grant: &str) -> Socket {
    let (mut socket, _) = Socket::hello(stage, token, None).await;
    let grant = stage.act(grant, token).await.ok();
    socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
    socket
}

/// The next `room` message that `wanted` accepts.
pub(super) async fn room(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let room = socket.expect("room").await["room"].clone();
        if wanted(&room) {
            return room;
        }
    }
}

fn of<'a>(room: &'a Value, role: &str) -> &'a Value {
    room["participants"].as_array().unwrap().iter().find(|one| one["role"] == role).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_once_for_half_an_hour_and_until_it_is_taken_back() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "interpreter").await;
    let open = json!({ "token": made["token"] });
    let landing = stage.post("/invitations/open", "", open.clone()).await.ok();
    assert_eq!((&landing["role"], &landing["name"]), (&json!("interpreter"), &json!("王译员")));
    let tokens = come(&stage, &made["token"], 1).await.ok();
    assert_eq!(tokens["subject"]["kind"], "guest");
    // Who is not in the call neither reads nor writes its conversation.
    let (guest, messages) = (tokens["access_token"].as_str().unwrap(), format!("/visits/{}/messages", visit.id));
    assert_eq!(stage.get(&messages, guest).await.status, 404);
    let said = json!({ "id": "0190a0a0-0000-7000-8000-0000000000ba", "text": "hello" });
    assert_eq!(stage.post(&messages, guest, said).await.status, 404);
    come(&stage, &made["token"], 1).await.ok();
    assert_eq!(come(&stage, &made["token"], 2).await.refusal(), (409, "invitation.used"));
    assert_eq!(come(&stage, &json!("no such token"), 3).await.refusal(), (404, "invitation.unknown"));

    let back = invite(&stage, &visit, "family").await;
    let revoke = format!("/invitations/{}/revoke", back["id"].as_str().unwrap());
    assert_eq!(stage.act(&revoke, &visit.patient).await.refusal(), (403, "auth.forbidden"));
    assert_eq!(stage.act(&revoke, &visit.doctor).await.status, 200);
    assert_eq!(come(&stage, &back["token"], 4).await.refusal(), (410, "invitation.revoked"));
    let revoke = format!("/invitations/{}/revoke", made["id"].as_str().unwrap());
    stage.post("/invitations/open", "", open.clone()).await.ok();
    assert_eq!(stage.act(&revoke, &visit.doctor).await.status, 200);
    let after = stage.post("/invitations/open", "", open.clone()).await;
    assert_eq!(after.refusal(), (410, "invitation.revoked"), "also when somebody had come with it");

    let late = invite(&stage, &visit, "observer").await;
    stage.clock.advance(Duration::from_mins(30));
    assert_eq!(come(&stage, &late["token"], 5).await.refusal(), (410, "invitation.expired"));
    let list = stage.get(&format!("/visits/{}/invitations", visit.id), &visit.doctor).await;
    // The doctor's own token ended with the half hour.
    assert_eq!(list.refusal(), (401, "auth.required"));
    let doctor = stage.staff("doctor").await;
    let list = stage.get(&format!("/visits/{}/invitations", visit.id), &doctor).await.ok();
    let states: Vec<_> = list.as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["revoked", "revoked", "expired"]);
    assert!(!list.to_string().contains(made["token"].as_str().unwrap()), "a token is shown once");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_doctor_of_the_visit_invites_and_only_roles_that_are_invited() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/invitations", visit.id);
    let wish = |role: &str, minutes: u32| json!({ "role": role, "name": "某人", "minutes": minutes });
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.post(&path, &other, wish("family", 10)).await.refusal(), (404, "request.not_found"));
    assert_eq!(stage.post(&path, &visit.patient, wish("family", 10)).await.refusal(), (403, "auth.forbidden"));
    assert_eq!(stage.post(&path, &visit.doctor, wish("doctor", 10)).await.refusal(), (422, "request.invalid"));
    assert_eq!(stage.post(&path, &visit.doctor, wish("family", 31)).await.refusal(), (422, "request.invalid"));
    for _ in 0..10 {
        stage.post(&path, &visit.doctor, wish("family", 10)).await.ok();
    }
    assert_eq!(stage.post(&path, &visit.doctor, wish("family", 10)).await.refusal(), (409, "room.full"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_waits_is_let_in_is_held_muted_and_taken_out_for_good() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "interpreter").await;
    let tokens = come(&stage, &made["token"], 1).await.ok();
    let guest = tokens["access_token"].as_str().unwrap();
    let visits = format!("/visits/{}/grant", visit.id);
    let mut doctor = enter(&stage, &visit.doctor, &visits).await;
    let mut patient = enter(&stage, &visit.patient, &visits).await;
    assert_eq!(stage.act(&visits, guest).await.refusal(), (404, "request.not_found"), "no other way in");
    let mut interpreter = enter(&stage, guest, "/invitations/mine/grant").await;

    interpreter.expect("door").await;
    let seen = room(&mut doctor, |room| room["door"][0]["name"]["zh"] == "王小译").await;
    let (id, whom) = (seen["room"].clone(), seen["door"][0]["id"].clone());
    let patients = room(&mut patient, |_| true).await;
    assert_eq!(patients["door"], json!([]));
    let host =
        |act: &str, whom: &Value| json!({ "type": "host", "id": 9, "room": id, "participant": whom, "act": act });
    patient.say(host("admit", &whom)).await;
    assert_eq!(patient.expect("refused").await["problem"]["code"], "auth.forbidden");

    doctor.say(host("admit", &whom)).await;
    doctor.expect("done").await;
    let inside = room(&mut interpreter, |room| !of(room, "interpreter").is_null()).await;
    assert_eq!(inside["participants"].as_array().unwrap().len(), 3);
    room(&mut patient, |room| of(room, "interpreter")["name"]["zh"] == "王小译").await;

    let who = of(&inside, "patient")["id"].clone();
    doctor.say(host("hold", &who)).await;
    doctor.expect("done").await;
    let held = room(&mut patient, |room| of(room, "patient")["held"] == true).await;
    assert_eq!(held["participants"].as_array().unwrap().len(), 1, "who is held apart sees nobody");
    doctor.say(host("release", &who)).await;
    room(&mut patient, |room| room["participants"].as_array().unwrap().len() == 3).await;

    doctor.say(host("mute", &who)).await;
    room(&mut patient, |room| of(room, "patient")["muted"] == true).await;
    patient.say(json!({ "type": "unmute", "id": 4, "room": id })).await;
    room(&mut patient, |room| of(room, "patient")["muted"] == false).await;

    doctor.say(host("remove", &who)).await;
    assert_eq!(doctor.expect("refused").await["problem"]["code"], "request.invalid", "a patient is never removed");
    doctor.say(host("remove", &whom)).await;
    assert_eq!(interpreter.expect("room_ended").await["reason"], "removed");
    doctor.expect("done").await;
    assert_eq!(stage.act("/invitations/mine/grant", guest).await.refusal(), (401, "auth.required"), "for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_while_it_could_not_be_written_stays_out_and_the_host_says_it_again() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "family").await;
    let tokens = come(&stage, &made["token"], 1).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    let mut doctor = enter(&stage, &visit.doctor, &format!("/visits/{}/grant", visit.id)).await;
    let mut guest = enter(&stage, token, "/invitations/mine/grant").await;
    let seen = room(&mut doctor, |room| room["door"][0]["id"].is_string()).await;
    let host = |act: &str| json!({ "type": "host", "id": 9, "room": seen["room"], "participant": seen["door"][0]["id"], "act": act });
    doctor.say(host("admit")).await;
    doctor.expect("done").await;
    room(&mut guest, |_| true).await;

    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "create trigger away before update on invitation begin select raise(abort, 'away'); end").await;
    doctor.say(host("remove")).await;
    assert_eq!(guest.expect("room_ended").await["reason"], "removed");
    doctor.expect("refused").await;
    // The invitation stands, and the seat is kept as one inside: only the room knows better.
    let grant = stage.act("/invitations/mine/grant", token).await.ok();
    guest.say(json!({ "type": "join", "id": 2, "grant": grant["grant"] })).await;
    loop {
        let message = guest.next().await.unwrap();
        assert!(message["type"] != "room" && message["type"] != "door", "{message}");
        if message["type"] == "room_ended" {
            assert_eq!(message["reason"], "removed");
            break;
        }
    }
    sql::run(&db, "drop trigger away").await;
    db.close().await;
    doctor.say(host("remove")).await;
    doctor.expect("done").await;
    assert_eq!(guest.closed().await, Some(4005));
    assert_eq!(stage.act("/invitations/mine/grant", token).await.refusal(), (401, "auth.required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_or_held_apart_while_it_cannot_be_written_is_so_at_once_and_the_host_says_it_again() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let visits = format!("/visits/{}/grant", visit.id);
    let mut doctor = enter(&stage, &visit.doctor, &visits).await;
    let mut patient = enter(&stage, &visit.patient, &visits).await;
    let seen = room(&mut doctor, |room| !of(room, "patient").is_null()).await;
    let whom = of(&seen, "patient")["id"].clone();
    let host = |act: &str| json!({ "type": "host", "id": 9, "room": seen["room"], "participant": whom, "act": act });

    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "create trigger away before update on seat begin select raise(abort, 'away'); end").await;
    for (act, is) in [("mute", "muted"), ("hold", "held")] {
        doctor.say(host(act)).await;
        doctor.expect("refused").await;
        room(&mut patient, |room| of(room, "patient")[is] == true).await;
        assert_eq!(entries(&stage, &format!("room.{act}")).await.len(), 0, "it is not written");
    }
    sql::run(&db, "drop trigger away").await;
    db.close().await;
    for act in ["mute", "hold"] {
        doctor.say(host(act)).await;
        doctor.expect("done").await;
        assert_eq!(entries(&stage, &format!("room.{act}")).await.len(), 1, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_says_again_because_no_answer_came_is_done_once_and_logged_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "family").await;
    let visits = format!("/visits/{}/grant", visit.id);
    let mut doctor = enter(&stage, &visit.doctor, &visits).await;
    let tokens = come(&stage, &made["token"], 1).await.ok();
    let guest = enter(&stage, tokens["access_token"].as_str().unwrap(), "/invitations/mine/grant").await;
    let seen = room(&mut doctor, |room| room["door"][0]["id"].is_string()).await;
    for act in ["admit", "admit", "mute", "mute", "hold", "hold", "release", "release"] {
        let whom = &seen["door"][0]["id"];
        doctor.say(json!({ "type": "host", "id": 9, "room": seen["room"], "participant": whom, "act": act })).await;
        doctor.expect("done").await;
    }
    for act in ["admit", "mute", "hold", "release"] {
        assert_eq!(entries(&stage, &format!("room.{act}")).await.len(), 1, "{act}");
    }
    drop(guest);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_used_a_link_twice_has_one_session_and_loses_its_seat_when_the_link_is_taken_back() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "family").await;
    let mut doctor = enter(&stage, &visit.doctor, &format!("/visits/{}/grant", visit.id)).await;
    let token = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
    let first = token(&come(&stage, &made["token"], 1).await.ok());
    let mut earlier = enter(&stage, &first, "/invitations/mine/grant").await;
    earlier.expect("door").await;

    let second = token(&come(&stage, &made["token"], 1).await.ok());
    assert_eq!(earlier.closed().await, Some(4005), "the earlier session is over");
    assert_eq!(stage.act("/invitations/mine/grant", &first).await.refusal(), (401, "auth.required"));
    let mut guest = enter(&stage, &second, "/invitations/mine/grant").await;
    guest.expect("door").await;
    let seen = room(&mut doctor, |room| !room["door"][0].is_null()).await;
    let admit =
        json!({ "type": "host", "id": 9, "room": seen["room"], "participant": seen["door"][0]["id"], "act": "admit" });
    doctor.say(admit).await;
    room(&mut doctor, |room| !of(room, "family").is_null()).await;

    let revoke = format!("/invitations/{}/revoke", made["id"].as_str().unwrap());
    assert_eq!(stage.act(&revoke, &visit.doctor).await.status, 200);
    room(&mut doctor, |room| of(room, "family").is_null() && room["door"] == json!([])).await;
    assert_eq!(guest.closed().await, Some(4005));
    assert_eq!(stage.act("/invitations/mine/grant", &second).await.refusal(), (401, "auth.required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_and_uses_the_link_again_keeps_the_first_name_and_stands_at_the_door() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "family").await;
    let mut doctor = enter(&stage, &visit.doctor, &format!("/visits/{}/grant", visit.id)).await;
    let guest = come(&stage, &made["token"], 1).await.ok();
    let mut first = enter(&stage, guest["access_token"].as_str().unwrap(), "/invitations/mine/grant").await;
    let seen = room(&mut doctor, |room| !room["door"][0].is_null()).await;
    let whom = &seen["door"][0]["id"];
    doctor.say(json!({ "type": "host", "id": 9, "room": seen["room"], "participant": whom, "act": "admit" })).await;
    room(&mut first, |_| true).await;
    room(&mut doctor, |room| !of(room, "family").is_null()).await;

    let again = json!({ "token": made["token"], "nonce": Uuid::from_u128(1), "name": "演示医师甲" });
    let again = stage.post("/invitations/use", "", again).await.ok();
    let mut second = enter(&stage, again["access_token"].as_str().unwrap(), "/invitations/mine/grant").await;
    let mut told = second.next().await.unwrap();
    while told["type"] == "done" {
        told = second.next().await.unwrap();
    }
    assert_eq!(told["type"], "door", "and nothing of the room: {told}");
    let seen = room(&mut doctor, |room| !room["door"][0].is_null()).await;
    assert_eq!((&seen["door"][0]["name"]["zh"], &seen["door"][0]["id"]), (&json!("王小译"), whom));
    assert_eq!(of(&seen, "family"), &Value::Null);
}

/// Whoever knows the name of a picture could begin one under it, in a visit of their own.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_invited_does_not_learn_the_name_of_the_picture_that_the_patient_is_asked_for() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let visits = format!("/visits/{}/grant", visit.id);
    let made = invite(&stage, &visit, "observer").await;
    let guest = come(&stage, &made["token"], 1).await.ok();
    let mut doctor = enter(&stage, &visit.doctor, &visits).await;
    let mut patient = enter(&stage, &visit.patient, &visits).await;
    let mut observer = enter(&stage, guest["access_token"].as_str().unwrap(), "/invitations/mine/grant").await;
    let seen = room(&mut doctor, |room| !room["door"][0].is_null()).await;
    let (id, whom) = (&seen["room"], &seen["door"][0]["id"]);
    doctor.say(json!({ "type": "host", "id": 9, "room": id, "participant": whom, "act": "admit" })).await;
    room(&mut observer, |_| true).await;
    doctor.say(json!({ "type": "ask_picture", "id": 10, "room": id, "of": "tongue" })).await;
    room(&mut patient, |room| room["picture"]["id"].is_string()).await;
    room(&mut doctor, |room| room["picture"]["id"].is_string()).await;
    let state = json!({ "microphone": true, "camera": true });
    patient.say(json!({ "type": "media", "id": 2, "room": id, "state": state })).await;
    let after = room(&mut observer, |room| of(room, "patient")["media"]["microphone"] == true).await;
    assert_eq!(after["picture"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_link_names_nobody() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let made = invite(&stage, &visit, "family").await;
    let open = json!({ "token": made["token"] });
    assert_eq!(stage.post("/invitations/open", "", open.clone()).await.ok()["name"], "王译员");
    come(&stage, &made["token"], 1).await.ok();
    let landing = stage.post("/invitations/open", "", open).await.ok();
    assert_eq!(landing["name"], Value::Null);
    let told = landing.to_string();
    assert!(!told.contains("王") && !told.contains("测"), "neither the guest nor the patient: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_admitted_are_inside_the_held_are_apart_and_the_others_at_the_door() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let visits = format!("/visits/{}/grant", visit.id);
    let mut guests = Vec::new();
    for n in 0..2 {
        let made = invite(&stage, &visit, "family").await;
        let tokens = come(&stage, &made["token"], n).await.ok();
        guests.push(tokens["access_token"].as_str().unwrap().to_owned());
    }
    let mut doctor = enter(&stage, &visit.doctor, &visits).await;
    let _patient = enter(&stage, &visit.patient, &visits).await;
    let _first = enter(&stage, &guests[0], "/invitations/mine/grant").await;
    let seen = room(&mut doctor, |room| !room["door"][0].is_null() && !of(room, "patient").is_null()).await;
    let id = seen["room"].clone();
    let host =
        |act: &str, whom: &Value| json!({ "type": "host", "id": 9, "room": id, "participant": whom, "act": act });
    doctor.say(host("admit", &seen["door"][0]["id"])).await;
    doctor.expect("done").await;
    doctor.say(host("hold", &of(&seen, "patient")["id"])).await;
    doctor.expect("done").await;
    doctor.say(host("mute", &seen["door"][0]["id"])).await;
    doctor.expect("done").await;

    let stage = stage.restart().await;
    let mut patient = enter(&stage, &visit.patient, &visits).await;
    let mut first = enter(&stage, &guests[0], "/invitations/mine/grant").await;
    let mut second = enter(&stage, &guests[1], "/invitations/mine/grant").await;
    assert_eq!(of(&room(&mut patient, |_| true).await, "patient")["held"], true);
    room(&mut first, |room| of(room, "family")["muted"] == true).await;
    let unmute = json!({ "type": "unmute", "id": 2, "room": id });
    first.say(unmute).await;
    first.expect("done").await;
    second.expect("door").await;

    let stage = stage.restart().await;
    let mut first = enter(&stage, &guests[0], "/invitations/mine/grant").await;
    room(&mut first, |room| of(room, "family")["muted"] == false).await;
}
