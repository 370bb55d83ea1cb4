//! The audit chain: each entry's hash covers the entry before it.

pub mod checkpoint;
pub mod day;
pub mod merkle;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;
use crate::domain::signature::signed_text;
use crate::domain::time::Timestamp;

/// Who did what to whom, when and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who, as [`crate::domain::permission::Actor::key`] names it.
    pub actor: String,
    /// What, such as `visit.read`.
    pub action: String,
    /// To what, as an id with its kind.
    pub subject: String,
    /// Why, where the act needs a purpose.
    pub purpose: Option<String>,
    /// Particulars, free of clinical text.
    pub detail: Value,
}

/// SHA-256, hexadecimal, over the number, the entry and the hash before it.
pub fn chain_hash(previous: &str, seq: i64, entry: &Entry) -> String {
    chain_hash_as_kept(previous, seq, entry, &entry.detail.to_string())
}

/// The same with the text of the detail as it was kept: JSON that is read and written again may be spelled otherwise.
pub fn chain_hash_as_kept(previous: &str, seq: i64, entry: &Entry, detail: &str) -> String {
    hex(&Sha256::digest(entry_text(previous, seq, entry, detail).as_bytes()))
}

/// What the hashes cover.
fn entry_text(previous: &str, seq: i64, entry: &Entry, detail: &str) -> String {
    let (seq, at) = (seq.to_string(), entry.at.as_millis().to_string());
    signed_text(&[
        ("previous", previous),
        ("seq", &seq),
        ("at", &at),
        ("actor", &entry.actor),
        ("action", &entry.action),
        ("subject", &entry.subject),
        ("purpose", entry.purpose.as_deref().unwrap_or_default()),
        ("detail", detail),
    ])
}

/// An entry as the database and an export hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its number in its institution's chain.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub purpose: Option<String>,
    /// Particulars, letter by letter: the hash covers this text.
    pub detail: String,
    /// The hash of the entry before it.
    pub previous_hash: String,
    /// Its own hash.
    pub hash: String,
}

impl Kept {
    fn text(&self) -> String {
        let (actor, action, subject) = (self.actor.clone(), self.action.clone(), self.subject.clone());
        let entry = Entry { at: self.at, actor, action, subject, purpose: self.purpose.clone(), detail: Value::Null };
        entry_text(&self.previous_hash, self.seq, &entry, &self.detail)
    }

    /// Whether its hash is that of its words. A purpose is never kept empty: the hash cannot tell it from none.
    pub fn is_itself(&self) -> bool {
        self.purpose.as_deref() != Some("") && self.hash == hex(&Sha256::digest(self.text().as_bytes()))
    }

    /// Its leaf in the tree of its day.
    pub fn leaf(&self) -> merkle::Hash {
        merkle::leaf(self.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_change_of_an_entry_changes_its_hash() {
        let entry = Entry {
            at: Timestamp::from_millis(1),
            actor: "account_1".into(),
            action: "visit.read".into(),
            subject: "visit_1".into(),
            purpose: None,
            detail: json!({}),
        };
        let hash = chain_hash("", 1, &entry);
        assert_eq!(hash.len(), 64);
        let changed = [
            chain_hash("x", 1, &entry),
            chain_hash("", 2, &entry),
            chain_hash("", 1, &Entry { actor: "account_2".into(), ..entry.clone() }),
            chain_hash("", 1, &Entry { at: Timestamp::from_millis(2), ..entry.clone() }),
            chain_hash("", 1, &Entry { detail: json!({"a": 1}), ..entry }),
        ];
        assert!(changed.iter().all(|other| *other != hash));
    }
}
