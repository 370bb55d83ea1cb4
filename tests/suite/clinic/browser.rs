//! The two ends of a call: a browser on a network that fails as planned, and the doctor who sees what came of it.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::relay::{RelayEvent, SourceName};
use yunzhen::domain::room::{Input, STILL_EVERY};

use super::live::Socket;
use super::stage::{Stage, Visit};
use super::stills::{jpeg, still};
use super::wire::Wire;

/// A browser that does what `docs/PROTOCOL.md` says.
pub(super) struct Browser<'stage> {
    stage: &'stage Stage,
    visit: &'stage Visit,
    token: String,
    /// Where it asks for its grant.
    grants: String,
    pub(super) wire: Wire,
    failures: watch::Receiver<usize>,
    socket: Option<Socket>,
    resume: Option<String>,
    last_id: u64,
    pub(super) watches: bool,
    pub(super) follows: bool,
    /// The room in which it has its seat.
    seat_in: Option<Value>,
    /// The newest of each kind of message.
    pub(super) heard: serde_json::Map<String, Value>,
    /// The newest number of the visit's topic, and every line that was announced.
    pub(super) seq: i64,
    lines: Vec<Value>,
    /// The numbers that came since the topic was subscribed to.
    told: HashSet<i64>,
}

impl<'stage> Browser<'stage> {
    /// The patient's, which has heard the topic of the visit up to `seq`.
    pub(super) async fn new(stage: &'stage Stage, visit: &'stage Visit, seq: i64) -> Self {
        Self::of(stage, visit, &visit.patient, format!("/visits/{}/grant", visit.id), seq).await
    }

    pub(super) async fn of(stage: &'stage Stage, visit: &'stage Visit, token: &str, grants: String, seq: i64) -> Self {
        let wire = Wire::to(stage.server.http_addr).await;
        // Its owner comes long after whatever they said before, and after the last of their lost sockets.
        stage.server.services.fill_buckets();
        stage.clock.advance(Duration::from_millis(1));
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

    pub(super) fn topic(&self) -> String {
        format!("visit:{}", self.visit.id)
    }

    /// Says something; what cannot be said is noticed by its answer that does not come.
    pub(super) async fn say(&mut self, mut body: Value) -> u64 {
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
    pub(super) async fn hear(&mut self) -> Option<Value> {
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
    pub(super) async fn connect(&mut self) {
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
    pub(super) async fn command(&mut self, body: Value) -> Value {
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
    pub(super) async fn follows_from(&mut self, kind: &str) -> Option<Value> {
        loop {
            if let Some(message) = self.heard.get(kind) {
                return Some(message.clone());
            }
            self.hear().await?;
        }
    }

    /// Waits for the answer to this offer, or for its refusal; nothing when the socket died meanwhile. One of an offer before
    /// may come late, by the socket that was taken up since: a browser passes it over.
    async fn answered(&mut self, kind: &str, offer_id: u64) -> Option<Value> {
        loop {
            if let Some(answer) = self.heard.get(kind) {
                let of = answer["offer_id"].as_u64().unwrap();
                assert!(of <= offer_id, "an answer to offer {of}, which was never made");
                if of == offer_id {
                    return Some(answer.clone());
                }
            }
            self.hear().await?;
        }
    }

    pub(super) async fn until(&mut self, what: impl Fn(&Self) -> bool) {
        while !what(self) {
            self.connect().await;
            self.hear().await;
        }
    }

    /// Takes the seat, and tells what was heard of it first: the room, or the door in front of it.
    pub(super) async fn join(&mut self, first: &str) -> Value {
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
    pub(super) async fn leave(&mut self, room: &Value) {
        self.seat_in = None;
        let answer = self.command(json!({ "type": "leave", "room": room })).await;
        let is_gone = answer["type"] == "done" || answer["problem"]["code"] == "request.not_found";
        assert!(is_gone, "{answer}");
    }

    /// Describes media that nobody understands, and hears so.
    pub(super) async fn mumble(&mut self, room: &Value) {
        for offer_id in 1_000.. {
            let offer = json!({ "type": "offer", "room": room, "offer_id": offer_id, "fresh": false, "sdp": "v=0" });
            self.command(offer).await;
            if self.answered("offer_refused", offer_id).await.is_some() {
                break;
            }
        }
    }

    /// What the relay says of its camera, and of who speaks.
    pub(super) async fn hears_the_relay(&mut self, room: &Value, seat: &Value) {
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
    pub(super) async fn shows(&mut self, room: &Value, shade: u8, doctor: &mut Doctor) {
        let answer = self.command(still(room, 0, &jpeg(shade, 100))).await;
        // One whose answer was lost is shown already, and the next would be too soon.
        assert!(answer["type"] == "done" || answer["problem"]["code"] == "request.rate_limited", "{answer}");
        assert_eq!(doctor.0.expect("still").await["jpeg"], still(room, 0, &jpeg(shade, 100))["jpeg"]);
    }

    /// And of the doctor's, whose newest is there again after a second at most.
    pub(super) async fn is_shown(&mut self, room: &Value, shade: u8, doctor: &mut Doctor) {
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
    pub(super) async fn offers_again(&mut self, room: &Value, seat: &Value) {
        let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
        let event = RelayEvent::OfferAgain { participant: ParticipantId::from_uuid(id(seat)) };
        self.stage.server.services.live.send(RoomId::from_uuid(id(room)), Input::Relay(event)).await;
        self.until(|browser| browser.heard.contains_key("offer_again")).await;
        self.offer(room).await;
        self.heard.remove("offer_again");
    }

    /// Talks until the server says goodbye, and comes back.
    pub(super) async fn talks_too_much(&mut self) {
        for _ in 0..80 {
            self.say(json!({ "type": "ping" })).await;
        }
        while self.hear().await.is_some() {}
        self.connect().await;
    }

    /// Another window takes the seat. This one learns that it is over here, in that moment or when it comes back.
    pub(super) async fn is_replaced(&mut self) {
        let room = self.join("room").await["room"].clone();
        self.heard.remove("welcome");
        let (mut other, _) = Socket::hello(self.stage, &self.token, None).await;
        self.seat_in = None;
        assert_eq!(other.join(self.stage, self.visit, &self.token).await["room"], room);
        let ended = json!([{ "room": room, "reason": "replaced" }]);
        let is_over = |browser: &Self| match browser.heard.get("welcome") {
            Some(welcome) => {
                assert_eq!(welcome["resumed"], true, "it is known here why the seat was lost");
                welcome["rooms"] == json!([]) && welcome["ended"] == ended
            }
            None => browser.heard.get("room_ended").is_some_and(|ended| ended["reason"] == "replaced"),
        };
        self.until(is_over).await;
        other.say(json!({ "type": "leave", "id": 2, "room": room })).await;
        other.expect("done").await;
    }

    pub(super) async fn offer(&mut self, room: &Value) {
        for offer_id in 1.. {
            self.heard.remove("answer");
            let offer = json!({ "type": "offer", "room": room, "offer_id": offer_id, "fresh": true, "sdp": sdp() });
            self.command(offer).await;
            if self.answered("answer", offer_id).await.is_some() {
                break;
            }
        }
        // What was told while nobody heard it is told again.
        self.until(|browser| browser.heard.contains_key("slots") && browser.heard.contains_key("media_state")).await;
    }

    pub(super) async fn media(&mut self, room: &Value, microphone: bool) {
        let state = json!({ "microphone": microphone, "camera": true });
        let answer = self.command(json!({ "type": "media", "room": room, "state": state })).await;
        assert_eq!(answer["type"], "done");
        self.until(|browser| own(&browser.heard["room"]["room"])["media"]["microphone"] == microphone).await;
    }

    /// A line of the conversation: by REST, and its event.
    pub(super) async fn chat(&mut self, token: &str) {
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
pub(super) fn own(room: &Value) -> &Value {
    let people = room["participants"].as_array().unwrap();
    people.iter().find(|one| one["id"] == room["you"]).unwrap()
}

/// A description with a microphone and a section to hear in.
pub(super) fn sdp() -> String {
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
pub(super) struct Doctor(pub(super) Socket);

impl Doctor {
    pub(super) async fn new(stage: &Stage, visit: &Visit) -> Self {
        let (mut socket, _) = Socket::hello(stage, &visit.doctor, None).await;
        let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.doctor).await.ok();
        socket.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
        Self(socket)
    }

    /// Waits until those in front of the door are as they should be.
    pub(super) async fn finds_at_the_door(&mut self, what: impl Fn(&[Value]) -> bool) {
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
    pub(super) async fn is_alone(&mut self) {
        loop {
            let message = self.0.next().await.unwrap();
            assert_ne!(message["type"], "still", "a still was shown twice");
            if message["type"] == "room" && message["room"]["participants"].as_array().unwrap().len() == 1 {
                return;
            }
        }
    }

    /// Waits until the others in the room are as they should be.
    pub(super) async fn sees(&mut self, what: impl Fn(&[Value]) -> bool) {
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
