//! A patient's answers, checked against the questionnaire that asked.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::identity::{Phone, parse_date};
use crate::domain::written::is_hidden;

use super::facts::Context;
use super::schema::{Asked, Format, Item, ItemType, Questionnaire};

/// Answers by link id; each is of its item's type and within its bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers(Map<String, Value>);

/// Why an answer was refused, and which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{link_id}`: {fault}")]
pub struct AnswerError {
    /// The item; what was sent instead of one is cut to 64 characters.
    pub link_id: String,
    /// What is wrong with the answer.
    pub fault: AnswerFault,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// The questionnaire has no such item.
    #[error("no such question")]
    UnknownItem,
    /// The item is answered by somebody else or on another screen.
    #[error("this question is not answered here")]
    NotAskedHere,
    /// The answer is not of the item's type.
    #[error("the answer has the wrong type")]
    WrongType,
    /// The code is not an option, or is given twice.
    #[error("the answer is not one of the options")]
    NotAnOption,
    /// An option that excludes the others was chosen together with one.
    #[error("these options exclude each other")]
    Exclusive,
    /// The number is below the least or above the greatest.
    #[error("the number is out of range")]
    OutOfRange,
    /// Not a day of the calendar as `YYYY-MM-DD`.
    #[error("the answer is not a date")]
    NotADate,
    /// Nothing but spaces, or no option.
    #[error("the answer is empty")]
    Empty,
    /// More characters than the item takes.
    #[error("the answer is too long")]
    TooLong,
    /// A character that cannot be printed.
    #[error("the answer contains a control character")]
    ControlCharacter,
    /// Not a telephone number.
    #[error("the answer is not a telephone number")]
    NotAPhone,
}

impl AnswerFault {
    /// The stable code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownItem => "unknown_item",
            Self::NotAskedHere => "not_asked_here",
            Self::WrongType => "wrong_type",
            Self::NotAnOption => "not_an_option",
            Self::Exclusive => "exclusive_options",
            Self::OutOfRange => "out_of_range",
            Self::NotADate => "not_a_date",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::ControlCharacter => "control_character",
            Self::NotAPhone => "not_a_phone",
        }
    }
}

impl Answers {
    /// Reads answers that were given or stored; `null` is no answer.
    pub fn from_json(form: &Questionnaire, object: &Map<String, Value>, by: Asked) -> Result<Self, AnswerError> {
        Self::default().merged(form, object, by)
    }

    /// These answers with some of them changed; `null` takes an answer back. A single fault refuses the whole change.
    pub fn merged(
        mut self,
        form: &Questionnaire,
        changes: &Map<String, Value>,
        by: Asked,
    ) -> Result<Self, AnswerError> {
        for (link_id, value) in changes {
            let refuse = |fault| AnswerError { link_id: link_id.chars().take(64).collect(), fault };
            let item = form.item(link_id).ok_or_else(|| refuse(AnswerFault::UnknownItem))?;
            // A clinician may also correct what the patient stated; a patient may not write the laboratory's results.
            let may = item.by == Asked::Patient || (item.by == Asked::Clinician && by == Asked::Clinician);
            if !may || item.kind == ItemType::Group {
                return Err(refuse(AnswerFault::NotAskedHere));
            }
            if value.is_null() {
                self.0.remove(link_id);
            } else {
                check(item, value).map_err(refuse)?;
                self.0.insert(link_id.clone(), value.clone());
            }
        }
        Ok(self)
    }

    /// The answers as they are stored and sent.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The answer of an item, visible or not.
    pub fn get(&self, link_id: &str) -> Option<&Value> {
        self.0.get(link_id)
    }

    /// The items that are asked now, in order.
    pub fn visible<'q>(&self, form: &'q Questionnaire, context: &Context) -> Vec<&'q Item> {
        let known = |name: &str| self.get(name).cloned().or_else(|| context.known(name));
        let asked = |item: &&Item| item.when.as_ref().is_none_or(|condition| condition.holds(&known));
        form.items().filter(asked).collect()
    }

    /// The link ids of the patient's required and visible items without an answer, in order.
    ///
    /// A pledge counts only when it is given: a *no* there leaves the declaration incomplete.
    pub fn missing(&self, form: &Questionnaire, context: &Context) -> Vec<String> {
        let open = |item: &&Item| {
            let answer = self.get(&item.link_id);
            answer.is_none() || (item.pledge && answer != Some(&Value::Bool(true)))
        };
        let patients = |item: &&Item| item.by == Asked::Patient && item.required && item.kind != ItemType::Group;
        let visible = self.visible(form, context).into_iter();
        visible.filter(patients).filter(open).map(|item| item.link_id.clone()).collect()
    }
}

fn check(item: &Item, value: &Value) -> Result<(), AnswerFault> {
    let has_option = |code: &Value| {
        let code = code.as_str().ok_or(AnswerFault::WrongType)?;
        item.options.iter().find(|option| option.code == code).ok_or(AnswerFault::NotAnOption)
    };
    match item.kind {
        ItemType::Boolean => value.as_bool().map(|_| ()).ok_or(AnswerFault::WrongType),
        ItemType::Choice => has_option(value).map(|_| ()),
        ItemType::Choices => {
            let codes = value.as_array().ok_or(AnswerFault::WrongType)?;
            let chosen = codes.iter().map(has_option).collect::<Result<Vec<_>, _>>()?;
            let distinct: HashSet<_> = chosen.iter().map(|option| &option.code).collect();
            match chosen.len() {
                0 => Err(AnswerFault::Empty),
                count if distinct.len() < count => Err(AnswerFault::NotAnOption),
                1 => Ok(()),
                _ if chosen.iter().any(|option| option.exclusive) => Err(AnswerFault::Exclusive),
                _ => Ok(()),
            }
        }
        ItemType::Integer | ItemType::Quantity => {
            let number = value.as_f64().ok_or(AnswerFault::WrongType)?;
            if item.kind == ItemType::Integer && number.fract() != 0.0 {
                return Err(AnswerFault::WrongType);
            }
            let low = item.min.is_some_and(|min| number < min);
            let high = item.max.is_some_and(|max| number > max);
            if low || high { Err(AnswerFault::OutOfRange) } else { Ok(()) }
        }
        ItemType::Date => {
            let text = value.as_str().ok_or(AnswerFault::WrongType)?;
            parse_date(text).map(|_| ()).ok_or(AnswerFault::NotADate)
        }
        ItemType::String | ItemType::Text => check_text(item, value.as_str().ok_or(AnswerFault::WrongType)?),
        ItemType::Group => Err(AnswerFault::NotAskedHere),
    }
}

fn check_text(item: &Item, text: &str) -> Result<(), AnswerFault> {
    let may_break = item.kind == ItemType::Text;
    if text.trim().is_empty() {
        Err(AnswerFault::Empty)
    } else if item.max_length.is_some_and(|longest| text.chars().count() > longest) {
        Err(AnswerFault::TooLong)
    } else if text.chars().any(|c| is_hidden(c) || (c.is_control() && !(may_break && c == '\n'))) {
        Err(AnswerFault::ControlCharacter)
    } else if item.format == Some(Format::Phone) && Phone::any(text).is_err() {
        Err(AnswerFault::NotAPhone)
    } else {
        Ok(())
    }
}
