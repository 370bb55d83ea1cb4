//! What the gate has to know of the patient.

use serde::{Deserialize, Serialize};

use crate::domain::note::exams::Pregnancy as Examined;
use crate::domain::people::Sex;
use crate::domain::prescription::{Content, Span};

/// Whether a patient is with child, as far as anybody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = KnownPregnancy)]
pub enum Pregnancy {
    /// Nobody asked, or the patient is not sure.
    #[default]
    Unknown,
    /// Not pregnant.
    No,
    /// Pregnant.
    Pregnant,
    /// Gave birth a short while ago.
    Postpartum,
    /// Feeds a child.
    Lactating,
}

impl Pregnancy {
    /// Every word.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::No, Self::Pregnant, Self::Postpartum, Self::Lactating];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::No => "no",
            Self::Pregnant => "pregnant",
            Self::Postpartum => "postpartum",
            Self::Lactating => "lactating",
        }
    }

    /// What the gate believes: the stricter of what was declared and what the doctor wrote in the examination. The answer
    /// that the doctor `asked` for at the prescription is newer than the declaration and stands in its place, yet never
    /// above the examination. Where nobody knew, what was found counts.
    pub fn known(declared: Self, asked: Self, examined: Option<Examined>) -> Self {
        let told = if asked == Self::Unknown { declared } else { asked };
        let found = examined.map(|examined| match examined {
            Examined::No => Self::No,
            Examined::Pregnant => Self::Pregnant,
            Examined::Postpartum => Self::Postpartum,
            Examined::Lactating => Self::Lactating,
            Examined::Unsure => Self::Unknown,
        });
        match found {
            Some(found) if told != Self::Unknown => told.stricter(found),
            Some(found) => found,
            None => told,
        }
    }

    /// The one that lets less pass.
    fn stricter(self, other: Self) -> Self {
        let rank = |one: Self| match one {
            Self::No => 0,
            Self::Postpartum => 1,
            Self::Lactating => 2,
            Self::Unknown => 3,
            Self::Pregnant => 4,
        };
        if rank(self) >= rank(other) { self } else { other }
    }
}

/// The patient, as the gate sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// As the document states it.
    pub sex: Sex,
    /// Age in months.
    pub age_months: u32,
    /// With child.
    pub pregnancy: Pregnancy,
    /// What the patient is allergic to, in the patient's words.
    pub allergies: String,
    /// What the patient takes, in the patient's words.
    pub drugs: String,
    /// Whether the visit is an emergency: a sheet then lasts three days.
    pub is_urgent: bool,
}

/// Another prescription of the patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub number: String,
    /// Its days.
    pub span: Span,
    /// What it holds.
    pub content: Content,
}

#[cfg(test)]
mod tests {
    use super::Pregnancy::{Lactating, No, Postpartum, Pregnant, Unknown};
    use super::*;

    #[test]
    fn the_stricter_of_declaration_and_examination_counts() {
        // Declared, asked at the prescription, examined: what the gate believes.
        let table = [
            (No, Unknown, None, No),
            (No, Unknown, Some(Examined::Pregnant), Pregnant),
            (Pregnant, Unknown, Some(Examined::No), Pregnant),
            (No, Unknown, Some(Examined::Unsure), Unknown),
            (No, Unknown, Some(Examined::Lactating), Lactating),
            (Lactating, Unknown, Some(Examined::Postpartum), Lactating),
            (Postpartum, Unknown, Some(Examined::No), Postpartum),
            // What nobody knew, the doctor found out.
            (Unknown, Unknown, Some(Examined::No), No),
            (Unknown, Unknown, Some(Examined::Pregnant), Pregnant),
            (Unknown, Unknown, None, Unknown),
            // The question at the prescription is newer than the declaration.
            (Pregnant, No, None, No),
            (No, Pregnant, None, Pregnant),
            (Unknown, No, None, No),
            // It is no way around the examination.
            (No, No, Some(Examined::Pregnant), Pregnant),
            (Unknown, No, Some(Examined::Unsure), Unknown),
            (No, Pregnant, Some(Examined::No), Pregnant),
        ];
        for (declared, asked, examined, expected) in table {
            let known = Pregnancy::known(declared, asked, examined);
            assert_eq!(known, expected, "{declared:?} {asked:?} {examined:?}");
        }
    }

    #[test]
    fn nothing_takes_a_pregnancy_back_that_the_examination_found() {
        for declared in Pregnancy::ALL {
            for asked in Pregnancy::ALL {
                assert_eq!(Pregnancy::known(declared, asked, Some(Examined::Pregnant)), Pregnant);
                assert_ne!(Pregnancy::known(declared, asked, Some(Examined::Unsure)), No);
            }
        }
    }
}
