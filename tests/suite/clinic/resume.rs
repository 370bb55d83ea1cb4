//! A call on a bad network: at whatever message the socket dies, the same person comes back into the same seat, and
//! nothing that was said is lost or doubled.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::audits::entries;
use super::browser::{Browser, Doctor, own};
use super::inviting::room;
use super::live::Socket;
use super::reader::{Reader, invited};
use super::stage::{Stage, Visit};
use super::stills::media;
use super::wire::{Fault, From, Plan};

/// Every message of a call at which the network may fail.
const MESSAGES: [(From, &str); 29] = [
    (From::Browser, "hello"),
    (From::Browser, "ping"),
    (From::Browser, "renew"),
    (From::Browser, "subscribe"),
    (From::Browser, "unsubscribe"),
    (From::Browser, "watch"),
    (From::Browser, "join"),
    (From::Browser, "offer"),
    (From::Browser, "media"),
    (From::Browser, "view"),
    (From::Browser, "unheard"),
    (From::Browser, "unmute"),
    (From::Browser, "call_off_picture"),
    (From::Browser, "stop_recording"),
    (From::Browser, "leave"),
    (From::Server, "welcome"),
    (From::Server, "pong"),
    (From::Server, "done"),
    (From::Server, "refused"),
    (From::Server, "event"),
    (From::Server, "ticket"),
    (From::Server, "room"),
    (From::Server, "answer"),
    (From::Server, "slots"),
    (From::Server, "media_state"),
    (From::Server, "offer_refused"),
    (From::Server, "layers"),
    (From::Server, "speaker"),
    (From::Server, "room_ended"),
];
/// The same of whoever leads the call,
const HOSTS: [(From, &str); 2] = [(From::Browser, "host"), (From::Browser, "ask_picture")];
/// of who was invited and waits,
const GUESTS: [(From, &str); 1] = [(From::Server, "door")];
/// and of who was invited and let in.
const READERS: [(From, &str); 1] = [(From::Server, "said")];
/// And what is said in a call on the weakest of networks, and at an end by the server.
const LATER: [(From, &str); 4] =
    [(From::Browser, "still"), (From::Server, "still"), (From::Server, "offer_again"), (From::Server, "bye")];
const FAULTS: [Fault; 3] = [Fault::Cut, Fault::Stall, Fault::BlackHole];

/// A whole call on a network that fails as planned; what the doctor sees of it.
async fn call(stage: &Stage, visit: &Visit, doctor: &mut Doctor, seq: i64, plans: &[Plan], seat: &mut Value) -> i64 {
    let mut browser = Browser::new(stage, visit, seq).await;
    browser.wire.plan(plans);
    browser.command(json!({ "type": "watch", "ticket": visit.ticket })).await;
    browser.watches = true;
    browser.until(|browser| browser.heard.contains_key("ticket")).await;
    browser.command(json!({ "type": "subscribe", "topic": browser.topic(), "since": browser.seq })).await;
    browser.follows = true;
    let refused = browser.command(json!({ "type": "subscribe", "topic": format!("desk:{}", visit.desk) })).await;
    assert_eq!(refused["problem"]["code"], "request.not_found");

    let room = browser.join("room").await;
    if seat.is_null() {
        *seat = room["you"].clone();
    }
    assert_eq!(room["you"], *seat, "the same seat");
    let room = room["room"].clone();
    browser.offer(&room).await;
    browser.media(&room, true).await;
    browser.mumble(&room).await;
    browser.hears_the_relay(&room, seat).await;
    let none = json!([]);
    for command in [
        json!({ "type": "view", "room": room, "tiles": none }),
        json!({ "type": "unheard", "room": room, "mids": none }),
        json!({ "type": "unmute", "room": room }),
        json!({ "type": "call_off_picture", "room": room }),
        json!({ "type": "stop_recording", "room": room }),
    ] {
        assert_eq!(browser.command(command.clone()).await["type"], "done", "{command}");
    }
    browser.chat(&visit.doctor).await;
    browser.chat(&visit.patient).await;
    assert_eq!(browser.command(json!({ "type": "ping" })).await["type"], "pong");
    assert_eq!(browser.command(json!({ "type": "renew", "token": visit.patient })).await["type"], "done");
    browser.follows = false;
    browser.command(json!({ "type": "unsubscribe", "topic": browser.topic() })).await;
    browser.follows = true;
    browser.command(json!({ "type": "subscribe", "topic": browser.topic(), "since": browser.seq })).await;
    browser.media(&room, false).await;
    // What was said last holds, also when something older arrives late.
    let here = |others: &[Value]| {
        others.iter().any(|one| {
            one["id"] == *seat
                && one["presence"]["state"] == "here"
                && one["media"]["microphone"] == false
                && one["media"]["camera"] == true
        })
    };
    doctor.sees(here).await;
    browser.leave(&room).await;
    doctor.sees(<[_]>::is_empty).await;
    browser.is_replaced().await;
    doctor.sees(|others| others.len() == 1).await;
    doctor.sees(<[_]>::is_empty).await;
    assert_eq!(browser.wire.pending(), 0, "everything went wrong that should have: {plans:?}");
    browser.seq
}

async fn calls(plans: impl Iterator<Item = Vec<Plan>>) {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = Doctor::new(&stage, &visit).await;
    doctor.sees(<[_]>::is_empty).await;
    let (mut seq, mut seat, mut calls) = (0, Value::Null, 0);
    for plans in plans {
        seq = call(&stage, &visit, &mut doctor, seq, &plans, &mut seat).await;
        calls += 1;
    }
    let lines = stage.get(&format!("/visits/{}/messages", visit.id), &visit.doctor).await.ok();
    assert_eq!(lines.as_array().unwrap().len(), 2 * calls, "every line once");
}

fn everything(from: From) -> impl Iterator<Item = Plan> {
    at_each(MESSAGES.into_iter().filter(move |(who, _)| *who == from))
}

fn at_each(messages: impl Iterator<Item = (From, &'static str)>) -> impl Iterator<Item = Plan> {
    messages.flat_map(|(from, kind)| {
        [false, true].into_iter().flat_map(move |after| FAULTS.map(|fault| Plan { from, kind, after, fault }))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_its_socket_at_every_message_of_the_browser() {
    calls(everything(From::Browser).map(|plan| vec![plan])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_its_socket_at_every_message_of_the_server() {
    calls(everything(From::Server).map(|plan| vec![plan])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_that_its_coming_back_fails_too() {
    let first = Plan { from: From::Server, kind: "answer", after: false, fault: Fault::Cut };
    let again = [(From::Browser, "hello"), (From::Server, "welcome"), (From::Server, "room"), (From::Server, "slots")];
    calls(again.into_iter().flat_map(|(from, kind)| {
        FAULTS
            .map(|fault| vec![first, Plan { from, kind, after: false, fault }, Plan { from, kind, after: true, fault }])
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_leads_the_call_on_a_socket_that_dies_at_every_word_of_theirs() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    let seat = patient.join(&stage, &visit, &visit.patient).await["you"].clone();
    let mut calls = 0;
    for plan in at_each(HOSTS.into_iter()) {
        let grants = format!("/visits/{}/grant", visit.id);
        let mut host = Browser::of(&stage, &visit, &visit.doctor, grants, 0).await;
        host.wire.plan(&[plan]);
        let room = host.join("room").await["room"].clone();
        let mute = json!({ "type": "host", "room": room, "participant": seat, "act": "mute" });
        assert_eq!(host.command(mute).await["type"], "done");
        let ask = json!({ "type": "ask_picture", "room": room, "of": "tongue" });
        assert_eq!(host.command(ask).await["type"], "done");
        // The host sees what was done, and the patient sees the same.
        let picture = |host: &Browser| host.heard["room"]["room"]["picture"]["id"].clone();
        host.until(|host| picture(host).is_string()).await;
        loop {
            let seen = patient.expect("room").await["room"].clone();
            if own(&seen)["muted"] == true && seen["picture"]["id"] == picture(&host) {
                break;
            }
        }
        for (id, kind) in [(7, "unmute"), (8, "call_off_picture")] {
            patient.say(json!({ "type": kind, "id": id, "room": room })).await;
            patient.expect("done").await;
        }
        host.leave(&room).await;
        assert_eq!(host.wire.pending(), 0, "{plan:?}");
        calls += 1;
    }
    assert_eq!(entries(&stage, "room.mute").await.len(), calls, "what was said twice was done once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_its_socket_at_a_still_a_wish_for_another_offer_and_a_goodbye() {
    for message in LATER {
        let stage = Stage::open().await;
        let visit = stage.visit().await;
        let mut doctor = Doctor::new(&stage, &visit).await;
        let room = doctor.0.expect("room").await["room"]["room"].clone();
        doctor.0.say(media(&room, "still")).await;
        doctor.0.expect("done").await;
        let mut seat = Value::Null;
        for (shade, plan) in (1..).zip(at_each([message].into_iter())) {
            let mut browser = Browser::new(&stage, &visit, 0).await;
            browser.wire.plan(&[plan]);
            let joined = browser.join("room").await;
            if seat.is_null() {
                seat = joined["you"].clone();
            }
            assert_eq!(joined["you"], seat, "the same seat");
            browser.offer(&room).await;
            assert_eq!(browser.command(media(&room, "still")).await["type"], "done");
            browser.shows(&room, shade, &mut doctor).await;
            browser.is_shown(&room, shade, &mut doctor).await;
            browser.offers_again(&room, &seat).await;
            browser.talks_too_much().await;
            browser.media(&room, false).await;
            assert!(!browser.heard.contains_key("offer_again"), "{plan:?}: what was done is not asked for again");
            browser.leave(&room).await;
            doctor.is_alone().await;
            assert_eq!(browser.wire.pending(), 0, "{plan:?}");
        }
    }
}

#[test]
fn every_kind_of_message_has_its_turn() {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let tables = [&MESSAGES[..], &HOSTS, &GUESTS, &READERS, &LATER].concat();
    for (side, name) in [(From::Browser, "ClientMessage"), (From::Server, "ServerMessage")] {
        let mut kinds = HashSet::new();
        for form in schemas[name]["oneOf"].as_array().unwrap() {
            let parts = form["allOf"].as_array().map_or_else(|| vec![form], |parts| parts.iter().collect());
            let named = parts.iter().find_map(|part| part["properties"]["type"]["enum"][0].as_str());
            kinds.insert(named.expect("each form has its type"));
        }
        let tried: HashSet<_> = tables.iter().filter(|(from, _)| *from == side).map(|(_, kind)| *kind).collect();
        assert_eq!(tried, kinds, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_at_the_door_waits_on_though_the_socket_dies_as_the_door_is_told() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let token = invited(&stage, &visit).await;
    let mut doctor = Doctor::new(&stage, &visit).await;
    for plan in at_each(GUESTS.into_iter()) {
        let mut guest = Browser::of(&stage, &visit, &token, "/invitations/mine/grant".to_owned(), 0).await;
        guest.wire.plan(&[plan]);
        let room = guest.join("door").await;
        doctor.finds_at_the_door(|waiting| waiting.len() == 1 && waiting[0]["presence"]["state"] == "here").await;
        assert!(!guest.heard.contains_key("room"), "nothing of the room is told in front of it");
        // The socket that dies behind the word is taken up again, and the word said again.
        guest.command(json!({ "type": "ping" })).await;
        guest.leave(&room).await;
        doctor.finds_at_the_door(<[_]>::is_empty).await;
        assert_eq!(guest.wire.pending(), 0, "{plan:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_invited_reads_each_line_once_though_the_socket_dies_as_they_are_told_that_something_was_said() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let token = invited(&stage, &visit).await;
    let mut doctor = Doctor::new(&stage, &visit).await;
    let mut guest = Reader::of(&stage, &visit, &token).await;
    let call = guest.browser.join("door").await;
    let seen = room(&mut doctor.0, |room| !room["door"].as_array().unwrap().is_empty()).await;
    let admits = json!({ "type": "host", "id": 9, "room": call, "participant": seen["door"][0]["id"], "act": "admit" });
    doctor.0.say(admits).await;
    guest.until_inside().await;

    let path = format!("/visits/{}/messages", visit.id);
    let mut said = Vec::new();
    for plan in at_each(READERS.into_iter()) {
        guest.browser.wire.plan(&[plan]);
        // One is told as the socket dies, and one is said while there is none.
        for token in [&visit.doctor, &visit.patient] {
            let id = Uuid::from_u128(100 + u128::try_from(said.len()).unwrap());
            stage.post(&path, token, json!({ "id": id, "text": "听得到吗" })).await.ok();
            said.push(id.to_string());
            if said.len() % 2 == 1 {
                guest.until_cut().await;
            }
        }
        guest.until_read(said.len()).await;
        assert_eq!(guest.lines, said, "{plan:?}");
        assert_eq!(guest.browser.wire.pending(), 0, "{plan:?}");
    }
}
