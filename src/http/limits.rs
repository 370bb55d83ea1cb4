//! How often a network address may knock at the doors that need no token.
//!
//! A token bucket for each address, in memory: it slows a stranger down, while what must hold across restarts (codes sent,
//! tries of a code) is counted in the database. A family or a ward behind one address stays below it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Extension;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use utoipa_axum::router::OpenApiRouter;

use crate::domain::time::Timestamp;
use crate::http::error::HttpError;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// Requests at once.
const BURST: i64 = 60;
/// Milliseconds until one more is allowed: five a second.
const REFILL_MS: i64 = 200;
/// Addresses remembered in each of two generations: about 2 MB at most.
const ADDRESSES: usize = 16_384;

/// The buckets of one group of doors.
#[derive(Debug, Default)]
pub struct Limits {
    buckets: Mutex<Buckets>,
}

/// A bucket is the moment at which it would be full again. Two generations bound the memory without a search for the
/// oldest: when the young one is full it becomes the old one, and whoever was in neither starts with a full bucket.
#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<IpAddr, i64>,
    old: HashMap<IpAddr, i64>,
}

impl Limits {
    /// Takes one request of `address` at `now`, or says how many seconds to wait.
    pub fn take(&self, address: IpAddr, now: Timestamp) -> Result<(), u32> {
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        let address = group(address);
        let now = now.as_millis();
        let known = buckets.young.get(&address).or_else(|| buckets.old.get(&address)).copied();
        // A clock that was set back must not lock anybody out for longer than an empty bucket does.
        let full_at = known.unwrap_or(now).clamp(now, now + BURST * REFILL_MS);
        if full_at + REFILL_MS > now + BURST * REFILL_MS {
            let wait = full_at + REFILL_MS - (now + BURST * REFILL_MS);
            return Err(u32::try_from(wait.div_euclid(1000) + 1).unwrap_or(1));
        }
        if buckets.young.len() >= ADDRESSES && !buckets.young.contains_key(&address) {
            buckets.old = std::mem::take(&mut buckets.young);
        }
        buckets.young.insert(address, full_at + REFILL_MS);
        Ok(())
    }
}

/// Whoever has an IPv6 network has 2⁶⁴ addresses: they count as one.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

/// Gives the routes of a file a limit of their own; their handlers ask for [`Allowed`].
pub fn limited(routes: OpenApiRouter<Arc<Services>>) -> OpenApiRouter<Arc<Services>> {
    routes.layer(Extension(Arc::new(Limits::default())))
}

/// The network address of a request that was allowed; of IPv6 the network, as its bucket.
pub struct Allowed(pub IpAddr);

impl FromRequestParts<Arc<Services>> for Allowed {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let address = behind_proxies(peer, &parts.headers, &services.config.trusted_proxies);
        if let Some(limits) = parts.extensions.get::<Arc<Limits>>()
            && let Err(seconds) = limits.take(address, services.clock.now())
        {
            let refusal = Refusal::new(ErrorCode::RateLimited, "too many requests from this address");
            return Err(HttpError(Refusal { retry_after: Some(seconds), ..refusal }));
        }
        Ok(Self(group(address)))
    }
}

/// The address of whoever asks: the peer, or, when that is a proxy that the operator trusts, the last address in
/// `X-Forwarded-For` that is none. What stands before it was written by a stranger.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut address = peer;
    for name in named.iter().rev() {
        if !trusted.iter().any(|proxy| proxy.to_canonical() == address.to_canonical()) {
            break;
        }
        let Some(before) = forwarded(name) else { break };
        address = before;
    }
    address
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn forwarded(name: &str) -> Option<IpAddr> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| name.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_may_write_a_port_and_may_itself_come_over_a_mapped_address() {
        let trusted = [ip("127.0.0.1")];
        let behind = |peer: &str, said: &'static str| {
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), said.parse().unwrap())]);
            behind_proxies(ip(peer), &headers, &trusted)
        };
        assert_eq!(behind("127.0.0.1", "203.0.113.9:5555"), ip("203.0.113.9"));
        assert_eq!(behind("127.0.0.1", "[2001:db8::1]:443"), ip("2001:db8::1"));
        assert_eq!(behind("127.0.0.1", "[2001:db8::1]"), ip("2001:db8::1"));
        assert_eq!(behind("::ffff:127.0.0.1", "203.0.113.9"), ip("203.0.113.9"));
    }

    #[test]
    fn an_address_has_a_burst_and_then_five_a_second() {
        let limits = Limits::default();
        for _ in 0..60 {
            assert_eq!(limits.take(ip("192.0.2.1"), at(0)), Ok(()));
        }
        assert_eq!(limits.take(ip("192.0.2.1"), at(0)), Err(1));
        assert_eq!(limits.take(ip("192.0.2.2"), at(0)), Ok(()));
        assert_eq!(limits.take(ip("192.0.2.1"), at(199)), Err(1));
        assert_eq!(limits.take(ip("192.0.2.1"), at(200)), Ok(()));
        assert_eq!(limits.take(ip("192.0.2.1"), at(200)), Err(1));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one() {
        let limits = Limits::default();
        for n in 0..60 {
            assert_eq!(limits.take(ip(&format!("2001:db8::{n:x}")), at(0)), Ok(()));
        }
        assert_eq!(limits.take(ip("2001:db8::ffff"), at(0)), Err(1));
        assert_eq!(limits.take(ip("2001:db8:0:1::1"), at(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_however_many_addresses_come() {
        let limits = Limits::default();
        for n in 0..40_000_u32 {
            limits.take(IpAddr::V4(Ipv4Addr::from_bits(n)), at(0)).unwrap();
        }
        let buckets = limits.buckets.lock().unwrap();
        assert!(buckets.young.len() <= ADDRESSES && buckets.old.len() <= ADDRESSES);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out_for_long() {
        let limits = Limits::default();
        limits.take(ip("192.0.2.1"), at(1_000_000_000)).unwrap();
        assert_eq!(limits.take(ip("192.0.2.1"), at(0)), Err(1));
        assert_eq!(limits.take(ip("192.0.2.1"), at(200)), Err(1));
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().unwrap());
        let (proxy, stranger) = (ip("127.0.0.1"), ip("192.0.2.1"));
        assert_eq!(behind_proxies(stranger, &headers, &[proxy]), stranger);
        assert_eq!(behind_proxies(proxy, &headers, &[]), proxy);
        // The proxy appended the address that it saw; what stands before it, the stranger wrote.
        assert_eq!(behind_proxies(proxy, &headers, &[proxy]), ip("198.51.100.7"));
        assert_eq!(behind_proxies(proxy, &headers, &[proxy, ip("198.51.100.7")]), ip("203.0.113.9"));
    }
}
