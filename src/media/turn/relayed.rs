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
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

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
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) ends_at: Instant,
    /// Which of our announced addresses the browser talks to, once it said so.
    pub(super) peer: Option<SocketAddr>,
    /// Bound to `peer`.
    pub(super) channel: Option<u16>,
}

impl Allocation {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what our media port sent.
    fn send(&self, bytes: &[u8]) -> bool {
        let (peer, channel) = {
            let state = self.state();
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

    /// How many there are, and how many of `participant`.
    pub(super) fn count(&self, participant: ParticipantId) -> (usize, usize) {
        let all = self.read();
        (all.len(), all.values().filter(|allocation| allocation.participant == participant).count())
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
        let Wanted { participant, username, key, transaction, outlet, ends_at, .. } = wanted;
        let state = Mutex::new(State { ends_at, peer: None, channel: None });
        let ended = CancellationToken::new();
        let allocation =
            Arc::new(Allocation { relayed, participant, username, key, transaction, outlet, ended, state });
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
