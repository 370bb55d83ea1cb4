//! Ed25519 (RFC 8032), by aws-lc.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::{Scheme, Seed};

/// The default way to sign.
pub(super) struct Ed25519;

fn pair(seed: &Seed) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed")
}

impl Scheme for Ed25519 {
    fn public_key(&self, seed: &Seed) -> Option<Vec<u8>> {
        Some(pair(seed).public_key().as_ref().to_vec())
    }

    fn sign(&self, seed: &Seed, words: &[u8]) -> Option<Vec<u8>> {
        Some(pair(seed).sign(words).as_ref().to_vec())
    }

    fn holds(&self, public_key: &[u8], words: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key).verify(words, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hex::{hex, unhex};

    #[test]
    fn the_first_vectors_of_rfc_8032_come_out() {
        let seed: Seed =
            unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap().try_into().unwrap();
        let public = Ed25519.public_key(&seed).unwrap();
        assert_eq!(hex(&public), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let signature = Ed25519.sign(&seed, b"").unwrap();
        assert!(hex(&signature).starts_with("e5564300c360ac729086e2cc806e828a"));
        assert!(Ed25519.holds(&public, b"", &signature));
        assert!(!Ed25519.holds(&public, b"x", &signature));
        assert!(!Ed25519.holds(&public[..31], b"", &signature));
    }
}
