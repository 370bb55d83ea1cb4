//! Asks our media port and a TURN server as a browser would: the hand of `yunzhen doctor`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rtc::crypto::RTCCryptoProvider;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::message::{DATA, DATA_INDICATION, ERROR_CODE, LIFETIME, NONCE, REQUESTED_TRANSPORT, XOR_PEER_ADDRESS};
use crate::domain::time::Timestamp;
use crate::domain::turn::{KNOCK, REALM, SELF_TEST, TurnName, TurnSecret};
use crate::media::common::Entropy;
use crate::media::stun::{HEADER, Key, Transaction, USERNAME, Writer, xor_address};

const BINDING: u16 = 0x0001;
const ALLOCATE: u16 = 0x0003;
const REFRESH: u16 = 0x0004;
const CREATE_PERMISSION: u16 = 0x0008;
const SEND_INDICATION: u16 = 0x0016;
/// What makes a request's number that of its success.
const SUCCESS: u16 = 0x0100;
/// Of the protocols of IP, UDP.
const UDP: u8 = 17;
/// A datagram is said again after each of these; a stream waits as long as all of them.
const TRIES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nothing came back in three and a half seconds.
    #[error("no answer")]
    Silent,
    /// The server answered, and refused.
    #[error("refused with {0}")]
    Refused(u16),
    /// The operating system refused, or the stream was closed.
    #[error("{0}")]
    Broken(#[from] io::Error),
}

/// Both directions of a stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What carries the questions.
pub enum Wire {
    /// A socket that is connected to whoever is asked.
    Datagrams(UdpSocket),
    /// TCP or TLS.
    Stream(Box<dyn Stream>),
}

/// Somebody without a seat who may ask.
pub struct Probe {
    secret: TurnSecret,
    now: Timestamp,
    entropy: Entropy,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Probe {
    /// A probe with rights of `now`; an error means that this build has no cryptography.
    pub fn new(secret: TurnSecret, now: Timestamp, entropy: Entropy) -> io::Result<Self> {
        let crypto = rtc::crypto::default_provider().map_err(io::Error::other)?;
        Ok(Self { secret, now, entropy, crypto })
    }

    /// Knocks at a media port that knows our secret.
    pub async fn knock(&self, wire: &mut Wire) -> Result<(), ProbeError> {
        let (knock, transaction) = self.knocking();
        exchange(wire, &knock, |heard| is_success(heard, BINDING, transaction)).await.map(drop)
    }

    /// Allocates at a TURN server, knocks through it at the media port, and gives the allocation back.
    pub async fn knock_through(&self, wire: &mut Wire, media: SocketAddr) -> Result<(), ProbeError> {
        let username = TurnName::new(SELF_TEST, self.now).to_string();
        let key = Key::long_term(&username, REALM, &self.secret.password(&username), Arc::clone(&self.crypto));
        let key = key.ok_or_else(|| io::Error::other("the key cannot be made"))?;
        let transport: (u16, &[u8]) = (REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]);
        // The first time nobody knows the nonce; the refusal says it.
        let bare = self.request(ALLOCATE, |message, _| message.attribute(transport.0, transport.1));
        let refusal = ask(wire, ALLOCATE, bare.0.open(), bare.1).await?;
        let nonce = attribute(&refusal, NONCE).ok_or(ProbeError::Refused(code(&refusal)))?.to_vec();
        let proved = async |wire: &mut Wire, kind: u16, write: &dyn Fn(&mut Writer, Transaction)| {
            let (mut message, transaction) = self.request(kind, write);
            message.attribute(USERNAME, username.as_bytes());
            message.attribute(super::message::REALM, REALM.as_bytes());
            message.attribute(NONCE, &nonce);
            let sealed = message.seal(&key).ok_or_else(|| io::Error::other("the seal cannot be made"))?;
            let answer = ask(wire, kind, sealed, transaction).await?;
            if code(&answer) == 0 { Ok(()) } else { Err(ProbeError::Refused(code(&answer))) }
        };
        proved(wire, ALLOCATE, &|message, _| message.attribute(transport.0, transport.1)).await?;
        let knocked = async {
            let peer = |message: &mut Writer, transaction| {
                message.attribute(XOR_PEER_ADDRESS, &xor_address(media, transaction));
            };
            proved(wire, CREATE_PERMISSION, &peer).await?;
            let (knock, inner) = self.knocking();
            let (mut sent, outer) = self.request(SEND_INDICATION, |_, _| ());
            peer(&mut sent, outer);
            sent.attribute(DATA, &knock);
            let is_answer = |heard: &[u8]| {
                heard[..2] == DATA_INDICATION.to_be_bytes()
                    && attribute(heard, DATA).is_some_and(|data| is_success(data, BINDING, inner))
            };
            exchange(wire, &sent.open(), is_answer).await.map(drop)
        };
        let knocked = knocked.await;
        proved(wire, REFRESH, &|message, _| message.attribute(LIFETIME, &[0; 4])).await.ok();
        knocked
    }

    /// A sealed question that only a media port with our secret answers.
    fn knocking(&self) -> (Vec<u8>, Transaction) {
        let (mut message, transaction) = self.request(BINDING, |_, _| ());
        message.attribute(USERNAME, format!("{KNOCK}:{KNOCK}").as_bytes());
        let key = Key::new(&self.secret.password(KNOCK), Arc::clone(&self.crypto));
        // A provider that cannot seal was refused when the probe was made.
        (message.seal(&key).unwrap_or_default(), transaction)
    }

    fn request(&self, kind: u16, write: impl Fn(&mut Writer, Transaction)) -> (Writer, Transaction) {
        let mut transaction = Transaction::default();
        (self.entropy)(&mut transaction);
        let mut message = Writer::new(kind, transaction);
        write(&mut message, transaction);
        (message, transaction)
    }
}

/// Asks, and returns the success or the refusal.
async fn ask(wire: &mut Wire, kind: u16, message: Vec<u8>, transaction: Transaction) -> Result<Vec<u8>, ProbeError> {
    exchange(wire, &message, |heard| {
        heard[8..HEADER] == transaction && (heard[0], heard[1] & 0x0f) == (1, kind.to_be_bytes()[1])
    })
    .await
}

/// Says `sent` and reads until something is the answer.
async fn exchange(wire: &mut Wire, sent: &[u8], is_answer: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, ProbeError> {
    let tries = match wire {
        Wire::Datagrams(_) => TRIES.to_vec(),
        Wire::Stream(_) => vec![TRIES.iter().sum()],
    };
    for patience in tries {
        say(wire, sent).await?;
        let answer = timeout(patience, async {
            loop {
                let heard = hear(wire).await?;
                if heard.len() >= HEADER && is_answer(&heard) {
                    return Ok(heard);
                }
            }
        });
        match answer.await {
            Ok(Ok(answer)) => return Ok(answer),
            // A port that nobody has open answers at once that it has not; it may be opening.
            Ok(Err(error)) => return Err(ProbeError::Broken(error)),
            Err(_) => {}
        }
    }
    Err(ProbeError::Silent)
}

async fn say(wire: &mut Wire, bytes: &[u8]) -> io::Result<()> {
    match wire {
        Wire::Datagrams(socket) => socket.send(bytes).await.map(drop),
        Wire::Stream(stream) => {
            stream.write_all(bytes).await?;
            stream.flush().await
        }
    }
}

async fn hear(wire: &mut Wire) -> io::Result<Vec<u8>> {
    match wire {
        Wire::Datagrams(socket) => {
            let mut heard = vec![0; 2048];
            let length = socket.recv(&mut heard).await?;
            heard.truncate(length);
            Ok(heard)
        }
        Wire::Stream(stream) => {
            let mut heard = vec![0; HEADER];
            stream.read_exact(&mut heard).await?;
            heard.resize(HEADER + usize::from(u16::from_be_bytes([heard[2], heard[3]])), 0);
            stream.read_exact(&mut heard[HEADER..]).await?;
            Ok(heard)
        }
    }
}

fn is_success(heard: &[u8], kind: u16, transaction: Transaction) -> bool {
    heard.len() >= HEADER && heard[..2] == (SUCCESS | kind).to_be_bytes() && heard[8..HEADER] == transaction
}

/// The number of a refusal; 0 of a success.
fn code(answer: &[u8]) -> u16 {
    match attribute(answer, ERROR_CODE) {
        Some([_, _, class, number, ..]) => u16::from(*class) * 100 + u16::from(*number),
        _ => 0,
    }
}

fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(HEADER..)?;
    while let [kind, kind_low, length, length_low, value @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*length, *length_low]));
        if u16::from_be_bytes([*kind, *kind_low]) == wanted {
            return value.get(..length);
        }
        rest = value.get(length.next_multiple_of(4)..)?;
    }
    None
}
