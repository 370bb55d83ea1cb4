//! How long what is kept, and what may go.
//!
//! The classes are data, so that a lawyer can read and change them. Nothing goes before its time, nothing that somebody
//! holds, and nothing of a class whose end is an archive: a [`Deletable`] is made by [`may_go`] alone, and only a
//! [`Deletable`] can be written on a certificate.

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
        serde_json::from_str(include_str!("retention.json")).expect("a test loads the classes of this build")
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
    subject: String,
    due: Timestamp,
}

impl Deletable {
    /// What it is.
    pub fn subject(&self) -> &str {
        &self.subject
    }

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
    Ok(Deletable { class: item.class, subject: item.subject.clone(), due })
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn item(class: RetentionClass, since: Option<i64>) -> Item {
        Item {
            class,
            subject: "message_1".into(),
            visit: Some("visit_1".into()),
            since: since.map(Timestamp::from_millis),
            is_approved: true,
        }
    }

    #[test]
    fn every_class_has_one_rule_with_its_source() {
        let rules = &in_force().classes;
        let classes: Vec<_> = rules.iter().map(|rule| rule.class).collect();
        assert_eq!(classes, RetentionClass::ALL);
        for rule in rules {
            assert!(!rule.source.is_empty());
            assert!(["found", "recall", "judgement"].contains(&rule.evidence.as_str()), "{rule:?}");
            let word = serde_json::to_value(rule.class).unwrap();
            assert_eq!(word, rule.class.as_str());
        }
        assert_eq!(in_force().status, "draft", "a lawyer signs it first");
    }

    #[test]
    fn the_years_are_those_of_the_law() {
        let keep = |class: RetentionClass| class.rule().keep;
        assert_eq!(keep(RetentionClass::OutpatientRecord), Keep::Years(15));
        assert_eq!(keep(RetentionClass::ProcessRecord), Keep::Years(3));
        assert_eq!(keep(RetentionClass::PrescriptionOrdinary), Keep::Years(1));
        assert_eq!(keep(RetentionClass::PrescriptionToxic), Keep::Years(2));
        assert_eq!(keep(RetentionClass::PrescriptionControlled), Keep::Years(3));
    }

    #[test]
    fn a_note_and_the_audit_never_go() {
        for class in [RetentionClass::OutpatientRecord, RetentionClass::AuditLog] {
            let old = item(class, Some(0));
            assert_eq!(may_go(&old, Timestamp::from_millis(i64::MAX), &[]), Err(Stays::ForGood));
        }
    }

    #[test]
    fn a_declaration_stays_until_somebody_says_that_its_purpose_ended() {
        let now = Timestamp::from_millis(DAY * 40);
        assert_eq!(may_go(&item(RetentionClass::Declaration, None), now, &[]), Err(Stays::NoEnd));
        assert!(may_go(&item(RetentionClass::Declaration, Some(0)), now, &[]).is_ok());
    }

    #[test]
    fn a_prescription_goes_only_by_approval() {
        let asked = Item { is_approved: false, ..item(RetentionClass::PrescriptionOrdinary, Some(0)) };
        let now = Timestamp::from_millis(DAY * 366);
        assert_eq!(may_go(&asked, now, &[]), Err(Stays::Unapproved));
        assert!(may_go(&Item { is_approved: true, ..asked }, now, &[]).is_ok());
    }

    #[test]
    fn a_hold_on_a_visit_keeps_everything_of_it_until_it_is_lifted() {
        let chat = item(RetentionClass::ProcessRecord, Some(0));
        let now = Timestamp::from_millis(DAY * 366 * 3);
        let hold = |subject: &str, lifted: Option<i64>| Hold {
            subject: subject.into(),
            lifted_at: lifted.map(Timestamp::from_millis),
        };
        assert_eq!(may_go(&chat, now, &[hold("visit_1", None)]), Err(Stays::Held));
        assert_eq!(may_go(&chat, now, &[hold("message_1", None)]), Err(Stays::Held));
        assert_eq!(may_go(&chat, now, &[hold("visit_1", Some(now.as_millis() + 1))]), Err(Stays::Held));
        assert!(may_go(&chat, now, &[hold("visit_2", None)]).is_ok());
        assert!(may_go(&chat, now, &[hold("visit_1", Some(0))]).is_ok());
        // A second hold outlives the first one's lifting.
        assert_eq!(may_go(&chat, now, &[hold("visit_1", Some(0)), hold("visit_1", None)]), Err(Stays::Held));
    }

    #[test]
    fn a_certificate_counts_and_hashes_what_went_class_by_class() {
        let gone = |class, since, hash: &str| {
            let item = item(class, Some(since));
            let now = Timestamp::from_millis(DAY * 10_000);
            (may_go(&item, now, &[]).unwrap(), hash.to_owned())
        };
        let [process, declared] = [RetentionClass::ProcessRecord, RetentionClass::Declaration];
        let all = [gone(process, 5, "bb"), gone(declared, 0, "cc"), gone(process, 1, "aa")];
        let certificates = certify(&all);
        let [first, second] = &certificates[..] else { panic!("one a class") };
        assert_eq!((first.class, first.count, second.class, second.count), (process, 2, declared, 1));
        assert_eq!(first.hashes, ["aa", "bb"]);
        assert_eq!(first.last_due.as_millis() - first.first_due.as_millis(), 4);
        assert_eq!(first.hashes_root, hex(&merkle::root(&[merkle::leaf(&[0xaa]), merkle::leaf(&[0xbb])])));
        assert!(certify(&[]).is_empty());
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let class = prop::sample::select(RetentionClass::ALL.to_vec());
        (class, prop::option::of(-2_000_000_000_000_i64..4_000_000_000_000), 0_u8..3, any::<bool>()).prop_map(
            |(class, since, visit, is_approved)| Item {
                visit: (visit > 0).then(|| format!("visit_{visit}")),
                is_approved,
                ..item(class, since)
            },
        )
    }

    fn any_hold() -> impl Strategy<Value = Hold> {
        let subject = prop::sample::select(vec!["visit_1", "visit_2", "message_1", "message_2"]);
        (subject, prop::option::of(0_i64..4_000_000_000_000)).prop_map(|(subject, lifted)| Hold {
            subject: subject.into(),
            lifted_at: lifted.map(Timestamp::from_millis),
        })
    }

    proptest! {
        #[test]
        fn nothing_goes_before_its_time(item in any_item(), wait in 0_i64..40, holds in prop::collection::vec(any_hold(), 0..4)) {
            let years = |n: i64| n * 366 * DAY;
            let since = item.since.map_or(0, Timestamp::as_millis);
            // Any hour, and the very moment and the one before it.
            let due = due(item.class, item.since);
            let around = due.map_or(0, Timestamp::as_millis);
            for now in [since + years(wait) / 2, around - 1, around, around + 1].map(Timestamp::from_millis) {
                let least = match item.class {
                    RetentionClass::ProcessRecord | RetentionClass::PrescriptionControlled => Some(3 * 365 * DAY),
                    RetentionClass::PrescriptionOrdinary => Some(365 * DAY),
                    RetentionClass::PrescriptionToxic => Some(2 * 365 * DAY),
                    RetentionClass::Declaration => Some(30 * DAY),
                    RetentionClass::TeachingRecording => Some(0),
                    RetentionClass::OutpatientRecord | RetentionClass::AuditLog => None,
                };
                if let Ok(gone) = may_go(&item, now, &holds) {
                    prop_assert!(least.is_some_and(|least| now.as_millis() - since >= least), "{:?} went at {:?}", item, now);
                    prop_assert!(item.since.is_some() && gone.due() <= now);
                    let held = |hold: &Hold| hold.lifted_at.is_none_or(|at| at > now)
                        && (hold.subject == item.subject || Some(&hold.subject) == item.visit.as_ref());
                    prop_assert!(!holds.iter().any(held), "a hold was not heard");
                    let asks = item.class.rule().then == Then::DeleteByApproval;
                    prop_assert!(item.is_approved || !asks);
                }
            }
        }

        #[test]
        fn no_year_is_shorter_than_the_calendars(since in 0_i64..4_000_000_000_000) {
            let start = jiff::Timestamp::from_millisecond(since).unwrap();
            for zone in ["Pacific/Kiritimati", "Asia/Shanghai", "Pacific/Pago_Pago"] {
                let there = start.in_tz(zone).unwrap();
                let later = there.checked_add(jiff::Span::new().years(3)).unwrap().timestamp().as_millisecond();
                prop_assert!(due(RetentionClass::ProcessRecord, Some(Timestamp::from_millis(since))).unwrap().as_millis() >= later);
            }
        }
    }
}
