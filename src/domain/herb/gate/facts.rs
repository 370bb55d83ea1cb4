//! What the gate has to know of the patient.

use serde::{Deserialize, Serialize};

use crate::domain::people::Sex;
use crate::domain::prescription::{Content, Span};

/// Whether a patient is with child, as far as anybody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
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
