//! What an administrator says of things whose time runs: that a purpose has ended, and that what is due may go.
//!
//! Neither reaches into the future: what is said today covers what was there, or was due, when it was said.

use crate::domain::retention::{Item, RetentionClass, due};
use crate::domain::time::Timestamp;

/// Somebody's word that the purpose of what was declared has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurposeEnd {
    /// Of everything that was stated at or before this moment.
    pub declared_until: Timestamp,
    /// When it was said; the days are counted from here, so that nobody shortens them by a date in the past.
    pub said_at: Timestamp,
}

/// Since when the purpose of something that was stated then has ended, if anybody said so.
pub fn purpose_ended(ends: &[PurposeEnd], stated: Timestamp) -> Option<Timestamp> {
    ends.iter().filter(|end| end.declared_until >= stated).map(|end| end.said_at).min()
}

/// Somebody's word that things of a class may go which were due by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Their class.
    pub class: RetentionClass,
    /// What was due at or before this moment.
    pub due_until: Timestamp,
}

/// The same thing, approved where an approval covers it.
#[must_use]
pub fn approved(item: Item, approvals: &[Approval]) -> Item {
    let due = due(item.class, item.since);
    let covers = |one: &Approval| one.class == item.class && due.is_some_and(|due| due <= one.due_until);
    let is_approved = approvals.iter().any(covers);
    Item { is_approved, ..item }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(i64) -> Timestamp = Timestamp::from_millis;

    fn prescribed(since: i64) -> Item {
        Item {
            class: RetentionClass::PrescriptionToxic,
            subject: "prescription_1".into(),
            visit: None,
            since: Some(AT(since)),
            is_approved: false,
        }
    }

    #[test]
    fn a_purpose_ends_for_what_was_stated_before_and_for_nothing_after() {
        let ends = [
            PurposeEnd { declared_until: AT(10), said_at: AT(50) },
            PurposeEnd { declared_until: AT(20), said_at: AT(40) },
        ];
        assert_eq!(purpose_ended(&ends, AT(10)), Some(AT(40)), "the first word counts");
        assert_eq!(purpose_ended(&ends, AT(20)), Some(AT(40)));
        assert_eq!(purpose_ended(&ends, AT(21)), None);
        assert_eq!(purpose_ended(&[], AT(0)), None);
    }

    #[test]
    fn an_approval_covers_what_was_due_by_then_and_its_own_class_alone() {
        let due = due(RetentionClass::PrescriptionToxic, Some(AT(5))).unwrap();
        let early = Timestamp::from_millis(due.as_millis() - 1);
        let word = |class, due_until| Approval { class, due_until };
        let (toxic, ordinary) = (RetentionClass::PrescriptionToxic, RetentionClass::PrescriptionOrdinary);
        assert!(approved(prescribed(5), &[word(toxic, due)]).is_approved);
        assert!(!approved(prescribed(5), &[word(toxic, early), word(ordinary, due)]).is_approved);
        let open = Item { since: None, ..prescribed(5) };
        assert!(!approved(open, &[word(toxic, due)]).is_approved);
    }
}
