//! Signatures as the tests of this folder need them.

use crate::domain::hex::hex;
use crate::domain::signature::{Algorithm, Purpose, signed_words};
use crate::domain::time::Timestamp;
use crate::protocol::proof::ExportSignature;
use crate::services::signing::scheme;

/// `owner` signs a hash for a purpose; everybody has the same key.
pub(super) fn signature_of(subject: &str, owner: &str, purpose: Purpose, hash: &str) -> ExportSignature {
    let (scheme, seed, at) = (scheme(Algorithm::Ed25519), [7; 32], Timestamp::from_millis(2));
    let words = signed_words(purpose, subject, hash, "key_1", at);
    ExportSignature {
        purpose,
        subject: subject.to_owned(),
        hash: hash.to_owned(),
        at,
        key: "key_1".to_owned(),
        owner: owner.to_owned(),
        algorithm: Algorithm::Ed25519,
        public_key: hex(&scheme.public_key(&seed).expect("a seed makes a key")),
        bytes: hex(&scheme.sign(&seed, words.as_bytes()).expect("a seed signs")),
    }
}
