//! How often a network address may knock at the doors that need no token, and how often a password may be wrong.
//!
//! A token bucket for each, in memory: it slows a stranger down, while what must hold across restarts (codes sent, tries of
//! a code) is counted in the database. A family or a ward behind one address stays below it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};

use axum::Extension;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use utoipa_axum::router::OpenApiRouter;

use crate::config::{FORWARDED_FOR, Network, behind_proxies, block, group};
use crate::domain::time::Timestamp;
use crate::http::error::HttpError;
use crate::http::known::Known;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::known_places::{First, Standing};
use crate::services::pacing::{Limits, Rate};
use crate::services::refusal::Refusal;

/// Requests of one address: a page asks for a few things at once, a ward has many pages.
pub const REQUESTS: Rate = Rate::new(60, 200);
/// Requests of one block of IPv6: as many as of four networks in it.
const BLOCK_REQUESTS: Rate = Rate::new(240, 50);
/// Wrong passwords for one name from one address, or one block of IPv6: who has forgotten theirs tries a few, and then one a minute.
const WRONG_HERE: Rate = Rate::new(10, 60_000);
/// Wrong passwords for one name from anywhere but where its owner has signed in from: some nine thousand guesses a day at
/// most. A single address runs into [`WRONG_HERE`] long before, and several keep the owner from a new place at most.
const WRONG_ANYWHERE: Rate = Rate::new(60, 10_000);

/// Wrong passwords, by name. They make whoever guesses slow, and lock nobody out for ever: each bucket fills by itself, and
/// a right password takes nothing.
#[derive(Debug)]
pub struct WrongPasswords {
    here: Limits<(String, Place)>,
    anywhere: Limits<String>,
    /// Where a second factor is on, its wrong codes: only who knows the password takes something of them.
    codes: Limits<String>,
    /// Where a second factor is on, wrong passwords from anywhere: beyond them the code is asked for before one is looked at.
    before_codes: Limits<String>,
}

impl Default for WrongPasswords {
    fn default() -> Self {
        Self {
            here: Limits::new(WRONG_HERE),
            anywhere: Limits::new(WRONG_ANYWHERE),
            codes: Limits::new(WRONG_ANYWHERE),
            before_codes: Limits::new(WRONG_ANYWHERE),
        }
    }
}

impl WrongPasswords {
    /// Takes one try, which counts as wrong until [`Self::end`], and says what is looked at first; or how many seconds to wait.
    pub fn begin(&self, name: &str, place: Place, standing: Standing, now: Timestamp) -> Result<First, u32> {
        let here = here(name, place, standing);
        self.here.take(here.clone(), now)?;
        let Some(elsewhere) = self.elsewhere(standing) else { return Ok(First::Password) };
        elsewhere.take(name.to_owned(), now).inspect_err(|_| self.here.give_back(&here))?;
        if standing != Standing::SecondFactor {
            return Ok(First::Password);
        }
        Ok(self.before_codes.take(name.to_owned(), now).map_or_else(First::Code, |()| First::Password))
    }

    /// What was wrong with a try, if anything.
    pub fn end(&self, name: &str, place: Place, standing: Standing, first: First, wrong: Option<ErrorCode>) {
        if wrong.is_none() {
            self.here.give_back(&here(name, place, standing));
        }
        // Beyond the bound nothing was taken of it.
        let is_taken = standing == Standing::SecondFactor && first == First::Password;
        if is_taken && wrong != Some(ErrorCode::BadCredentials) {
            self.before_codes.give_back(&name.to_owned());
        }
        let counts = match standing {
            // Passwords that are guessed at open nothing there, so guesses at them keep no owner with the code from any place.
            Standing::SecondFactor => wrong == Some(ErrorCode::SecondFactorWrong),
            Standing::KnownBrowser | Standing::Known | Standing::Stranger => wrong.is_some(),
        };
        if let Some(elsewhere) = self.elsewhere(standing)
            && !counts
        {
            elsewhere.give_back(&name.to_owned());
        }
    }

    /// Where a try counts besides; in a known browser and at a known place only there.
    const fn elsewhere(&self, standing: Standing) -> Option<&Limits<String>> {
        match standing {
            Standing::KnownBrowser | Standing::Known => None,
            Standing::SecondFactor => Some(&self.codes),
            Standing::Stranger => Some(&self.anywhere),
        }
    }
}

/// Where a try counts. A stranger's whole block is one place; but where the owner is known it is their network alone, for the
/// others of the block may be strangers, who guess on purpose.
fn here(name: &str, place: Place, standing: Standing) -> (String, Place) {
    let place = match place {
        Place::Address(address) if standing != Standing::Known => Place::Address(block(address)),
        Place::Address(_) | Place::Browser(_) => place,
    };
    (name.to_owned(), place)
}

/// Where somebody tries: in a browser in which the owner of the name has signed in, whoever else is at its address, or else
/// at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The network address.
    Address(IpAddr),
    /// The browser.
    Browser([u8; 16]),
}

/// The requests at a door, by network address and by block; of browsers in which somebody has signed in, by browser.
#[derive(Debug)]
struct Door {
    addresses: Limits<IpAddr>,
    blocks: Limits<IpAddr>,
    browsers: Limits<[u8; 16]>,
}

impl Default for Door {
    fn default() -> Self {
        let (addresses, browsers) = (Limits::new(REQUESTS), Limits::new(REQUESTS));
        Self { addresses, blocks: Limits::new(BLOCK_REQUESTS), browsers }
    }
}

impl Door {
    /// Takes one request, or says how many seconds to wait.
    fn knock(&self, address: IpAddr, now: Timestamp) -> Result<(), u32> {
        self.addresses.take(address, now)?;
        if address.is_ipv4() {
            return Ok(());
        }
        self.blocks.take(block(address), now).inspect_err(|_| self.addresses.give_back(&address))
    }
}

/// Gives the routes of a file a limit of their own; their handlers ask for [`Allowed`].
pub fn limited(routes: OpenApiRouter<Arc<Services>>) -> OpenApiRouter<Arc<Services>> {
    routes.layer(Extension(Arc::new(Door::default())))
}

/// The network address of whoever asks; of IPv6 the network.
pub struct Address(pub IpAddr);

impl FromRequestParts<Arc<Services>> for Address {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let trusted = &services.config.trusted_proxies;
        if is_unheeded(peer, &parts.headers, trusted) {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                tracing::warn!(
                    "X-Forwarded-For came from a peer that YUNZHEN_TRUSTED_PROXIES does not name: if it is a proxy, all \
                     behind it share one rate limit"
                );
            });
        }
        Ok(Self(group(behind_proxies(peer, forwarded_for(&parts.headers), trusted))))
    }
}

/// The network address of a request that was allowed.
pub struct Allowed(pub IpAddr);

impl FromRequestParts<Arc<Services>> for Allowed {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let Address(address) = Address::from_request_parts(parts, services).await?;
        if let Some(door) = parts.extensions.get::<Arc<Door>>() {
            let now = services.clock.now();
            let knocked = match Known::of(&parts.headers, services).0 {
                // A ward's visitors take nothing from it.
                Some(browser) => door.browsers.take(browser.id(), now),
                None => door.knock(address, now),
            };
            knocked.map_err(too_often)?;
        }
        Ok(Self(address))
    }
}

/// Wait so long.
pub fn too_often(seconds: u32) -> HttpError {
    let refusal = Refusal::new(ErrorCode::RateLimited, "too many requests from this address");
    HttpError(Refusal { retry_after: Some(seconds), ..refusal })
}

/// Whether a proxy that the operator does not trust, or somebody who plays one, says for whom it asks.
fn is_unheeded(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> bool {
    headers.contains_key(FORWARDED_FOR) && !trusted.iter().any(|network| network.contains(peer))
}

/// The lines that proxies wrote.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok())
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

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_that_is_not_trusted_is_noticed_and_one_in_a_trusted_network_is_believed() {
        let headers = HeaderMap::from_iter([(FORWARDED_FOR.parse().unwrap(), "203.0.113.9".parse().unwrap())]);
        assert!(is_unheeded(ip("10.1.2.3"), &headers, &[]));
        assert!(!is_unheeded(ip("10.1.2.3"), &HeaderMap::new(), &[]));
        let trusted = [network("10.0.0.0/8")];
        assert!(!is_unheeded(ip("10.1.2.3"), &headers, &trusted));
        assert_eq!(behind_proxies(ip("10.1.2.3"), forwarded_for(&headers), &trusted), ip("203.0.113.9"));
    }

    #[test]
    fn a_proxy_may_write_a_port_and_may_itself_come_over_a_mapped_address() {
        let trusted = [network("127.0.0.1")];
        let behind = |peer: &str, said: &'static str| {
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), said.parse().unwrap())]);
            behind_proxies(ip(peer), forwarded_for(&headers), &trusted)
        };
        assert_eq!(behind("127.0.0.1", "203.0.113.9:5555"), ip("203.0.113.9"));
        assert_eq!(behind("127.0.0.1", "[2001:db8::1]:443"), ip("2001:db8::1"));
        assert_eq!(behind("127.0.0.1", "[2001:db8::1]"), ip("2001:db8::1"));
        assert_eq!(behind("::ffff:127.0.0.1", "203.0.113.9"), ip("203.0.113.9"));
    }

    #[test]
    fn an_address_has_a_burst_and_then_five_a_second() {
        let limits = Limits::new(REQUESTS);
        for _ in 0..60 {
            assert_eq!(limits.take(group(ip("192.0.2.1")), at(0)), Ok(()));
        }
        assert_eq!(limits.take(group(ip("192.0.2.1")), at(0)), Err(1));
        assert_eq!(limits.take(group(ip("192.0.2.2")), at(0)), Ok(()));
        assert_eq!(limits.take(group(ip("192.0.2.1")), at(199)), Err(1));
        assert_eq!(limits.take(group(ip("192.0.2.1")), at(200)), Ok(()));
        assert_eq!(limits.take(group(ip("192.0.2.1")), at(200)), Err(1));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one() {
        let limits = Limits::new(REQUESTS);
        for n in 0..60 {
            assert_eq!(limits.take(group(ip(&format!("2001:db8::{n:x}"))), at(0)), Ok(()));
        }
        assert_eq!(limits.take(group(ip("2001:db8::ffff")), at(0)), Err(1));
        assert_eq!(limits.take(group(ip("2001:db8:0:1::1")), at(0)), Ok(()));
    }

    #[test]
    fn a_customers_networks_of_ipv6_have_together_what_four_have() {
        let door = Door::default();
        let of = |customer: u8, network: u8| group(ip(&format!("2001:db8:0:{customer:x}{network:02x}::1")));
        let passed = (0..=255).flat_map(|n| [of(1, n); 10]).filter(|one| door.knock(*one, at(0)).is_ok()).count();
        assert_eq!(passed, 240);
        assert_eq!(door.knock(of(1, 255), at(50)), Ok(()));
        assert_eq!(door.knock(of(2, 0), at(0)), Ok(()), "another customer");
        for _ in 0..300 {
            door.knock(ip("192.0.2.1"), at(0)).ok();
        }
        assert_eq!(door.knock(ip("192.0.2.2"), at(0)), Ok(()));
    }

    #[test]
    fn a_customer_guesses_at_a_name_as_from_one_address_and_at_its_owners_place_a_neighbour_takes_nothing() {
        let wrong = WrongPasswords::default();
        let of = |network: u8| group(ip(&format!("2001:db8:0:1{network:02x}::1")));
        let of = |network| Place::Address(of(network));
        let tried = (0..=255).filter(|n| wrong.begin("doctor", of(*n), Standing::Stranger, at(0)).is_ok()).count();
        assert_eq!(tried, 10);
        assert_eq!(
            wrong.begin("doctor", of(7), Standing::Known, at(0)),
            Ok(First::Password),
            "the owner is known there"
        );
        wrong.end("doctor", of(9), Standing::Stranger, First::Password, None);
        assert_eq!(
            wrong.begin("doctor", of(3), Standing::Stranger, at(0)),
            Ok(First::Password),
            "what was right costs nothing"
        );
        assert!(wrong.begin("doctor", of(3), Standing::Stranger, at(0)).is_err());
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().unwrap());
        let (proxy, trusted, stranger) = (ip("127.0.0.1"), network("127.0.0.1"), ip("192.0.2.1"));
        assert_eq!(behind_proxies(stranger, forwarded_for(&headers), &[trusted]), stranger);
        assert_eq!(behind_proxies(proxy, forwarded_for(&headers), &[]), proxy);
        // The proxy appended the address that it saw; what stands before it, the stranger wrote.
        assert_eq!(behind_proxies(proxy, forwarded_for(&headers), &[trusted]), ip("198.51.100.7"));
        assert_eq!(
            behind_proxies(proxy, forwarded_for(&headers), &[trusted, network("198.51.100.7")]),
            ip("203.0.113.9")
        );
    }
}
