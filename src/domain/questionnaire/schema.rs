//! The questionnaire as data, checked as a whole before anybody is asked anything.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

use super::condition::Condition;

/// A questionnaire of one version; what the browser renders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Questionnaire {
    /// Names this text for ever; answers are stored with it.
    pub version: String,
    /// The heading.
    pub title: Text,
    /// In the order of asking.
    pub pages: Vec<Page>,
}

/// Questions that stand together on one screen of a phone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Stable id.
    pub id: String,
    /// The heading.
    pub title: Text,
    /// In the order of asking.
    pub items: Vec<Item>,
}

/// One question, or the heading of a group of questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Stable id: the key of the answer.
    pub link_id: String,
    /// What an answer is.
    #[serde(rename = "type")]
    pub kind: ItemType,
    /// The question.
    pub text: Text,
    /// What the question is about, in the words of a medical record: what a doctor's note begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Asked::is_patient")]
    pub by: Asked,
    /// Help below the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// Whether a declaration without an answer is incomplete, when the item is visible.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// The item whose part this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// The choices, for `choice` and `choices`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
    /// The UCUM unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The least number that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest number that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How far apart the numbers are that an instrument shows; a hint to the keyboard, not a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// The greatest length of a text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// What a string has to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// When the item is asked; always, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// A *yes* here cannot wait: the screen says so at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub red_flag: bool,
    /// Only *yes* is an answer: without it the declaration is incomplete.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pledge: bool,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// Yes or no.
    Boolean,
    /// The code of one option.
    Choice,
    /// The codes of one or more options.
    Choices,
    /// A whole number.
    Integer,
    /// A number.
    Quantity,
    /// A calendar date.
    Date,
    /// One line.
    String,
    /// Several lines.
    Text,
    /// A heading without an answer.
    Group,
}

/// Who answers an item, or on which screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AskedOf)]
pub enum Asked {
    /// The patient, or who answers for them, in the declaration.
    #[default]
    Patient,
    /// A doctor or nurse, in the record.
    Clinician,
    /// The identity screen.
    Identity,
    /// The consent screens.
    Consent,
    /// The upload of files.
    Upload,
    /// Nobody: it follows from something else.
    Automatic,
}

/// What a string has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A telephone number that can be called.
    Phone,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionOption {
    /// Stable code: the answer.
    pub code: String,
    /// What the patient reads.
    pub text: Text,
    /// Cannot be chosen together with another option, such as “none of these”.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclusive: bool,
}

/// Why a text is not a usable questionnaire.
#[derive(Debug, thiserror::Error)]
pub enum QuestionnaireError {
    /// Not JSON, or not of the format.
    #[error("the file does not have the format of a questionnaire: {0}")]
    Format(#[from] serde_json::Error),
    /// Two items, pages or options share an id.
    #[error("`{0}` is there twice")]
    Duplicate(String),
    /// An item lacks what its type needs, or has what it cannot use.
    #[error("`{link_id}` {reason}")]
    Item {
        /// The item.
        link_id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The questionnaire of the fever clinic that this build carries.
pub fn fever_intake() -> &'static Questionnaire {
    static FORM: LazyLock<Questionnaire> = LazyLock::new(|| {
        Questionnaire::from_json(include_str!("fever_intake.json"))
            .expect("a test loads the questionnaire of this build")
    });
    &FORM
}

impl Asked {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_patient(&self) -> bool {
        *self == Self::Patient
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Questionnaire {
    /// Reads and checks a questionnaire.
    pub fn from_json(text: &str) -> Result<Self, QuestionnaireError> {
        let form: Self = serde_json::from_str(text)?;
        let mut pages = HashSet::new();
        if let Some(page) = form.pages.iter().find(|page| !pages.insert(&page.id)) {
            return Err(QuestionnaireError::Duplicate(page.id.clone()));
        }
        let mut ids = HashSet::new();
        for item in form.items() {
            if !ids.insert(item.link_id.as_str()) {
                return Err(QuestionnaireError::Duplicate(item.link_id.clone()));
            }
            let wrong = |reason: String| QuestionnaireError::Item { link_id: item.link_id.clone(), reason };
            form.check(item).map_err(wrong)?;
        }
        Ok(form)
    }

    /// Every item in the order of asking.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.pages.iter().flat_map(|page| &page.items)
    }

    /// The item of a link id.
    pub fn item(&self, link_id: &str) -> Option<&Item> {
        self.items().find(|item| item.link_id == link_id)
    }

    fn check(&self, item: &Item) -> Result<(), String> {
        let texts =
            item.options.iter().map(|option| &option.text).chain(&item.hint).chain(&item.note).chain([&item.text]);
        if texts.into_iter().any(Text::is_incomplete) {
            return Err("is not written in both languages".into());
        }
        let chooses = matches!(item.kind, ItemType::Choice | ItemType::Choices);
        if chooses == item.options.is_empty() {
            return Err("must have options exactly when it is a choice".into());
        }
        let mut codes = HashSet::new();
        if let Some(option) = item.options.iter().find(|option| !codes.insert(&option.code)) {
            return Err(format!("has the option `{}` twice", option.code));
        }
        let counts = matches!(item.kind, ItemType::Integer | ItemType::Quantity) && item.by == Asked::Patient;
        match (item.min, item.max) {
            (Some(min), Some(max)) if min < max => {}
            (None, None) if !counts => {}
            _ => return Err("must have a lower and a higher bound when it is a number".into()),
        }
        if matches!(item.kind, ItemType::String | ItemType::Text)
            && item.by == Asked::Patient
            && item.max_length.is_none()
        {
            return Err("is a text without a greatest length".into());
        }
        if let Some(whole) = &item.part_of
            && self.item(whole).is_none()
        {
            return Err(format!("is part of `{whole}`, which is not there"));
        }
        item.when.as_ref().map_or(Ok(()), |condition| condition.check(self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_intake_of_this_build_has_74_statements_and_reads_itself_again() {
        let form = fever_intake();
        assert_eq!(form.items().filter(|item| item.part_of.is_none()).count(), 74);
        assert_eq!(&Questionnaire::from_json(&serde_json::to_string(form).unwrap()).unwrap(), form);
    }

    fn error(change: impl FnOnce(&mut Value)) -> String {
        let text = json!({ "zh": "问", "en": "ask" });
        let mut form = json!({ "version": "t", "title": text, "pages": [{ "id": "p", "title": text, "items": [
            { "link_id": "a", "type": "boolean", "text": text },
            { "link_id": "b", "type": "choice", "text": text, "options": [{ "code": "x", "text": text }] },
            { "link_id": "c", "type": "integer", "text": text, "min": 0, "max": 9 },
        ] }] });
        assert!(Questionnaire::from_json(&form.to_string()).is_ok());
        change(&mut form["pages"][0]["items"]);
        Questionnaire::from_json(&form.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_broken_questionnaire_is_refused_with_the_item_that_is_wrong() {
        assert!(error(|items| items[1]["link_id"] = json!("a")).contains("`a` is there twice"));
        assert!(error(|items| items[0]["text"]["en"] = json!("")).contains("`a` is not written"));
        assert!(error(|items| items[1]["options"] = json!([])).contains("`b` must have options"));
        assert!(error(|items| items[2]["max"] = json!(0)).contains("`c` must have a lower"));
        assert!(error(|items| items[0]["part_of"] = json!("z")).contains("`z`, which is not there"));
        assert!(error(|items| items[0]["colour"] = json!("red")).contains("format"));
        let when = |item: &str, op: &str, value: Value| {
            error(|items| items[0]["when"] = json!({ "item": item, "op": op, "value": value }))
        };
        assert!(when("z", "eq", json!(true)).contains("`z`, which is not there"));
        assert!(when("b", "eq", json!("y")).contains("\"y\", which is no option"));
        assert!(when("c", "lt", json!("five")).contains("compares `c`"));
        assert!(when("b", "gt", json!(1)).contains("compares `b`"));
    }
}
