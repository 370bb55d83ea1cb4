//! Terms, codes and templates.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{TemplateId, VisitId};
use crate::domain::note::templates::TemplateField;
use crate::domain::note::terms::{Certainty, Exam, FieldForm, TermKind};
use crate::domain::triage::RuleSetStatus;
use crate::protocol::house::Text;

/// What stands behind the `?` of `GET /terms`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
pub struct TermsAsked {
    /// Only this kind.
    pub kind: Option<TermKind>,
    /// What was typed: a code, the initials of the pinyin, Chinese, or English. At most 64 characters.
    pub q: Option<String>,
    /// At most this many, up to 50.
    pub limit: Option<String>,
}

/// `GET /terms`: the terms that fit, the best first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TermsFound {
    /// The edition of the terms.
    pub edition: String,
    /// Whether people have signed them.
    pub status: RuleSetStatus,
    /// The terms.
    pub terms: Vec<TermView>,
}

/// One term.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TermView {
    /// What a record stores.
    pub code: String,
    /// What it names.
    pub kind: TermKind,
    /// Its name.
    pub text: Text,
    /// The initials of its pinyin.
    pub initials: String,
    /// Other names.
    pub also: Vec<String>,
    /// Of a pattern: proposed patterns of ICD-11, chapter 26.
    pub tm1: Vec<String>,
    /// Of a local pattern: the nearest code of the national standard.
    pub nearest: Option<String>,
    /// Never the final diagnosis of an outpatient.
    pub temporary: bool,
    /// Where it comes from.
    pub source: Text,
    /// How far it can be relied on.
    pub certainty: Certainty,
}

/// `GET /terms/form`: the fields of the four examinations with their terms, and the terms of tongue and pulse.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExamForm {
    /// The edition of the terms.
    pub edition: String,
    /// Whether people have signed them.
    pub status: RuleSetStatus,
    /// The fields, in the order of a record.
    pub fields: Vec<ExamFieldView>,
    /// The body of the tongue.
    pub tongue: Vec<Choice>,
    /// Its coating.
    pub coating: Vec<Choice>,
    /// The veins under it.
    pub sublingual: Vec<Choice>,
    /// The 28 pulses.
    pub pulses: Vec<Choice>,
    /// Principles of treatment.
    pub principles: Vec<Choice>,
}

/// One field of the examinations.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExamFieldView {
    /// What a record stores.
    pub id: String,
    /// Of which examination.
    pub exam: Exam,
    /// Its label.
    pub label: Text,
    /// How it is answered.
    pub how: FieldForm,
    /// Whether only somebody beside the patient can know it.
    pub on_site: bool,
    /// What can be chosen.
    pub choices: Vec<Choice>,
}

/// A term to choose.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Choice {
    /// What a record stores.
    pub code: String,
    /// Its name.
    pub text: Text,
    /// What is typed to find it: the initials of its names.
    pub initials: Vec<String>,
}

/// `GET /templates`: one text to insert.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateView {
    /// The template.
    pub id: TemplateId,
    /// Its name.
    pub name: String,
    /// Into which field.
    pub field: TemplateField,
    /// The text.
    pub body: String,
    /// Its version.
    pub version: i64,
    /// Whether it is the reader's own, and not everybody's.
    pub is_own: bool,
}

/// `POST /templates`: keeps a text for oneself.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateMake {
    /// Its name, 1 to 60 characters.
    pub name: String,
    /// Into which field.
    pub field: TemplateField,
    /// The text, 1 to 2,000 characters.
    pub body: String,
}

/// `POST /templates/{id}/insert`: puts the text into the draft, marked.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateInsert {
    /// Into the note of which visit.
    pub visit: VisitId,
    /// The draft's version.
    pub version: i64,
}

/// `POST /templates/{id}/retire`: offers it no longer.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRetire {
    /// Its version.
    pub version: i64,
}
