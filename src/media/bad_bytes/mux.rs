//! The shared port: which datagram is whose.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::Script;
use crate::media::inflow::Inflow;
use crate::media::instant;
use crate::media::port::{Credentials, Inside, Port};
use crate::media::stun::{self, Key};

/// A name of nobody, so nothing is sent anywhere.
fn address(name: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1 + name % 16)), 1000)
}

/// What a connection was given.
#[derive(Default)]
struct Heard(Mutex<Vec<Vec<u8>>>);

impl Inside for Heard {
    fn take(self: Arc<Self>, _: Instant, bytes: &[u8], _: &mut Inflow) {
        self.0.lock().unwrap().push(bytes.to_vec());
    }
}

/// Two browsers and strangers, in any order: a datagram reaches only a connection whose password came from its address,
/// and as it was sent.
///
/// # Panics
///
/// When that is broken.
pub fn mux(bytes: &[u8]) {
    super::stun::within(|world| {
        let start = instant::now();
        let credentials = |name: &str| Credentials { ufrag: name.into(), password: "a password of twenty-two".into() };
        let far_end = credentials("far");
        let browsers = ["one", "two"].map(|name| {
            let port = Port::new(start, &world.mux, &credentials("engine"), &far_end);
            let heard = Arc::<Heard>::default();
            let inside: Weak<Heard> = Arc::downgrade(&heard);
            port.lead_to(inside);
            world.mux.register(name, name, &port);
            (name, Key::new(name, Arc::clone(&world.mux.crypto)), port, heard)
        });
        let mut proved = HashSet::new();
        let (mut script, mut now) = (Script(bytes), start);
        while let (Some(what), Some(from), Some(data)) = (script.byte(), script.byte(), script.piece()) {
            now += Duration::from_millis(u64::from(from / 16) * 500);
            let from = address(from);
            let (is_sealed, who) = (what & 1 == 1, usize::from(what >> 1 & 1));
            if is_sealed {
                let mut transaction = [0; 12];
                transaction.iter_mut().zip(data).for_each(|(to, byte)| *to = *byte);
                let (name, key, ..) = &browsers[who];
                let request = stun::nomination(transaction, &format!("{name}:far"), key).unwrap();
                world.mux.deliver(now, from, &request);
                proved.insert((who, from));
            } else {
                world.mux.deliver(now, from, data);
            }
            for (who, (.., heard)) in browsers.iter().enumerate() {
                for heard in heard.0.lock().unwrap().drain(..) {
                    // A seal makes the port's own play speak; else it is what was sent.
                    assert!(is_sealed || (proved.contains(&(who, from)) && heard == data), "a stranger was heard");
                }
            }
        }
        assert_eq!(world.mux.connections(), browsers.len());
        for (_, _, port, _) in &browsers {
            world.mux.forget(port);
        }
        assert_eq!(world.mux.connections(), 0);
    });
}
