//! A person's name as in the document.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::written::is_plain;

/// What stands between the parts of a name: of a minority's or a foreigner's (阿卜杜拉·买买提, O'Neill, Anne-Marie, Jr.,
/// 王 (Wang), s/o). Of the other signs of a keyboard none is part of a name anywhere, and some are markup or formulas
/// wherever a name is pasted.
const BETWEEN: [char; 7] = ['\'', '-', '.', ',', '(', ')', '/'];

/// A legal name: 1 to 64 characters that a screen shows as they are; it begins with a letter or an ideograph.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LegalName(String);

/// Why a text is not a legal name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but spaces.
    #[error("the name is empty")]
    Empty,
    /// More than 64 characters.
    #[error("the name is longer than 64 characters")]
    TooLong,
    /// Without a single letter or ideograph.
    #[error("the name has no letter")]
    NoLetter,
    /// It begins with something else than a letter or an ideograph.
    #[error("the name begins with a sign")]
    Begins,
    /// A sign that is part of no name, such as `<` or `=`.
    #[error("the name contains a sign that is part of no name")]
    Sign,
    /// A control, direction or invisible character, which could make one name look like another.
    #[error("the name contains a character that cannot be seen")]
    Invisible,
}

impl LegalName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Reads a name as it was typed; spaces around it are dropped and runs of spaces made one.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        if !is_plain(typed) {
            return Err(NameError::Invisible);
        }
        let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(NameError::TooLong);
        }
        if !name.chars().any(char::is_alphabetic) {
            return Err(NameError::NoLetter);
        }
        if !name.starts_with(char::is_alphabetic) {
            return Err(NameError::Begins);
        }
        if name.chars().any(is_sign) {
            return Err(NameError::Sign);
        }
        Ok(Self(name))
    }

    /// The name itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The first character, the rest as two stars whatever its length.
    pub fn masked(&self) -> String {
        self.0.chars().take(1).chain("**".chars()).collect()
    }
}

/// Whether a character is a sign of a keyboard that is part of no name, in plain or in full width.
fn is_sign(character: char) -> bool {
    let plain = character.nfkc().next().unwrap_or(character);
    (plain.is_ascii_punctuation() && !BETWEEN.contains(&plain)) || matches!(plain, '“' | '”' | '„' | '«' | '»')
}

impl fmt::Display for LegalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for LegalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegalName(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_many_peoples_are_names() {
        for name in [
            "演示患者",
            "阿卜杜拉·买买提",
            "测试•买买提",
            "Anne-Marie O’Neill",
            "Sean O'Neill",
            "Đặng Thị Hồng",
            "𠮷田",
            "X",
            "Ana\u{308}is",
            "J. R. Smith Jr.",
            "བསོད་ནམས།",
            "ئابدۇللا",
            "Raj s/o Kumar",
            "王五 (Wang Wu)",
            "演示预约 01",
        ] {
            assert_eq!(LegalName::parse(name).unwrap().reveal(), name);
        }
        assert_eq!(LegalName::parse("  Anna \u{3000} Maria ").unwrap().reveal(), "Anna Maria");
    }

    #[test]
    fn what_cannot_be_seen_is_not_part_of_a_name() {
        for name in ["a\u{202E}b", "a\u{200B}b", "a\nb", "a\0b", "\u{FEFF}ab", "a\u{2066}b", "a\u{E000}"] {
            assert_eq!(LegalName::parse(name), Err(NameError::Invisible), "{name:?}");
        }
        assert_eq!(LegalName::parse("  "), Err(NameError::Empty));
        assert_eq!(LegalName::parse("12 34"), Err(NameError::NoLetter));
        assert!(LegalName::parse(&"名".repeat(64)).is_ok());
        assert_eq!(LegalName::parse(&"名".repeat(65)), Err(NameError::TooLong));
    }

    #[test]
    fn signs_are_no_name_and_no_part_of_one() {
        for name in
            ["=HYPERLINK(x)", "<b>x</b>", "\u{301}a", "-王", "·买买提", "@SUM", "+王", "(王)", "1王", "'王", "＝王"]
        {
            assert_eq!(LegalName::parse(name), Err(NameError::Begins), "{name:?}");
        }
        for name in [
            "王<b>",
            "王=1+1",
            "王\"x\"",
            "a>b",
            "王&amp",
            "王;x",
            "王＜b＞",
            "王＝1",
            "王“x”",
            "王{x}",
            "王|x",
            "王`x`",
        ] {
            assert_eq!(LegalName::parse(name), Err(NameError::Sign), "{name:?}");
        }
        assert_eq!(LegalName::parse("=1"), Err(NameError::NoLetter));
    }

    #[test]
    fn printing_shows_the_first_character_at_most() {
        let name = LegalName::parse("演示患者").unwrap();
        assert_eq!((name.to_string(), format!("{name:?}")), ("演**".into(), "LegalName(***)".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_a_name_reads_itself_again(text in any::<String>()) {
            if let Ok(name) = LegalName::parse(&text) {
                prop_assert_eq!(LegalName::parse(name.reveal()), Ok(name));
            }
        }

        #[test]
        fn a_name_begins_with_a_letter_and_is_no_markup_and_no_formula(text in "[<>=\"'·. \\-a王\u{301}]{1,6}") {
            let Ok(name) = LegalName::parse(&text) else { return Ok(()) };
            prop_assert!(name.reveal().starts_with(['a', '王']) && !name.reveal().contains(['<', '>', '=', '"']));
        }
    }
}
