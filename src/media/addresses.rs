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
    /// The addresses of each connection, a handful; so nobody has to look at those of all others for a new one.
    of_port: HashMap<Place, Vec<SocketAddr>>,
}

/// Where a connection's port lies in memory. No other lies there while one of its addresses is known.
type Place = usize;

fn place(port: &Arc<Port>) -> Place {
    Arc::as_ptr(port).addr()
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
        for address in self.of_port.remove(&place(port)).unwrap_or_default() {
            self.by_address.remove(&address);
        }
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
        let Self { by_address, of_port, .. } = self;
        by_address.retain(|address, path| {
            let is_kept = now.saturating_duration_since(path.heard) < FORGET_AFTER;
            if !is_kept {
                disown(of_port, &path.port, *address);
            }
            is_kept
        });
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
        let before = self.by_address.insert(from, Path { port: Arc::clone(&port), heard: now, names });
        if let Some(before) = before {
            disown(&mut self.of_port, &before.port, from);
        }
        let own = self.of_port.entry(place(&port)).or_default();
        own.push(from);
        if own.len() > ADDRESSES_PER_CONNECTION {
            let heard = |address: &&SocketAddr| (self.by_address.get(*address).map(|path| path.heard), **address);
            if let Some(oldest) = own.iter().min_by_key(heard).copied() {
                own.retain(|address| *address != oldest);
                self.by_address.remove(&oldest);
            }
        }
        Some((port, key))
    }
}

/// An address is not this connection's any more.
fn disown(of_port: &mut HashMap<Place, Vec<SocketAddr>>, port: &Arc<Port>, address: SocketAddr) {
    let Some(own) = of_port.get_mut(&place(port)) else { return };
    own.retain(|known| *known != address);
    if own.is_empty() {
        of_port.remove(&place(port));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::media::counters::Counters;
    use crate::media::instant;
    use crate::media::mux::Mux;
    use crate::media::port::Credentials;
    use crate::media::stun;

    #[derive(Clone, Debug)]
    enum Step {
        /// A check of a browser from an address.
        Check(usize, u16),
        /// Anything else from an address.
        Hear(u16),
        Sweep,
        Forget(usize),
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let address = || 0..14_u16;
        prop_oneof![
            8 => (0..2_usize, address()).prop_map(|(who, from)| Step::Check(who, from)),
            3 => address().prop_map(Step::Hear),
            1 => Just(Step::Sweep),
            1 => (0..2_usize).prop_map(Step::Forget),
            3 => (0..12_000_u64).prop_map(Step::Pass),
        ]
    }

    fn at(n: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7], 1000 + n))
    }

    /// Whose each address is, by looking at all of them each time.
    #[derive(Default)]
    struct Plain(HashMap<SocketAddr, (usize, Instant)>);

    impl Plain {
        fn check(&mut self, now: Instant, who: usize, from: SocketAddr) {
            if self.0.get(&from).is_some_and(|(owner, heard)| *owner != who && now.duration_since(*heard) < OWNED_FOR) {
                return;
            }
            self.0.insert(from, (who, now));
            let own = || self.0.iter().filter(|(_, (owner, _))| *owner == who);
            if own().count() > ADDRESSES_PER_CONNECTION {
                let oldest = own().map(|(address, (_, heard))| (*heard, *address)).min().expect("more than eight");
                self.0.remove(&oldest.1);
            }
        }
    }

    #[tokio::test]
    async fn each_connection_keeps_its_last_eight_addresses_as_if_all_had_been_looked_at() {
        let crypto = rtc::crypto::default_provider().expect("a provider is compiled in");
        let bind = "127.0.0.1:0".parse().expect("an address");
        let mux = Mux::bind(bind, 1, Arc::clone(&crypto), Arc::new(Counters::new()), None).expect("binds");
        let named = |ufrag: &str| Credentials { ufrag: ufrag.into(), password: "a password of twenty-two".into() };
        let start = instant::now();
        let names = ["one", "two"];
        let key = |name: &str| Key::new(name, Arc::clone(&crypto));
        let plans = proptest::collection::vec(step(), 0..80);
        let holds = TestRunner::default().run(&plans, |plan| {
            let ports = names.map(|_| Port::new(start, &mux, &named("engine"), &named("far")));
            let (mut known, mut plain, mut now) = (Addresses::default(), Plain::default(), start);
            for step in plan {
                match step {
                    Step::Check(who, from) => {
                        known.register(names[who], key(names[who]), &ports[who]);
                        let check = stun::nomination([7; 12], &format!("{}:far", names[who]), &key(names[who]));
                        let check = check.expect("sealed");
                        known.learn(now, at(from), &Message::parse(&check).expect("well-formed"));
                        plain.check(now, who, at(from));
                    }
                    Step::Hear(from) => {
                        known.hear(now, at(from));
                        plain.0.entry(at(from)).and_modify(|(_, heard)| *heard = now);
                    }
                    Step::Sweep => {
                        known.sweep(now);
                        plain.0.retain(|_, (_, heard)| now.duration_since(*heard) < FORGET_AFTER);
                    }
                    Step::Forget(who) => {
                        known.forget(&ports[who]);
                        plain.0.retain(|_, (owner, _)| *owner != who);
                    }
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                }
                for from in (0..14).map(at) {
                    let owner = known.port(from).and_then(|port| ports.iter().position(|own| Arc::ptr_eq(own, &port)));
                    prop_assert_eq!(owner, plain.0.get(&from).map(|(owner, _)| *owner));
                }
                let listed: usize = known.of_port.values().map(Vec::len).sum();
                prop_assert_eq!(listed, known.by_address.len(), "nothing is left of who is forgotten");
                prop_assert!(known.of_port.values().all(|own| !own.is_empty()));
            }
            Ok(())
        });
        holds.expect("holds");
    }
}
