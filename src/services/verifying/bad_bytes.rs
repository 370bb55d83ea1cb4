//! The envelope of a signature as a function of a stranger's bytes: libFuzzer's target `envelope` in `fuzz/`, and the replay
//! of its corpus in every run of the tests.
//!
//! A function that returns has proved its promises; a promise that is broken is a panic. The bytes say what is signed and
//! how; the key is ours, for a fuzzer cannot guess a signature.

#![expect(clippy::unwrap_used, reason = "this is no part of the server")]

use crate::domain::hex::hex;
use crate::domain::signature::signed_words;
use crate::protocol::proof::ExportSignature;
use crate::services::signing::scheme;
use crate::services::verifying::verify_export;

const SECRET: [u8; 32] = [7; 32];

/// What somebody sends as a signature, or as a whole file.
pub fn envelope(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(proved) = verify_export(text, None) {
        // Authentic is always somebody's.
        verify_export(text, Some(&proved.fingerprint)).unwrap();
        verify_export(text, Some("00")).unwrap_err();
    }
    let Ok(sent) = serde_json::from_str::<ExportSignature>(text) else { return };
    let holds = |one: &ExportSignature| one.holds_for(sent.purpose, &one.subject, &sent.hash);
    let capitals = |digits: &str| digits.to_uppercase();
    let renamed = |one: &ExportSignature| ExportSignature { subject: format!("{}.", one.subject), ..one.clone() };
    let in_capitals = |one: &ExportSignature| {
        let (public_key, bytes) = (capitals(&one.public_key), capitals(&one.bytes));
        [ExportSignature { public_key, ..one.clone() }, ExportSignature { bytes, ..one.clone() }]
    };
    let is_one = |one: &ExportSignature| {
        assert!(!holds(&renamed(one)), "a signature is of one subject: {one:?}");
        for other in in_capitals(one) {
            assert!(other == *one || !holds(&other), "a signature is written in one way: {other:?}");
        }
    };
    if holds(&sent) {
        is_one(&sent);
    }
    let (scheme, words) =
        (scheme(sent.algorithm), signed_words(sent.purpose, &sent.subject, &sent.hash, &sent.key, sent.at));
    let (key, signature) = (scheme.public_key(&SECRET).unwrap(), scheme.sign(&SECRET, words.as_bytes()).unwrap());
    let own = ExportSignature { public_key: hex(&key), bytes: hex(&signature), ..sent.clone() };
    assert!(holds(&own), "what was signed holds: {own:?}");
    is_one(&own);
    assert!(own.bytes == sent.bytes || !holds(&ExportSignature { bytes: sent.bytes.clone(), ..own.clone() }));
}

#[cfg(test)]
#[expect(clippy::duplicate_mod, reason = "`media` replays by it, too, and neither may name the other")]
#[path = "../../../fuzz/replay.rs"]
mod replaying;

#[cfg(test)]
mod tests {
    #[test]
    fn no_envelope_breaks_a_promise() {
        super::replaying::replay("envelope", super::envelope);
    }
}
