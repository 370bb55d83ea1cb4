//! The life of a synthetic patient: declares, waits, answers, is seen, goes, and comes again.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::task::TaskTracker;

use super::call::Call;
use super::person::{Person, Plan};
use super::rest::{Rest, Unable, unable};
use super::{Crowd, LOOK, pause, tongue};
use crate::clock::Clock;
use crate::domain::time::Timestamp;

/// A socket that says nothing for ten seconds is dead.
const PING_EVERY: Duration = Duration::from_secs(5);
/// After something failed.
const AGAIN: Duration = Duration::from_secs(5);

/// A person at a telephone.
pub(super) struct Visitor {
    person: Person,
    rest: Rest,
    server: SocketAddr,
    media_from: IpAddr,
    clock: Clock,
    tracker: TaskTracker,
}

/// One stay, from the number to the end.
struct Stay {
    ticket: String,
    plan: Plan,
    /// What the server said last of the ticket.
    view: Value,
    /// The version of the ticket whose call is being answered, and when.
    answer: Option<(i64, Timestamp)>,
    call: Option<Call>,
    room: Value,
    /// The call of a nurse that rings, or that was answered, and when it is.
    nurse: Option<(String, Timestamp)>,
    /// The three questions are answered no sooner.
    asked_at: Timestamp,
    /// The picture that was asked for, when it is taken, and whether it was.
    picture: Option<Picture>,
}

/// A picture that a doctor asked for.
struct Picture {
    id: String,
    take_at: Timestamp,
    is_taken: bool,
}

struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    id: u64,
}

impl Visitor {
    pub(super) fn new(crowd: &Crowd, person: Person, tracker: TaskTracker) -> Self {
        let rest = Rest::new(crowd.http_addr, &crowd.link, crowd.clock.clone());
        let (server, media_from, clock) = (crowd.http_addr, crowd.media_from, crowd.clock.clone());
        Self { person, rest, server, media_from, clock, tracker }
    }

    /// Comes, and comes again.
    pub(super) async fn live(mut self) {
        let mut stay = 0;
        loop {
            match self.stay(stay).await {
                Ok(()) => {
                    pause(&self.clock, self.person.plan(stay).returns_after).await;
                    stay += 1;
                }
                Err(error) => {
                    tracing::warn!(%error, "a synthetic patient begins again");
                    pause(&self.clock, AGAIN).await;
                }
            }
        }
    }

    async fn stay(&mut self, number: u32) -> Result<(), Unable> {
        self.rest.sign_in(self.person).await?;
        let ticket = self.rest.ticket(self.person, number).await?;
        let mut stay = Stay {
            ticket,
            plan: self.person.plan(number),
            view: Value::Null,
            answer: None,
            call: None,
            room: Value::Null,
            nurse: None,
            asked_at: self.clock.now(),
            picture: None,
        };
        let mut socket = Socket::open(self.server, self.rest.token()).await?;
        socket.say(json!({ "type": "watch", "ticket": stay.ticket })).await?;
        let (mut look, mut ping_at) = (tokio::time::interval(LOOK), self.clock.now());
        loop {
            tokio::select! {
                message = socket.next() => self.hear(message?, &mut stay, &mut socket).await?,
                _ = look.tick() => {
                    self.act(&mut stay, &mut socket).await?;
                    let now = self.clock.now();
                    if now >= ping_at {
                        ping_at = now + PING_EVERY;
                        self.ping(&mut socket).await?;
                    }
                }
            }
            if matches!(stay.view["phase"].as_str(), Some("done" | "no_show" | "left" | "transferred")) {
                return Ok(());
            }
        }
    }

    /// Says that it is there, and with which token from now on.
    async fn ping(&mut self, socket: &mut Socket) -> Result<(), Unable> {
        socket.say(json!({ "type": "ping" })).await?;
        if self.rest.sign_in(self.person).await? {
            socket.say(json!({ "type": "renew", "token": self.rest.token() })).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, message: Value, stay: &mut Stay, socket: &mut Socket) -> Result<(), Unable> {
        match message["type"].as_str().unwrap_or_default() {
            "ticket" => stay.view = message["ticket"].clone(),
            "room" => {
                self.is_asked(&message["room"]["picture"], stay);
                if stay.call.is_some() {
                    return Ok(());
                }
                let mut call = Call::new(self.person.picture(), self.media_from, &self.tracker).await?;
                let (sdp, room) = (call.offer().await?, message["room"]["room"].clone());
                let offer = json!({ "type": "offer", "room": room, "offer_id": 1, "fresh": true, "sdp": sdp });
                socket.say(offer).await?;
                let sent = json!({ "microphone": true, "camera": true, "test_picture": true, "quality": "good" });
                socket.say(json!({ "type": "media", "room": room, "state": sent })).await?;
                stay.call = Some(call);
            }
            "answer" => {
                if let (Some(call), Some(sdp)) = (&stay.call, message["sdp"].as_str()) {
                    call.accept(sdp.to_owned()).await?;
                }
            }
            "room_ended" => (stay.call, stay.room) = (None, Value::Null),
            "refused" | "offer_refused" | "bye" => {
                return Err(Unable(format!("{} {}", message["type"], message["problem"]["code"])));
            }
            _ => {}
        }
        Ok(())
    }

    /// A picture is asked for, or no longer.
    fn is_asked(&self, picture: &Value, stay: &mut Stay) {
        let known = stay.picture.as_ref().map(|picture| picture.id.as_str());
        if picture["id"].as_str() != known && picture["of"] == "tongue" {
            let (id, take_at) = (picture["id"].as_str().map(str::to_owned), self.clock.now() + stay.plan.poses_for);
            stay.picture = id.map(|id| Picture { id, take_at, is_taken: false });
        } else if picture.is_null() {
            stay.picture = None;
        }
    }

    /// What a nurse wants of who waits, and a doctor of who is in a visit.
    async fn answer(&self, stay: &mut Stay, socket: &mut Socket) -> Result<(), Unable> {
        let now = self.clock.now();
        match stay.view["nurse_call"].as_str() {
            None => stay.nurse = None,
            Some(alarm) => match &stay.nurse {
                Some((known, at)) if known == alarm => {
                    if now >= *at && stay.room.is_null() {
                        // She may have hung up in this moment.
                        if let Ok(grant) = self.rest.post(&format!("/alarms/{alarm}/grant"), json!({})).await {
                            stay.room = grant["room"].clone();
                            socket.say(json!({ "type": "join", "grant": grant["grant"] })).await?;
                        }
                        stay.nurse = Some((alarm.to_owned(), now + AGAIN));
                    }
                }
                _ => stay.nurse = Some((alarm.to_owned(), now + stay.plan.accepts_after)),
            },
        }
        let due = stay.view["retriage_due"].as_i64().map(Timestamp::from_millis);
        if stay.view["phase"] == "waiting" && now >= stay.asked_at && due.is_some_and(|due| due <= now) {
            stay.asked_at = now + AGAIN;
            let said = json!({ "breathing": "same", "general": stay.plan.feels });
            // Whoever is called in this moment is asked no more.
            let _ = self.rest.post(&format!("/tickets/{}/retriage", stay.ticket), said).await;
        }
        if let (Some(picture), Some(visit)) = (&mut stay.picture, stay.view["visit"].as_str())
            && !picture.is_taken
            && now >= picture.take_at
        {
            picture.is_taken = true;
            // It may have been called off in this moment.
            let _ = self.rest.send_picture(visit, &picture.id, tongue::picture(self.person.picture())).await;
        }
        Ok(())
    }

    async fn act(&self, stay: &mut Stay, socket: &mut Socket) -> Result<(), Unable> {
        self.answer(stay, socket).await?;
        let now = self.clock.now();
        let version = stay.view["version"].as_i64().unwrap_or_default();
        let arrived_at = stay.view["arrived_at"].as_i64().map(Timestamp::from_millis);
        let path = |what: &str| format!("/tickets/{}/{what}", stay.ticket);
        match stay.view["phase"].as_str().unwrap_or_default() {
            "waiting" if arrived_at.is_some_and(|at| stay.plan.gives_up(at, now)) => {
                self.rest.post(&path("leave"), json!({ "version": version })).await?;
            }
            "called" => {
                let answers = stay.plan.answers(stay.view["missed"].as_u64().unwrap_or_default());
                let (seen, at) = *stay.answer.get_or_insert((version, now + stay.plan.accepts_after));
                if seen != version {
                    stay.answer = None;
                } else if answers && now >= at {
                    // Who comes too late is told by the next view of the ticket.
                    let _ = self.rest.post(&path("accept"), json!({ "version": version })).await;
                    stay.answer = Some((version, now + AGAIN));
                }
            }
            "serving" if stay.view["visit"].is_string() && stay.room.is_null() => {
                let visit = stay.view["visit"].as_str().unwrap_or_default();
                let grant = self.rest.post(&format!("/visits/{visit}/grant"), json!({})).await?;
                stay.room = grant["room"].clone();
                socket.say(json!({ "type": "join", "grant": grant["grant"] })).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Socket {
    async fn open(server: SocketAddr, token: &str) -> Result<Self, Unable> {
        let (stream, _) = connect_async(format!("ws://{server}/api/v1/ws")).await.map_err(unable)?;
        let mut socket = Self { stream, id: 0 };
        let hello = json!({ "type": "hello", "version": 1, "token": token }).to_string();
        socket.stream.send(Message::text(hello)).await.map_err(unable)?;
        Ok(socket)
    }

    /// Says one message under the next id.
    async fn say(&mut self, mut message: Value) -> Result<(), Unable> {
        self.id += 1;
        message["id"] = json!(self.id);
        self.stream.send(Message::text(message.to_string())).await.map_err(unable)
    }

    async fn next(&mut self) -> Result<Value, Unable> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).map_err(unable),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Unable("the socket was closed".to_owned())),
                Some(Ok(_)) => {}
            }
        }
    }
}
