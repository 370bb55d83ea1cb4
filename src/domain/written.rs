//! What people typed, as it is seen: letters that nobody sees are refused, and spellings that look or mean the same are
//! compared as one.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

/// After so many rounds nothing is folded further; two do for every letter there is.
const ROUNDS: usize = 4;

#[derive(Deserialize)]
struct VariantFile {
    pairs: String,
}

/// Traditional and variant letters of the names of herbs and medicines, to the letter of our tables.
static VARIANTS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let file: VariantFile =
        serde_json::from_str(include_str!("variants.json")).expect("the shipped letters are checked by a test");
    let letters: Vec<char> = file.pairs.split_whitespace().flat_map(str::chars).collect();
    letters.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
});

/// Whether a letter is not seen, changes the order of those that are, or is nobody's (Unicode: default ignorable, format,
/// separators of lines, private and unassigned planes): whoever reads a text with it reads something else than a program
/// does.
pub const fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}'
    )
}

/// Whether all letters of a text of one line are seen: none is hidden, none is a control.
pub fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_control() && !is_hidden(letter))
}

/// How many letters and digits a text has; blanks, marks and what is not seen say nothing.
pub fn letters(text: &str) -> usize {
    text.chars().filter(|letter| letter.is_alphanumeric() && !is_hidden(*letter)).count()
}

/// Whether each word that was typed begins a word of an English name; nothing typed begins none.
pub fn begins_words(english: &str, typed: &str) -> bool {
    let (english, typed) = (english.to_lowercase(), typed.to_lowercase());
    let is_begun = |part: &str| english.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(part));
    let mut parts = typed.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some() && parts.all(is_begun)
}

/// A name to be compared: compatibility forms as their plain letters (NFKC), small, letters and digits alone, and each
/// variant of a Chinese letter as the one of our tables.
pub fn folded(name: &str) -> String {
    let mut folded = folded_once(name);
    // What is left out or becomes small may leave marks side by side that are one letter together, or none.
    for _ in 0..ROUNDS {
        let again = folded_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn folded_once(name: &str) -> String {
    let seen = name.nfkc().filter(|letter| letter.is_alphanumeric() && !is_hidden(*letter));
    seen.flat_map(char::to_lowercase).map(common).collect()
}

/// The letter of our tables for a variant of it; any other letter as it is.
pub fn common(letter: char) -> char {
    VARIANTS.get(&letter).copied().unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_compared_as_the_same() {
        for spelling in ["吗啡片", "吗 啡片", "吗\u{200b}啡片", "吗·啡 片", "嗎啡片", "吗\u{2060}啡-片"]
        {
            assert_eq!(folded(spelling), "吗啡片", "{spelling:?}");
        }
        assert_eq!(folded("ＭＯＲＰＨＩＮＥ Sulfate"), "morphinesulfate");
        assert_eq!(folded("生川烏"), "生川乌");
        assert_eq!(folded("馬錢子"), "马钱子");
    }

    #[test]
    fn marks_that_come_together_by_folding_are_folded_with_their_letters() {
        assert_eq!(folded("\u{1f60}\u{37a}"), folded("\u{1fa0}"));
        assert_eq!(folded("\u{130}"), "i");
    }

    #[test]
    fn a_reason_of_what_nobody_sees_has_no_letters() {
        for nothing in ["", " ", "\u{200b}\u{200b}\u{200b}\u{200b}", "……", "\u{3164}\u{3164}", "---"] {
            assert_eq!(letters(nothing), 0, "{nothing:?}");
        }
        assert_eq!(letters("病情需要。"), 4);
        assert!(!is_plain("医\u{202e}生") && !is_plain("a\u{0}") && is_plain("演示医师甲 (A)"));
    }

    #[test]
    fn each_variant_leads_to_another_letter_that_is_no_variant_itself() {
        assert!(VARIANTS.len() > 150);
        for (variant, plain) in VARIANTS.iter() {
            assert_ne!(variant, plain);
            assert!(!VARIANTS.contains_key(plain), "{variant} leads to {plain}, and that further");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_and_hidden_letters_never_matter(name in "\\PC{0,12}", at in 0_usize..12) {
            let once = folded(&name);
            prop_assert_eq!(&folded(&once), &once);
            let mut letters: Vec<char> = name.chars().collect();
            letters.insert(at.min(letters.len()), '\u{200d}');
            // A joiner between letters that combine keeps them apart in NFKC; Chinese and Latin names have none.
            if name.is_ascii() {
                prop_assert_eq!(folded(&letters.iter().collect::<String>()), once);
            }
        }
    }
}
