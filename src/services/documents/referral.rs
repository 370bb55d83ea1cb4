//! The referral slip (转诊单): which visits have one, and what its code stands for.

use crate::domain::signature::signed_hash;
use crate::domain::text::Text;
use crate::domain::visit::Outcome;
use crate::store::VisitRow;

/// How the visit ends and where that sends the patient; nothing where it sends nobody anywhere.
pub(super) fn of(visit: &VisitRow) -> Option<(Outcome, Text)> {
    visit.outcome.and_then(|outcome| Some((outcome, outcome.refers_to()?)))
}

/// What a slip says: the signed note, by its hash, where the patient is sent, and why. SHA-256, hexadecimal.
pub(super) fn hash(note: &str, outcome: Outcome, reason: Option<&str>) -> String {
    let mut parts = vec![("referral", note), ("outcome", outcome.as_str())];
    parts.extend(reason.map(|reason| ("reason", reason)));
    signed_hash(&parts)
}

/// Whether this is the slip of the note as its visit ends now, and not one that was printed before the doctor thought
/// otherwise.
pub(super) fn is_of(visit: &VisitRow, note: &str, slip: &str) -> bool {
    of(visit).is_some_and(|(outcome, _)| hash(note, outcome, visit.outcome_reason.as_deref()) == slip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_of_one_note_one_outcome_and_one_reason() {
        let slip = hash("abc", Outcome::GoToHospital, Some("需做胸部影像检查"));
        assert_ne!(slip, hash("abd", Outcome::GoToHospital, Some("需做胸部影像检查")));
        assert_ne!(slip, hash("abc", Outcome::Emergency120, Some("需做胸部影像检查")));
        assert_ne!(slip, hash("abc", Outcome::GoToHospital, Some("需面诊")));
        assert_ne!(slip, hash("abc", Outcome::GoToHospital, None));
        assert_ne!(slip, "abc", "a record's code is no slip's");
    }
}
