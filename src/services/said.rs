//! What somebody says in words to account for what they do.

use crate::domain::written::{is_plain, letters};
use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;

/// Letters of a reason: fewer say nothing.
const LEAST: usize = 2;
/// Characters of one.
const MOST: usize = 500;

/// A reason without blanks around it.
///
/// # Errors
/// [`ErrorCode::Invalid`] at `field` where it says nothing, is too long, or has letters that nobody sees.
pub(crate) fn reason(text: &str, field: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if letters(text) >= LEAST && text.chars().count() <= MOST && is_plain(text) {
        Ok(text.to_owned())
    } else {
        Err(Refusal::field(ErrorCode::Invalid, field, "2 letters or more, at most 500 characters"))
    }
}

/// The same where a reason may be left out: blanks are none.
///
/// # Errors
/// As [`reason`].
pub(crate) fn perhaps(text: Option<&str>, field: &str) -> Result<Option<String>, Refusal> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(|text| reason(text, field)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_that_is_seen() {
        assert_eq!(reason("  病人要求 \n", "reason").unwrap(), "病人要求");
        for nothing in ["", " ", ".", "。。", "好", "\u{200b}\u{200b}", "因\u{202e}为", "a\u{1b}b", &"因为".repeat(251)]
        {
            let refusal = reason(nothing, "words").unwrap_err();
            assert_eq!((refusal.code, refusal.field.as_deref()), (ErrorCode::Invalid, Some("words")), "{nothing:?}");
        }
        assert_eq!(perhaps(Some("  "), "reason").unwrap(), None);
        assert!(perhaps(Some(" . "), "reason").is_err(), "a sign is not left out, and says nothing");
    }
}
