//! The pharmacist's queue and judgement.

mod queue;
mod review;
mod warned;

use crate::domain::hex::hex;
use crate::domain::visit::signed_text;
use sha2::{Digest as _, Sha256};

/// What a pharmacist's signature covers: the hash that the doctor signed, and the judgement.
pub(crate) fn review_hash(hash: &str, review: &str) -> String {
    hex(&Sha256::digest(signed_text(&[("hash", hash), ("review", review)]).as_bytes()))
}

/// Under which subject a pharmacist signs.
pub(crate) fn review_subject(prescription: &str) -> String {
    format!("{prescription}/review")
}
