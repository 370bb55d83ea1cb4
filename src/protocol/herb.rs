//! Herbs and formulas for what somebody typed.

use serde::{Deserialize, Serialize};

use crate::domain::herb::{Formula, Method, Milligrams, PregnancyCaution, Toxicity};
use crate::domain::text::Text;
use crate::domain::triage::RuleSetStatus;

/// What somebody typed to find herbs or formulas.
#[derive(Debug, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HerbQuery {
    /// Chinese, other name, pinyin or initials.
    #[serde(default)]
    pub q: String,
}

/// A herb as it is offered.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HerbView {
    /// Its name in the pharmacopoeia.
    pub name: String,
    /// Its pinyin, by which English readers know it.
    pub latin: String,
    /// Its names in English.
    pub english: String,
    /// The least of a day, in milligrams.
    pub least_mg: Option<Milligrams>,
    /// The most of a day.
    pub most_mg: Option<Milligrams>,
    /// How poisonous.
    pub toxicity: Option<Toxicity>,
    /// For the pregnant.
    pub pregnancy: Option<PregnancyCaution>,
    /// The first method that it asks for.
    pub method: Option<Method>,
    /// Never online.
    pub refused_online: bool,
}

/// A name that must not be guessed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AskedName {
    /// Why it is asked.
    pub why: Text,
    /// What it may be.
    pub candidates: Vec<String>,
}

/// Herbs for what was typed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HerbsFound {
    /// The nearest first.
    pub herbs: Vec<HerbView>,
    /// Where the typed name itself must not be guessed.
    pub asked: Option<AskedName>,
    /// Of which pharmacopoeia.
    pub edition: String,
    /// Whether a pharmacist has signed the data.
    pub status: RuleSetStatus,
}

/// Formulas for what was typed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FormulasFound {
    /// The formulas.
    pub formulas: Vec<Formula>,
    /// The version of the data.
    pub version: String,
    /// Whether a pharmacist has signed the data.
    pub status: RuleSetStatus,
}
