//! The formulas of the national protocol, as templates that a doctor inserts.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Method, Milligrams};
use crate::domain::prescription::Timing;
use crate::domain::triage::RuleSetStatus;
use crate::domain::written::begins_words;

/// How sure a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HerbCertainty)]
pub enum Certainty {
    /// Seen in a source.
    Found,
    /// Seen in one copy alone.
    OneCopy,
    /// From memory: compare with the official text.
    Recall,
}

/// A line of a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaLine {
    /// The herb as the protocol writes it.
    pub written: String,
    /// Milligrams in one dose.
    pub mg: Milligrams,
    /// The upper end, where the protocol gives a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mg_to: Option<Milligrams>,
    /// How it is prepared, where the protocol says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// How sure the line is.
    pub certainty: Certainty,
}

/// A formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Formula {
    /// Its short code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// In Latin letters.
    pub pinyin: String,
    /// The first letters of its syllables.
    pub initials: String,
    /// Its name in English.
    pub en: String,
    /// For which stage.
    pub stage: String,
    /// For which pattern.
    pub pattern: String,
    /// In which versions of the protocol.
    pub protocol: String,
    /// Portions a day.
    pub times_per_day: u8,
    /// Doses of a course.
    pub doses: u8,
    /// When to take it.
    pub timing: Timing,
    /// Millilitres of a portion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ml: Option<u16>,
    /// Its lines.
    pub lines: Vec<FormulaLine>,
}

#[derive(Deserialize)]
struct FormulaFile {
    version: String,
    status: RuleSetStatus,
    formulas: Vec<Formula>,
}

static SHIPPED: LazyLock<FormulaFile> = LazyLock::new(|| {
    serde_json::from_str(include_str!("formulas.json")).expect("the shipped formulas are checked by a test")
});

/// Every formula, with the version and the status of the data.
pub fn formulas() -> (&'static str, RuleSetStatus, &'static [Formula]) {
    (&SHIPPED.version, SHIPPED.status, &SHIPPED.formulas)
}

/// The formulas for what somebody typed: part of the name, the beginning of code or pinyin, initials in order (`qpt`
/// finds 清肺排毒汤), or words of the English name; all of them for nothing.
pub fn find_formulas(typed: &str) -> Vec<&'static Formula> {
    let typed = typed.trim().to_lowercase();
    let is_meant = |formula: &&Formula| {
        formula.name.contains(&typed)
            || formula.pattern.contains(&typed)
            || formula.code.to_lowercase().starts_with(&typed)
            || formula.pinyin.starts_with(&typed)
            || holds_in_order(&formula.initials, &typed)
            || begins_words(&formula.en, &typed)
    };
    SHIPPED.formulas.iter().filter(is_meant).collect()
}

fn holds_in_order(letters: &str, typed: &str) -> bool {
    let mut letters = letters.chars();
    typed.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_has_eleven_formulas_with_137_lines() {
        let (_, status, formulas) = formulas();
        assert_eq!(status, RuleSetStatus::Draft);
        assert_eq!(formulas.len(), 11);
        assert_eq!(formulas.iter().map(|formula| formula.lines.len()).sum::<usize>(), 137);
    }

    #[test]
    fn a_formula_is_found_by_initials_name_code_and_pattern() {
        for typed in ["qpt", "qfpdt", "清肺", "QFPDT", "qingfei"] {
            assert_eq!(find_formulas(typed)[0].name, "清肺排毒汤", "{typed}");
        }
        assert_eq!(find_formulas("寒湿郁肺")[0].code, "HSYF");
        assert_eq!(find_formulas("").len(), 11);
        assert!(find_formulas("xyzzy").is_empty());
    }

    #[test]
    fn every_formula_is_found_by_each_of_its_names() {
        for formula in formulas().2 {
            for typed in [&formula.name, &formula.pinyin, &formula.initials, &formula.en, &formula.code] {
                assert!(find_formulas(typed).contains(&formula), "{} by {typed}", formula.name);
            }
            assert!(formula.en.is_ascii() && !formula.en.is_empty(), "{}", formula.name);
        }
    }
}
