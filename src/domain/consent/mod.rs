//! Consents: what a patient is asked, in which words, and whether what was answered is enough.
//!
//! The texts are data, so that a lawyer can read and change them. A text that changed gets a new version, and a decision
//! on an older version counts no longer: nobody has agreed to words that they have not seen.

pub mod guardian;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

/// What a consent is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentKind {
    /// 互联网诊疗知情同意: needed.
    Treatment,
    /// 敏感个人信息单独同意 (PIPL Art. 29): needed.
    SensitiveData,
    /// 音视频过程记录: may be refused; the visit goes on.
    ProcessRecord,
}

impl ConsentKind {
    /// Every kind, in the order of asking.
    pub const ALL: [Self; 3] = [Self::Treatment, Self::SensitiveData, Self::ProcessRecord];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::SensitiveData => "sensitive_data",
            Self::ProcessRecord => "process_record",
        }
    }
}

/// A text in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentText {
    /// What it is about.
    pub kind: ConsentKind,
    /// The text's version; it is sent back with the decision.
    pub version: String,
    /// The heading.
    pub title: Text,
    /// Short paragraphs.
    pub paragraphs: Vec<Text>,
    /// Whether the visit needs a yes.
    pub required: bool,
}

/// The texts in force, in the order of asking.
pub fn in_force() -> &'static [ConsentText] {
    static TEXTS: LazyLock<Vec<ConsentText>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("texts.json")).expect("a test loads the texts of this build")
    });
    &TEXTS
}

/// The text in force of a kind.
pub fn text(kind: ConsentKind) -> &'static ConsentText {
    in_force().iter().find(|text| text.kind == kind).expect("a test finds a text for every kind")
}

/// The first consent that a visit needs and that these decisions do not give.
///
/// `decisions` are kind, version and yes or no, oldest first; the newest of a kind counts.
pub fn first_missing<'a>(decisions: impl IntoIterator<Item = (ConsentKind, &'a str, bool)>) -> Option<ConsentKind> {
    let decisions: Vec<_> = decisions.into_iter().collect();
    let is_given = |text: &ConsentText| {
        let newest = decisions.iter().rev().find(|(kind, ..)| *kind == text.kind);
        newest.is_some_and(|(_, version, granted)| *granted && *version == text.version)
    };
    in_force().iter().find(|text| text.required && !is_given(text)).map(|text| text.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConsentKind::{ProcessRecord, SensitiveData, Treatment};

    fn version(kind: ConsentKind) -> &'static str {
        &text(kind).version
    }

    #[test]
    fn every_kind_has_one_complete_text_in_the_order_of_asking() {
        let kinds: Vec<_> = in_force().iter().map(|text| text.kind).collect();
        assert_eq!(kinds, ConsentKind::ALL);
        for text in in_force() {
            assert!((4..=6).contains(&text.paragraphs.len()), "{:?}", text.kind);
            assert!(!text.title.is_incomplete() && !text.paragraphs.iter().any(Text::is_incomplete));
            assert_eq!(serde_json::to_value(text.kind).unwrap(), text.kind.as_str());
        }
    }

    #[test]
    fn treatment_and_sensitive_data_are_needed_and_the_recording_is_not() {
        let yes = |kind| (kind, version(kind), true);
        assert_eq!(first_missing([]), Some(Treatment));
        assert_eq!(first_missing([yes(Treatment)]), Some(SensitiveData));
        let refused = (ProcessRecord, version(ProcessRecord), false);
        assert_eq!(first_missing([yes(Treatment), yes(SensitiveData), refused]), None);
        assert_eq!(first_missing([yes(Treatment), yes(SensitiveData)]), None);
    }

    #[test]
    fn a_consent_that_was_taken_back_or_given_to_older_words_counts_no_longer() {
        let yes = |kind| (kind, version(kind), true);
        let back = (Treatment, version(Treatment), false);
        assert_eq!(first_missing([yes(Treatment), yes(SensitiveData), back]), Some(Treatment));
        assert_eq!(first_missing([yes(Treatment), yes(SensitiveData), back, yes(Treatment)]), None);
        assert_eq!(first_missing([(Treatment, "treatment-0", true), yes(SensitiveData)]), Some(Treatment));
    }
}
