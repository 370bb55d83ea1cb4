//! A network as operators write it: `10.0.0.0/8`, or one address; which addresses count as one; and whose a request is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither an address nor a network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl Network {
    /// Whether an address is in it; one of IPv4 may come over a mapped address of IPv6.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                (ours.to_bits() ^ other.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                (ours.to_bits() ^ other.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let none = || NoNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address = address.parse::<IpAddr>().map_err(|_| none())?.to_canonical();
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| none())?;
        if prefix > longest { Err(none()) } else { Ok(Self { address, prefix }) }
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whoever has an IPv6 network has 2⁶⁴ addresses: they count as one.
pub fn group(address: IpAddr) -> IpAddr {
    masked(address, 64)
}

/// What one customer is given: of IPv6 256 such networks, of IPv4 an address. Behind a carrier of mobile telephones each of the
/// 256 may be somebody else; so by blocks is counted what is about one name or one number, and whatever has room for several.
pub fn block(address: IpAddr) -> IpAddr {
    masked(address, 56)
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - prefix)))),
        },
    }
}

/// For whom a proxy asks.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever asks: the peer, or, when that is a proxy that the operator trusts, the last address in the lines
/// of [`FORWARDED_FOR`] that is none. What stands before it was written by a stranger.
pub fn behind_proxies<'a>(peer: IpAddr, lines: impl Iterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut address = peer;
    for name in named.iter().rev() {
        if !trusted.iter().any(|network| network.contains(address)) {
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

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.1"),
            ("10.1.2.3/8", "::ffff:10.9.9.9", "::1"),
            ("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.2"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "127.0.0.1"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "clinic.example"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn of_ipv6_a_network_counts_as_one_and_a_customers_networks_are_one_block() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(group(ip("2001:db8:0:1234::9")), ip("2001:db8:0:1234::"));
        assert_eq!(block(ip("2001:db8:0:1234::9")), ip("2001:db8:0:1200::"));
        assert_eq!(block(group(ip("2001:db8:0:12ff:1:2:3:4"))), ip("2001:db8:0:1200::"));
        for own in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!((group(ip(own)), block(ip(own))), (ip("192.0.2.1"), ip("192.0.2.1")));
        }
    }
}
