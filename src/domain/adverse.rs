//! An adverse event (不良事件): what went wrong at a visit, told once by whoever was there (互联网诊疗监管细则（试行） 2022).

use serde::{Deserialize, Serialize};

use crate::domain::written::{is_hidden, letters};

/// Characters of what happened, and of what was done.
pub const WORDS_LIMIT: usize = 2000;
/// Letters that say something, at least.
const LETTERS_LEAST: usize = 2;

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdverseKind {
    /// A reaction to a medicine or herb, or a wrong one.
    Medicine,
    /// Somebody else was treated, or written about.
    Identity,
    /// A device, the network or this program failed.
    Device,
    /// Help came too late.
    Delay,
    /// The patient became much worse during the visit.
    Worsened,
    /// Anything else.
    Other,
}

impl AdverseKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Medicine, Self::Identity, Self::Device, Self::Delay, Self::Worsened, Self::Other];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medicine => "medicine",
            Self::Identity => "identity",
            Self::Device => "device",
            Self::Delay => "delay",
            Self::Worsened => "worsened",
            Self::Other => "other",
        }
    }
}

/// What somebody told, without blanks around it; nothing where it says nothing, is too long, or hides letters.
pub fn told(text: &str) -> Option<String> {
    let text = text.trim();
    let is_seen = text.chars().all(|letter| letter == '\n' || !(letter.is_control() || is_hidden(letter)));
    let fits = letters(text) >= LETTERS_LEAST && text.chars().count() <= WORDS_LIMIT;
    (is_seen && fits).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_same_word_everywhere() {
        assert!(AdverseKind::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn what_is_told_has_letters_that_are_seen_and_may_have_lines() {
        assert_eq!(told(" 服药后皮疹\n已停药 ").as_deref(), Some("服药后皮疹\n已停药"));
        for nothing in ["", "  \n", "。。。", "疹", "疹\u{200b}子", "皮疹\u{0}"] {
            assert_eq!(told(nothing), None, "{nothing:?}");
        }
        assert!(told(&"疹".repeat(WORDS_LIMIT)).is_some() && told(&"疹".repeat(WORDS_LIMIT + 1)).is_none());
    }
}
