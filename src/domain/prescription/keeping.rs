//! How long a prescription is kept: by the strictest thing on it.

use crate::domain::herb::gate::is_controlled_medicine;
use crate::domain::herb::{HerbSet, NeverOnline, Toxicity};
use crate::domain::prescription::{Content, Line};
use crate::domain::retention::RetentionClass;

/// The class of a prescription (处方管理办法 Art. 50). What nobody can name with certainty is kept as long as a
/// controlled drug is: whatever it was, that is not too early.
pub fn class_of(content: &Content, set: &HerbSet) -> RetentionClass {
    match content {
        Content::Herbal(sheet) => {
            let classes = sheet.read(set).iter().map(of_line).max();
            classes.unwrap_or(RetentionClass::PrescriptionOrdinary)
        }
        Content::Medicines(sheet) if sheet.items.iter().any(|item| is_controlled_medicine(&item.name)) => {
            RetentionClass::PrescriptionControlled
        }
        Content::Medicines(_) => RetentionClass::PrescriptionOrdinary,
    }
}

fn of_line(line: &Line) -> RetentionClass {
    match line.herb {
        None => RetentionClass::PrescriptionControlled,
        Some(herb) if herb.never == Some(NeverOnline::Controlled) => RetentionClass::PrescriptionControlled,
        Some(herb) if herb.never.is_some() || herb.toxicity == Some(Toxicity::Great) => {
            RetentionClass::PrescriptionToxic
        }
        Some(_) => RetentionClass::PrescriptionOrdinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::herb::Milligrams;
    use crate::domain::prescription::{HerbLine, Medicine, MedicineKind, Medicines};

    fn herbal(names: &[&str]) -> RetentionClass {
        let line = |name: &&str| HerbLine {
            written: (*name).to_owned(),
            herb: None,
            mg: Milligrams(3000),
            method: None,
            role: None,
            remark: String::new(),
        };
        let mut content = Content::empty_herbal();
        if let Content::Herbal(sheet) = &mut content {
            sheet.lines = names.iter().map(line).collect();
        }
        class_of(&content, HerbSet::shipped())
    }

    fn medicine(name: &str) -> RetentionClass {
        let items = vec![Medicine {
            name: name.to_owned(),
            kind: MedicineKind::Western,
            strength: "1".into(),
            dose: "1".into(),
            times_per_day: 1,
            days: 1,
            remark: String::new(),
        }];
        class_of(&Content::Medicines(Medicines { items }), HerbSet::shipped())
    }

    #[test]
    fn a_sheet_is_kept_as_long_as_its_strictest_line() {
        assert_eq!(herbal(&["茯苓", "甘草"]), RetentionClass::PrescriptionOrdinary);
        assert_eq!(herbal(&["茯苓", "生川乌"]), RetentionClass::PrescriptionToxic);
        assert_eq!(herbal(&["罂粟壳", "生川乌"]), RetentionClass::PrescriptionControlled);
        assert_eq!(herbal(&[]), RetentionClass::PrescriptionOrdinary);
        assert_eq!(medicine("布洛芬"), RetentionClass::PrescriptionOrdinary);
        assert_eq!(medicine("吗啡片"), RetentionClass::PrescriptionControlled);
    }

    #[test]
    fn what_nobody_can_name_is_kept_longest() {
        assert_eq!(herbal(&["茯苓", "无名草"]), RetentionClass::PrescriptionControlled);
        assert_eq!(herbal(&["贝母"]), RetentionClass::PrescriptionControlled, "a trap names two");
    }
}
