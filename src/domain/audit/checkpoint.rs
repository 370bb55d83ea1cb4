//! The signed head of the running day: what the seal of a day is for the days that are over, this is for today.
//!
//! The chain alone cannot show that its end was cut off, nor that somebody who may write to the database made its end anew.
//! A head that was signed meanwhile shows both, up to the hour in which it was signed.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::Kept;
use super::day::{Break, What};
use crate::domain::signature::signed_hash;
use crate::domain::time::Timestamp;

/// Where a log stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log.
    pub institution: String,
    /// The number of its newest entry then.
    pub seq: i64,
    /// That entry's hash.
    pub head_hash: String,
    /// When.
    pub at: Timestamp,
}

impl Checkpoint {
    /// What the server's key signs.
    pub fn hash(&self) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.as_millis().to_string());
        signed_hash(&[("institution", &self.institution), ("seq", &seq), ("head_hash", &self.head_hash), ("at", &at)])
    }

    /// Under which subject.
    pub fn subject(&self) -> String {
        format!("audit_checkpoint:{}:{}", self.institution, self.seq)
    }
}

/// Compares a log with its signed heads, entry by entry.
pub struct Watch {
    points: Peekable<IntoIter<Checkpoint>>,
}

impl Watch {
    /// Begins with the heads that were signed, by their numbers.
    pub fn begin(points: Vec<Checkpoint>) -> Self {
        Self { points: points.into_iter().peekable() }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// It is not the one that stood there when the head was signed.
    pub fn push(&mut self, entry: &Kept) -> Result<(), Break> {
        while let Some(point) = self.points.next_if(|point| point.seq <= entry.seq) {
            if point.seq != entry.seq || point.head_hash != entry.hash {
                return Err(Break { day: None, seq: point.seq, what: What::Checkpoint });
            }
        }
        Ok(())
    }

    /// Ends at the log's last entry.
    ///
    /// # Errors
    /// There were more entries when a head was signed.
    pub fn end(mut self, last: i64) -> Result<(), Break> {
        match self.points.next() {
            None => Ok(()),
            Some(_) => Err(Break { day: None, seq: last + 1, what: What::Missing }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64) -> Kept {
        Kept {
            seq,
            at: Timestamp::from_millis(seq),
            actor: "account_1".into(),
            action: "visit.read".into(),
            subject: "visit_1".into(),
            purpose: None,
            detail: "{}".into(),
            previous_hash: String::new(),
            hash: format!("hash {seq}"),
        }
    }

    fn point(seq: i64, head: &str) -> Checkpoint {
        let (institution, head_hash, at) = ("institution_1".into(), head.into(), Timestamp::from_millis(9));
        Checkpoint { institution, seq, head_hash, at }
    }

    /// What is found of a log of so many entries.
    fn found(points: Vec<Checkpoint>, entries: i64) -> Option<(i64, What)> {
        let mut watch = Watch::begin(points);
        let walked = (1..=entries).try_for_each(|seq| watch.push(&entry(seq)));
        walked.and_then(|()| watch.end(entries)).err().map(|broken| (broken.seq, broken.what))
    }

    #[test]
    fn a_log_that_grew_since_its_head_was_signed_is_whole() {
        assert_eq!(found(vec![point(2, "hash 2"), point(4, "hash 4")], 5), None);
        assert_eq!(found(Vec::new(), 5), None);
    }

    #[test]
    fn an_end_that_was_cut_off_or_made_anew_is_found() {
        assert_eq!(found(vec![point(2, "hash 2"), point(4, "hash 4")], 3), Some((4, What::Missing)));
        assert_eq!(found(vec![point(2, "hash 2"), point(4, "other")], 5), Some((4, What::Checkpoint)));
    }

    #[test]
    fn another_number_head_or_hour_is_another_text() {
        let one = point(1, "a");
        let others = [
            point(2, "a"),
            point(1, "b"),
            Checkpoint { at: Timestamp::from_millis(8), ..one.clone() },
            Checkpoint { institution: "institution_2".into(), ..one.clone() },
        ];
        assert!(others.iter().all(|other| other.hash() != one.hash()));
    }
}
