//! Whose an address is: the connection whose password sealed a check that came from there.
//!
//! Without a seal no address is learned, and none is taken from somebody who was heard there just now.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::port::Port;
use super::stun::{Key, Message};

/// An address whose owner was heard within this span does not change hands, even for a well-sealed request: every
/// participant can seal, and could forge the source address of another.
const OWNED_FOR: Duration = Duration::from_secs(3);
/// An address silent for this long is forgotten; the browser's checks come every few seconds.
const FORGET_AFTER: Duration = Duration::from_secs(30);
/// A browser has a handful of network paths; more is mischief.
const ADDRESSES_PER_CONNECTION: usize = 8;
/// How many ICE credentials of one connection are valid at once: the newest, and the one a restart is leaving.
const CREDENTIALS_PER_CONNECTION: usize = 2;

/// Who may prove an address, and who did.
#[derive(Default)]
pub(super) struct Addresses {
    by_ufrag: HashMap<String, Credential>,
    by_address: HashMap<SocketAddr, Path>,
}

struct Credential {
    key: Key,
    port: Arc<Port>,
    /// Grows with each registration; the smallest of a connection goes first.
    order: u64,
}

struct Path {
    port: Arc<Port>,
    heard: Instant,
    /// What the last check from there called us, and the browser.
    names: (String, String),
}

impl Addresses {
    /// How many connections hold credentials.
    pub(super) fn connections(&self) -> usize {
        let mut ports: Vec<_> = self.by_ufrag.values().map(|credential| Arc::as_ptr(&credential.port)).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.len()
    }

    /// Lets whoever knows `key` speak as `port`. A third registration ends the oldest.
    pub(super) fn register(&mut self, ufrag: &str, key: Key, port: &Arc<Port>) {
        let order = self.by_ufrag.values().map(|credential| credential.order + 1).max().unwrap_or(0);
        self.by_ufrag.insert(ufrag.to_owned(), Credential { key, port: Arc::clone(port), order });
        let mut own: Vec<_> = self
            .by_ufrag
            .iter()
            .filter(|(_, credential)| Arc::ptr_eq(&credential.port, port))
            .map(|(ufrag, credential)| (credential.order, ufrag.clone()))
            .collect();
        own.sort_unstable();
        for (_, ufrag) in own.iter().rev().skip(CREDENTIALS_PER_CONNECTION) {
            self.by_ufrag.remove(ufrag);
        }
    }

    /// Forgets a connection: its credentials, its addresses.
    pub(super) fn forget(&mut self, port: &Arc<Port>) {
        self.by_ufrag.retain(|_, credential| !Arc::ptr_eq(&credential.port, port));
        self.by_address.retain(|_, path| !Arc::ptr_eq(&path.port, port));
    }

    /// Something came from `from`, which is whose?
    pub(super) fn hear(&mut self, now: Instant, from: SocketAddr) -> Option<Arc<Port>> {
        let path = self.by_address.get_mut(&from)?;
        path.heard = now;
        Some(Arc::clone(&path.port))
    }

    /// Whose an address is.
    pub(super) fn port(&self, address: SocketAddr) -> Option<Arc<Port>> {
        self.by_address.get(&address).map(|path| Arc::clone(&path.port))
    }

    /// What the last check from there called us, and the browser.
    pub(super) fn names(&self, address: SocketAddr) -> Option<(String, String)> {
        self.by_address.get(&address).map(|path| path.names.clone())
    }

    /// Forgets the addresses from which nothing comes any more.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.by_address.retain(|_, path| now.saturating_duration_since(path.heard) < FORGET_AFTER);
    }

    /// Gives `from` to the connection whose password sealed the request; `None` when the seal is wrong, or the address
    /// belongs to somebody who was heard just now.
    pub(super) fn learn(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Option<(Arc<Port>, Key)> {
        let Credential { key, port, .. } = self.by_ufrag.get(request.local_ufrag()?)?;
        if !request.is_sealed_with(key) {
            return None;
        }
        let (key, port) = (key.clone(), Arc::clone(port));
        if let Some(owner) = self.by_address.get(&from)
            && !Arc::ptr_eq(&owner.port, &port)
            && now.saturating_duration_since(owner.heard) < OWNED_FOR
        {
            return None;
        }
        let (ours, theirs) = request.names().unwrap_or_default();
        let names = (ours.to_owned(), theirs.to_owned());
        self.by_address.insert(from, Path { port: Arc::clone(&port), heard: now, names });
        let mut own: Vec<_> = self
            .by_address
            .iter()
            .filter(|(_, path)| Arc::ptr_eq(&path.port, &port))
            .map(|(address, path)| (path.heard, *address))
            .collect();
        if own.len() > ADDRESSES_PER_CONNECTION {
            own.sort_unstable();
            self.by_address.remove(&own[0].1);
        }
        Some((port, key))
    }
}
