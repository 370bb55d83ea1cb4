//! The one place where rules meet facts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

use super::disposition::Disposition;
use super::facts::{Facts, Value};
use super::level::Level;
use super::rules::{Derivation, Modifier, RuleSet, RuleSetStatus};

/// The id of a rule, as in the rule file.
pub type RuleId = String;

/// Why, for staff and for the patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// The rule, assumption or modifier.
    pub id: RuleId,
    /// For staff, in Chinese.
    pub zh: String,
    /// For staff, in English.
    pub en: String,
    /// For the patient, in plain words; never a diagnosis.
    pub tell: Text,
}

/// Which rules spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleSetRef {
    /// The version of the rule set.
    pub version: String,
    /// Whether it is signed.
    pub status: RuleSetStatus,
}

/// The result of triage: what to do, how soon, and every reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Assessment {
    /// How soon somebody must see the patient.
    pub level: Level,
    /// What is to be done: that of the first matched rule inside the level.
    pub disposition: Disposition,
    /// The ids of all matched rules in file order; never empty.
    pub matched: Vec<RuleId>,
    /// The same rules with their words.
    pub reasons: Vec<Reason>,
    /// Values that were assumed because nobody measured them.
    pub assumptions: Vec<Reason>,
    /// Instructions beside the disposition.
    pub modifiers: Vec<Reason>,
    /// Whether a nurse must call within five minutes, because answers contradict each other or are missing.
    pub nurse_call: bool,
    /// The rule set that decided.
    pub ruleset: RuleSetRef,
}

/// Decides level, disposition and reasons; total and deterministic.
pub fn assess(rules: &RuleSet, facts: &Facts) -> Assessment {
    let (values, assumptions) = derive(rules, facts);
    let matched = matches(rules, &values);

    let level =
        matched.iter().map(|at| rules.rules[*at].0.level).max().expect("the fallback matches when nothing does");
    let decisive = matched.iter().map(|at| &rules.rules[*at].0).find(|rule| rule.level == level);
    let disposition = decisive.expect("the level is that of a matched rule").disposition;

    let reasons: Vec<Reason> =
        matched.iter().map(|at| &rules.rules[*at].0).map(|rule| reason(&rule.id, &rule.why, &rule.tell)).collect();
    let ids: BTreeSet<&str> = reasons.iter().map(|reason| reason.id.as_str()).collect();
    let applies = |modifier: &Modifier| {
        (modifier.levels.is_empty() || modifier.levels.contains(&level))
            && (modifier.dispositions.is_empty() || modifier.dispositions.contains(&disposition))
            && (modifier.matched.is_empty() || modifier.matched.iter().any(|id| ids.contains(id.as_str())))
    };
    let modifiers: Vec<&Modifier> = rules
        .modifiers
        .iter()
        .filter(|(modifier, condition)| applies(modifier) && condition.holds(&values))
        .map(|(modifier, _)| modifier)
        .collect();

    Assessment {
        level,
        disposition,
        matched: reasons.iter().map(|reason| reason.id.clone()).collect(),
        assumptions,
        nurse_call: modifiers.iter().any(|modifier| modifier.nurse_call),
        modifiers: modifiers.iter().map(|modifier| reason(&modifier.id, &modifier.why, &modifier.tell)).collect(),
        reasons,
        ruleset: RuleSetRef { version: rules.version.clone(), status: rules.status },
    }
}

/// The facts followed by the derived values, and what had to be assumed for them.
fn derive(rules: &RuleSet, facts: &Facts) -> (Vec<Option<Value>>, Vec<Reason>) {
    let mut values: Vec<Option<Value>> = facts.slots().collect();
    let mut assumptions = Vec::new();
    for derivation in &rules.derived {
        let value = match derivation {
            Derivation::Truth(condition) => Some(Value::Flag(condition.holds(&values))),
            Derivation::Count(parts) => {
                let count = parts.iter().filter(|part| part.holds(&values)).count();
                let count = u32::try_from(count).expect("a rule set counts a handful of things");
                Some(Value::Number(f64::from(count)))
            }
            Derivation::Number(slot, assumed, condition, assumption) => values[*slot].or_else(|| {
                condition.holds(&values).then(|| {
                    assumptions.push(reason(&assumption.id, &assumption.why, &assumption.tell));
                    Value::Number(*assumed)
                })
            }),
        };
        values.push(value);
    }
    (values, assumptions)
}

/// The places of the rules that hold, in file order, with the fallback where it applies.
fn matches(rules: &RuleSet, values: &[Option<Value>]) -> Vec<usize> {
    let fallback = &rules.fallback;
    let at_fallback = rules.rules.iter().position(|(rule, _)| rule.id == fallback.id);
    let at_fallback = at_fallback.expect("the loader found the fallback among the rules");

    let mut matched: Vec<usize> =
        (0..rules.rules.len()).filter(|at| *at != at_fallback && rules.rules[*at].1.holds(values)).collect();
    let below_floor = matched.iter().all(|at| rules.rules[*at].0.level < rules.rules[at_fallback].0.level);
    let excused = matched.iter().any(|at| fallback.floor_unless.contains(&rules.rules[*at].0.id));
    if matched.is_empty() || (below_floor && !excused && rules.symptomatic.holds(values)) {
        // In front, because it decides.
        matched.insert(0, at_fallback);
    }
    matched
}

fn reason(id: &str, why: &Text, tell: &Text) -> Reason {
    Reason { id: id.to_owned(), zh: why.zh.clone(), en: why.en.clone(), tell: tell.clone() }
}
