//! TURN messages (RFC 8656): bytes in, values out. Strangers write to this parser, so every length is checked first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::media::stun::{
    self, COOKIE, HEADER, Key, MESSAGE_INTEGRITY, TAG, Transaction, USERNAME, Writer, XOR_MAPPED_ADDRESS, xor_address,
};

pub(super) const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const CHANNEL_NUMBER: u16 = 0x000c;
pub(super) const LIFETIME: u16 = 0x000d;
pub(super) const XOR_PEER_ADDRESS: u16 = 0x0012;
pub(super) const DATA: u16 = 0x0013;
pub(super) const REALM: u16 = 0x0014;
pub(super) const NONCE: u16 = 0x0015;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
pub(super) const REQUESTED_TRANSPORT: u16 = 0x0019;
const DONT_FRAGMENT: u16 = 0x001a;
/// Attributes below this must be understood, or the request be refused (RFC 8489, section 14).
const OPTIONAL_FROM: u16 = 0x8000;

/// A Data indication's type.
pub(super) const DATA_INDICATION: u16 = 0x0017;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Binding,
    Allocate,
    Refresh,
    CreatePermission,
    ChannelBind,
    /// A Send indication; it is never answered.
    Send,
}

impl Method {
    fn of(kind: u16) -> Option<Self> {
        match kind {
            0x0001 => Some(Self::Binding),
            0x0003 => Some(Self::Allocate),
            0x0004 => Some(Self::Refresh),
            0x0008 => Some(Self::CreatePermission),
            0x0009 => Some(Self::ChannelBind),
            0x0016 => Some(Self::Send),
            _ => None,
        }
    }

    fn number(self) -> u16 {
        match self {
            Self::Binding => 1,
            Self::Allocate => 3,
            Self::Refresh => 4,
            Self::Send => 6,
            Self::CreatePermission => 8,
            Self::ChannelBind => 9,
        }
    }
}

/// A refusal, with the words that RFC 8656 gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    UnknownAttribute,
    AllocationMismatch,
    StaleNonce,
    AddressFamilyNotSupported,
    WrongCredentials,
    UnsupportedTransport,
    AllocationQuotaReached,
}

impl Refusal {
    fn words(self) -> (u8, u8, &'static str) {
        match self {
            Self::BadRequest => (4, 0, "Bad Request"),
            Self::Unauthorized => (4, 1, "Unauthorized"),
            Self::Forbidden => (4, 3, "Forbidden"),
            Self::UnknownAttribute => (4, 20, "Unknown Attribute"),
            Self::AllocationMismatch => (4, 37, "Allocation Mismatch"),
            Self::StaleNonce => (4, 38, "Stale Nonce"),
            Self::AddressFamilyNotSupported => (4, 40, "Address Family not Supported"),
            Self::WrongCredentials => (4, 41, "Wrong Credentials"),
            Self::UnsupportedTransport => (4, 42, "Unsupported Transport Protocol"),
            Self::AllocationQuotaReached => (4, 86, "Allocation Quota Reached"),
        }
    }
}

/// An address family that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
    Other,
}

/// A request or a Send indication whose form is right.
#[derive(Debug)]
pub(super) struct Request<'a> {
    bytes: &'a [u8],
    pub(super) method: Method,
    pub(super) transaction: Transaction,
    pub(super) username: Option<&'a str>,
    pub(super) realm: Option<&'a str>,
    pub(super) nonce: Option<&'a str>,
    pub(super) lifetime: Option<u32>,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) data: Option<&'a [u8]>,
    pub(super) channel: Option<u16>,
    pub(super) transport: Option<u8>,
    pub(super) family: Option<Family>,
    pub(super) unknown: Vec<u16>,
    seal_at: Option<usize>,
}

impl<'a> Request<'a> {
    /// Reads a message; `None` when it is not one that a client sends.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        if !stun::is_stun(bytes) || usize::from(number(2)?) != bytes.len() - HEADER || !bytes.len().is_multiple_of(4) {
            return None;
        }
        let mut request = Self {
            bytes,
            method: Method::of(number(0)?)?,
            transaction: bytes[8..HEADER].try_into().ok()?,
            username: None,
            realm: None,
            nonce: None,
            lifetime: None,
            peers: Vec::new(),
            data: None,
            channel: None,
            transport: None,
            family: None,
            unknown: Vec::new(),
            seal_at: None,
        };
        let mut at = HEADER;
        while at < bytes.len() {
            let (kind, length) = (number(at)?, usize::from(number(at + 2)?));
            let value = bytes.get(at + 4..at + 4 + length)?;
            let text = || std::str::from_utf8(value).ok();
            match kind {
                USERNAME => request.username = text(),
                REALM => request.realm = text(),
                NONCE => request.nonce = text(),
                LIFETIME => request.lifetime = Some(u32::from_be_bytes(value.try_into().ok()?)),
                XOR_PEER_ADDRESS => request.peers.push(read_address(value, request.transaction)?),
                DATA => request.data = Some(value),
                CHANNEL_NUMBER => request.channel = Some(u16::from_be_bytes(value.get(..2)?.try_into().ok()?)),
                REQUESTED_TRANSPORT => request.transport = value.first().copied(),
                REQUESTED_ADDRESS_FAMILY => {
                    request.family = Some(match value.first()? {
                        1 => Family::V4,
                        2 => Family::V6,
                        _ => Family::Other,
                    });
                }
                DONT_FRAGMENT => {}
                MESSAGE_INTEGRITY => {
                    // What follows the seal is not covered by it, so it is not read.
                    request.seal_at = (length == TAG).then_some(at);
                    break;
                }
                _ if kind < OPTIONAL_FROM => request.unknown.push(kind),
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(request)
    }

    /// Whether there is a seal at all.
    pub(super) fn is_sealed(&self) -> bool {
        self.seal_at.is_some()
    }

    /// Tells whether the sender knew the password behind `key`.
    pub(super) fn is_sealed_with(&self, key: &Key) -> bool {
        self.seal_at.is_some_and(|at| key.has_sealed(self.bytes, at))
    }

    /// A success, sealed if it has a key.
    pub(super) fn success(&self, details: Success, key: Option<&Key>) -> Option<Vec<u8>> {
        let mut message = Writer::new(0x0100 | self.method.number(), self.transaction);
        if let Some(relayed) = details.relayed {
            message.attribute(XOR_RELAYED_ADDRESS, &xor_address(relayed, self.transaction));
        }
        if let Some(mapped) = details.mapped {
            message.attribute(XOR_MAPPED_ADDRESS, &xor_address(mapped, self.transaction));
        }
        if let Some(lifetime) = details.lifetime {
            message.attribute(LIFETIME, &lifetime.to_be_bytes());
        }
        match key {
            Some(key) => message.seal(key),
            None => Some(message.open()),
        }
    }

    /// A refusal. `nonce` is given to those who shall prove who they are.
    pub(super) fn refusal(&self, refusal: Refusal, nonce: Option<(&str, &str)>) -> Vec<u8> {
        let mut message = Writer::new(0x0110 | self.method.number(), self.transaction);
        let (class, number, reason) = refusal.words();
        message.attribute(ERROR_CODE, &[&[0, 0, class, number], reason.as_bytes()].concat());
        if refusal == Refusal::UnknownAttribute {
            let unknown: Vec<u8> = self.unknown.iter().take(8).flat_map(|kind| kind.to_be_bytes()).collect();
            message.attribute(UNKNOWN_ATTRIBUTES, &unknown);
        }
        if let Some((realm, nonce)) = nonce {
            message.attribute(REALM, realm.as_bytes());
            message.attribute(NONCE, nonce.as_bytes());
        }
        message.open()
    }
}

/// What a success tells.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Success {
    pub(super) relayed: Option<SocketAddr>,
    pub(super) mapped: Option<SocketAddr>,
    pub(super) lifetime: Option<u32>,
}

/// A Data indication: what `peer` sent.
pub(super) fn data_indication(transaction: Transaction, peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut message = Writer::new(DATA_INDICATION, transaction);
    message.attribute(XOR_PEER_ADDRESS, &xor_address(peer, transaction));
    message.attribute(DATA, data);
    message.open()
}

/// `ChannelData`: the number and the bytes in a frame of four bytes.
pub(super) fn channel_data(channel: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(8 + data.len());
    frame.extend(channel.to_be_bytes());
    frame.extend(u16::try_from(data.len()).expect("a datagram is shorter than 64 KiB").to_be_bytes());
    frame.extend(data);
    frame
}

/// The number and the bytes of a `ChannelData` message; what follows them is padding.
pub(super) fn read_channel_data(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let channel = u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
    let length = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    Some((channel, bytes.get(4..4 + usize::from(length))?)).filter(|_| is_channel(channel))
}

/// Whether a number may name a channel (RFC 8656, section 12).
pub(super) fn is_channel(number: u16) -> bool {
    (0x4000..0x5000).contains(&number)
}

fn read_address(value: &[u8], transaction: Transaction) -> Option<SocketAddr> {
    let mask = [&COOKIE[..], &transaction].concat();
    let plain = |from: &[u8]| from.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>();
    let port = u16::from_be_bytes(plain(value.get(2..4)?).try_into().ok()?);
    let ip = match (value.get(1)?, value.len()) {
        (1, 8) => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(plain(&value[4..])).ok()?)),
        (2, 20) => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(plain(&value[4..])).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_that_was_written_is_read_again() {
        for text in ["203.0.113.7:8443", "[2001:db8::7]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(read_address(&xor_address(address, [9; 12]), [9; 12]), Some(address));
        }
    }

    #[test]
    fn channel_data_is_read_without_its_padding() {
        let mut frame = channel_data(0x4001, b"abcde");
        frame.extend([0; 3]);
        assert_eq!(read_channel_data(&frame), Some((0x4001, &b"abcde"[..])));
        assert_eq!(read_channel_data(&frame[..7]), None, "cut short");
        assert_eq!(read_channel_data(&channel_data(0x6000, b"x")), None, "not a channel's number");
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            if bytes.len() >= HEADER {
                bytes.truncate(bytes.len() / 4 * 4);
                bytes[0] = 0;
                bytes[1] %= 10;
                let length = u16::try_from(bytes.len() - HEADER).unwrap();
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&COOKIE);
            }
            let _ = (Request::parse(&bytes), read_channel_data(&bytes));
        }
    }
}
