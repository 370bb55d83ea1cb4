//! STUN as an ICE-lite server needs it (RFC 8489, RFC 8445): binding requests in, binding successes out.
//!
//! Pure: bytes in, values out. Strangers write to this parser, so every length is checked before it is believed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rtc::crypto::{HashAlgorithm, HmacAlgorithm, RTCCryptoProvider};

use crate::domain::first_byte::FirstByte;

pub(super) const HEADER: usize = 20;
pub(super) const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
pub(super) const USERNAME: u16 = 0x0006;
pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
/// A SHA-1 tag.
pub(super) const TAG: usize = 20;

/// The number that joins an answer to its question.
pub(super) type Transaction = [u8; 12];

/// What a STUN message is about, as far as we care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A binding request.
    Request,
    /// A binding success.
    Success,
    /// Anything else: indications, errors, other methods.
    Other,
}

/// A message whose form is right; whether its sender knows the password is for [`Message::is_sealed_with`] to say.
#[derive(Debug)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    pub(super) class: Class,
    pub(super) transaction: Transaction,
    username: Option<&'a str>,
    /// The sender asks to use this path (`USE-CANDIDATE`).
    pub(super) nominates: bool,
    /// Where the integrity attribute begins.
    seal_at: Option<usize>,
}

/// Tells whether a datagram on the shared port is STUN and not DTLS, RTP or RTCP.
pub(super) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && FirstByte::of(bytes[0]) == FirstByte::Stun && bytes[4..8] == COOKIE
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` when it is not a well-formed STUN message.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        if !is_stun(bytes) || usize::from(number(2)?) != bytes.len() - HEADER || !bytes.len().is_multiple_of(4) {
            return None;
        }
        let class = match number(0)? {
            REQUEST => Class::Request,
            SUCCESS => Class::Success,
            _ => Class::Other,
        };
        let transaction = bytes[8..HEADER].try_into().ok()?;
        let mut message = Self { bytes, class, transaction, username: None, nominates: false, seal_at: None };
        let mut at = HEADER;
        while at < bytes.len() {
            let (kind, length) = (number(at)?, usize::from(number(at + 2)?));
            let value = bytes.get(at + 4..at + 4 + length)?;
            match kind {
                USERNAME => message.username = std::str::from_utf8(value).ok(),
                USE_CANDIDATE => message.nominates = true,
                MESSAGE_INTEGRITY => {
                    // What follows the seal is not covered by it, so we do not read it.
                    message.seal_at = (length == TAG).then_some(at);
                    break;
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(message)
    }

    /// Our half of `USERNAME`: the part before the colon.
    pub(super) fn local_ufrag(&self) -> Option<&'a str> {
        self.username?.split(':').next()
    }

    /// `USERNAME`: ours and theirs.
    pub(super) fn names(&self) -> Option<(&'a str, &'a str)> {
        self.username?.split_once(':')
    }

    /// Tells whether the sender knew the password behind `key`.
    pub(super) fn is_sealed_with(&self, key: &Key) -> bool {
        self.seal_at.is_some_and(|at| key.has_sealed(self.bytes, at))
    }
}

/// A password, ready to seal and to check.
#[derive(Clone)]
pub(super) struct Key {
    password: Vec<u8>,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Key {
    /// The short-term key of an ICE password (RFC 8489, section 9.1.1).
    pub(super) fn new(password: &str, crypto: Arc<dyn RTCCryptoProvider>) -> Self {
        Self { password: password.as_bytes().to_vec(), crypto }
    }

    /// A key of any bytes.
    pub(super) fn of_bytes(bytes: &[u8], crypto: Arc<dyn RTCCryptoProvider>) -> Self {
        Self { password: bytes.to_vec(), crypto }
    }

    /// The long-term key of a name and its password (RFC 8489, section 9.2.2); `None` if the crypto provider fails.
    pub(super) fn long_term(
        username: &str,
        realm: &str,
        password: &str,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Option<Self> {
        let text = format!("{username}:{realm}:{password}");
        let password = crypto.crypto().hash(HashAlgorithm::Md5, text.as_bytes()).ok()?;
        Some(Self { password, crypto })
    }

    /// A tag over `parts`.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> Option<[u8; TAG]> {
        let mut tag = [0; TAG];
        self.crypto.crypto().new_hmac(HmacAlgorithm::Sha1, &self.password).ok()?.sign(parts, &mut tag).ok()?;
        Some(tag)
    }

    /// Tells whether `tag` was made of `parts` with this key, in a time that does not depend on where they differ.
    pub(super) fn is_tag(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        let mac = self.crypto.crypto().new_hmac(HmacAlgorithm::Sha1, &self.password);
        mac.is_ok_and(|mut mac| mac.verify(parts, tag).is_ok())
    }

    /// Tells whether the integrity attribute at `at` of a message is right.
    pub(super) fn has_sealed(&self, bytes: &[u8], at: usize) -> bool {
        let Some(tag) = bytes.get(at + 4..at + 4 + TAG) else { return false };
        let covered = u16::try_from(at + 4 + TAG - HEADER).expect("a datagram is shorter than 64 KiB");
        self.is_tag(&[&bytes[..2], &covered.to_be_bytes(), &bytes[4..at]], tag)
    }
}

/// A binding success that tells the asker `mapped`, the address we saw it at; `None` if the crypto provider fails.
pub(super) fn success(transaction: Transaction, mapped: SocketAddr, key: &Key) -> Option<Vec<u8>> {
    let mut message = Writer::new(SUCCESS, transaction);
    message.attribute(XOR_MAPPED_ADDRESS, &xor_address(mapped, transaction));
    message.seal(key)
}

/// An address as attributes carry it (RFC 8489, section 14.2).
pub(super) fn xor_address(address: SocketAddr, transaction: Transaction) -> Vec<u8> {
    let mut value = vec![0, if address.is_ipv4() { 1 } else { 2 }];
    let mask = [&COOKIE[..], &transaction].concat();
    value.extend(address.port().to_be_bytes().iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
    match address.ip() {
        IpAddr::V4(ip) => value.extend(ip.octets().iter().zip(&mask).map(|(byte, mask)| byte ^ mask)),
        IpAddr::V6(ip) => value.extend(ip.octets().iter().zip(&mask).map(|(byte, mask)| byte ^ mask)),
    }
    value
}

/// A binding request of a controlling agent that nominates its path; `None` if the crypto provider fails.
pub(super) fn nomination(transaction: Transaction, username: &str, key: &Key) -> Option<Vec<u8>> {
    let mut message = Writer::new(REQUEST, transaction);
    message.attribute(USERNAME, username.as_bytes());
    message.attribute(PRIORITY, &0x6e00_01ff_u32.to_be_bytes());
    message.attribute(ICE_CONTROLLING, &transaction[..8]);
    message.attribute(USE_CANDIDATE, &[]);
    message.seal(key)
}

/// A binding request of the controlled agent; `None` if the crypto provider fails. Only whoever reads it can answer.
pub(super) fn question(transaction: Transaction, username: &str, key: &Key) -> Option<Vec<u8>> {
    let mut message = Writer::new(REQUEST, transaction);
    message.attribute(USERNAME, username.as_bytes());
    message.attribute(PRIORITY, &0x6e00_01ff_u32.to_be_bytes());
    message.attribute(ICE_CONTROLLED, &transaction[..8]);
    message.seal(key)
}

/// A message being written.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(kind: u16, transaction: Transaction) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self(bytes)
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(u16::try_from(value.len()).expect("our attributes are short").to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.set_length(self.0.len());
    }

    fn set_length(&mut self, end: usize) {
        let length = u16::try_from(end - HEADER).expect("our messages are short");
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
    }

    /// Adds `MESSAGE-INTEGRITY` and `FINGERPRINT`; each covers a header whose length already counts it.
    pub(super) fn seal(mut self, key: &Key) -> Option<Vec<u8>> {
        self.set_length(self.0.len() + 4 + TAG);
        let tag = key.tag(&[&self.0])?;
        self.attribute(MESSAGE_INTEGRITY, &tag);
        self.set_length(self.0.len() + 8);
        let fingerprint = crc32(&self.0) ^ 0x5354_554e;
        self.attribute(FINGERPRINT, &fingerprint.to_be_bytes());
        Some(self.0)
    }

    /// The message without a seal: what is said to strangers, and what is only passed on.
    pub(super) fn open(self) -> Vec<u8> {
        self.0
    }
}

/// CRC-32 as in ITU V.42. Bit by bit: a few messages a second, of a hundred bytes, deserve no table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(password: &str) -> Key {
        Key::new(password, rtc::crypto::default_provider().expect("a provider is compiled in"))
    }

    /// RFC 5769, section 2.1: a request with a short-term credential.
    fn sample_request() -> Vec<u8> {
        let hex = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
                   002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
                   000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_sample_request_of_rfc_5769_is_read_and_its_seal_checked() {
        let bytes = sample_request();
        let message = Message::parse(&bytes).expect("well-formed");
        assert_eq!(message.class, Class::Request);
        assert_eq!(message.local_ufrag(), Some("evtj"));
        assert!(!message.nominates);
        assert!(message.is_sealed_with(&key("VOkJxbRl1RmTxUk/WvJxBt")));
        assert!(!message.is_sealed_with(&key("VOkJxbRl1RmTxUk/WvJxBu")));
        assert_eq!(crc32(&bytes[..bytes.len() - 8]) ^ 0x5354_554e, 0xe57a_3bcf, "its fingerprint");
    }

    #[test]
    fn what_we_write_we_can_read() {
        let key = key("a password of twenty-two");
        let bytes = nomination([7; 12], "ours:theirs", &key).expect("sealed");
        let message = Message::parse(&bytes).expect("well-formed");
        assert!(message.nominates && message.is_sealed_with(&key));
        assert_eq!(message.local_ufrag(), Some("ours"));
        let bytes = success([7; 12], "192.0.2.1:32853".parse().unwrap(), &key).expect("sealed");
        let message = Message::parse(&bytes).expect("well-formed");
        assert_eq!((message.class, message.transaction), (Class::Success, [7; 12]));
        assert!(message.is_sealed_with(&key));
    }

    #[test]
    fn a_nomination_behind_the_seal_is_not_believed() {
        let key = key("a password of twenty-two");
        let mut forged = Writer::new(REQUEST, [1; 12]);
        forged.attribute(USERNAME, b"ours:theirs");
        let mut forged = Writer(forged.seal(&key).expect("sealed"));
        forged.attribute(USE_CANDIDATE, &[]);
        let message = Message::parse(&forged.0).expect("well-formed");
        assert!(message.is_sealed_with(&key) && !message.nominates);
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(message) = Message::parse(&bytes) {
                let _ = (message.local_ufrag(), message.is_sealed_with(&key("x")));
            }
        }

        #[test]
        fn no_damage_to_a_request_causes_a_panic_or_passes(at in any::<prop::sample::Index>(), flipped in 1_u8..) {
            let mut bytes = sample_request();
            // The last eight bytes are the fingerprint, which the seal does not cover.
            let at = at.index(bytes.len() - 8);
            bytes[at] ^= flipped;
            let passes = Message::parse(&bytes).is_some_and(|m| m.is_sealed_with(&key("VOkJxbRl1RmTxUk/WvJxBt")));
            // The header's length is replaced by the covered one before the seal is computed.
            prop_assert!(!passes);
        }
    }
}
