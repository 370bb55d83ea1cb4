//! The ten items that a pharmacist judges (医疗机构处方审核规范, drawn together; a hospital's pharmacy confirms the wording).

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suitability {
    /// Head, body and signatures are complete.
    Form,
    /// The diagnosis is stated and the medicine fits it.
    Indication,
    /// The names are the right ones.
    Names,
    /// Dose and course.
    Dose,
    /// Way of taking, decoction methods.
    Method,
    /// Oppositions and interactions.
    Pairs,
    /// Pregnancy, nursing, age, other illness.
    Contraindications,
    /// Allergies, tests.
    Allergy,
    /// The same twice.
    Duplicates,
    /// Toxic and controlled substances, quantity.
    Limits,
}

/// All ten, in the order of the sheet.
pub const SUITABILITY: [Suitability; 10] = [
    Suitability::Form,
    Suitability::Indication,
    Suitability::Names,
    Suitability::Dose,
    Suitability::Method,
    Suitability::Pairs,
    Suitability::Contraindications,
    Suitability::Allergy,
    Suitability::Duplicates,
    Suitability::Limits,
];

impl Suitability {
    /// In words.
    pub fn name(self) -> Text {
        match self {
            Self::Form => Text::new("处方格式与签名完整", "Form and signatures are complete"),
            Self::Indication => Text::new("用药与诊断相符", "The medicine fits the diagnosis"),
            Self::Names => Text::new("药名规范、品种明确", "The names are right and clear"),
            Self::Dose => Text::new("用量与疗程适宜", "Dose and course fit"),
            Self::Method => Text::new("煎法与用法正确", "Decoction and use are right"),
            Self::Pairs => Text::new("配伍禁忌与相互作用", "Oppositions and interactions"),
            Self::Contraindications => {
                Text::new("妊娠、哺乳、年龄与禁忌", "Pregnancy, nursing, age, contraindications")
            }
            Self::Allergy => Text::new("过敏史", "Allergies"),
            Self::Duplicates => Text::new("有无重复用药", "No medicine twice"),
            Self::Limits => Text::new("毒性、特殊药品与数量", "Toxic and controlled substances, quantity"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_ten_items_each_once_and_in_both_languages() {
        let different: std::collections::BTreeSet<_> = SUITABILITY.into_iter().collect();
        assert_eq!(different.len(), 10);
        assert!(SUITABILITY.iter().all(|item| !item.name().is_incomplete()));
    }
}
