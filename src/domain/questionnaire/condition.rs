//! When an item is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::{ItemType, Questionnaire};

/// A condition over answers and over the patient's age and sex; a test of something unanswered is false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Condition {
    /// Every part holds.
    All {
        /// The parts.
        #[schema(no_recursion)]
        all: Vec<Condition>,
    },
    /// At least one part holds.
    Any {
        /// The parts.
        #[schema(no_recursion)]
        any: Vec<Condition>,
    },
    /// The part does not hold.
    Not {
        /// The part.
        #[schema(no_recursion)]
        not: Box<Condition>,
    },
    /// A test of one answer.
    Test {
        /// A link id, or `age` (completed years), or `sex` (`female`, `male`).
        item: String,
        /// The comparison.
        op: Op,
        /// What the answer is compared with; for `answered`, whether there should be one.
        #[schema(value_type = Object)]
        value: Value,
    },
}

/// How an answer is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Is the value.
    Eq,
    /// Is known, and not the value.
    Ne,
    /// Is less than the value.
    Lt,
    /// Is the value or less.
    Le,
    /// Is more than the value.
    Gt,
    /// Is the value or more.
    Ge,
    /// Is one of the values.
    In,
    /// Is a list that has the value.
    Has,
    /// There is an answer (`true`), or there is none (`false`).
    Answered,
}

impl Condition {
    /// Whether the condition holds, given what is known by name.
    pub fn holds(&self, known: &dyn Fn(&str) -> Option<Value>) -> bool {
        match self {
            Self::All { all } => all.iter().all(|part| part.holds(known)),
            Self::Any { any } => any.iter().any(|part| part.holds(known)),
            Self::Not { not } => !not.holds(known),
            Self::Test { item, op: Op::Answered, value } => known(item).is_some() == value.as_bool().unwrap_or(true),
            Self::Test { item, op, value } => known(item).is_some_and(|answer| op.holds(&answer, value)),
        }
    }

    /// Whether every name and value of the condition fits the questionnaire.
    pub(super) fn check(&self, form: &Questionnaire) -> Result<(), String> {
        match self {
            Self::All { all: parts } | Self::Any { any: parts } => parts.iter().try_for_each(|part| part.check(form)),
            Self::Not { not } => not.check(form),
            Self::Test { item, op, value } => check_test(form, item, *op, value),
        }
    }
}

impl Op {
    fn holds(self, answer: &Value, value: &Value) -> bool {
        let numbers = || Some((answer.as_f64()?, value.as_f64()?));
        match self {
            // Numbers by their value: 1 and 1.0 are one answer.
            Self::Eq => numbers().map_or(answer == value, |(a, b)| a.total_cmp(&b).is_eq()),
            Self::Ne => !Self::Eq.holds(answer, value),
            Self::Lt => numbers().is_some_and(|(a, b)| a < b),
            Self::Le => numbers().is_some_and(|(a, b)| a <= b),
            Self::Gt => numbers().is_some_and(|(a, b)| a > b),
            Self::Ge => numbers().is_some_and(|(a, b)| a >= b),
            Self::In => value.as_array().is_some_and(|values| values.contains(answer)),
            Self::Has => answer.as_array().is_some_and(|answers| answers.contains(value)),
            Self::Answered => true,
        }
    }
}

fn check_test(form: &Questionnaire, name: &str, op: Op, value: &Value) -> Result<(), String> {
    let wrong = || Err(format!("compares `{name}` with what it can never be"));
    let (kind, codes): (ItemType, Vec<&str>) = match (name, form.item(name)) {
        ("age", None) => (ItemType::Integer, Vec::new()),
        ("sex", None) => (ItemType::Choice, vec!["female", "male"]),
        (_, Some(item)) => (item.kind, item.options.iter().map(|option| option.code.as_str()).collect()),
        (_, None) => return Err(format!("depends on `{name}`, which is not there")),
    };
    let is_code = |value: &Value| match value.as_str() {
        Some(code) if codes.contains(&code) => Ok(()),
        _ => Err(format!("depends on `{name}` being {value}, which is no option")),
    };
    match (op, kind) {
        (_, ItemType::Group) => wrong(),
        (Op::Answered, _) | (Op::Eq | Op::Ne, ItemType::Boolean) if value.is_boolean() => Ok(()),
        (Op::Eq | Op::Ne, ItemType::Choice) | (Op::Has, ItemType::Choices) => is_code(value),
        (Op::In, ItemType::Choice) => match value.as_array() {
            Some(values) => values.iter().try_for_each(is_code),
            None => wrong(),
        },
        (Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge, ItemType::Integer | ItemType::Quantity)
            if value.is_number() =>
        {
            Ok(())
        }
        _ => wrong(),
    }
}
