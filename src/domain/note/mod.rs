//! The medical record of a visit: four examinations, diagnoses, and the words beside them.
//!
//! Everything here is a value: what a note holds ([`NoteContent`]), the words that its codes stand for ([`terms`]), how
//! one is found ([`search`]), how two edits become one ([`merge`]), what changed ([`diff`]), how a note reads ([`words`]),
//! how its patient reads it ([`plain`]), and who lets an archived one be amended ([`amendment`]).

pub mod amendment;
pub mod diff;
pub mod exams;
pub mod merge;
pub mod plain;
pub mod search;
pub mod templates;
pub mod terms;
pub mod words;

use serde::{Deserialize, Serialize};

use crate::domain::people::Sex;
use crate::domain::prose::prose;
use crate::domain::text::Text;
use crate::domain::written::letters;

pub use exams::{Fault, Wrong};
use exams::{FourExams, Missing};
use templates::Inserted;
use terms::{TERMS, TermKind};

/// Diagnoses of one note, of all kinds together.
pub const DIAGNOSES_LIMIT: usize = 20;

/// The medical note. Text in any language; each field at most 4,000 characters.
///
/// What was added later is left out while it is empty, so that an older note reads and hashes as on the day of its
/// signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoteContent {
    /// 主诉.
    pub complaint: String,
    /// 现病史.
    pub history: String,
    /// 既往史、过敏史.
    pub background: String,
    /// Vital signs.
    pub vitals: Vitals,
    /// What was seen in the video, in words.
    pub examination: String,
    /// Diagnosis in words; these or coded ones are required for signing.
    pub diagnosis: String,
    /// Advice to the patient; required for signing.
    pub advice: String,
    /// 望闻问切, coded.
    #[serde(skip_serializing_if = "FourExams::is_empty")]
    pub exams: FourExams,
    /// Coded diagnoses, the first one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<Diagnosis>,
    /// Codes of the principles of treatment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub principle: Vec<String>,
    /// Which texts came from templates; the server writes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inserted: Vec<Inserted>,
    /// The edition of the terms by which the codes were chosen; the server writes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub terms: String,
}

/// Vital signs as measured at home or said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vitals {
    /// °C, 30–45.
    pub temperature: Option<f64>,
    /// Beats a minute, 20–300.
    pub heart_rate: Option<f64>,
    /// Breaths a minute, 4–120.
    pub respiratory_rate: Option<f64>,
    /// %, 30–100.
    pub oxygen_saturation: Option<f64>,
    /// mmHg, 40–300.
    pub systolic: Option<f64>,
    /// mmHg, 20–200.
    pub diastolic: Option<f64>,
}

/// What kind of diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosisKind {
    /// 病名, GB/T 15657.
    Disease,
    /// 证候.
    Pattern,
    /// ICD-10.
    Western,
}

impl DiagnosisKind {
    /// The terms among which it is found.
    pub const fn terms(self) -> TermKind {
        match self {
            Self::Disease => TermKind::Disease,
            Self::Pattern => TermKind::Pattern,
            Self::Western => TermKind::Western,
        }
    }
}

/// One coded diagnosis. Its names are kept with it: a later edition of the terms changes no record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// What kind.
    pub kind: DiagnosisKind,
    /// Its code.
    pub code: String,
    /// Its name in Chinese; the server writes it.
    #[serde(default)]
    pub zh: String,
    /// Its name in English; the server writes it.
    #[serde(default)]
    pub en: String,
    /// Of a pattern: codes of ICD-11, chapter 26. Our proposal; a doctor may leave some out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tm1: Vec<String>,
    /// Whether it is still open.
    #[serde(default, skip_serializing_if = "exams::is_false")]
    pub provisional: bool,
}

impl NoteContent {
    /// The note as it is kept: its free words without what nobody sees. What was signed before stays as it was signed.
    #[must_use]
    pub fn as_prose(mut self) -> Self {
        let own = [
            &mut self.complaint,
            &mut self.history,
            &mut self.background,
            &mut self.examination,
            &mut self.diagnosis,
            &mut self.advice,
        ];
        for text in own.into_iter().chain(self.exams.words_mut()) {
            *text = prose(text);
        }
        self
    }

    /// Writes what the server knows beside the codes: the names of the diagnoses, and the edition of the terms.
    #[must_use]
    pub fn with_names(mut self) -> Self {
        for diagnosis in &mut self.diagnoses {
            if let Some(term) = TERMS.of(diagnosis.kind.terms(), &diagnosis.code) {
                (diagnosis.zh, diagnosis.en) = (term.zh.clone(), term.en.clone());
            }
        }
        let is_coded = !self.exams.is_empty() || !self.diagnoses.is_empty() || !self.principle.is_empty();
        self.terms = if is_coded { TERMS.edition().to_owned() } else { String::new() };
        self
    }

    /// What is wrong, by field; a draft with faults is not saved.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (field, text) in self.texts() {
            exams::check_words(field, text, &mut faults);
        }
        for (field, value, range) in self.vitals.ranges() {
            if value.is_some_and(|value| !range.contains(&value)) {
                faults.push(Fault { field: format!("vitals.{field}"), what: Wrong::OutOfRange });
            }
        }
        faults.extend(self.exams.faults());
        exams::check_terms("principle", TermKind::Principle, &self.principle, &mut faults);
        if self.diagnoses.len() > DIAGNOSES_LIMIT {
            faults.push(Fault { field: "diagnoses".to_owned(), what: Wrong::TooMany });
            return faults;
        }
        for (place, diagnosis) in self.diagnoses.iter().enumerate() {
            let field = format!("diagnoses.{place}");
            let codes = std::slice::from_ref(&diagnosis.code);
            exams::check_terms(&format!("{field}.code"), diagnosis.kind.terms(), codes, &mut faults);
            exams::check_terms(&format!("{field}.tm1"), TermKind::Tm1, &diagnosis.tm1, &mut faults);
            if self.diagnoses.iter().take(place).any(|before| before.code == diagnosis.code) {
                faults.push(Fault { field, what: Wrong::Twice });
            }
        }
        faults
    }

    /// What keeps the note from being signed, as fields; of its patient sex and age are asked.
    pub fn unready(&self, sex: Sex, age_years: u32) -> Vec<String> {
        let mut fields = Vec::new();
        if letters(&self.diagnosis) == 0 && self.diagnoses.is_empty() {
            fields.push("diagnosis".to_owned());
        }
        if letters(&self.advice) == 0 {
            fields.push("advice".to_owned());
        }
        let missing = self.exams.missing(sex, age_years).into_iter();
        fields.extend(missing.filter(|what| what.stops_signature()).map(|what: Missing| what.field().to_owned()));
        for (place, diagnosis) in self.diagnoses.iter().enumerate() {
            let term = TERMS.of(diagnosis.kind.terms(), &diagnosis.code);
            if !diagnosis.provisional && term.is_some_and(|term| term.temporary) {
                fields.push(format!("diagnoses.{place}.provisional"));
            }
        }
        fields
    }

    /// The diagnosis in one line: the coded ones by name, then the words.
    pub fn diagnosis_line(&self) -> Text {
        let open =
            |diagnosis: &Diagnosis| if diagnosis.provisional { ("（待定）", " (provisional)") } else { ("", "") };
        let mut zh: Vec<String> = self.diagnoses.iter().map(|d| format!("{}{}", d.zh, open(d).0)).collect();
        let mut en: Vec<String> = self.diagnoses.iter().map(|d| format!("{}{}", d.en, open(d).1)).collect();
        let words = self.diagnosis.trim();
        if !words.is_empty() {
            zh.push(words.to_owned());
            en.push(words.to_owned());
        }
        Text::new(zh.join("；"), en.join("; "))
    }

    fn texts(&self) -> [(&'static str, &String); 6] {
        [
            ("complaint", &self.complaint),
            ("history", &self.history),
            ("background", &self.background),
            ("examination", &self.examination),
            ("diagnosis", &self.diagnosis),
            ("advice", &self.advice),
        ]
    }
}

impl Vitals {
    /// Every value with its name and what it can be.
    pub fn ranges(&self) -> [(&'static str, Option<f64>, std::ops::RangeInclusive<f64>); 6] {
        [
            ("temperature", self.temperature, 30.0..=45.0),
            ("heart_rate", self.heart_rate, 20.0..=300.0),
            ("respiratory_rate", self.respiratory_rate, 4.0..=120.0),
            ("oxygen_saturation", self.oxygen_saturation, 30.0..=100.0),
            ("systolic", self.systolic, 40.0..=300.0),
            ("diastolic", self.diastolic, 20.0..=200.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::domain::hex::hex;

    fn diagnosed(kind: DiagnosisKind, code: &str, provisional: bool) -> NoteContent {
        let diagnosis = Diagnosis {
            kind,
            code: code.to_owned(),
            zh: String::new(),
            en: String::new(),
            tm1: Vec::new(),
            provisional,
        };
        NoteContent { advice: "多喝水".to_owned(), diagnoses: vec![diagnosis], ..NoteContent::default() }
    }

    #[test]
    fn an_old_note_reads_and_hashes_as_before() {
        // As the version before the four examinations wrote it, byte for byte.
        let old = r#"{"advice":"休息","background":"","complaint":"发热","diagnosis":"感冒","examination":"","history":"","vitals":{"diastolic":null,"heart_rate":null,"oxygen_saturation":97.0,"respiratory_rate":null,"systolic":null,"temperature":38.5}}"#;
        let content: NoteContent = serde_json::from_str(old).unwrap();
        let again = serde_json::to_value(&content).unwrap().to_string();
        assert_eq!(again, old);
        assert_eq!(hex(&Sha256::digest(again)), hex(&Sha256::digest(old)));
        assert_eq!(content.clone().with_names(), content);
    }

    #[test]
    fn no_word_of_a_note_hides_a_letter() {
        let typed = r#"{"complaint":"发\u200b热","history":"\u202e咳","background":"\u00ad","examination":"a\u00a0b",
            "diagnosis":"感\ufeff冒","advice":"休\u2060息\n多饮水","exams":{"findings":{"ask.sweat":{"words":"\u200b自汗"}},
            "tongue":{"words":"淡\u200d红"},"pulse":{"state":"taken","by":"practitioner","words":"浮\u200e"},
            "women":{"words":"\u2066无\u2069"}}}"#;
        let kept = serde_json::from_str::<NoteContent>(typed).unwrap().as_prose();
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.chars().all(|letter| !crate::domain::written::is_hidden(letter)), "{text}");
        for word in ["发热", "感冒", r"休息\n多饮水", "a b", "自汗", "淡红", "浮", "无"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert_eq!(kept.clone().as_prose(), kept);
    }

    #[test]
    fn a_temporary_term_is_no_final_diagnosis() {
        let fever = |provisional| diagnosed(DiagnosisKind::Disease, "A17.01", provisional).unready(Sex::Male, 40);
        assert_eq!(fever(false), ["diagnoses.0.provisional"]);
        assert!(fever(true).is_empty());
    }

    #[test]
    fn a_code_of_another_kind_is_refused_by_its_field() {
        let faults = diagnosed(DiagnosisKind::Western, "A01.01.01", false).faults();
        assert_eq!(faults, [Fault { field: "diagnoses.0.code".to_owned(), what: Wrong::UnknownTerm }]);
        assert!(diagnosed(DiagnosisKind::Disease, "A01.01.01", false).faults().is_empty());
    }

    #[test]
    fn the_names_of_a_diagnosis_are_the_servers() {
        let mut content = diagnosed(DiagnosisKind::Disease, "A01.01.01", true);
        content.diagnoses[0].zh = "<b>绝症</b>".to_owned();
        let content = content.with_names();
        assert_eq!(content.diagnosis_line(), Text::new("感冒（待定）", "common cold (provisional)"));
        assert_eq!(content.terms, TERMS.edition());
    }

    #[test]
    fn overlong_texts_and_impossible_figures_are_refused_by_field() {
        let content = NoteContent {
            advice: "长".repeat(4001),
            vitals: Vitals { temperature: Some(98.6), ..Vitals::default() },
            ..NoteContent::default()
        };
        let fields: Vec<_> = content.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["advice", "vitals.temperature"]);
    }

    #[test]
    fn a_note_is_signed_with_a_diagnosis_in_words_or_in_codes() {
        let words =
            NoteContent { diagnosis: "感冒".to_owned(), advice: "休息".to_owned(), ..NoteContent::default() };
        assert!(words.unready(Sex::Female, 30).is_empty());
        assert!(diagnosed(DiagnosisKind::Western, "J00", false).unready(Sex::Female, 30).is_empty());
        assert_eq!(NoteContent::default().unready(Sex::Male, 3), ["diagnosis", "advice"]);
    }
}
