//! Who people are to the hospital.

use serde::{Deserialize, Serialize};

/// What a member of staff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees patients at a desk.
    Doctor,
    /// Triages, calls back, takes alarms.
    Nurse,
    /// Reviews prescriptions.
    Pharmacist,
    /// Sets up clinics, desks and accounts.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Doctor, Self::Nurse, Self::Pharmacist, Self::Administrator];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Doctor => "doctor",
            Self::Nurse => "nurse",
            Self::Pharmacist => "pharmacist",
            Self::Administrator => "administrator",
        }
    }

    /// The role of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Sex as the identity document states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// How somebody who answers for a patient is related to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The patient answers.
    Myself,
    /// A parent of the patient answers.
    Parent,
    /// A son or daughter of the patient answers.
    Child,
    /// The patient's spouse answers.
    Spouse,
    /// A legal guardian answers.
    Guardian,
    /// Somebody else who cares for the patient answers.
    Carer,
}
