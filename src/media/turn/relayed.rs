//! Who is behind which relayed address.
//!
//! A relayed address of ours is a name and nothing else: no socket is bound to it. What a browser sends through its
//! allocation is handed to our own mux as a datagram from that name, and what the mux sends to the name goes back into
//! the browser's socket or stream. So this relay cannot be opened to anybody: there is nothing that could carry a packet
//! to another host, or to another port of this one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Held;
use super::message::{channel_data, data_indication};
use crate::domain::ids::ParticipantId;
use crate::media::stun::{Key, Transaction};

/// Names of IPv4: a network that is reserved for documentation (RFC 5737), so nobody has them.
const V4: [u8; 3] = [198, 51, 100];
/// Names of IPv6, of the same kind (RFC 3849).
const V6: [u16; 4] = [0x2001, 0xdb8, 0x7475, 0x726e];

/// Whether an address is a name of ours. A datagram of the network that claims to come from one is forged.
pub(in crate::media) fn is_relayed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.octets()[..3] == V4,
        IpAddr::V6(ip) => ip.segments()[..4] == V6,
    }
}

/// The way back to a browser.
#[derive(Clone, Debug)]
pub(super) enum Outlet {
    /// Over UDP: the socket where it knocked, and from where.
    Datagram(Arc<UdpSocket>, SocketAddr),
    /// Over a stream: its writer's queue. What finds it full is dropped, as UDP would.
    Stream(mpsc::Sender<Vec<u8>>),
}

impl Outlet {
    /// Sends one message, or drops it.
    pub(super) fn send(&self, mut message: Vec<u8>) -> bool {
        match self {
            Self::Datagram(socket, to) => socket.try_send_to(&message, *to).is_ok(),
            Self::Stream(queue) => {
                // On a stream the next message begins at a multiple of four (RFC 8656, section 12.5).
                message.resize(message.len().next_multiple_of(4), 0);
                queue.try_send(message).is_ok()
            }
        }
    }
}

/// One browser's relayed address.
pub(super) struct Allocation {
    pub(super) relayed: SocketAddr,
    pub(super) participant: ParticipantId,
    pub(super) username: String,
    pub(super) key: Key,
    /// Of the request that made it: the same request once more gets the same answer.
    pub(super) transaction: Transaction,
    pub(super) outlet: Outlet,
    /// Cancelled when it ends: the stream is closed then.
    pub(super) ended: CancellationToken,
    /// The address that asked for it, or its network.
    origin: IpAddr,
    /// Its owner has one of the seats that are kept for called patients and for staff.
    is_kept: bool,
    made_at: Instant,
    state: Mutex<State>,
}

/// How long an allocation lasts through which our media port has said nothing: its browser never came.
const UNUSED: Duration = Duration::from_secs(30);

/// What changes.
pub(super) struct State {
    pub(super) ends_at: Instant,
    /// When its browser was last heard.
    heard_at: Instant,
    /// Our media port said something through it, which it says only to those who prove that they have a seat.
    is_used: bool,
    /// Which of our announced addresses the browser talks to, once it said so.
    pub(super) peer: Option<SocketAddr>,
    /// Bound to `peer`.
    pub(super) channel: Option<u16>,
}

impl Allocation {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it ends, if nothing is heard.
    pub(super) fn ends_at(&self) -> Instant {
        let state = self.state();
        if state.is_used { state.ends_at } else { state.ends_at.min(self.made_at + UNUSED) }
    }

    /// Its browser sends something.
    pub(super) fn hear(&self, now: Instant) {
        self.state().heard_at = now;
    }

    /// Passes on what our media port sent.
    fn send(&self, bytes: &[u8]) -> bool {
        let (peer, channel) = {
            let mut state = self.state();
            state.is_used = true;
            (state.peer, state.channel)
        };
        match (peer, channel) {
            (_, Some(channel)) => self.outlet.send(channel_data(channel, bytes)),
            (Some(peer), None) => self.outlet.send(data_indication(self.transaction, peer, bytes)),
            // It has not said yet that it wants to hear us.
            (None, None) => false,
        }
    }
}

/// What an allocation is made of.
pub(super) struct Wanted {
    pub(super) is_v6: bool,
    pub(super) participant: ParticipantId,
    pub(super) username: String,
    pub(super) key: Key,
    pub(super) transaction: Transaction,
    pub(super) outlet: Outlet,
    pub(super) origin: IpAddr,
    pub(super) is_kept: bool,
    pub(super) now: Instant,
    pub(super) ends_at: Instant,
}

/// All allocations.
#[derive(Default)]
pub(in crate::media) struct Relayed {
    by_address: RwLock<HashMap<SocketAddr, Arc<Allocation>>>,
    made: AtomicU64,
}

impl Relayed {
    /// Sends a datagram of the mux into the allocation `to`; `false` when it is lost.
    pub(in crate::media) fn send(&self, bytes: &[u8], to: SocketAddr) -> bool {
        let found = self.read().get(&to).cloned();
        found.is_some_and(|allocation| allocation.send(bytes))
    }

    /// How many there are, of all and of strangers, of `participant` and from `origin`.
    pub(super) fn held(&self, participant: ParticipantId, origin: IpAddr) -> Held {
        let mut held = Held::default();
        for allocation in self.read().values() {
            let (is_here, is_strangers) = (allocation.origin == origin, !allocation.is_kept);
            held.all += 1;
            held.of_strangers += usize::from(is_strangers);
            held.own += usize::from(allocation.participant == participant);
            held.here += usize::from(is_here);
            held.of_strangers_here += usize::from(is_here && is_strangers);
        }
        held
    }

    /// Ends the one of a participant that was heard longest ago; `false` when it has none.
    pub(super) fn end_most_silent_of(&self, participant: ParticipantId) -> bool {
        let found = {
            let all = self.read();
            let own = all.values().filter(|allocation| allocation.participant == participant);
            own.min_by_key(|allocation| (allocation.state().heard_at, allocation.made_at)).cloned()
        };
        found.inspect(|allocation| self.end(allocation)).is_some()
    }

    pub(super) fn is_live(&self, allocation: &Allocation) -> bool {
        self.read().contains_key(&allocation.relayed)
    }

    /// Gives a name that nobody has.
    pub(super) fn allocate(&self, wanted: Wanted) -> Arc<Allocation> {
        let mut all = self.by_address.write().unwrap_or_else(PoisonError::into_inner);
        let relayed = loop {
            let name = name(self.made.fetch_add(1, Ordering::Relaxed), wanted.is_v6);
            if !all.contains_key(&name) {
                break name;
            }
        };
        let Wanted { participant, username, key, transaction, outlet, origin, is_kept, now, ends_at, .. } = wanted;
        let state = State { ends_at, heard_at: now, is_used: false, peer: None, channel: None };
        let allocation = Arc::new(Allocation {
            relayed,
            participant,
            username,
            key,
            transaction,
            outlet,
            ended: CancellationToken::new(),
            origin,
            is_kept,
            made_at: now,
            state: Mutex::new(state),
        });
        all.insert(relayed, Arc::clone(&allocation));
        allocation
    }

    /// Ends one.
    pub(super) fn end(&self, allocation: &Allocation) {
        self.by_address.write().unwrap_or_else(PoisonError::into_inner).remove(&allocation.relayed);
        allocation.ended.cancel();
    }

    /// Ends all of a participant.
    pub(super) fn end_all_of(&self, participant: ParticipantId) {
        let mut all = self.by_address.write().unwrap_or_else(PoisonError::into_inner);
        for (_, allocation) in all.extract_if(|_, allocation| allocation.participant == participant) {
            allocation.ended.cancel();
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<SocketAddr, Arc<Allocation>>> {
        self.by_address.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `n`th name.
fn name(n: u64, is_v6: bool) -> SocketAddr {
    const PORTS: u64 = 60_000;
    let port = u16::try_from(1024 + n % PORTS).expect("it is below 61,024");
    let host = u8::try_from(1 + n / PORTS % 254).expect("it is below 255");
    let ip = if is_v6 {
        IpAddr::V6(Ipv6Addr::new(V6[0], V6[1], V6[2], V6[3], 0, 0, 0, host.into()))
    } else {
        IpAddr::V4(Ipv4Addr::new(V4[0], V4[1], V4[2], host))
    };
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    fn wanted(now: Instant, participant: u128) -> Wanted {
        let crypto = rtc::crypto::default_provider().unwrap();
        Wanted {
            is_v6: false,
            participant: ParticipantId::from_uuid(uuid::Uuid::from_u128(participant)),
            username: String::new(),
            key: Key::of_bytes(&[0; 32], crypto),
            transaction: [0; 12],
            outlet: Outlet::Stream(mpsc::channel(8).0),
            origin: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_kept: true,
            now,
            ends_at: now + Duration::from_mins(10),
        }
    }

    #[test]
    fn an_allocation_through_which_nothing_is_said_ends_after_half_a_minute() {
        let (relayed, now) = (Relayed::default(), instant::now());
        let allocation = relayed.allocate(wanted(now, 1));
        assert_eq!(allocation.ends_at(), now + Duration::from_secs(30));
        allocation.state().ends_at = now + Duration::from_hours(1);
        assert_eq!(allocation.ends_at(), now + Duration::from_secs(30), "asking for more is no use of it");
        relayed.send(b"an answer of our media port", allocation.relayed);
        assert_eq!(allocation.ends_at(), now + Duration::from_hours(1));
    }

    #[test]
    fn the_most_silent_of_a_participant_goes_and_nobody_elses() {
        let (relayed, now) = (Relayed::default(), instant::now());
        let [first, second] = [relayed.allocate(wanted(now, 1)), relayed.allocate(wanted(now, 1))];
        let other = relayed.allocate(wanted(now, 2));
        first.hear(now + Duration::from_secs(1));
        assert!(relayed.end_most_silent_of(first.participant));
        assert_eq!([&first, &second, &other].map(|one| relayed.is_live(one)), [true, false, true]);
        let held = relayed.held(first.participant, first.origin);
        assert_eq!((held.all, held.own, held.here, held.of_strangers), (2, 1, 2, 0));
        assert!(!relayed.end_most_silent_of(ParticipantId::from_uuid(uuid::Uuid::from_u128(3))));
    }

    #[test]
    fn names_differ_and_are_known_as_ours() {
        let names: std::collections::HashSet<_> = (0..200_000).map(|n| name(n, false)).collect();
        assert_eq!(names.len(), 200_000);
        assert!(names.iter().all(|name| is_relayed(name.ip())) && is_relayed(name(5, true).ip()));
        for other in ["198.51.101.1", "127.0.0.1", "10.0.0.1", "2001:db8::1"] {
            assert!(!is_relayed(other.parse().unwrap()), "{other}");
        }
    }
}
