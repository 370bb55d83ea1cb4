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

impl Sex {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Female, Self::Male];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
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

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 6] = [Self::Myself, Self::Parent, Self::Child, Self::Spouse, Self::Guardian, Self::Carer];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Myself => "myself",
            Self::Parent => "parent",
            Self::Child => "child",
            Self::Spouse => "spouse",
            Self::Guardian => "guardian",
            Self::Carer => "carer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_in_the_database_and_on_the_wire() {
        for sex in Sex::ALL {
            assert_eq!(serde_json::to_value(sex).unwrap(), sex.as_str());
        }
        for relation in Relation::ALL {
            assert_eq!(serde_json::to_value(relation).unwrap(), relation.as_str());
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }
}
