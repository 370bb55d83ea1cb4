//! A day of the audit log, sealed; and the proof that nothing of it was changed since.
//!
//! The chain runs on over the days, and each seal names the one before it: no day can be dropped, put in or put
//! elsewhere. What the chain alone cannot show, because who may write to the database could make it anew from any entry
//! on, the signed seals show; what came after the last seal, the count of entries and the signed head.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Kept;
use super::merkle::Tree;
use crate::domain::hex::hex;
use crate::domain::signature::signed_hash;

/// A day that is over, under one hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaySeal {
    /// Whose log.
    pub institution: String,
    /// Which day, where the hospital stands. An entry that came a moment late is in the seal of the next day.
    #[serde(with = "civil")]
    pub day: Date,
    /// The number of its first entry.
    pub first: i64,
    /// The number of its last entry; one below the first on a day without entries.
    pub last: i64,
    /// The chain's hash after it.
    pub head_hash: String,
    /// The root of the tree of its entries.
    pub root: String,
    /// The root of the day sealed before; nothing for the first.
    pub previous_root: String,
}

impl DaySeal {
    /// What the server's key signs.
    pub fn hash(&self) -> String {
        let (day, first, last) = (self.day.to_string(), self.first.to_string(), self.last.to_string());
        signed_hash(&[
            ("institution", &self.institution),
            ("day", &day),
            ("first", &first),
            ("last", &last),
            ("head_hash", &self.head_hash),
            ("root", &self.root),
            ("previous_root", &self.previous_root),
        ])
    }

    /// Under which subject.
    pub fn subject(&self) -> String {
        format!("audit_day:{}:{}", self.institution, self.day)
    }

    /// How many entries it holds.
    pub const fn entries(&self) -> i64 {
        self.last - self.first + 1
    }
}

/// A date as `2022-12-07`.
mod civil {
    use jiff::civil::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Seals the day after `previous` over its entries, given in order.
#[derive(Clone, Debug)]
pub struct Sealing {
    seal: DaySeal,
    tree: Tree,
}

impl Sealing {
    /// Begins behind the day sealed last.
    pub fn begin(institution: &str, day: Date, previous: Option<&DaySeal>) -> Self {
        let last = previous.map_or(0, |seal| seal.last);
        let seal = DaySeal {
            institution: institution.to_owned(),
            day,
            first: last + 1,
            last,
            head_hash: previous.map(|seal| seal.head_hash.clone()).unwrap_or_default(),
            root: String::new(),
            previous_root: previous.map(|seal| seal.root.clone()).unwrap_or_default(),
        };
        Self { seal, tree: Tree::default() }
    }

    /// Takes the next entry, which must follow from the one before it.
    ///
    /// # Errors
    ///
    /// The chain is broken here: such a day is not sealed.
    pub fn push(&mut self, entry: &Kept) -> Result<(), Break> {
        let step = Step { last: self.seal.last, hash: &self.seal.head_hash };
        step.to(entry).map_err(|what| Break { day: Some(self.seal.day), seq: self.seal.last + 1, what })?;
        self.seal.last = entry.seq;
        self.seal.head_hash.clone_from(&entry.hash);
        self.tree.push(entry.leaf());
        Ok(())
    }

    /// The sealed day.
    pub fn end(self) -> DaySeal {
        DaySeal { root: hex(&self.tree.root()), ..self.seal }
    }
}

/// What is wrong with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The words of an entry are not those that were hashed.
    Changed,
    /// An entry is not there.
    Missing,
    /// An entry is there that was never written.
    Extra,
    /// An entry stands where another stood.
    Order,
    /// The entries of a day are whole among themselves, but not those that were sealed.
    Root,
    /// The seals of the days do not follow from each other, or one is gone.
    Seal,
    /// A seal is not signed by the server's key, or the signature is of other words.
    Signature,
    /// A signed head of the running day is not that of the log, is not signed by the server's key, or is gone.
    Checkpoint,
    /// What somebody signed at this entry is not there as it was signed, or its signature is not.
    Record,
    /// A prescription stands elsewhere than where this entry, the last act on it, left it.
    Standing,
    /// The film that this entry says was stored is of another visit than the one in which it was made.
    Film,
    /// The file beside the database names another entry, another seal, or more than there is.
    Witness,
    /// Heads were signed, and the file beside the database that names them is gone.
    NoWitness,
    /// The day is over, the log went on for more than two days, and no seal is there.
    Unsealed,
}

/// The first place where the log is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// In which sealed day, if in one.
    pub day: Option<Date>,
    /// At which entry.
    pub seq: i64,
    /// What it is.
    pub what: What,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match self.what {
            What::Changed => write!(f, "entry {seq} was changed")?,
            What::Missing => write!(f, "entry {seq} is missing")?,
            What::Extra => write!(f, "entry {seq} was put in")?,
            What::Order => write!(f, "entry {seq} is not the one that stood there")?,
            What::Root => write!(f, "the entries up to {seq} are not those that were sealed")?,
            What::Seal => write!(f, "the seals around entry {seq} do not follow from each other")?,
            What::Signature => write!(f, "the seal up to entry {seq} is not signed by the server's key")?,
            What::Checkpoint => write!(f, "the signed head at entry {seq} is not that of the log, or is gone")?,
            What::Record => write!(f, "what was signed at entry {seq} is not there as it was signed")?,
            What::Standing => write!(f, "the prescription of entry {seq} stands elsewhere than where it left it")?,
            What::Film => write!(f, "the film of entry {seq} is of another visit than the one in which it was made")?,
            What::Witness => write!(f, "entry {seq} is not what the file beside the database says of it, or is gone")?,
            What::NoWitness => {
                return write!(f, "the file beside the database is gone, which named the signed head at entry {seq}");
            }
            What::Unsealed => {
                write!(f, "no day is sealed from entry {seq} on, though one is over since more than two days")?;
            }
        }
        match self.day {
            Some(day) if self.what == What::Unsealed => write!(f, ": {day}"),
            Some(day) => write!(f, ", in the sealed day {day}"),
            None => write!(f, ", after the last sealed day"),
        }
    }
}

/// Where the chain stands, and whether an entry follows.
struct Step<'a> {
    last: i64,
    hash: &'a str,
}

impl Step<'_> {
    fn to(&self, entry: &Kept) -> Result<(), What> {
        let follows = entry.seq == self.last + 1 && entry.previous_hash == self.hash;
        match (entry.seq - self.last, entry.is_itself()) {
            (1, true) if follows => Ok(()),
            (1, true) => Err(What::Order),
            (1, false) => Err(What::Changed),
            (..=0, _) => Err(What::Extra),
            _ => Err(What::Missing),
        }
    }
}

/// The signatures that the server made of sealed days.
pub trait Signed {
    /// Whether the server's key signed this seal.
    fn is_signed(&self, seal: &DaySeal) -> bool;

    /// How many seals it signed.
    fn count(&self) -> usize;
}

/// Goes through a log entry by entry: no part of it need be in memory but one page.
#[derive(Clone, Debug)]
pub struct Verifier {
    seals: std::vec::IntoIter<DaySeal>,
    /// The day in which the next entries are, with what was seen of it.
    open: Option<(DaySeal, Tree)>,
    last: i64,
    hash: String,
    previous_root: String,
}

impl Verifier {
    /// Begins with the seals of all days, in order, and the signatures that were made of such seals.
    ///
    /// # Errors
    ///
    /// The seals do not follow from each other, or are not those that were signed.
    pub fn begin(institution: &str, seals: Vec<DaySeal>, signed: &impl Signed) -> Result<Self, Break> {
        let mut before: Option<&DaySeal> = None;
        for seal in &seals {
            let (last, root) = before.map_or((0, ""), |before| (before.last, &before.root));
            let is_later = before.is_none_or(|before| before.day < seal.day);
            let follows = seal.first == last + 1 && seal.last >= last && seal.previous_root == root;
            if seal.institution != institution || !is_later || !follows {
                return Err(Break { day: Some(seal.day), seq: last + 1, what: What::Seal });
            }
            if !signed.is_signed(seal) {
                return Err(Break { day: Some(seal.day), seq: seal.last, what: What::Signature });
            }
            before = Some(seal);
        }
        if seals.len() < signed.count() {
            // A signature whose seal is gone.
            let (day, last) = before.map_or((None, 0), |seal| (Some(seal.day), seal.last));
            return Err(Break { day, seq: last + 1, what: What::Seal });
        }
        let mut seals = seals.into_iter();
        let open = seals.next().map(|seal| (seal, Tree::default()));
        Ok(Self { seals, open, last: 0, hash: String::new(), previous_root: String::new() })
    }

    /// Begins in the middle, with one day alone, as an export holds it: what was before it stays unproved.
    pub fn of_day(seal: DaySeal, before: String) -> Self {
        let (last, previous_root) = (seal.first - 1, seal.previous_root.clone());
        Self { seals: Vec::new().into_iter(), open: Some((seal, Tree::default())), last, hash: before, previous_root }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// It does not follow, or a day that ended before it is not the one that was sealed.
    pub fn push(&mut self, entry: &Kept) -> Result<(), Break> {
        self.close_days()?;
        let day = self.open.as_ref().map(|(seal, _)| seal.day);
        let step = Step { last: self.last, hash: &self.hash };
        step.to(entry).map_err(|what| Break { day, seq: self.last + 1, what })?;
        self.last = entry.seq;
        self.hash.clone_from(&entry.hash);
        if let Some((_, tree)) = &mut self.open {
            tree.push(entry.leaf());
        }
        Ok(())
    }

    /// Compares each day that ends here with its seal; days without entries are closed one after another.
    fn close_days(&mut self) -> Result<(), Break> {
        while let Some((seal, tree)) = self.open.take_if(|(seal, _)| seal.last == self.last) {
            if hex(&tree.root()) != seal.root || self.hash != seal.head_hash || self.previous_root != seal.previous_root
            {
                return Err(Break { day: Some(seal.day), seq: seal.last, what: What::Root });
            }
            self.previous_root = seal.root;
            self.open = self.seals.next().map(|seal| (seal, Tree::default()));
        }
        Ok(())
    }

    /// Ends the log, which the database counted up to `head`.
    ///
    /// # Errors
    ///
    /// Entries are missing at the end, or there are more than were counted, or a seal has no entries.
    pub fn end(mut self, head: i64) -> Result<i64, Break> {
        self.close_days()?;
        let day = self.open.as_ref().map(|(seal, _)| seal.day);
        if day.is_some() || self.last < head {
            return Err(Break { day, seq: self.last + 1, what: What::Missing });
        }
        if self.last > head {
            return Err(Break { day: None, seq: head + 1, what: What::Extra });
        }
        Ok(self.last)
    }
}

#[cfg(test)]
#[path = "day_tests.rs"]
mod tests;
