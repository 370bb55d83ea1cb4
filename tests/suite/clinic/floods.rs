//! Who asks for more than their share: offers without end, frames without end, and sockets without end, behind a proxy or of
//! one account.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use yunzhen::services::crowd::{Crowd, OF_ONE_ADDRESS};

use super::live::Socket;
use super::stage::Stage;

/// An offer that the relay refuses as soon as it looks at it: so is seen which ones it looked at.
async fn offer(socket: &mut Socket, room: &Value, offer_id: u64, fresh: bool) {
    let offer = json!({ "type": "offer", "id": 100 + offer_id, "room": room, "offer_id": offer_id, "fresh": fresh, "sdp": "no" });
    socket.say(offer).await;
}

/// Which offers were looked at until `last` was, and until the one that was `said` last is acknowledged. Of two answers that
/// wait for a room the newer replaces the older.
async fn looked_at(socket: &mut Socket, last: Option<u64>, said: Option<u64>) -> Vec<u64> {
    let (mut seen, mut is_done) = (Vec::new(), said.is_none());
    while last.is_some_and(|last| !seen.contains(&last)) || !is_done {
        let message = socket.next().await.unwrap();
        match message["type"].as_str() {
            Some("offer_refused") => seen.push(message["offer_id"].as_u64().unwrap()),
            Some("done") => is_done |= message["id"].as_u64() == said.map(|said| 100 + said),
            _ => {}
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn of_offers_without_end_five_are_answered_at_once_and_then_the_newest_when_it_is_its_turn() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut socket, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    let room = socket.join(&stage, &visit, &visit.patient).await["room"].clone();
    for offer_id in 1..=20 {
        offer(&mut socket, &room, offer_id, true).await;
    }
    let seen = looked_at(&mut socket, Some(5), Some(20)).await;
    assert!(seen.iter().all(|offer_id| *offer_id <= 5), "{seen:?}");
    stage.clock.advance(Duration::from_secs(1));
    // One that says no more than how to reach the same connection costs half; the one before it was of a new connection.
    offer(&mut socket, &room, 21, false).await;
    assert!(looked_at(&mut socket, None, Some(21)).await.is_empty());
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(looked_at(&mut socket, Some(21), None).await, [21], "and none of those between");

    // Another socket of the same person has no more.
    let (mut second, _) = Socket::hello(&stage, &visit.patient, welcome["resume"].as_str()).await;
    offer(&mut second, &room, 30, true).await;
    offer(&mut second, &room, 31, true).await;
    assert!(looked_at(&mut second, None, Some(31)).await.is_empty());
    stage.clock.advance(Duration::from_secs(2));
    assert_eq!(looked_at(&mut second, Some(31), None).await, [31]);
}

/// A frame of a browser, with a length of two bytes and a mask of zeros.
fn frame(first: u8, text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[first, 0xFE][..], &length, &[0; 4], text.as_bytes()].concat()
}

/// Reads until this was said.
async fn hears(stream: &mut TcpStream, wanted: &str) {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(wanted) {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.unwrap();
        assert!(length > 0, "it was closed: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&part[..length]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_end_no_message_are_read_no_faster_than_a_socket_may_talk() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let mut stream = TcpStream::connect(stage.server.http_addr).await.unwrap();
    let asked = "GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    stream.write_all(asked.as_bytes()).await.unwrap();
    hears(&mut stream, "\r\n\r\n").await;
    let hello = json!({ "type": "hello", "version": 1, "token": token }).to_string();
    stream.write_all(&frame(0x81, &hello)).await.unwrap();
    hears(&mut stream, "welcome").await;
    // A message of a word, and empty pieces of it between: a quarter of a mebibyte more than a socket may say at once.
    let pieces = [0x00, 0x80, 0, 0, 0, 0].repeat(768 * 1024 / 6);
    let said = [frame(0x01, ""), pieces, frame(0x80, "{\"type\":\"ping\",\"id\":7}")].concat();
    let begun = tokio::time::Instant::now();
    stream.write_all(&said).await.unwrap();
    hears(&mut stream, "pong").await;
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_behind_a_proxy_has_its_share_of_sockets_and_no_more() {
    let stage = Stage::open_with(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let open = async |address: &'static str| {
        let mut request = format!("ws://{}/api/v1/ws", stage.server.http_addr).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        connect_async(request).await.map(|(socket, _)| Socket(socket))
    };
    let crowd = &stage.server.services.sockets;
    let address: IpAddr = "203.0.113.9".parse().unwrap();
    let _others: Vec<_> = (1..OF_ONE_ADDRESS).map(|_| Crowd::enter(crowd, address).unwrap()).collect();
    let last = open("203.0.113.9").await.unwrap();
    match open("203.0.113.9").await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 429),
        other => panic!("{:?}", other.map(|_| "a socket")),
    }
    open("203.0.113.10").await.unwrap();
    drop(last);
    // The server sees that it went.
    let mut look = tokio::time::interval(Duration::from_millis(20));
    while open("203.0.113.9").await.is_err() {
        look.tick().await;
    }
}

/// Opens a socket; what it hears first, and with which code it is closed where that is a farewell.
async fn knock(stage: &Stage, token: &str, resume: Option<&Value>) -> (Value, Option<u16>) {
    let mut socket = Socket::open(stage).await;
    let mut hello = json!({ "type": "hello", "version": 1, "token": token });
    if let Some(resume) = resume {
        hello["resume"] = resume.clone();
    }
    socket.say(hello).await;
    let first = socket.next().await.unwrap();
    let code = if first["type"] == "bye" { socket.next().await.unwrap_err() } else { None };
    (first, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_opens_sockets_in_a_loop_waits_while_its_call_and_everybody_else_come_back_at_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut call, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    let room = call.join(&stage, &visit, &visit.patient).await["room"].clone();
    stage.server.services.fill_paces();
    for n in 0..60 {
        let (first, _) = knock(&stage, &visit.patient, None).await;
        assert_eq!(first["type"], "welcome", "{n}: {first}");
    }
    let (bye, code) = knock(&stage, &visit.patient, None).await;
    assert_eq!((&bye["type"], code), (&json!("bye"), Some(4003)), "{bye}");
    assert_eq!((&bye["problem"]["code"], &bye["problem"]["retry_after"]), (&json!("request.rate_limited"), &json!(1)));
    let (other, _) = knock(&stage, &visit.doctor, None).await;
    assert_eq!(other["type"], "welcome");
    // A telephone whose network comes and goes while all of that happens takes its seat up as often as it likes.
    let mut resume = welcome["resume"].clone();
    for _ in 0..20 {
        let (back, _) = knock(&stage, &visit.patient, Some(&resume)).await;
        assert_eq!((&back["resumed"], &back["rooms"][0]), (&json!(true), &room), "{back}");
        resume = back["resume"].clone();
    }
    stage.clock.advance(Duration::from_millis(250));
    let (first, _) = knock(&stage, &visit.patient, None).await;
    assert_eq!(first["type"], "welcome");
    assert_eq!(knock(&stage, &visit.patient, None).await.1, Some(4003));
}
