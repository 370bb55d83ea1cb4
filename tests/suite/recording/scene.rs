//! A recorded call between two browsers that film a flash and a beep, in this process or in another.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::task::TaskTracker;
use yunzhen::domain::recording::webm::{self, Block, PICTURES, SOUND};
use yunzhen::domain::room::relay::MediaKind::Video;

use crate::clinic::stage::Site;
use crate::media::client::{Client, H264, PATIENCE};
use crate::media::sending::Film;

/// What the two browsers are called.
pub const PATIENT: u8 = 1;
pub const DOCTOR: u8 = 2;

/// Somebody in the call.
pub struct Person {
    pub token: String,
    pub client: Client,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    room: Value,
}

/// A call under way.
pub struct Call {
    pub base: String,
    pub visit: String,
    pub desk: String,
    /// The ticket's version, for what its desk does next.
    pub version: Value,
    /// For whom consents are given and taken back.
    pub patient_id: String,
    pub patient: Person,
    pub doctor: Person,
}

/// How somebody's media goes.
#[derive(Clone, Copy)]
enum By {
    AnyPath,
    TurnAlone,
    /// With a camera that knows H.264 alone.
    Chip,
    /// The doctor shows a screen, too.
    Showing,
}

impl Person {
    async fn enter(
        base: &str,
        site: &Site,
        visit: &str,
        (token, name, by): (String, u8, By),
        tracker: &TaskTracker,
    ) -> Self {
        let url = format!("{}/api/v1/ws", base.replacen("http", "ws", 1));
        let socket = connect_async(url).await.unwrap().0;
        let grant = site.act(&format!("/visits/{visit}/grant"), &token).await.ok();
        let client = match by {
            By::AnyPath | By::Showing => Client::filming(name, 2, tracker).await,
            By::Chip => Client::knowing(name, 2, tracker, &[H264]).await,
            By::TurnAlone => Client::relayed(name, 2, tracker, &grant["ice_servers"]).await,
        };
        if matches!(by, By::Showing) && name == DOCTOR {
            client.shows_screen(tracker).await;
        }
        let mut person = Self { token, client, socket, room: Value::Null };
        person.say(json!({ "type": "hello", "version": 1, "token": person.token })).await;
        person.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
        person.room = person.expect(|message| message["type"] == "room").await["room"].clone();
        let sdp = person.client.offer().await;
        if matches!(by, By::TurnAlone) {
            assert!(sdp.contains("typ relay") && !sdp.contains("typ host"), "no other way is offered: {sdp}");
        }
        let (id, room) = (1, &person.room["room"]);
        let offer = json!({ "type": "offer", "id": 2, "room": room, "offer_id": id, "fresh": true, "sdp": sdp });
        person.say(offer).await;
        let answer = person.expect(|message| message["type"] == "answer").await;
        person.client.accept(answer["sdp"].as_str().unwrap().to_owned()).await;
        person.client.connected().await;
        person
    }

    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn expect(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                if let Message::Text(text) = self.socket.next().await.unwrap().unwrap() {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] == "room" {
                        self.room = message["room"].clone();
                    }
                    if wanted(&message) {
                        return message;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("a message in time")
    }

    /// Whether the room says that it records, as this person was told last.
    pub fn is_told_of_recording(&self) -> bool {
        self.room["recording"] == true
    }

    /// Waits until the room says whether it records.
    pub async fn sees_recording(&mut self, is_recording: bool) {
        if self.is_told_of_recording() != is_recording {
            self.expect(|message| message["type"] == "room" && message["room"]["recording"] == is_recording).await;
        }
    }

    /// Taps the mark that says that they are filmed; what the server answers.
    pub async fn stops_recording(&mut self) -> Value {
        let room = self.room["room"].clone();
        self.say(json!({ "type": "stop_recording", "id": 8, "room": room })).await;
        self.expect(|message| message["id"] == 8).await
    }

    /// Leaves for good.
    pub async fn leave(mut self) {
        let room = self.room["room"].clone();
        self.say(json!({ "type": "leave", "id": 9, "room": room })).await;
        self.expect(|message| message["type"] == "ok" || message["type"] == "done" || message["id"] == 9).await;
    }
}

impl Call {
    /// The first patient and the first doctor of a fresh demonstration meet.
    pub async fn begin(base: &str, consent: bool, tracker: &TaskTracker) -> Self {
        Self::begin_by(By::AnyPath, base, consent, tracker).await
    }

    /// The same on a network of which only the TURN server is known that the grant names.
    pub async fn begin_relayed(base: &str, tracker: &TaskTracker) -> Self {
        Self::begin_by(By::TurnAlone, base, false, tracker).await
    }

    /// The same, recorded, of two whose cameras speak what is not recorded.
    pub async fn begin_with_chips(base: &str, tracker: &TaskTracker) -> Self {
        Self::begin_by(By::Chip, base, true, tracker).await
    }

    /// The same, recorded, where the doctor shows a screen.
    pub async fn begin_showing(base: &str, tracker: &TaskTracker) -> Self {
        Self::begin_by(By::Showing, base, true, tracker).await
    }

    async fn begin_by(by: By, base: &str, consent: bool, tracker: &TaskTracker) -> Self {
        let site = Site::at(base);
        let (doctor, desk) = site.doctor_at_desk("doctor", 0).await;
        let (patient, id) = site.known_patient(1).await;
        site.consent(&patient, &id, consent).await;
        let declaration = site.declare(&patient, &id, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
        site.post("/tickets", &patient, json!({ "declaration": declaration["id"] })).await.ok();
        let view = site.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        let ticket = view["current"]["ticket"].as_str().unwrap().to_owned();
        let version = json!({ "version": view["current"]["version"] });
        let accepted = site.post(&format!("/tickets/{ticket}/accept"), &patient, version).await.ok();
        let version = json!({ "version": accepted["version"] });
        let view = site.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
        let visit = view["current"]["visit"].as_str().unwrap().to_owned();
        let version = json!({ "version": view["current"]["version"] });
        let patient = Person::enter(base, &site, &visit, (patient, PATIENT, by), tracker).await;
        let doctor = Person::enter(base, &site, &visit, (doctor, DOCTOR, by), tracker).await;
        Self { base: base.to_owned(), visit, desk, version, patient_id: id, patient, doctor }
    }

    /// Talks until the doctor has seen so many pictures of the patient, and the patient some of the doctor.
    pub async fn talk(&mut self, pictures: usize) {
        self.doctor.client.packets_of(PATIENT, Video, pictures).await;
        self.patient.client.packets_of(DOCTOR, Video, 5).await;
    }
}

/// The recordings of a visit, once there are `count`.
pub async fn recordings(site: &Site, visit: &str, doctor: &str, count: usize) -> Vec<Value> {
    let listed = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        loop {
            look.tick().await;
            let list = site.get(&format!("/visits/{visit}/recordings"), doctor).await.ok();
            let list = list.as_array().unwrap();
            if list.len() >= count {
                return list.clone();
            }
        }
    };
    tokio::time::timeout(PATIENCE, listed).await.expect("recordings in time")
}

/// A film, fetched in stretches as a player does.
pub async fn film(base: &str, id: &str, token: &str) -> Vec<u8> {
    let (client, mut bytes, mut total) = (reqwest::Client::new(), Vec::new(), usize::MAX);
    while bytes.len() < total {
        let request = client.get(format!("{base}/api/v1/recordings/{id}/media")).bearer_auth(token);
        let answer = request.header(header::RANGE, format!("bytes={}-", bytes.len())).send().await.unwrap();
        assert_eq!(answer.status(), 206);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "video/webm");
        let range = answer.headers()[header::CONTENT_RANGE].to_str().unwrap().to_owned();
        total = range.rsplit_once('/').unwrap().1.parse().unwrap();
        let part = answer.bytes().await.unwrap();
        assert!(!part.is_empty());
        bytes.extend_from_slice(&part);
    }
    bytes
}

/// The blocks of a film, found as a player finds them: element by element.
pub fn blocks(film: &[u8]) -> Vec<Block> {
    let (mut at, mut found) = (0, Vec::new());
    while at < film.len() {
        let id = usize::try_from(film[at].leading_zeros()).unwrap() + 1;
        let length = usize::try_from(film[at + id].leading_zeros()).unwrap() + 1;
        let size = film[at + id..at + id + length].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let size = usize::try_from(size & !(1 << (7 * length))).unwrap();
        let content = at + id + length;
        match film[at..at + id] {
            // The segment holds the others.
            [0x18, 0x53, 0x80, 0x67] => {
                assert_eq!(content + size, film.len(), "a finished segment knows its length");
                at = content;
                continue;
            }
            [0x1f, 0x43, 0xb6, 0x75] => found.extend(webm::blocks(&film[at..content + size])),
            _ => {}
        }
        at = content + size;
    }
    found
}

/// The worst distance in milliseconds between a flash and its beep, and how many there were.
pub fn skew(blocks: &[Block]) -> (u64, usize) {
    let marked = |track: u8| {
        let all = blocks.iter().filter(move |block| block.track == track);
        all.map(|block| (block.at, Film::read(&block.data))).filter(|(_, (_, mark))| *mark)
    };
    let beeps: Vec<_> = marked(SOUND).collect();
    let mut worst = (0, 0);
    for (at, (tick, _)) in marked(PICTURES) {
        if let Some((heard, _)) = beeps.iter().find(|(_, (beep, _))| *beep == tick) {
            worst = (worst.0.max(at.abs_diff(*heard)), worst.1 + 1);
        }
    }
    worst
}

/// Every flash and beep: its track, its place in the film, and the hundredth of a second in which it was sent.
pub fn marks(blocks: &[Block]) -> Vec<(u8, u64, u32)> {
    let all = blocks.iter().map(|block| (block.track, block.at, Film::read(&block.data)));
    all.filter(|(_, _, (_, mark))| *mark).map(|(track, at, (tick, _))| (track, at, tick)).collect()
}
