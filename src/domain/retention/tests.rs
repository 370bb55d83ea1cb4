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
    (subject, prop::option::of(0_i64..4_000_000_000_000))
        .prop_map(|(subject, lifted)| Hold { subject: subject.into(), lifted_at: lifted.map(Timestamp::from_millis) })
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
