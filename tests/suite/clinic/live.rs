//! The live protocol, spoken by hand.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use yunzhen::domain::ids::{AccountId, ParticipantId};
use yunzhen::domain::room::relay::RelayEvent;
use yunzhen::store::{Db, NewEvent};

use super::stage::{LINK, Site, Stage, Visit};

/// The longest that a test waits for a message; it ends at once when the message comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The browser's end of the live protocol.
pub struct Socket<S = MaybeTlsStream<TcpStream>>(pub WebSocketStream<S>);

impl Socket {
    /// A socket that has said nothing.
    pub async fn open(stage: &Stage) -> Self {
        let url = format!("ws://{}/api/v1/ws", stage.server.http_addr);
        Self(connect_async(url).await.unwrap().0)
    }

    /// A socket that said hello: the socket and its welcome.
    pub async fn hello(stage: &Stage, token: &str, resume: Option<&str>) -> (Self, Value) {
        let mut socket = Self::open(stage).await;
        let welcome = socket.greet(token, resume).await;
        (socket, welcome)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Says hello; the welcome.
    pub async fn greet(&mut self, token: &str, resume: Option<&str>) -> Value {
        let mut hello = json!({ "type": "hello", "version": 1, "token": token });
        if let Some(resume) = resume {
            hello["resume"] = json!(resume);
        }
        self.say(hello).await;
        self.expect("welcome").await
    }

    /// Says one message.
    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message of this type; others are passed over.
    pub async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap_or_else(|code| panic!("closed with {code:?} instead of {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next message, or the code with which the server closed.
    pub async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The code with which the server closes.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub async fn join(&mut self, site: &Site, visit: &Visit, token: &str) -> Value {
        let grant = site.act(&format!("/visits/{}/grant", visit.id), token).await.ok();
        self.say(json!({ "type": "join", "id": 1, "grant": grant["grant"] })).await;
        self.expect("room").await["room"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_does_not_say_hello_is_closed_with_a_code() {
    let stage = Stage::open().await;
    for first in ["{\"type\":\"ping\",\"id\":1}", "not json", "{\"type\":\"hello\",\"version\":1,\"token\":\"forged\"}"]
    {
        let mut socket = Socket::open(&stage).await;
        socket.0.send(Message::text(first)).await.unwrap();
        assert_eq!(socket.closed().await, Some(4001), "{first}");
    }
    let mut socket = Socket::open(&stage).await;
    socket.say(json!({ "type": "hello", "version": 2, "token": "x" })).await;
    assert_eq!(socket.closed().await, Some(4002));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_refused_by_name_and_garbage_closes() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    socket.say(json!({ "type": "subscribe", "id": 7 })).await;
    let refused = socket.expect("refused").await;
    assert_eq!((&refused["id"], &refused["problem"]["code"]), (&json!(7), &json!("live.malformed")));
    assert_eq!(refused["problem"]["field"], "topic");
    socket.say(json!({ "type": "dance", "id": 8 })).await;
    assert_eq!(socket.expect("refused").await["id"], 8);
    socket.0.send(Message::text("{")).await.unwrap();
    assert_eq!(socket.closed().await, Some(4004));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_closes_the_socket() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    for id in 0..100 {
        if socket.0.send(Message::text(json!({ "type": "ping", "id": id }).to_string())).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.closed().await, Some(4003));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_pings_closes_the_socket_too() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    for frame in [Message::Ping(Vec::new().into()), Message::Pong(Vec::new().into())] {
        let (mut socket, _) = Socket::hello(&stage, &token, None).await;
        for _ in 0..100 {
            if socket.0.send(frame.clone()).await.is_err() {
                break;
            }
        }
        assert_eq!(socket.closed().await, Some(4003), "{frame:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_still_talks_reads_why_it_was_closed() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    stage.act("/auth/logout", &token).await;
    let MaybeTlsStream::Plain(stream) = socket.0.get_ref() else { panic!("a plain socket") };
    // From here on the server has said goodbye.
    stream.peek(&mut [0]).await.unwrap();
    for id in 0..20 {
        socket.say(json!({ "type": "ping", "id": id })).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(socket.closed().await, Some(4005));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_was_silent_is_closed_with_a_code_that_lets_it_come_back() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    stage.clock.advance(Duration::from_secs(11));
    assert_eq!(socket.expect("bye").await["problem"]["code"], "live.silent");
    assert_eq!(socket.closed().await, Some(4007));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_browser_whose_media_comes_is_given_the_time_of_a_narrow_network() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut socket, _) = Socket::hello(&stage, &visit.patient, None).await;
    let room = socket.join(&stage, &visit, &visit.patient).await;
    let participant: ParticipantId = serde_json::from_value(room["you"].clone()).unwrap();
    for _ in 0..12 {
        stage.server.services.live.overhear(RelayEvent::Upstream { participant, packets: (34, 0) });
        stage.clock.advance(Duration::from_secs(2));
    }
    // Whoever is silent for too long gets no knock any more.
    while !matches!(socket.0.next().await.unwrap().unwrap(), Message::Ping(_)) {}
    socket.say(json!({ "type": "ping", "id": 2 })).await;
    socket.expect("pong").await;
    // Nothing comes any more, neither words nor media. A minute that passes while the server looks round counts as its own.
    let bye = loop {
        stage.clock.advance(Duration::from_secs(11));
        if let Ok(bye) = tokio::time::timeout(Duration::from_secs(3), socket.expect("bye")).await {
            break bye;
        }
    };
    assert_eq!(bye["problem"]["code"], "live.silent");
    assert_eq!(socket.closed().await, Some(4007));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_talks_and_never_reads_is_cut_with_a_code_and_one_that_reads_stays() {
    let stage = Stage::open().await;
    let (deafs, token) = (stage.staff("nurse").await, stage.staff("doctor").await);
    let account = stage.get("/auth/me", &deafs).await.ok()["account"].clone();
    let account: AccountId = serde_json::from_value(account).unwrap();
    let (mut deaf, _) = Socket::hello(&stage, &deafs, None).await;
    let (mut hears, _) = Socket::hello(&stage, &token, None).await;
    for id in 0..20 {
        if !stage.server.services.live.is_here(&account.to_string()) {
            break;
        }
        stage.clock.advance(Duration::from_secs(5));
        // Neither is silent; who was cut in this moment cannot talk any more.
        deaf.0.send(Message::text(json!({ "type": "ping", "id": id }).to_string())).await.ok();
        hears.say(json!({ "type": "ping", "id": id })).await;
        while !matches!(hears.0.next().await.unwrap().unwrap(), Message::Ping(_)) {}
    }
    // The bytes themselves: a client that reads answers each knock first, and the server waits a second for that and no longer.
    let MaybeTlsStream::Plain(stream) = deaf.0.get_mut() else { panic!("a plain socket") };
    let mut told = Vec::new();
    stream.read_to_end(&mut told).await.ok();
    let farewell = [&1013_u16.to_be_bytes()[..], b"live.too_many_messages"].concat();
    assert!(told.windows(farewell.len()).any(|bytes| bytes == farewell), "{}", String::from_utf8_lossy(&told));
    hears.say(json!({ "type": "ping", "id": 99 })).await;
    while hears.expect("pong").await["id"] != 99 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_socket_of_a_session_replaces_the_oldest_whose_seat_is_lost_and_not_stuck() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut oldest, _) = Socket::hello(&stage, &visit.patient, None).await;
    oldest.join(&stage, &visit, &visit.patient).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        stage.clock.advance(Duration::from_millis(1));
        others.push(Socket::hello(&stage, &visit.patient, None).await.0);
    }
    assert_eq!(oldest.closed().await, Some(4006));
    loop {
        let seen = doctor.expect("room").await;
        let people = seen["room"]["participants"].as_array().unwrap();
        if people.iter().any(|one| one["presence"]["state"] == "lost") {
            break;
        }
    }
    for mut socket in others {
        socket.say(json!({ "type": "ping", "id": 1 })).await;
        socket.expect("pong").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_watches_hears_the_call_at_once() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let (mut socket, _) = Socket::hello(&stage, &patient, None).await;
    socket.say(json!({ "type": "watch", "id": 1, "ticket": ticket["id"] })).await;
    assert_eq!(socket.expect("ticket").await["ticket"]["phase"], "waiting");
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    loop {
        let view = socket.expect("ticket").await["ticket"].clone();
        if view["phase"] == "called" {
            assert!(view["call"]["desk_name"]["zh"].is_string());
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_hears_everything_since_the_last_number() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let clinics = stage.get("/clinics", &nurse).await.ok();
    let clinic = clinics[0]["id"].as_str().unwrap();
    let board = stage.get(&format!("/clinics/{clinic}/board"), &nurse).await.ok();
    stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    let (mut socket, _) = Socket::hello(&stage, &nurse, None).await;
    let topic = format!("clinic:{clinic}");
    socket.say(json!({ "type": "subscribe", "id": 1, "topic": topic, "since": board["seq"] })).await;
    let first = board["seq"].as_i64().unwrap() + 1;
    for seq in first..first + 2 {
        let event = socket.expect("event").await;
        assert_eq!((&event["seq"], &event["kind"]), (&json!(seq), &json!("ticket.joined")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_too_long_is_told_to_read_anew_and_hears_what_comes_then() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let clinics = stage.get("/clinics", &nurse).await.ok();
    let topic = format!("clinic:{}", clinics[0]["id"].as_str().unwrap());
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let institution = tx.institutions().all().await.unwrap()[0].id;
    let head = tx.events().head(&topic).await.unwrap();
    let (payload, at) = (json!({}), stage.clock.now());
    let event = NewEvent { institution, topic: &topic, kind: "slot.changed", payload: &payload, at };
    tx.events().emit(&vec![event; 1001]).await.unwrap();
    tx.commit().await.unwrap();
    let (mut socket, _) = Socket::hello(&stage, &nurse, None).await;
    socket.say(json!({ "type": "subscribe", "id": 1, "topic": topic, "since": head + 1 })).await;
    assert_eq!(socket.expect("event").await["seq"], head + 2, "a thousand are told one by one");
    let (mut late, _) = Socket::hello(&stage, &nurse, None).await;
    late.say(json!({ "type": "subscribe", "id": 1, "topic": topic, "since": head })).await;
    let event = late.expect("event").await;
    assert_eq!((&event["seq"], &event["kind"]), (&json!(head + 1001), &json!("topic.skipped")));
    stage.patient_waiting(1, json!({})).await;
    let event = late.expect("event").await;
    assert_eq!((&event["seq"], &event["kind"]), (&json!(head + 1002), &json!("ticket.joined")));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_others_are_not_there() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (stranger, _) = stage.known_patient(8).await;
    let (mut socket, _) = Socket::hello(&stage, &stranger, None).await;
    for topic in [format!("ticket:{}", visit.ticket), format!("visit:{}", visit.id), format!("desk:{}", visit.desk)] {
        socket.say(json!({ "type": "subscribe", "id": 2, "topic": topic })).await;
        assert_eq!(socket.expect("refused").await["problem"]["code"], "request.not_found");
    }
    socket.say(json!({ "type": "watch", "id": 3, "ticket": visit.ticket })).await;
    assert_eq!(socket.expect("refused").await["problem"]["code"], "request.not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_socket_resumes_in_the_same_seat() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    let room = patient.join(&stage, &visit, &visit.patient).await;
    drop(patient);
    loop {
        let seen = doctor.expect("room").await;
        let others = seen["room"]["participants"].as_array().unwrap();
        if others.iter().any(|p| p["presence"]["state"] == "lost") {
            break;
        }
    }
    let resume = welcome["resume"].as_str().unwrap();
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, Some(resume)).await;
    assert_eq!((&welcome["resumed"], &welcome["rooms"]), (&json!(true), &json!([room["room"]])));
    assert_eq!(patient.expect("room").await["room"]["you"], room["you"]);
    let stolen = Socket::hello(&stage, &visit.doctor, Some(resume)).await.1;
    assert_eq!(stolen["resumed"], false, "another session's token takes up nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_good_once_for_its_own_session_and_for_a_minute() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/grant", visit.id);
    let grant = stage.act(&path, &visit.patient).await.ok()["grant"].clone();
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.say(json!({ "type": "join", "id": 1, "grant": grant })).await;
    assert_eq!(doctor.expect("refused").await["problem"]["code"], "room.grant_refused");
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.say(json!({ "type": "join", "id": 1, "grant": grant })).await;
    patient.expect("room").await;
    let (mut again, _) = Socket::hello(&stage, &visit.patient, None).await;
    again.say(json!({ "type": "join", "id": 1, "grant": grant })).await;
    assert_eq!(again.expect("refused").await["problem"]["code"], "room.grant_refused");
    let old = stage.act(&path, &visit.patient).await.ok()["grant"].clone();
    stage.clock.advance(Duration::from_secs(61));
    again.say(json!({ "type": "ping", "id": 9 })).await;
    again.say(json!({ "type": "join", "id": 2, "grant": old })).await;
    assert_eq!(again.expect("refused").await["problem"]["code"], "room.grant_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_visit_ends_the_room_for_both() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    let outcome = json!({ "outcome": "follow_up" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    assert_eq!(patient.expect("room_ended").await["reason"], "finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_without_a_seat_reaches_no_room() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    let room = doctor.join(&stage, &visit, &visit.doctor).await;
    let (stranger, _) = stage.known_patient(6).await;
    let (mut socket, _) = Socket::hello(&stage, &stranger, None).await;
    let offer = json!({ "type": "offer", "id": 4, "room": room["room"], "offer_id": 1, "fresh": true, "sdp": "v=0" });
    socket.say(offer).await;
    assert_eq!(socket.expect("refused").await["problem"]["code"], "request.not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_character_in_a_message_is_refused_by_the_name_of_its_field() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    socket.say(json!({ "type": "subscribe", "id": 7, "topic": "clinic:\0" })).await;
    let refused = socket.expect("refused").await;
    assert_eq!((&refused["id"], &refused["problem"]["code"]), (&json!(7), &json!("request.invalid")));
    assert_eq!(refused["problem"]["field"], "topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_closes_every_socket_of_the_session_and_leaves_its_seats() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let (mut patient, _) = Socket::hello(&stage, &visit.patient, None).await;
    patient.join(&stage, &visit, &visit.patient).await;
    let (mut second, _) = Socket::hello(&stage, &visit.patient, None).await;
    let logout = stage.act("/auth/logout", &visit.patient).await;
    assert_eq!(logout.status, 204);
    assert_eq!(patient.expect("bye").await["problem"]["code"], "auth.required");
    assert_eq!(patient.closed().await, Some(4005));
    assert_eq!(second.closed().await, Some(4005));
    loop {
        let seen = doctor.expect("room").await;
        if seen["room"]["participants"].as_array().unwrap().len() == 1 {
            break;
        }
    }
    doctor.say(json!({ "type": "ping", "id": 1 })).await;
    doctor.expect("pong").await;
    let late = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await;
    assert_eq!(late.refusal(), (401, "auth.required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_a_thief_ended_closes_its_sockets() {
    let stage = Stage::open().await;
    let login = json!({ "username": "nurse", "password": "yunzhen-nurse" });
    let first = stage.post("/auth/login", "", login).await.ok();
    let (mut socket, _) = Socket::hello(&stage, first["access_token"].as_str().unwrap(), None).await;
    let rotate = async |tokens: &Value| {
        stage.post("/auth/refresh", "", json!({ "refresh_token": tokens["refresh_token"] })).await
    };
    let second = rotate(&first).await.ok();
    rotate(&second).await.ok();
    socket.say(json!({ "type": "ping", "id": 1 })).await;
    socket.expect("pong").await;
    assert_eq!(rotate(&first).await.refusal(), (401, "auth.session_ended"));
    assert_eq!(socket.closed().await, Some(4005));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_flag_rings_at_the_nurse_and_at_every_open_desk() {
    let stage = Stage::open().await;
    let clinics = stage.get("/clinics", &stage.staff("nurse").await).await.ok();
    let mut sockets = Vec::new();
    // A desk of the clinic, one of another, and the nurse.
    for (who, desk) in
        [("doctor", Some(&clinics[0]["desks"][0])), ("doctor2", Some(&clinics[1]["desks"][0])), ("nurse", None)]
    {
        let token = stage.staff(who).await;
        if let Some(desk) = desk {
            stage.act(&format!("/desks/{}/open", desk["id"].as_str().unwrap()), &token).await.ok();
        }
        let me = stage.get("/auth/me", &token).await.ok();
        let topic = format!("alarms:{}", me["institution"].as_str().unwrap());
        let (mut socket, _) = Socket::hello(&stage, &token, None).await;
        socket.say(json!({ "type": "subscribe", "id": 1, "topic": topic })).await;
        socket.expect("done").await;
        sockets.push((who, socket));
    }
    let (patient, _) = stage.known_patient(1).await;
    let (mut stranger, _) = Socket::hello(&stage, &patient, None).await;
    let institution = stage.get("/auth/me", &patient).await.ok()["institution"].clone();
    stranger
        .say(json!({ "type": "subscribe", "id": 1, "topic": format!("alarms:{}", institution.as_str().unwrap()) }))
        .await;
    assert_eq!(stranger.expect("refused").await["problem"]["code"], "request.not_found", "patients hear no alarms");
    let flag = stage.get(&format!("/links/{LINK}"), "").await.ok()["red_flags"][0]["id"].clone();
    let answer = stage.post("/red-flags", "", json!({ "link": LINK, "yes": [flag] })).await.ok();
    for (who, socket) in &mut sockets {
        let event = socket.expect("event").await;
        assert_eq!(
            (&event["kind"], &event["data"]["alarm"]),
            (&json!("alarm.raised"), &answer["line"]["alarm"]),
            "{who}"
        );
    }
}
