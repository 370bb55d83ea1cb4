//! What signs, and whether it did: bytes alone, without a server around them.

mod ed25519;
mod sm2;

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;
use crate::domain::ids::AccountId;
use crate::domain::signature::Algorithm;

/// The secret half of a key.
pub(crate) type Seed = [u8; 32];

/// A way to sign.
pub(crate) trait Scheme {
    /// The public half; none where these bytes are no secret half.
    fn public_key(&self, seed: &Seed) -> Option<Vec<u8>>;

    /// Signs; none where these bytes are no secret half.
    fn sign(&self, seed: &Seed, words: &[u8]) -> Option<Vec<u8>>;

    /// Whether a signature is of these words and this key.
    fn holds(&self, public_key: &[u8], words: &[u8], signature: &[u8]) -> bool;
}

/// The scheme of an algorithm.
pub(crate) fn scheme(algorithm: Algorithm) -> &'static dyn Scheme {
    match algorithm {
        Algorithm::Ed25519 => &ed25519::Ed25519,
        Algorithm::Sm2 => &sm2::Sm2,
    }
}

/// Whether a signature on trial holds, and one of other words does not.
pub fn works(algorithm: Algorithm) -> bool {
    let (scheme, seed) = (scheme(algorithm), [7; 32]);
    let (Some(key), Some(signature)) = (scheme.public_key(&seed), scheme.sign(&seed, b"trial")) else { return false };
    scheme.holds(&key, b"trial", &signature) && !scheme.holds(&key, b"error", &signature)
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignAs {
    /// A member of staff.
    Account(AccountId),
    /// The server, for its institution.
    Server,
}

impl SignAs {
    /// The name under which the key is kept.
    pub(crate) fn owner(self) -> String {
        match self {
            Self::Account(id) => id.to_string(),
            Self::Server => "server".to_owned(),
        }
    }
}

/// What people compare: SHA-256 over the public key.
pub fn fingerprint(public_key: &[u8]) -> String {
    hex(&Sha256::digest(public_key))
}
