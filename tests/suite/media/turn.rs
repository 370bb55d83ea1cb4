//! TURN on real packets: who may use it, and that it leads nowhere but to our own media port.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use yunzhen::clock::Clock;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::relay::{Permit, RelayCommand, RelayMode};
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::turn::{KNOCK, REALM, SELF_TEST, TURN_GOOD_FOR, TurnName, TurnSecret};

use super::client::PATIENCE;
use super::stage::{Stage, participant};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING: u16 = 1;
const ALLOCATE: u16 = 3;
const REFRESH: u16 = 4;
const SEND: u16 = 0x16;
const PERMIT: u16 = 8;
const BIND: u16 = 9;
const USERNAME: u16 = 6;
const SEAL: u16 = 8;
const ERROR: u16 = 9;
const CHANNEL: u16 = 0xc;
const LIFETIME: u16 = 0xd;
const PEER: u16 = 0x12;
const DATA: u16 = 0x13;
const REALM_NAME: u16 = 0x14;
const NONCE: u16 = 0x15;
const RELAYED: u16 = 0x16;
const TRANSPORT: u16 = 0x19;

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_772_413_200_000))
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = u16::try_from(message.len() - 20).unwrap();
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// A message; sealed where there is a key.
pub(super) fn message(kind: u16, number: u8, attributes: &[(u16, &[u8])], key: Option<&[u8]>) -> Vec<u8> {
    message_of(kind, &[number; 12], attributes, key)
}

/// The same with any transaction.
pub(super) fn message_of(kind: u16, transaction: &[u8], attributes: &[(u16, &[u8])], key: Option<&[u8]>) -> Vec<u8> {
    let mut message = [&kind.to_be_bytes()[..], &[0, 0], &COOKIE, transaction].concat();
    for (kind, value) in attributes {
        attribute(&mut message, *kind, value);
    }
    if let Some(key) = key {
        let length = u16::try_from(message.len() - 20 + 24).unwrap();
        message[2..4].copy_from_slice(&length.to_be_bytes());
        let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
        mac.update(&message);
        let tag = mac.finalize().into_bytes();
        attribute(&mut message, SEAL, &tag);
    }
    message
}

fn found(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut at = 20;
    while at + 4 <= message.len() {
        let kind = u16::from_be_bytes([message[at], message[at + 1]]);
        let length = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
        if kind == wanted {
            return message.get(at + 4..at + 4 + length);
        }
        at += 4 + length.next_multiple_of(4);
    }
    None
}

/// The number of a refusal; 0 of a success.
fn refused(answer: &[u8]) -> u16 {
    found(answer, ERROR).map_or(0, |value| u16::from(value[2]) * 100 + u16::from(value[3]))
}

fn peer(address: SocketAddr, number: u8) -> Vec<u8> {
    let mask = [&COOKIE[..], &[number; 12]].concat();
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let masked = |bytes: &[u8]| bytes.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>();
    let family = if address.is_ipv4() { 1 } else { 2 };
    [vec![0, family], masked(&address.port().to_be_bytes()), masked(&ip)].concat()
}

enum Wire {
    Datagram(UdpSocket),
    Stream(TcpStream),
}

/// A browser's TURN client.
struct Client {
    wire: Wire,
    username: String,
    key: Vec<u8>,
    nonce: Vec<u8>,
    number: u8,
}

impl Client {
    async fn over_udp(stage: &Stage, whose: ParticipantId, now: Timestamp) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(stage.relay.turn_udp_addr().unwrap()).await.unwrap();
        Self::new(Wire::Datagram(socket), whose, now)
    }

    async fn over_tcp(stage: &Stage, whose: ParticipantId, now: Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (served, from) = listener.accept().await.unwrap();
        let turn = stage.relay.turn().unwrap();
        stage.browsers.spawn(Arc::clone(&turn).serve_stream(served, from, stage.shutdown.clone()));
        Self::new(Wire::Stream(stream), whose, now)
    }

    fn new(wire: Wire, whose: ParticipantId, now: Timestamp) -> Self {
        let username = TurnName::new(whose, now).to_string();
        let password = TurnSecret::new("shared").password(&username);
        Self { wire, key: long_term(&username, &password), username, nonce: Vec::new(), number: 0 }
    }

    async fn write(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Wire::Datagram(socket) => drop(socket.send(bytes).await.unwrap()),
            Wire::Stream(stream) => stream.write_all(bytes).await.unwrap(),
        }
    }

    async fn read(&mut self) -> Vec<u8> {
        timeout(PATIENCE, async {
            match &mut self.wire {
                Wire::Datagram(socket) => {
                    let mut buffer = vec![0; 2048];
                    let length = socket.recv(&mut buffer).await.unwrap();
                    buffer.truncate(length);
                    buffer
                }
                Wire::Stream(stream) => {
                    let mut head = [0; 4];
                    stream.read_exact(&mut head).await.unwrap();
                    let said = usize::from(u16::from_be_bytes([head[2], head[3]]));
                    let rest = if head[0] < 4 { 16 + said } else { said.next_multiple_of(4) };
                    let mut body = vec![0; rest];
                    stream.read_exact(&mut body).await.unwrap();
                    [&head[..], &body].concat()
                }
            }
        })
        .await
        .expect("an answer")
    }

    /// A request that proves who asks.
    async fn ask(&mut self, kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        self.number += 1;
        let (username, nonce) = (self.username.clone(), self.nonce.clone());
        let proof: [(u16, &[u8]); 3] =
            [(USERNAME, username.as_bytes()), (REALM_NAME, REALM.as_bytes()), (NONCE, &nonce)];
        let sent = message(kind, self.number, &[attributes, &proof].concat(), Some(&self.key));
        self.write(&sent).await;
        self.read().await
    }

    /// The two steps of every browser: asks without proof, is told the nonce, asks with proof.
    async fn allocate(&mut self) -> Vec<u8> {
        let bare = message(ALLOCATE, 200, &[(TRANSPORT, &[17, 0, 0, 0])], None);
        self.write(&bare).await;
        let answer = self.read().await;
        assert_eq!((refused(&answer), found(&answer, REALM_NAME)), (401, Some(REALM.as_bytes())));
        self.nonce = found(&answer, NONCE).unwrap().to_vec();
        self.ask(ALLOCATE, &[(TRANSPORT, &[17, 0, 0, 0])]).await
    }

    async fn permit(&mut self, address: SocketAddr) -> u16 {
        let value = peer(address, self.number + 1);
        refused(&self.ask(PERMIT, &[(PEER, &value)]).await)
    }

    async fn bind(&mut self, channel: u16, address: SocketAddr) -> u16 {
        let value = peer(address, self.number + 1);
        let number = [&channel.to_be_bytes()[..], &[0, 0]].concat();
        refused(&self.ask(BIND, &[(CHANNEL, &number), (PEER, &value)]).await)
    }

    async fn send_to(&mut self, address: SocketAddr, data: &[u8]) {
        let sent = message(SEND, 99, &[(PEER, &peer(address, 99)), (DATA, data)], None);
        self.write(&sent).await;
    }
}

fn long_term(username: &str, password: &str) -> Vec<u8> {
    Md5::digest(format!("{username}:{REALM}:{password}")).to_vec()
}

/// A question that our media port answers.
fn knock() -> Vec<u8> {
    let password = TurnSecret::new("shared").password(KNOCK);
    message(BINDING, 77, &[(USERNAME, format!("{KNOCK}:x").as_bytes())], Some(password.as_bytes()))
}

/// Whether it is the media port's answer to [`knock`].
fn is_answer(bytes: &[u8]) -> bool {
    bytes[..2] == [1, 1] && bytes[8..20] == [77; 12]
}

#[tokio::test]
async fn our_media_port_is_reached_through_turn_over_udp_and_over_a_stream() {
    let clock = clock();
    let stage = Stage::with_turn(&clock, |_| {});
    let media = stage.relay.local_addr().unwrap();
    for over_tcp in [false, true] {
        let mut client = if over_tcp {
            Client::over_tcp(&stage, SELF_TEST, clock.now()).await
        } else {
            Client::over_udp(&stage, SELF_TEST, clock.now()).await
        };
        let allocated = client.allocate().await;
        assert!(refused(&allocated) == 0 && found(&allocated, RELAYED).is_some());
        assert_eq!(client.permit(media).await, 0);
        client.send_to(media, &knock()).await;
        let heard = client.read().await;
        assert!(heard[..2] == [0, 0x17] && is_answer(found(&heard, DATA).unwrap()), "a Data indication");
        assert_eq!(client.bind(0x4001, media).await, 0);
        let question = knock();
        let head = [0x40, 0x01, 0, u8::try_from(question.len()).unwrap()];
        client.write(&[&head[..], &question].concat()).await;
        let heard = client.read().await;
        assert!(heard[..2] == [0x40, 0x01] && is_answer(&heard[4..]), "ChannelData");
        assert_eq!(refused(&client.ask(REFRESH, &[(LIFETIME, &[0, 0, 0, 0])]).await), 0);
    }
    stage.strike().await;
}

#[tokio::test]
async fn every_other_address_is_refused_and_gets_no_packet() {
    let clock = clock();
    let stage = Stage::with_turn(&clock, |_| {});
    let media = stage.relay.local_addr().unwrap();
    let bystander = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut client = Client::over_udp(&stage, SELF_TEST, clock.now()).await;
    client.allocate().await;
    for other in ["127.0.0.2:80", "10.0.0.1:80", "192.168.0.1:80", "169.254.169.254:80", "0.0.0.0:80", "8.8.8.8:53"] {
        let other = other.parse().unwrap();
        assert_eq!((client.permit(other).await, client.bind(0x4001, other).await), (403, 403), "{other}");
    }
    for other in ["[::1]:80", "[::ffff:127.0.0.1]:80", "[fe80::1]:80", "[fd00::1]:80"] {
        let other = other.parse().unwrap();
        assert_eq!((client.permit(other).await, client.bind(0x4001, other).await), (403, 403), "{other}");
    }
    // The same host on another port: a permission names no port, so it is the packet that must not go.
    let near = bystander.local_addr().unwrap();
    assert_eq!((client.permit(near).await, client.bind(0x4001, near).await), (0, 403));
    client.send_to(near, b"to a bystander").await;
    client.write(&[&[0x40, 0x01, 0, 4][..], b"none"].concat()).await;
    // Messages are handled in their order: when this answer is here, those before it were handled.
    client.send_to(media, &knock()).await;
    assert!(is_answer(found(&client.read().await, DATA).unwrap()));
    assert!(bystander.try_recv(&mut [0; 64]).is_err(), "nothing came");
    stage.strike().await;
}

#[tokio::test]
async fn behind_a_one_to_one_nat_the_peer_is_the_address_that_browsers_know() {
    let clock = clock();
    let public: SocketAddr = "203.0.113.7:443".parse().unwrap();
    let stage = Stage::with_turn(&clock, |config| config.announce = public);
    let bound = stage.relay.local_addr().unwrap();
    let mut client = Client::over_udp(&stage, SELF_TEST, clock.now()).await;
    client.allocate().await;
    assert_eq!((client.permit(bound).await, client.permit(public).await), (403, 0));
    client.send_to(public, &knock()).await;
    let heard = client.read().await;
    assert!(is_answer(found(&heard, DATA).unwrap()));
    assert_eq!(found(&heard, PEER).unwrap()[2..4], peer(public, heard[8])[2..4], "it comes from the public port");
    stage.strike().await;
}

#[tokio::test]
async fn a_right_is_for_its_hour_its_seat_and_whoever_knows_the_password() {
    let clock = clock();
    let mut stage = Stage::with_turn(&clock, |_| {});
    let mut stranger = Client::over_udp(&stage, participant(1), clock.now()).await;
    assert_eq!(refused(&stranger.allocate().await), 403, "no seat");
    let mut forger = Client::over_udp(&stage, SELF_TEST, clock.now()).await;
    forger.key = long_term(&forger.username, "a guess");
    assert_eq!(refused(&forger.allocate().await), 401, "another password");
    let mut late = Client::over_udp(&stage, SELF_TEST, clock.now() - TURN_GOOD_FOR).await;
    assert_eq!(refused(&late.allocate().await), 403, "its hour is over");
    stage.admit(1, Permit::ALL).await;
    // An offer of a seat is answered after the seat was made, even one that makes no sense.
    assert!(stage.offer(1, true, String::new()).await.is_err());
    let mut seated = Client::over_udp(&stage, participant(1), clock.now()).await;
    assert_eq!(refused(&seated.allocate().await), 0);
    clock.advance(Duration::from_mins(90));
    assert_eq!(refused(&seated.ask(REFRESH, &[]).await), 438, "a nonce is for an hour");
    stage.strike().await;
}

#[tokio::test]
async fn who_is_removed_from_the_room_loses_the_relay_at_once() {
    let clock = clock();
    let mut stage = Stage::with_turn(&clock, |_| {});
    stage.admit(1, Permit::ALL).await;
    assert!(stage.offer(1, true, String::new()).await.is_err());
    let mut client = Client::over_tcp(&stage, participant(1), clock.now()).await;
    assert_eq!(refused(&client.allocate().await), 0);
    stage.send(RelayCommand::Remove { participant: participant(1) }).await;
    let Wire::Stream(stream) = &mut client.wire else { unreachable!() };
    let ended = timeout(PATIENCE, stream.read(&mut [0])).await.expect("in time");
    assert!(matches!(ended, Ok(0) | Err(_)), "the stream is closed");
    let mut again = Client::over_tcp(&stage, participant(1), clock.now()).await;
    assert_eq!(refused(&again.allocate().await), 403);
    stage.strike().await;
}

#[tokio::test]
async fn the_seventh_allocation_of_a_right_takes_the_place_of_its_most_silent() {
    let clock = clock();
    let stage = Stage::with_turn(&clock, |_| {});
    let media = stage.relay.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..6 {
        let mut client = Client::over_udp(&stage, SELF_TEST, clock.now()).await;
        assert_eq!(refused(&client.allocate().await), 0);
        clients.push(client);
    }
    // The first is the oldest, and talks.
    assert_eq!(clients[0].permit(media).await, 0);
    clients[0].send_to(media, &knock()).await;
    assert!(is_answer(found(&clients[0].read().await, DATA).unwrap()));
    let mut seventh = Client::over_udp(&stage, SELF_TEST, clock.now()).await;
    assert_eq!(refused(&seventh.allocate().await), 0);
    let mut alive = Vec::new();
    for client in &mut clients {
        alive.push(refused(&client.ask(REFRESH, &[]).await));
    }
    assert_eq!(alive, [0, 437, 0, 0, 0, 0], "the second was silent longest");
    stage.strike().await;
}

#[tokio::test]
async fn strangers_have_a_few_allocations_at_one_address_and_whoever_was_called_finds_one() {
    let clock = clock();
    let stage = Stage::with_turn(&clock, |config| config.seats = 100);
    let mut outcomes = Vec::new();
    for name in 1..=12_u8 {
        let room = RoomId::from_uuid(participant(name).as_uuid());
        let (participant, mode) = (participant(name), RelayMode::Conference);
        stage.send(RelayCommand::Admit { room, participant, mode, kept: false, permit: Permit::ALL }).await;
    }
    stage.admit(99, Permit::ALL).await;
    // An offer of a seat is answered after the seat was made.
    let mut stage = stage;
    for name in (1..=12).chain([99]) {
        assert!(stage.offer(name, true, String::new()).await.is_err());
    }
    let mut clients = Vec::new();
    for name in 1..=12_u8 {
        for _ in 0..6 {
            let mut client = Client::over_tcp(&stage, participant(name), clock.now()).await;
            outcomes.push(refused(&client.allocate().await));
            clients.push(client);
        }
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == 0).count(), 64);
    assert_eq!(outcomes.last(), Some(&486), "allocation quota reached");
    let mut called = Client::over_tcp(&stage, participant(99), clock.now()).await;
    assert_eq!(refused(&called.allocate().await), 0);
    stage.strike().await;
}

#[tokio::test]
async fn bytes_that_are_no_message_end_their_stream_and_nobody_elses() {
    let clock = clock();
    let stage = Stage::with_turn(&clock, |_| {});
    let media = stage.relay.local_addr().unwrap();
    let mut well = Client::over_tcp(&stage, SELF_TEST, clock.now()).await;
    well.allocate().await;
    assert_eq!(well.permit(media).await, 0);
    // Too long, of no kind, channel data of a channel that is not there, half a head and the end.
    for bytes in [&[0, 3, 0xff, 0xfc][..], &[0xff; 32], &[0x40, 1, 0xff, 0xff], &[0, 3]] {
        let mut broken = Client::over_tcp(&stage, SELF_TEST, clock.now()).await;
        broken.write(bytes).await;
        let Wire::Stream(stream) = &mut broken.wire else { unreachable!() };
        stream.shutdown().await.unwrap();
        let ended = timeout(PATIENCE, stream.read(&mut [0])).await.expect("in time");
        assert!(matches!(ended, Ok(0) | Err(_)), "it was cut");
    }
    well.send_to(media, &knock()).await;
    assert!(is_answer(found(&well.read().await, DATA).unwrap()));
    stage.strike().await;
}
