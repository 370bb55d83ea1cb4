//! How long what is kept, and what may go.
//!
//! The classes are data, so that a lawyer can read and change them. Nothing goes before its time, nothing that somebody
//! holds, and nothing of a class whose end is an archive: a [`Deletable`] is made by [`may_go`] alone, and only a
//! [`Deletable`] can be written on a certificate.

pub mod acts;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::audit::merkle;
use crate::domain::hex::{hex, unhex};
use crate::domain::time::Timestamp;

/// What is kept alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClass {
    /// 门诊病历: notes and their signatures.
    OutpatientRecord,
    /// 诊疗过程记录: chat, pictures, sound and film of a visit.
    ProcessRecord,
    /// 普通处方、急诊处方、儿科处方.
    PrescriptionOrdinary,
    /// 医疗用毒性药品处方.
    PrescriptionToxic,
    /// 麻醉药品和第一类精神药品处方.
    PrescriptionControlled,
    /// 访问与系统日志.
    AuditLog,
    /// 健康申报.
    Declaration,
    /// 教学录像.
    TeachingRecording,
}

impl RetentionClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::OutpatientRecord,
        Self::ProcessRecord,
        Self::PrescriptionOrdinary,
        Self::PrescriptionToxic,
        Self::PrescriptionControlled,
        Self::AuditLog,
        Self::Declaration,
        Self::TeachingRecording,
    ];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutpatientRecord => "outpatient_record",
            Self::ProcessRecord => "process_record",
            Self::PrescriptionOrdinary => "prescription_ordinary",
            Self::PrescriptionToxic => "prescription_toxic",
            Self::PrescriptionControlled => "prescription_controlled",
            Self::AuditLog => "audit_log",
            Self::Declaration => "declaration",
            Self::TeachingRecording => "teaching_recording",
        }
    }

    /// How long it is kept at least.
    pub fn span(self) -> Duration {
        self.rule().keep.span()
    }

    /// Its rule.
    pub fn rule(self) -> &'static ClassRule {
        let rules = &in_force().classes;
        rules.iter().find(|rule| rule.class == self).expect("a test finds every class in the data")
    }
}

/// From when the time of a class counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountsFrom {
    /// The patient's last visit.
    LastVisit,
    /// The end of the visit.
    VisitEnd,
    /// The day of the prescription.
    Prescribed,
    /// When it was written.
    Written,
    /// When the purpose ended, as an administrator said.
    PurposeEnd,
    /// When the consent ended.
    ConsentEnd,
}

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Years of 366 days each: never less than the calendar's, whatever the zone and wherever the leap years fall.
    Years(u32),
    /// Days.
    Days(u32),
}

impl Keep {
    fn span(self) -> Duration {
        let days = match self {
            Self::Years(years) => years * 366,
            Self::Days(days) => days,
        };
        Duration::from_secs(u64::from(days) * 86_400)
    }
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is put away; this server never deletes it.
    Archive,
    /// A job deletes it.
    Delete,
    /// A job deletes it once an administrator has approved.
    DeleteByApproval,
}

/// The rule of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRule {
    /// Which class.
    pub class: RetentionClass,
    /// From when it counts.
    pub from: CountsFrom,
    /// How long.
    pub keep: Keep,
    /// What happens then.
    pub then: Then,
    /// The law, with its number.
    pub source: String,
    /// Whether the source was read, is remembered, or is a judgement of ours.
    pub evidence: String,
}

/// The rules of this build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRules {
    /// When the data was made.
    pub edition: String,
    /// `draft` until a lawyer has signed it.
    pub status: String,
    /// One rule a class.
    pub classes: Vec<ClassRule>,
}

/// The rules in force.
pub fn in_force() -> &'static ClassRules {
    static RULES: LazyLock<ClassRules> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../retention.json")).expect("a test loads the classes of this build")
    });
    &RULES
}

/// When something of a class may go that counts from `since`; never while that has not come.
pub fn due(class: RetentionClass, since: Option<Timestamp>) -> Option<Timestamp> {
    let rule = class.rule();
    since.filter(|_| rule.then != Then::Archive).map(|since| since + rule.keep.span())
}

/// Something that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its class.
    pub class: RetentionClass,
    /// Its id with its kind, as the audit names it.
    pub subject: String,
    /// The visit to which it belongs, if to one.
    pub visit: Option<String>,
    /// From when its time counts, if that has come.
    pub since: Option<Timestamp>,
    /// Whether an administrator has approved that it goes.
    pub is_approved: bool,
}

/// Somebody's order that something stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What stays: a visit with everything of it, or one thing.
    pub subject: String,
    /// When it was lifted, if it was.
    pub lifted_at: Option<Timestamp>,
}

impl Hold {
    fn keeps(&self, item: &Item, now: Timestamp) -> bool {
        let names = self.subject == item.subject || Some(&self.subject) == item.visit.as_ref();
        names && self.lifted_at.is_none_or(|at| at > now)
    }
}

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// Its class is never deleted.
    ForGood,
    /// What its time counts from has not come.
    NoEnd,
    /// Until then.
    Until(Timestamp),
    /// Somebody holds it.
    Held,
    /// Nobody has approved that it goes.
    Unapproved,
}

/// Something that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletable {
    class: RetentionClass,
    due: Timestamp,
}

impl Deletable {
    /// Its class.
    pub const fn class(&self) -> RetentionClass {
        self.class
    }

    /// Since when it may go.
    pub const fn due(&self) -> Timestamp {
        self.due
    }
}

/// Whether something may go now, for all the holds that there are.
pub fn may_go(item: &Item, now: Timestamp, holds: &[Hold]) -> Result<Deletable, Stays> {
    let then = item.class.rule().then;
    if then == Then::Archive {
        return Err(Stays::ForGood);
    }
    let due = due(item.class, item.since).ok_or(Stays::NoEnd)?;
    if now < due {
        return Err(Stays::Until(due));
    }
    if holds.iter().any(|hold| hold.keeps(item, now)) {
        return Err(Stays::Held);
    }
    if then == Then::DeleteByApproval && !item.is_approved {
        return Err(Stays::Unapproved);
    }
    Ok(Deletable { class: item.class, due })
}

/// What is said of things that went: how many and which, by hashes that give no word of them back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Their class.
    pub class: RetentionClass,
    /// How many.
    pub count: usize,
    /// When the first of them was due.
    pub first_due: Timestamp,
    /// When the last of them was due.
    pub last_due: Timestamp,
    /// The root of the tree over their hashes in order.
    pub hashes_root: String,
    /// The hashes, in order.
    pub hashes: Vec<String>,
}

/// A certificate a class for things that went, each with the SHA-256 of what it held.
pub fn certify(gone: &[(Deletable, String)]) -> Vec<Certificate> {
    let classes: BTreeSet<RetentionClass> = gone.iter().map(|(item, _)| item.class).collect();
    let of = |class| {
        let own = || gone.iter().filter(move |(item, _)| item.class == class);
        let mut hashes: Vec<String> = own().map(|(_, hash)| hash.clone()).collect();
        hashes.sort();
        let dues = || own().map(|(item, _)| item.due);
        Some(Certificate {
            class,
            count: hashes.len(),
            first_due: dues().min()?,
            last_due: dues().max()?,
            hashes_root: root(&hashes),
            hashes,
        })
    };
    classes.into_iter().filter_map(of).collect()
}

/// The root over hashes in their order.
pub fn root(hashes: &[String]) -> String {
    // A hash that is none counts by its letters: a certificate is never refused for what it certifies.
    let leaf = |hash: &String| merkle::leaf(&unhex(hash).unwrap_or_else(|| hash.clone().into_bytes()));
    hex(&merkle::root(&hashes.iter().map(leaf).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests;
