//! Whose consent counts for a child: under fourteen it is the guardian's (个人信息保护法 Art. 31).

use jiff::civil::Date;

use super::{ConsentKind, text};
use crate::domain::identity::age_in_years;
use crate::domain::people::Relation;

/// From this age on a patient consents.
const CONSENTS_FROM: u32 = 14;

/// Whether somebody born on this day needs a guardian's consent today.
pub fn is_guarded(born: Date, today: Date) -> bool {
    age_in_years(born, today) < CONSENTS_FROM
}

/// Whether somebody who is related like this can be a guardian.
pub const fn may_be_guardian(relation: Relation) -> bool {
    matches!(relation, Relation::Parent | Relation::Guardian)
}

/// The version of the words that a guardian agrees to: those on sensitive data.
pub fn version() -> &'static str {
    &text(ConsentKind::SensitiveData).version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardian_consents_until_the_day_before_the_fourteenth_birthday() {
        let born = Date::constant(2012, 3, 3);
        assert!(is_guarded(born, Date::constant(2026, 3, 2)));
        assert!(!is_guarded(born, Date::constant(2026, 3, 3)));
        // Whoever was born on the 29th of February is fourteen on the 1st of March where there is none.
        let leap = Date::constant(2012, 2, 29);
        assert!(is_guarded(leap, Date::constant(2026, 2, 28)));
        assert!(!is_guarded(leap, Date::constant(2026, 3, 1)));
    }

    #[test]
    fn only_a_parent_or_a_legal_guardian_consents_for_a_child() {
        let may: Vec<Relation> = Relation::ALL.into_iter().filter(|relation| may_be_guardian(*relation)).collect();
        assert_eq!(may, [Relation::Parent, Relation::Guardian]);
    }
}
