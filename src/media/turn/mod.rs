//! TURN in this process, for networks that let no UDP to the media port.
//!
//! Written here and not taken from a crate, because our relay has one destination, our own media port, and that makes it
//! another and a smaller thing: an allocation needs no socket ([`relayed`]), so it costs no port and no descriptor, can
//! be taken away at once, and cannot reach any other address however its rules are read. The crate that was considered
//! keeps every nonce that a stranger was ever given, and outlives the streams that it serves.
//!
//! A [session](session) is the rules; [udp] and [stream] carry its bytes. Who may use it is said by names that
//! [`crate::domain::turn`] makes, and by the seats that the relay knows: a seat that is taken away takes its allocations
//! with it.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod bad_bytes;
mod message;
mod newcomers;
pub mod probe;
mod relayed;
mod session;
mod stream;
mod udp;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use rtc::crypto::RTCCryptoProvider;

use self::message::Request;
use self::newcomers::Newcomers;
pub(super) use self::relayed::{Relayed, is_relayed};
pub(super) use self::udp::bind as bind_udp;
use super::mux::Mux;
use super::stun::Key;
use crate::clock::Clock;
use crate::domain::ids::ParticipantId;
use crate::domain::time::Timestamp;
use crate::domain::turn::{REALM, SELF_TEST, TurnSecret};

/// How long a nonce is taken.
const NONCE_GOOD_FOR: Duration = Duration::from_hours(1);
/// Allocations of one participant: three ways to us from each of two networks. The next takes the place of the one that
/// was silent longest, so that a browser that begins anew is never refused for what it left behind.
const OF_ONE: usize = 6;
/// Allocations altogether.
const OF_ALL: usize = 10_000;
/// Of these, for those whom nobody called or knows: half, so that strangers keep no patient out.
const OF_STRANGERS: usize = OF_ALL / 2;
/// Allocations from one address, or one network of IPv6: a hospital's ward behind one address.
const OF_ONE_ADDRESS: usize = 1024;
/// Of these, of strangers: ten who check their camera at once.
const OF_STRANGERS_AT_ONE_ADDRESS: usize = 64;

/// What the operator chose for TURN.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// What rights are checked with.
    pub secret: TurnSecret,
    /// Tells when a right ends.
    pub clock: Clock,
    /// The UDP address to listen on.
    pub udp: Option<SocketAddr>,
}

/// What all clients share.
pub struct Turn {
    config: TurnConfig,
    crypto: Arc<dyn RTCCryptoProvider>,
    nonce_key: Key,
    mux: Arc<Mux>,
    relayed: Arc<Relayed>,
    /// Our media port as browsers know it: the only peers.
    announced: Vec<SocketAddr>,
    admitted: Mutex<HashMap<ParticipantId, Admitted>>,
    newcomers: Mutex<Newcomers>,
    counters: TurnCounters,
}

/// A seat that may allocate.
#[derive(Default)]
struct Admitted {
    /// How many hold it: after a rejoin two for a moment.
    holders: usize,
    /// It is one of those that are kept for called patients and for staff.
    is_kept: bool,
}

/// How many allocations there are.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    all: usize,
    of_strangers: usize,
    /// Of one participant.
    own: usize,
    /// From one address.
    here: usize,
    of_strangers_here: usize,
}

impl Held {
    /// Whether there is room for another, beside the bound of one participant.
    fn has_room(&self, is_kept: bool) -> bool {
        let is_free = self.all < OF_ALL && self.here < OF_ONE_ADDRESS;
        let is_free_for_strangers =
            self.of_strangers < OF_STRANGERS && self.of_strangers_here < OF_STRANGERS_AT_ONE_ADDRESS;
        is_free && (is_kept || is_free_for_strangers)
    }
}

struct TurnCounters {
    allocations: Gauge,
    elsewhere: Counter,
    unproved: Counter,
    lost: Counter,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("announced", &self.announced).finish_non_exhaustive()
    }
}

impl Turn {
    pub(super) fn new(
        now: Instant,
        config: TurnConfig,
        nonce_key: [u8; 32],
        mux: Arc<Mux>,
        announced: Vec<SocketAddr>,
    ) -> Arc<Self> {
        let crypto = Arc::clone(&mux.crypto);
        Arc::new(Self {
            config,
            nonce_key: Key::of_bytes(&nonce_key, Arc::clone(&crypto)),
            crypto,
            relayed: Arc::clone(&mux.relayed),
            mux,
            announced,
            admitted: Mutex::default(),
            newcomers: Mutex::new(Newcomers::new(now)),
            counters: TurnCounters {
                allocations: gauge!("turn_allocations"),
                elsewhere: counter!("turn_dropped_total", "cause" => "other_peer"),
                unproved: counter!("turn_dropped_total", "cause" => "unproved"),
                lost: counter!("turn_dropped_total", "cause" => "unsent"),
            },
        })
    }

    /// Lets a participant allocate, until what is returned is dropped by its last holder.
    pub(super) fn admit(self: &Arc<Self>, participant: ParticipantId, is_kept: bool) -> Admission {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = admitted.entry(participant).or_default();
        *seat = Admitted { holders: seat.holders + 1, is_kept };
        Admission { turn: Arc::clone(self), participant }
    }

    fn is_admitted(&self, participant: ParticipantId) -> bool {
        self.is_kept(participant).is_some()
    }

    /// Whether a seat is one of those that are kept; `None` when there is no such seat.
    fn is_kept(&self, participant: ParticipantId) -> Option<bool> {
        if participant == SELF_TEST {
            return Some(true);
        }
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.get(&participant).map(|seat| seat.is_kept)
    }

    /// Whether a participant may have another from `origin`; of its own the most silent goes for it.
    fn make_room_for(&self, participant: ParticipantId, is_kept: bool, origin: IpAddr) -> bool {
        let held = self.relayed.held(participant, origin);
        if held.own >= OF_ONE {
            return self.relayed.end_most_silent_of(participant);
        }
        held.has_room(is_kept)
    }

    /// The key behind a name; `None` if the crypto provider fails.
    fn key(&self, username: &str) -> Option<Key> {
        Key::long_term(username, REALM, &self.config.secret.password(username), Arc::clone(&self.crypto))
    }

    fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// A nonce that says its own age, so that none need be kept.
    fn nonce(&self, from: IpAddr) -> String {
        let at = format!("{:x}", self.now().as_secs());
        let tag = self.nonce_key.tag(&[at.as_bytes(), from.to_string().as_bytes()]).unwrap_or_default();
        let tag = u64::from_be_bytes(tag[..8].try_into().expect("eight bytes"));
        format!("{at}-{tag:016x}")
    }

    fn is_fresh(&self, nonce: &str, from: IpAddr) -> bool {
        let Some((at, tag)) = nonce.split_once('-') else { return false };
        let Ok(seconds) = i64::from_str_radix(at, 16) else { return false };
        let age = self.now().as_secs().saturating_sub(seconds);
        let bytes: Option<Vec<u8>> =
            (0..16).step_by(2).map(|i| u8::from_str_radix(tag.get(i..i + 2)?, 16).ok()).collect();
        let wanted = self.nonce_key.tag(&[at.as_bytes(), from.to_string().as_bytes()]).unwrap_or_default();
        tag.len() == 16
            && bytes.is_some_and(|bytes| bytes == wanted[..8])
            && (0..=i64::try_from(NONCE_GOOD_FOR.as_secs()).unwrap_or(0)).contains(&age)
    }

    /// Whether a newcomer's message may be answered in this second. One that names a nonce of its own address has read what
    /// was sent there, so its address is no forged one.
    fn may_answer(&self, now: Instant, from: IpAddr, bytes: &[u8]) -> bool {
        let from = from.to_canonical();
        let nonce = Request::parse(bytes).and_then(|request| request.nonce);
        let is_proved = nonce.is_some_and(|nonce| self.is_fresh(nonce, from));
        let Some(place) = self.nonce_key.tag(&[b"place", from.to_string().as_bytes()]) else { return false };
        let mut newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        newcomers.may_answer(now, u16::from_be_bytes([place[0], place[1]]), is_proved)
    }
}

/// A seat's right to allocate. What it allocated ends with it.
pub(super) struct Admission {
    turn: Arc<Turn>,
    participant: ParticipantId,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut admitted = self.turn.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = admitted.get_mut(&self.participant) {
            seat.holders -= 1;
            if seat.holders == 0 {
                admitted.remove(&self.participant);
                self.turn.relayed.end_all_of(self.participant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::message::{NONCE, REQUESTED_TRANSPORT};
    use super::*;
    use crate::media::counters::Counters;
    use crate::media::instant;
    use crate::media::stun::Writer;

    /// An address that anybody may write into a datagram.
    fn forged(n: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + n).into()
    }

    #[tokio::test]
    async fn forged_addresses_shut_nobody_out_and_each_of_them_hears_little() {
        let crypto = rtc::crypto::default_provider().expect("a provider is compiled in");
        let bind = "127.0.0.1:0".parse().expect("an address");
        let mux = Mux::bind(bind, 1, crypto, Arc::new(Counters::new()), None).expect("binds");
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        let config = TurnConfig { secret: TurnSecret::new("shared"), clock, udp: None };
        let now = instant::now();
        let turn = Turn::new(now, config, [7; 32], mux, Vec::new());
        let allocate = |nonce: Option<&str>| {
            let mut message = Writer::new(3, [9; 12]);
            message.attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
            if let Some(nonce) = nonce {
                message.attribute(NONCE, nonce.as_bytes());
            }
            message.open()
        };
        let newcomer: IpAddr = "192.0.2.7".parse().expect("an address");
        assert!((0..30_000).all(|n| turn.may_answer(now, forged(n), &allocate(None))));
        assert!(turn.may_answer(now, newcomer, &allocate(None)), "three times ten thousand came before");
        let answered = (0..1_000).filter(|_| turn.may_answer(now, newcomer, &allocate(None))).count();
        assert!(answered < 50, "its address is flooded through us with {answered} answers");
        let (own, others) = (turn.nonce(newcomer), turn.nonce(forged(1)));
        assert!(!turn.may_answer(now, newcomer, &allocate(Some(&others))), "of another address");
        assert!(turn.may_answer(now, newcomer, &allocate(Some(&own))), "who read our answer goes on");
        let mapped = "::ffff:192.0.2.7".parse().expect("an address");
        assert!(turn.may_answer(now, mapped, &allocate(Some(&own))), "however its socket spells it");
    }

    #[test]
    fn strangers_fill_half_of_all_and_a_few_at_one_address_and_the_known_find_room() {
        let room = |held: Held| (held.has_room(true), held.has_room(false));
        assert_eq!(room(Held::default()), (true, true));
        assert_eq!(room(Held { all: OF_STRANGERS, of_strangers: OF_STRANGERS, ..Held::default() }), (true, false));
        let here = Held { here: 64, of_strangers_here: OF_STRANGERS_AT_ONE_ADDRESS, ..Held::default() };
        assert_eq!(room(here), (true, false));
        assert_eq!(room(Held { here: OF_ONE_ADDRESS, ..Held::default() }), (false, false));
        assert_eq!(room(Held { all: OF_ALL, ..Held::default() }), (false, false));
    }
}
