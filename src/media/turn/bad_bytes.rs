//! A TURN client of whom everything may be expected; see [`crate::media::bad_bytes`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::message::{DATA, LIFETIME, NONCE, REALM as REALM_ATTRIBUTE, REQUESTED_TRANSPORT, Request, XOR_PEER_ADDRESS};
use super::message::{channel_data, read_channel_data};
use super::relayed::Outlet;
use super::session::Session;
use super::{Admission, Turn, TurnConfig};
use crate::clock::Clock;
use crate::domain::ids::ParticipantId;
use crate::domain::time::Timestamp;
use crate::domain::turn::{REALM, TurnName, TurnSecret};
use crate::media::bad_bytes::Script;
use crate::media::instant;
use crate::media::mux::Mux;
use crate::media::stun::{Key, Message, USERNAME, Writer, xor_address};

/// A client with a seat, and the server that it talks to.
struct Client {
    turn: Arc<Turn>,
    clock: Clock,
    name: String,
    key: Key,
    from: SocketAddr,
    ours: SocketAddr,
    participant: ParticipantId,
    _admission: Admission,
}

impl Client {
    fn new(mux: &Arc<Mux>) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        let config = TurnConfig { secret: TurnSecret::new("shared"), clock: clock.clone(), udp: None };
        let ours = SocketAddr::from(([203, 0, 113, 5], 8443));
        let turn = Turn::new(instant::now(), config, [7; 32], Arc::clone(mux), vec![ours]);
        let participant = ParticipantId::from_uuid(Uuid::from_u128(1));
        let name = TurnName::new(participant, clock.now()).to_string();
        let key = turn.key(&name).expect("the provider makes keys");
        let from = SocketAddr::from(([192, 0, 2, 7], 5000));
        let admission = turn.admit(participant, true);
        Self { turn, clock, name, key, from, ours, participant, _admission: admission }
    }

    /// A request of a known method with attributes of a stranger's choice, well sealed if so wished.
    fn request(&self, method: u8, is_sealed: bool, attributes: &[u8]) -> Vec<u8> {
        let kind = [0x0003, 0x0004, 0x0008, 0x0009, 0x0016, 0x0001][usize::from(method) % 6];
        let mut transaction = [0; 12];
        transaction[0] = method;
        let mut message = Writer::new(kind, transaction);
        let mut script = Script(attributes);
        while let Some(kind) = script.byte() {
            match kind {
                0 => message.attribute(XOR_PEER_ADDRESS, &xor_address(self.ours, transaction)),
                1 => message.attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0]),
                2 => message.attribute(DATA, script.piece().unwrap_or_default()),
                3 => message.attribute(LIFETIME, script.piece().unwrap_or_default()),
                _ => message.attribute(u16::from(kind), script.piece().unwrap_or_default()),
            }
        }
        if !is_sealed {
            return message.open();
        }
        message.attribute(USERNAME, self.name.as_bytes());
        message.attribute(REALM_ATTRIBUTE, REALM.as_bytes());
        message.attribute(NONCE, self.turn.nonce(self.from.ip()).as_bytes());
        message.seal(&self.key).expect("the provider seals")
    }
}

/// A conversation: what is answered is well-formed, and nothing is left of it. Returns it as a stream.
pub(in crate::media) fn converse(mux: &Arc<Mux>, bytes: &[u8]) -> Vec<u8> {
    let _ = (Request::parse(bytes).map(|request| request.is_sealed()), read_channel_data(bytes));
    let client = Client::new(mux);
    let (outlet, mut heard) = mpsc::channel(64);
    let mut session = Session::new(Arc::clone(&client.turn), client.from, Outlet::Stream(outlet));
    let mut stream = Vec::new();
    let (mut script, mut now) = (Script(bytes), instant::now());
    while let (Some(what), Some(piece)) = (script.byte(), script.piece()) {
        let sent = match what % 5 {
            0 => piece.to_vec(),
            1 => client.request(what / 5, true, piece),
            2 => client.request(what / 5, false, piece),
            3 => channel_data(0x4000 | u16::from(what / 5), piece),
            _ => {
                // Time passes, and our port sends.
                let passed = Duration::from_secs(u64::from(what / 5) * 20);
                now += passed;
                client.clock.advance(passed);
                if let Some(allocation) = session.allocation() {
                    mux.send(piece, allocation.relayed);
                }
                continue;
            }
        };
        if let Some(answer) = session.handle(now, &sent) {
            assert!(Message::parse(&answer).is_some(), "an answer of ours is well-formed: {answer:02x?}");
        }
        while let Ok(passed) = heard.try_recv() {
            assert!(Message::parse(&passed).is_some() || read_channel_data(&passed).is_some(), "{passed:02x?}");
        }
        stream.extend(&sent);
        stream.resize(stream.len().next_multiple_of(4), 0);
    }
    drop(session);
    assert_eq!(
        client.turn.relayed.held(client.participant, client.from.ip()).own,
        0,
        "an allocation outlived its client"
    );
    stream
}

/// The same in one go over TCP: it ends when the stream does.
pub(in crate::media) async fn stream(mux: &Arc<Mux>, bytes: &[u8]) {
    let client = Client::new(mux);
    let both = tokio::io::join(bytes, tokio::io::sink());
    Arc::clone(&client.turn).serve_stream(both, client.from, CancellationToken::new()).await;
    assert_eq!(
        client.turn.relayed.held(client.participant, client.from.ip()).own,
        0,
        "an allocation outlived its stream"
    );
}
