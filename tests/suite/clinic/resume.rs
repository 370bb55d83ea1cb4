//! A call on a bad network: at whatever message the socket dies, the same person comes back into the same seat, and
//! nothing that was said is lost or doubled.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::relay::{RelayEvent, SourceName};
use yunzhen::domain::room::{Input, STILL_EVERY};

use super::audits::entries;
use super::live::Socket;
use super::stage::{Stage, Visit};
use super::stills::{jpeg, media, still};
use super::wire::{Fault, From, Plan, Wire};

/// Every message of a call at which the network may fail.
const MESSAGES: [(From, &str); 27] = [
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
    (From::Browser, "unmute"),
    (From::Browser, "call_off_picture"),
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
/// and of who was invited and waits.
const GUESTS: [(From, &str); 1] = [(From::Server, "door")];
/// And what is said in a call on the weakest of networks, and at an end by the server.
const LATER: [(From, &str); 4] =
    [(From::Browser, "still"), (From::Server, "still"), (From::Server, "offer_again"), (From::Server, "bye")];
const FAULTS: [Fault; 3] = [Fault::Cut, Fault::Stall, Fault::BlackHole];

/// A browser that does what `docs/PROTOCOL.md` says.
struct Browser<'stage> {
    stage: &'stage Stage,
    visit: &'stage Visit,
    token: String,
    /// Where it asks for its grant.
    grants: String,
    wire: Wire,
    failures: watch::Receiver<usize>,
    socket: Option<Socket>,
    resume: Option<String>,
    last_id: u64,
    watches: bool,
    follows: bool,
    /// The room in which it has its seat.
    seat_in: Option<Value>,
    /// The newest of each kind of message.
    heard: serde_json::Map<String, Value>,
    /// The newest number of the visit's topic, and every line that was announced.
    seq: i64,
    lines: Vec<Value>,
    /// The numbers that came since the topic was subscribed to.
    told: HashSet<i64>,
}

impl<'stage> Browser<'stage> {
    /// The patient's, which has heard the topic of the visit up to `seq`.
    async fn new(stage: &'stage Stage, visit: &'stage Visit, seq: i64) -> Self {
        Self::of(stage, visit, &visit.patient, format!("/visits/{}/grant", visit.id), seq).await
    }

    async fn of(stage: &'stage Stage, visit: &'stage Visit, token: &str, grants: String, seq: i64) -> Self {
        let wire = Wire::to(stage.server.http_addr).await;
        let failures = wire.failures();
        let heard = serde_json::Map::new();
        let (socket, resume, seat_in) = (None, None, None);
        let (watches, follows, last_id, lines, told) = (false, false, 0, Vec::new(), HashSet::new());
        Self {
            stage,
            visit,
            token: token.to_owned(),
            grants,
            wire,
            failures,
            socket,
            resume,
            last_id,
            watches,
            follows,
            seat_in,
            heard,
            seq,
            lines,
            told,
        }
    }

    fn topic(&self) -> String {
        format!("visit:{}", self.visit.id)
    }

    /// Says something; what cannot be said is noticed by its answer that does not come.
    async fn say(&mut self, mut body: Value) -> u64 {
        self.last_id += 1;
        if body["type"] == "subscribe" {
            self.told.clear();
        }
        if body["type"] != "hello" {
            body["id"] = json!(self.last_id);
        }
        if let Some(socket) = &mut self.socket {
            socket.0.send(Message::text(body.to_string())).await.ok();
        }
        self.last_id
    }

    /// The next message; nothing when the socket is dead, however it is noticed.
    async fn hear(&mut self) -> Option<Value> {
        let socket = self.socket.as_mut()?;
        let message = tokio::select! {
            message = socket.next() => message.ok(),
            _ = self.failures.changed() => None,
        };
        let Some(message) = message else {
            self.socket = None;
            return None;
        };
        if message["type"] == "event" {
            let seq = message["seq"].as_i64().unwrap();
            assert!(seq <= self.seq + 1, "event {} was lost", self.seq + 1);
            assert!(self.told.insert(seq), "event {seq} was told twice");
            if seq == self.seq + 1 {
                self.seq = seq;
                self.lines.push(message["data"]["message"].clone());
            }
        }
        self.heard.insert(message["type"].as_str().unwrap().to_owned(), message.clone());
        Some(message)
    }

    /// Connects until it is welcomed, and takes up everything that it had.
    async fn connect(&mut self) {
        while self.socket.is_none() {
            self.failures.mark_unchanged();
            let url = format!("ws://{}/api/v1/ws", self.wire.address);
            self.socket = connect_async(url).await.ok().map(|(socket, _)| Socket(socket));
            let mut hello = json!({ "type": "hello", "version": 1, "token": self.token });
            if let Some(resume) = &self.resume {
                hello["resume"] = json!(resume);
            }
            self.say(hello).await;
            let Some(welcome) = self.hear().await else { continue };
            self.resume = Some(welcome["resume"].as_str().unwrap().to_owned());
            if self.follows {
                self.say(json!({ "type": "subscribe", "topic": self.topic(), "since": self.seq })).await;
            }
            if self.watches {
                self.say(json!({ "type": "watch", "ticket": self.visit.ticket })).await;
            }
            if let Some(room) = &self.seat_in {
                assert!(welcome["rooms"].as_array().unwrap().contains(room), "the seat was kept");
            }
        }
    }

    /// One command, said until it is answered.
    async fn command(&mut self, body: Value) -> Value {
        loop {
            self.connect().await;
            let id = self.say(body.clone()).await;
            while let Some(message) = self.hear().await {
                if message["id"] == id {
                    return message;
                }
            }
        }
    }

    /// Waits for what follows from what was said; nothing when the socket died meanwhile.
    async fn follows_from(&mut self, kind: &str) -> Option<Value> {
        loop {
            if let Some(message) = self.heard.get(kind) {
                return Some(message.clone());
            }
            self.hear().await?;
        }
    }

    async fn until(&mut self, what: impl Fn(&Self) -> bool) {
        while !what(self) {
            self.connect().await;
            self.hear().await;
        }
    }

    /// Takes the seat, and tells what was heard of it first: the room, or the door in front of it.
    async fn join(&mut self, first: &str) -> Value {
        self.heard.remove(first);
        let grant = self.stage.act(&self.grants, &self.token).await.ok();
        let mut answer = self.command(json!({ "type": "join", "grant": grant["grant"] })).await;
        if answer["type"] == "refused" {
            // The connection that spent it was never welcomed, and is not known here.
            assert_eq!(answer["problem"]["code"], "room.grant_refused");
            let grant = self.stage.act(&self.grants, &self.token).await.ok();
            answer = self.command(json!({ "type": "join", "grant": grant["grant"] })).await;
        }
        assert_eq!(answer["type"], "done");
        self.until(|browser| browser.heard.contains_key(first)).await;
        let room = self.heard[first]["room"].clone();
        self.seat_in = Some(if first == "door" { room.clone() } else { room["room"].clone() });
        room
    }

    /// Leaves; also when it had left already and the answer was lost.
    async fn leave(&mut self, room: &Value) {
        self.seat_in = None;
        let answer = self.command(json!({ "type": "leave", "room": room })).await;
        let is_gone = answer["type"] == "done" || answer["problem"]["code"] == "request.not_found";
        assert!(is_gone, "{answer}");
    }

    /// Describes media that nobody understands, and hears so.
    async fn mumble(&mut self, room: &Value) {
        for offer_id in 1_000.. {
            let offer = json!({ "type": "offer", "room": room, "offer_id": offer_id, "fresh": false, "sdp": "v=0" });
            self.command(offer).await;
            if let Some(refused) = self.follows_from("offer_refused").await {
                assert_eq!(refused["offer_id"], offer_id);
                break;
            }
        }
    }

    /// What the relay says of its camera, and of who speaks.
    async fn hears_the_relay(&mut self, room: &Value, seat: &Value) {
        let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
        let (room, participant) = (RoomId::from_uuid(id(room)), ParticipantId::from_uuid(id(seat)));
        let name = SourceName::Camera;
        for event in [
            RelayEvent::Layers { participant, mid: "7".to_owned(), name, layers: vec![1] },
            RelayEvent::Speaker { room, participant: Some(participant) },
        ] {
            self.stage.server.services.live.send(room, Input::Relay(event)).await;
        }
        self.until(|browser| browser.heard.contains_key("layers") && browser.heard.contains_key("speaker")).await;
        assert_eq!(self.heard["layers"]["layers"], json!([1]));
        assert_eq!(self.heard["speaker"]["participant"], *seat);
    }

    /// The browser's network bears no moving picture: a still of its camera reaches the doctor, once.
    async fn shows(&mut self, room: &Value, shade: u8, doctor: &mut Doctor) {
        let answer = self.command(still(room, 0, &jpeg(shade, 100))).await;
        // One whose answer was lost is shown already, and the next would be too soon.
        assert!(answer["type"] == "done" || answer["problem"]["code"] == "request.rate_limited", "{answer}");
        assert_eq!(doctor.0.expect("still").await["jpeg"], still(room, 0, &jpeg(shade, 100))["jpeg"]);
    }

    /// And of the doctor's, whose newest is there again after a second at most.
    async fn is_shown(&mut self, room: &Value, shade: u8, doctor: &mut Doctor) {
        self.heard.remove("still");
        loop {
            self.stage.clock.advance(STILL_EVERY);
            doctor.0.say(still(room, 9, &jpeg(shade, 100))).await;
            doctor.0.expect("done").await;
            if let Some(seen) = self.follows_from("still").await {
                assert_eq!(seen["jpeg"], still(room, 0, &jpeg(shade, 100))["jpeg"]);
                break;
            }
            self.connect().await;
        }
    }

    /// The relay asks for another offer, and has it.
    async fn offers_again(&mut self, room: &Value, seat: &Value) {
        let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
        let event = RelayEvent::OfferAgain { participant: ParticipantId::from_uuid(id(seat)) };
        self.stage.server.services.live.send(RoomId::from_uuid(id(room)), Input::Relay(event)).await;
        self.until(|browser| browser.heard.contains_key("offer_again")).await;
        self.offer(room).await;
        self.heard.remove("offer_again");
    }

    /// Talks until the server says goodbye, and comes back.
    async fn talks_too_much(&mut self) {
        for _ in 0..80 {
            self.say(json!({ "type": "ping" })).await;
        }
        while self.hear().await.is_some() {}
        self.connect().await;
    }

    /// Another window takes the seat. This one learns that it is over here, in that moment or when it comes back.
    async fn is_replaced(&mut self) {
        let room = self.join("room").await["room"].clone();
        self.heard.remove("welcome");
        let (mut other, _) = Socket::hello(self.stage, &self.token, None).await;
        self.seat_in = None;
        assert_eq!(other.join(self.stage, self.visit, &self.token).await["room"], room);
        let is_over = |browser: &Self| match browser.heard.get("welcome") {
            Some(welcome) => welcome["rooms"] == json!([]),
            None => browser.heard.get("room_ended").is_some_and(|ended| ended["reason"] == "replaced"),
        };
        self.until(is_over).await;
        other.say(json!({ "type": "leave", "id": 2, "room": room })).await;
        other.expect("done").await;
    }

    async fn offer(&mut self, room: &Value) {
        for offer_id in 1.. {
            self.heard.remove("answer");
            let offer = json!({ "type": "offer", "room": room, "offer_id": offer_id, "fresh": true, "sdp": sdp() });
            self.command(offer).await;
            if let Some(answer) = self.follows_from("answer").await {
                assert_eq!(answer["offer_id"], offer_id);
                break;
            }
        }
        // What was told while nobody heard it is told again.
        self.until(|browser| browser.heard.contains_key("slots") && browser.heard.contains_key("media_state")).await;
    }

    async fn media(&mut self, room: &Value, microphone: bool) {
        let state = json!({ "microphone": microphone, "camera": true });
        let answer = self.command(json!({ "type": "media", "room": room, "state": state })).await;
        assert_eq!(answer["type"], "done");
        self.until(|browser| own(&browser.heard["room"]["room"])["media"]["microphone"] == microphone).await;
    }

    /// A line of the conversation: by REST, and its event.
    async fn chat(&mut self, token: &str) {
        // Each line is another number of the topic, and so another id.
        let id = Uuid::from_u128(u128::from(self.seq.unsigned_abs()) + 1);
        let line = json!({ "id": id, "text": "听得到吗" });
        let path = format!("/visits/{}/messages", self.visit.id);
        // The answer of the first was lost.
        for _ in 0..2 {
            self.stage.post(&path, token, line.clone()).await.ok();
        }
        self.until(|browser| browser.lines.last() == Some(&line["id"])).await;
    }
}

/// The own place in a room.
fn own(room: &Value) -> &Value {
    let people = room["participants"].as_array().unwrap();
    people.iter().find(|one| one["id"] == room["you"]).unwrap()
}

/// A description with a microphone and a section to hear in.
fn sdp() -> String {
    let fingerprint = vec!["AB"; 32].join(":");
    let sections = [(0, "sendonly"), (1, "recvonly")].map(|(mid, direction)| {
        format!(
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=rtcp-mux\r\na=setup:actpass\r\n\
             a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             a={direction}\r\na=rtpmap:111 opus/48000/2\r\n"
        )
    });
    let session = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n";
    format!("{session}{}", sections.concat())
}

/// The doctor at the other end, on a good network, as the one who sees ghosts.
struct Doctor(Socket);

impl Doctor {
    async fn new(stage: &Stage, visit: &Visit) -> Self {
        let (mut socket, _) = Socket::hello(stage, &visit.doctor, None).await;
        let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.doctor).await.ok();
        socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
        Self(socket)
    }

    /// Waits until those in front of the door are as they should be.
    async fn finds_at_the_door(&mut self, what: impl Fn(&[Value]) -> bool) {
        loop {
            let room = self.0.expect("room").await["room"].clone();
            let waiting = room["door"].as_array().unwrap();
            assert!(waiting.len() <= 1, "a ghost waits at the door: {waiting:?}");
            if what(waiting) {
                return;
            }
        }
    }

    /// Waits until nobody else is in the room, and is shown nothing twice meanwhile.
    async fn is_alone(&mut self) {
        loop {
            let message = self.0.next().await.unwrap();
            assert_ne!(message["type"], "still", "a still was shown twice");
            if message["type"] == "room" && message["room"]["participants"].as_array().unwrap().len() == 1 {
                return;
            }
        }
    }

    /// Waits until the others in the room are as they should be.
    async fn sees(&mut self, what: impl Fn(&[Value]) -> bool) {
        loop {
            let room = self.0.expect("room").await["room"].clone();
            let people = room["participants"].as_array().unwrap();
            let others: Vec<_> = people.iter().filter(|one| one["id"] != room["you"]).cloned().collect();
            assert!(others.len() <= 1, "a ghost sits in the room: {others:?}");
            if what(&others) {
                return;
            }
        }
    }
}

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
    for (kind, tiles) in [("view", Some(json!([]))), ("unmute", None), ("call_off_picture", None)] {
        let mut command = json!({ "type": kind, "room": room });
        command.as_object_mut().unwrap().extend(tiles.map(|tiles| ("tiles".to_owned(), tiles)));
        assert_eq!(browser.command(command).await["type"], "done", "{kind}");
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
    let tables = [&MESSAGES[..], &HOSTS, &GUESTS, &LATER].concat();
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
    let path = format!("/visits/{}/invitations", visit.id);
    let made = stage.post(&path, &visit.doctor, json!({ "role": "interpreter", "name": "王译员" })).await.ok();
    let uses = json!({ "token": made["token"], "nonce": Uuid::from_u128(1), "name": "王小译" });
    let tokens = stage.post("/invitations/use", "", uses).await.ok();
    let mut doctor = Doctor::new(&stage, &visit).await;
    for plan in at_each(GUESTS.into_iter()) {
        let token = tokens["access_token"].as_str().unwrap();
        let mut guest = Browser::of(&stage, &visit, token, "/invitations/mine/grant".to_owned(), 0).await;
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
