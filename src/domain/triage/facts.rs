//! What is known of one patient, checked against the vocabulary.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::variables::{self, Kind, VARIABLES};

/// A known value; a word is kept as its place in the variable's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Number(f64),
    Word(usize),
}

/// What is known of one patient: each variable of the vocabulary has a value of its type or is unknown.
///
/// Facts cannot hold a value of the wrong type or out of bounds; whoever has facts may assess them.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    values: [Option<Value>; VARIABLES.len()],
    /// What decides whom to tell, and never the level.
    pub circumstances: Circumstances,
}

/// How the patient lives: read by the modifiers alone; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Circumstances {
    /// Nobody at home to help.
    pub lives_alone: Option<bool>,
    /// Needs the help of others to follow instructions.
    pub frail: Option<bool>,
    /// Has a room and a bathroom of their own.
    pub can_isolate: Option<bool>,
}

/// Why a JSON object is not a set of facts; each case names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// The vocabulary has no such variable.
    #[error("`{field}` is not a fact of triage")]
    Unknown {
        /// The name as it was sent, cut to 64 characters.
        field: String,
    },
    /// The value has another type than the variable, or is a word outside its list.
    #[error("`{field}` must be {expected}")]
    Mistyped {
        /// The variable.
        field: &'static str,
        /// What to send instead.
        expected: String,
    },
    /// The number is outside the variable's bounds.
    #[error("`{field}` must be {expected}")]
    OutOfRange {
        /// The variable.
        field: &'static str,
        /// What to send instead.
        expected: String,
    },
}

impl FactError {
    /// The name that was refused.
    pub fn field(&self) -> &str {
        match self {
            Self::Unknown { field } => field,
            Self::Mistyped { field, .. } | Self::OutOfRange { field, .. } => field,
        }
    }
}

impl Default for Facts {
    /// Nothing is known.
    fn default() -> Self {
        Self { values: [None; VARIABLES.len()], circumstances: Circumstances::default() }
    }
}

impl Facts {
    /// Reads facts from an object of variable names; `null` and absence both mean unknown.
    pub fn from_json(object: &Map<String, Json>) -> Result<Self, FactError> {
        let mut facts = Self::default();
        for (name, value) in object {
            facts.set(name, value)?;
        }
        Ok(facts)
    }

    /// The known facts as the object that [`Facts::from_json`] reads; stored so that an assessment can be replayed.
    pub fn to_json(&self) -> Map<String, Json> {
        let known = VARIABLES.iter().zip(&self.values).filter_map(|(variable, value)| {
            let json = match (value.as_ref()?, variable.kind) {
                (Value::Flag(flag), _) => Json::from(*flag),
                (Value::Word(at), Kind::Choice(words) | Kind::Scale(words)) => Json::from(words[*at]),
                #[expect(clippy::cast_possible_truncation, reason = "an integer of the vocabulary is small and whole")]
                (Value::Number(number), Kind::Integer(..)) => Json::from(*number as i64),
                (Value::Number(number), _) => Json::from(*number),
                (Value::Word(_), _) => unreachable!("`set` makes words only for variables that have them"),
            };
            Some((variable.name.to_owned(), json))
        });
        known.collect()
    }

    /// Learns one fact, or forgets it when `value` is `null`.
    pub fn set(&mut self, name: &str, value: &Json) -> Result<(), FactError> {
        let at =
            variables::position(name).ok_or_else(|| FactError::Unknown { field: name.chars().take(64).collect() })?;
        self.values[at] = if value.is_null() { None } else { Some(parse(at, value)?) };
        Ok(())
    }

    /// Whether this yes-or-no variable is known to be true.
    pub fn is_true(&self, name: &str) -> bool {
        variables::position(name).is_some_and(|at| self.values[at] == Some(Value::Flag(true)))
    }

    /// Whether a value of this variable is known.
    pub fn is_known(&self, name: &str) -> bool {
        variables::position(name).is_some_and(|at| self.values[at].is_some())
    }

    /// Every value in the order of the vocabulary, the circumstances last.
    pub(super) fn slots(&self) -> impl Iterator<Item = Option<Value>> {
        let Circumstances { lives_alone, frail, can_isolate } = self.circumstances;
        let flags = [lives_alone, frail, can_isolate].map(|flag| flag.map(Value::Flag));
        self.values.iter().copied().chain(flags)
    }
}

fn parse(at: usize, value: &Json) -> Result<Value, FactError> {
    let variable = &VARIABLES[at];
    let field = variable.name;
    let mistyped = || FactError::Mistyped { field, expected: variable.kind.expected() };
    let within = |number: f64, min: f64, max: f64| {
        if (min..=max).contains(&number) {
            Ok(Value::Number(number))
        } else {
            Err(FactError::OutOfRange { field, expected: variable.kind.expected() })
        }
    };
    match variable.kind {
        Kind::Flag => value.as_bool().map(Value::Flag).ok_or_else(mistyped),
        Kind::Number(min, max) => within(value.as_f64().ok_or_else(mistyped)?, min, max),
        Kind::Integer(min, max) => {
            // JSON has one kind of number: 12.0 is the whole number 12, 12.5 is not one.
            let number = value.as_f64().filter(|number| number.fract() == 0.0).ok_or_else(mistyped)?;
            #[expect(clippy::cast_precision_loss, reason = "the bounds of the vocabulary are small")]
            within(number, min as f64, max as f64)
        }
        Kind::Choice(words) | Kind::Scale(words) => {
            let word = value.as_str().ok_or_else(mistyped)?;
            words.iter().position(|known| *known == word).map(Value::Word).ok_or_else(mistyped)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: &Json) -> Result<Facts, FactError> {
        Facts::from_json(json.as_object().unwrap())
    }

    #[test]
    fn null_and_absence_both_mean_unknown() {
        assert_eq!(read(&json!({ "temp": null, "cough": null })), Ok(Facts::default()));
    }

    #[test]
    fn a_name_outside_the_vocabulary_is_refused_by_name() {
        for name in ["tempp", "temp_e", "sym", "lives_alone", ""] {
            assert_eq!(read(&json!({ name: true })).unwrap_err(), FactError::Unknown { field: name.into() });
        }
        // Also when nothing is said of it: a misspelt name must not pass because its value is empty.
        assert!(read(&json!({ "tempp": null })).is_err());
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_by_name() {
        for (name, value) in [
            ("temp", json!("38")),
            ("temp", json!(true)),
            ("fever", json!("yes")),
            ("fever", json!(1)),
            ("age_m", json!(12.5)),
            ("cough", json!("wet")),
            ("cough", json!(2)),
            ("sex", json!("f")),
            ("code", json!([])),
            ("proto", json!({})),
        ] {
            let error = read(&json!({ name: value })).unwrap_err();
            assert!(matches!(error, FactError::Mistyped { .. }), "{name}: {error}");
            assert_eq!(error.field(), name);
        }
    }

    #[test]
    fn a_number_out_of_bounds_is_refused_by_name() {
        for (name, value) in [("temp", json!(380)), ("spo2", json!(101)), ("age_m", json!(-1)), ("proto", json!(10))] {
            let error = read(&json!({ name: value })).unwrap_err();
            assert!(matches!(error, FactError::OutOfRange { .. }), "{error}");
            assert_eq!(error.field(), name);
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        assert_eq!(read(&json!({ "age_m": 12.0 })), read(&json!({ "age_m": 12 })));
    }

    #[test]
    fn facts_survive_being_stored() {
        let facts =
            read(&json!({ "temp": 38.5, "age_m": 400, "cough": "dry", "code": "red", "fever": false })).unwrap();
        assert_eq!(Facts::from_json(&facts.to_json()), Ok(facts));
    }
}
