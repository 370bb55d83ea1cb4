//! The right to use a TURN server, as a name and a password that need no table.
//!
//! The scheme is the one that coturn calls `use-auth-secret` and that every TURN server knows: the name says until when
//! it is good and for whom, the password is a keyed hash of the name. Whoever holds the secret can check both.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use uuid::Uuid;

use crate::domain::ids::ParticipantId;
use crate::domain::time::Timestamp;

/// How long a right can be used to begin something; what was begun goes on while its owner has a seat.
pub const TURN_GOOD_FOR: Duration = Duration::from_hours(1);
/// The domain of the rights, as STUN calls it.
pub const REALM: &str = "yunzhen";
/// Nobody's seat: the self-test of `yunzhen doctor`.
pub const SELF_TEST: ParticipantId = ParticipantId::from_uuid(Uuid::nil());
/// The name under which the self-test knocks at the media port.
pub const KNOCK: &str = "yunzhen-doctor";

/// What names and passwords are made from.
#[derive(Clone)]
pub struct TurnSecret(Vec<u8>);

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

impl TurnSecret {
    /// The secret that was agreed with a TURN server.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// Our own server's secret, of the operator's; nobody can go from it to another key of ours.
    pub fn derive(operator: &[u8]) -> Self {
        let mut key = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::new(None, operator).expand(b"turn", &mut key).expect("32 bytes are a valid length");
        Self(key.to_vec())
    }

    /// The password of a name.
    pub fn password(&self, username: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(username.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// Until when, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnName {
    /// The end of the right.
    pub until: Timestamp,
    /// Its owner.
    pub participant: ParticipantId,
}

impl TurnName {
    /// A name that is good for [`TURN_GOOD_FOR`].
    pub fn new(participant: ParticipantId, now: Timestamp) -> Self {
        Self { until: now + TURN_GOOD_FOR, participant }
    }

    /// Reads `expiry:participant`.
    pub fn parse(text: &str) -> Option<Self> {
        let (until, participant) = text.split_once(':')?;
        let until = until.parse::<i64>().ok()?.checked_mul(1000)?;
        Some(Self { until: Timestamp::from_millis(until), participant: participant.parse().ok()? })
    }
}

impl fmt::Display for TurnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.until.as_secs(), self.participant.as_uuid().simple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_one_that_coturn_computes() {
        // HMAC-SHA-1 under "key" of a sentence that every implementation is tried with.
        let secret = TurnSecret::new("key");
        assert_eq!(secret.password("The quick brown fox jumps over the lazy dog"), "3nybhbi3iqa8ino29wqQcBydtNk=");
    }

    #[test]
    fn a_name_says_until_when_and_for_whom() {
        let participant = ParticipantId::from_uuid(Uuid::from_u128(7));
        let name = TurnName::new(participant, Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(name.to_string(), "1700003600:00000000000000000000000000000007");
        assert_eq!(TurnName::parse(&name.to_string()), Some(name));
        for broken in ["", "1700003600", "x:y", "1700003600:", ":7", "9223372036854775807:0", "1:2:3"] {
            assert_eq!(TurnName::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", TurnSecret::new("do not tell")), "TurnSecret(…)");
    }
}
