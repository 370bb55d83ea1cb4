//! A doctor's own formula: a sheet of herbs without what stood there for one patient alone.

use super::content::{Content, Herbal};

/// Formulas that one doctor keeps at once.
pub const KEPT_LIMIT: usize = 100;

impl Herbal {
    /// The sheet as it is kept for other patients: without the words to this one, and without where it came from.
    #[must_use]
    pub fn as_template(self) -> Self {
        Self { formula: None, remark: String::new(), ..self.in_order() }
    }

    /// The kept sheet as it is inserted: it says from what.
    #[must_use]
    pub fn from_template(self, name: &str) -> Self {
        Self { formula: Some(name.to_owned()), ..self }
    }
}

impl From<Herbal> for Content {
    fn from(sheet: Herbal) -> Self {
        Self::Herbal(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::herb::{HerbSet, Milligrams};
    use crate::domain::note::templates::NAME_LIMIT;
    use crate::domain::prescription::{HerbLine, Role};

    fn line(written: &str, role: Role) -> HerbLine {
        let (mg, remark) = (Milligrams(9000), "打碎".to_owned());
        HerbLine { written: written.into(), herb: None, mg, method: None, role: Some(role), remark }
    }

    #[test]
    fn a_template_keeps_the_herbs_in_their_order_and_nothing_of_the_patient() {
        let Content::Herbal(sheet) = Content::empty_herbal() else { unreachable!("it is herbal") };
        let lines = vec![line("炙甘草", Role::Guide), line("桂枝", Role::Chief)];
        let written =
            Herbal { lines, formula: Some("桂枝汤".into()), remark: "张先生忌生冷".into(), doses: 7, ..sheet };
        let kept = written.as_template();
        assert_eq!(kept.lines, [line("桂枝", Role::Chief), line("炙甘草", Role::Guide)]);
        assert_eq!((&kept.formula, kept.remark.as_str(), kept.doses), (&None, "", 7));
        assert_eq!(kept.clone().as_template(), kept);
    }

    #[test]
    fn what_is_inserted_says_from_what_and_fits_the_sheet_under_the_longest_name() {
        let Content::Herbal(sheet) = Content::empty_herbal() else { unreachable!("it is herbal") };
        let inserted = sheet.from_template(&"方".repeat(NAME_LIMIT));
        assert_eq!(inserted.formula.as_deref().map(|name| name.chars().count()), Some(NAME_LIMIT));
        assert_eq!(Content::from(inserted).check(HerbSet::shipped()), Ok(()));
    }
}
