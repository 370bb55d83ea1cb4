//! The words of the record as data of our own: findings, tongue, pulses, diseases, patterns, principles.
//!
//! Two files say what they are (`edition`, `status`, `signatures`, `sources`) and list terms with their Chinese and
//! English, the initials of their pinyin, their source and how certain they are. Nobody has signed them yet: they are
//! drafts, and every answer that is made from them says so.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;
use crate::domain::triage::RuleSetStatus;

/// What a term names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermKind {
    /// An answer to a field of the four examinations.
    Finding,
    /// The body of the tongue.
    Tongue,
    /// The coating of the tongue.
    Coating,
    /// The veins under the tongue.
    Sublingual,
    /// One of the 28 pulses.
    Pulse,
    /// Pulses that are commonly felt together.
    PulsePair,
    /// A disease of Chinese medicine.
    Disease,
    /// A pattern (证候).
    Pattern,
    /// A pattern of ICD-11, chapter 26.
    Tm1,
    /// A diagnosis by ICD-10.
    Western,
    /// A principle of treatment.
    Principle,
}

impl TermKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Finding,
        Self::Tongue,
        Self::Coating,
        Self::Sublingual,
        Self::Pulse,
        Self::PulsePair,
        Self::Disease,
        Self::Pattern,
        Self::Tm1,
        Self::Western,
        Self::Principle,
    ];
}

/// How far a term and its code can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TermCertainty)]
pub enum Certainty {
    /// Seen in the source.
    Found,
    /// Derived from the source by a rule that was checked on few examples.
    Derived,
    /// Written from memory; to be checked.
    Recall,
    /// Our own proposal.
    Judgement,
}

/// One term.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// What a record stores: unique over both files.
    pub code: String,
    /// What it names.
    pub kind: TermKind,
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The first letters of the Chinese in pinyin; made once, when the file was written.
    pub initials: String,
    /// Other names under which it is found.
    #[serde(default)]
    pub also: Vec<String>,
    /// Their initials.
    #[serde(default)]
    pub also_initials: Vec<String>,
    /// Of a finding: the field that it answers.
    #[serde(default)]
    pub field: Option<String>,
    /// Of a pulse pair: its pulses.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Of a pattern: the patterns of ICD-11, chapter 26, that we propose beside it.
    #[serde(default)]
    pub tm1: Vec<String>,
    /// Of a local pattern: the nearest code of the national standard.
    #[serde(default)]
    pub nearest: Option<String>,
    /// A temporary term: never the final diagnosis of an outpatient.
    #[serde(default)]
    pub temporary: bool,
    /// The id of its source.
    pub source: String,
    /// How far it can be relied on.
    pub certainty: Certainty,
}

impl Term {
    /// Both languages at once.
    pub fn text(&self) -> Text {
        Text::new(&self.zh, &self.en)
    }
}

/// How a field of the examinations is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldForm {
    /// By one term.
    One,
    /// By any number of terms.
    Many,
    /// In words alone.
    Words,
}

/// Which of the four examinations a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exam {
    /// 望.
    Look,
    /// 闻.
    Listen,
    /// 问.
    Ask,
    /// 切.
    Touch,
}

/// One field of the four examinations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExamField {
    /// What a record stores, for instance `ask.sweat`.
    pub id: String,
    /// Of which examination.
    pub exam: Exam,
    /// Its label in Chinese.
    pub zh: String,
    /// Its label in English.
    pub en: String,
    /// How it is answered.
    pub how: FieldForm,
    /// Whether only somebody beside the patient can know it.
    #[serde(default)]
    pub on_site: bool,
}

/// Where terms come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id in the file.
    pub id: String,
    /// Its title.
    pub title: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    edition: String,
    status: RuleSetStatus,
    signatures: Vec<String>,
    sources: Vec<Source>,
    fields: Vec<ExamField>,
    terms: Vec<Term>,
}

/// All terms, with indexes.
#[derive(Debug)]
pub struct Terms {
    edition: String,
    status: RuleSetStatus,
    sources: Vec<Source>,
    fields: Vec<ExamField>,
    list: Vec<Term>,
    by_code: HashMap<String, usize>,
}

/// The terms of this version, checked when they are first used and by a test.
pub static TERMS: LazyLock<Terms> = LazyLock::new(|| {
    let files = [include_str!("terms.json"), include_str!("codes.json")];
    Terms::from_json(&files).unwrap_or_else(|fault| panic!("the terms of this version are not whole: {fault}"))
});

impl Terms {
    /// Reads files of terms, and refuses what is not whole.
    pub fn from_json(files: &[&str]) -> Result<Self, String> {
        let mut all = Self {
            edition: String::new(),
            status: RuleSetStatus::Signed,
            sources: Vec::new(),
            fields: Vec::new(),
            list: Vec::new(),
            by_code: HashMap::new(),
        };
        for file in files {
            let file: File = serde_json::from_str(file).map_err(|fault| fault.to_string())?;
            // One unsigned file makes the whole a draft, and so does a signature that stands alone.
            if file.status == RuleSetStatus::Draft || file.signatures.len() < 2 {
                all.status = RuleSetStatus::Draft;
            }
            all.edition = all.edition.max(file.edition);
            all.sources.extend(file.sources);
            all.fields.extend(file.fields);
            all.list.extend(file.terms);
        }
        for (place, term) in all.list.iter().enumerate() {
            if all.by_code.insert(term.code.clone(), place).is_some() {
                return Err(format!("{} is there twice", term.code));
            }
        }
        all.check()?;
        Ok(all)
    }

    fn check(&self) -> Result<(), String> {
        for term in &self.list {
            let fault = |what: &str| Err(format!("{}: {what}", term.code));
            if term.text().is_incomplete() || term.initials.is_empty() {
                return fault("a language or the initials are missing");
            }
            if !self.sources.iter().any(|source| source.id == term.source && !source.title.is_incomplete()) {
                return fault("its source is not listed");
            }
            if (term.kind == TermKind::Finding) != term.field.as_deref().is_some_and(|id| self.field(id).is_some()) {
                return fault("a finding answers a field, and nothing else does");
            }
            let named = [(TermKind::Pulse, &term.parts), (TermKind::Tm1, &term.tm1)];
            if named.iter().any(|(kind, codes)| codes.iter().any(|code| self.of(*kind, code).is_none())) {
                return fault("it names a term that is not there");
            }
            if term.nearest.as_deref().is_some_and(|code| self.of(TermKind::Pattern, code).is_none()) {
                return fault("its nearest code is not there");
            }
        }
        Ok(())
    }

    /// The newest edition among the files.
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// Whether two people have signed every file.
    pub const fn status(&self) -> RuleSetStatus {
        self.status
    }

    /// Where a term comes from.
    pub fn source(&self, term: &Term) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == term.source)
    }

    /// The fields of the examinations, in the order of a record.
    pub fn fields(&self) -> &[ExamField] {
        &self.fields
    }

    /// The field with this id, if there is one.
    pub fn field(&self, id: &str) -> Option<&ExamField> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Every term, in the order of the files.
    pub fn all(&self) -> &[Term] {
        &self.list
    }

    /// The term with this code, if there is one.
    pub fn get(&self, code: &str) -> Option<&Term> {
        self.by_code.get(code).and_then(|place| self.list.get(*place))
    }

    /// The term with this code, if it is of this kind.
    pub fn of(&self, kind: TermKind, code: &str) -> Option<&Term> {
        self.get(code).filter(|term| term.kind == kind)
    }

    /// The pulses that are commonly felt together, if exactly these are; their order does not matter.
    pub fn combine(&self, pulses: &[String]) -> Option<&Term> {
        let same = |parts: &[String]| parts.len() == pulses.len() && parts.iter().all(|part| pulses.contains(part));
        self.list.iter().find(|term| term.kind == TermKind::PulsePair && same(&term.parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(kind: TermKind) -> usize {
        TERMS.all().iter().filter(|term| term.kind == kind).count()
    }

    #[test]
    fn every_term_has_both_languages_and_its_source() {
        // `check` holds it; here it is seen to have run over everything that the field needs.
        assert_eq!(count(TermKind::Pulse), 28);
        assert_eq!(count(TermKind::PulsePair), 16);
        assert_eq!(count(TermKind::Disease), 55);
        assert_eq!(count(TermKind::Pattern), 69 + 11);
        assert_eq!(count(TermKind::Tm1), 81);
        assert!(TERMS.all().iter().all(|term| TERMS.source(term).is_some()));
        assert!(TERMS.fields().iter().all(|field| !Text::new(&field.zh, &field.en).is_incomplete()));
    }

    #[test]
    fn nothing_that_nobody_signed_calls_itself_signed() {
        assert_eq!(TERMS.status(), RuleSetStatus::Draft);
    }

    #[test]
    fn a_local_pattern_names_the_nearest_national_one() {
        let local = TERMS.all().iter().filter(|term| term.code.starts_with("X-COVID-"));
        assert_eq!(local.filter(|term| term.nearest.is_some()).count(), 11);
    }

    #[test]
    fn pulses_felt_together_are_known_in_any_order() {
        let felt = ["pulse.shuo".to_owned(), "pulse.fu".to_owned()];
        assert_eq!(TERMS.combine(&felt).map(|term| term.zh.as_str()), Some("脉浮数"));
        assert_eq!(TERMS.combine(&felt[..1]), None);
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused() {
        let file = |term: &str| {
            format!(
                r#"{{"edition": "1", "status": "draft", "signatures": [], "fields": [],
                "sources": [{{"id": "s", "title": {{"zh": "书", "en": "book"}}}}], "terms": [{term}]}}"#
            )
        };
        let good = r#"{"code": "a", "kind": "pulse", "zh": "浮", "en": "floating", "initials": "f", "source": "s",
            "certainty": "found"}"#;
        assert!(Terms::from_json(&[&file(good)]).is_ok());
        for (was, is) in [
            ("floating", ""),
            (r#""source": "s""#, r#""source": "t""#),
            (r#""pulse""#, r#""finding""#),
            (r#""initials": "f""#, r#""initials": "f", "tm1": ["x"]"#),
        ] {
            assert!(Terms::from_json(&[&file(&good.replace(was, is))]).is_err(), "{is}");
        }
        assert!(Terms::from_json(&[&file(good), &file(good)]).is_err());
    }
}
