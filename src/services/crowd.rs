//! How many of something each network address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Connections, and sockets, that one address may have: a hospital's hundred browsers, with a socket and six connections each.
pub const OF_ONE_ADDRESS: usize = 1024;

/// How many each address has.
pub struct Crowd {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Crowd {
    /// Nobody yet; each address may have `most`.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts one more of `address`, until what is returned is dropped; `None` when it has enough.
    pub fn enter(crowd: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let mut counts = crowd.counts.lock().expect("no holder of this lock panics");
        let count = counts.entry(address).or_default();
        if *count >= crowd.most {
            return None;
        }
        *count += 1;
        Some(Counted { crowd: Arc::clone(crowd), address })
    }
}

/// One of an address.
pub struct Counted {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock().expect("no holder of this lock panics");
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_gets_the_next_when_one_ends() {
        let crowd = Crowd::new(2);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = Crowd::enter(&crowd, one).unwrap();
        let second = Crowd::enter(&crowd, one).unwrap();
        assert!(Crowd::enter(&crowd, one).is_none());
        assert!(Crowd::enter(&crowd, other).is_some());
        drop(first);
        assert!(Crowd::enter(&crowd, one).is_some());
        drop(second);
        assert!(crowd.counts.lock().unwrap().is_empty(), "who is gone is forgotten");
    }
}
