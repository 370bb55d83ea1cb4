//! The referral slip (转诊单): which visits have one, and what its code stands for.

use crate::domain::signature::signed_hash;
use crate::domain::text::Text;
use crate::domain::visit::Outcome;
use crate::store::VisitRow;

/// How the visit ends and where that sends the patient; nothing where it sends nobody anywhere.
pub(super) fn of(visit: &VisitRow) -> Option<(Outcome, Text)> {
    visit.outcome.and_then(|outcome| Some((outcome, outcome.refers_to()?)))
}

/// What a slip says: the signed note, by its hash, and the outcome. SHA-256, hexadecimal.
pub(super) fn hash(note: &str, outcome: Outcome) -> String {
    signed_hash(&[("referral", note), ("outcome", outcome.as_str())])
}

/// The outcome that stands on a printed slip of this note; nothing where it is no slip of it.
pub(super) fn printed(note: &str, slip: &str) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .filter(|outcome| outcome.refers_to().is_some())
        .find(|outcome| hash(note, *outcome) == slip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_known_by_its_note_and_its_outcome() {
        let slip = hash("abc", Outcome::GoToHospital);
        assert_eq!(printed("abc", &slip), Some(Outcome::GoToHospital));
        assert_eq!(printed("abd", &slip), None, "another note");
        assert_eq!(printed("abc", &hash("abc", Outcome::HomeCare)), None, "nobody is referred home");
        assert_ne!(slip, "abc", "a record's code is no slip's");
    }
}
