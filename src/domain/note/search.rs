//! How a term is found while somebody types: by code, by the initials of its pinyin, by Chinese, by English.

use super::terms::{Term, TermKind, Terms};
use crate::domain::written::begins_words;

/// The most terms that one search answers with.
pub const MOST: usize = 50;

/// The terms of these kinds that fit what was typed, the best first; the order is the same each time.
///
/// Nothing typed lists the kind as it stands in its file.
pub fn search<'a>(terms: &'a Terms, kinds: &[TermKind], typed: &str, limit: usize) -> Vec<&'a Term> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<_> = terms
        .all()
        .iter()
        .enumerate()
        .filter(|(_, term)| kinds.is_empty() || kinds.contains(&term.kind))
        .filter_map(|(place, term)| rank(term, &typed).map(|rank| (rank, place, term)))
        .collect();
    found.sort_by_key(|(rank, place, _)| (*rank, *place));
    found.into_iter().take(limit.min(MOST)).map(|(_, _, term)| term).collect()
}

/// How well a term fits; lower is better, and what is wholly typed comes before what only begins so.
fn rank(term: &Term, typed: &str) -> Option<u8> {
    if typed.is_empty() {
        return Some(0);
    }
    let code = term.code.to_lowercase();
    let mut initials = std::iter::once(&term.initials).chain(&term.also_initials);
    let mut names = std::iter::once(&term.zh).chain(&term.also);
    if code == typed || term.zh == typed || term.en.to_lowercase() == typed {
        return Some(0);
    }
    if is_code(term.kind) && code.starts_with(typed) {
        return Some(1);
    }
    if term.initials == typed {
        return Some(2);
    }
    if initials.any(|initials| initials.starts_with(typed)) {
        return Some(3);
    }
    if names.any(|name| name.to_lowercase().contains(typed)) {
        return Some(4);
    }
    // 舌红 and 红舌 are one finding.
    let is_chinese =
        typed.chars().count() >= 2 && typed.chars().all(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    let mut names = std::iter::once(&term.zh).chain(&term.also);
    if is_chinese && names.any(|name| typed.chars().all(|letter| name.contains(letter))) {
        return Some(5);
    }
    begins_words(&term.en, typed).then_some(6)
}

/// Whether people know the code; those of findings are words of the house that nobody types.
const fn is_code(kind: TermKind) -> bool {
    matches!(kind, TermKind::Disease | TermKind::Pattern | TermKind::Tm1 | TermKind::Western)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::note::terms::TERMS;

    fn first(kind: TermKind, typed: &str) -> Option<&'static str> {
        search(&TERMS, &[kind], typed, 10).first().map(|term| term.code.as_str())
    }

    #[test]
    fn a_term_is_found_by_chinese_initials_english_and_code() {
        assert_eq!(first(TermKind::Disease, "时行"), Some("A01.01.01.02"));
        assert_eq!(first(TermKind::Disease, "sxgm"), Some("A01.01.01.02"));
        assert_eq!(first(TermKind::Disease, "SXGM"), Some("A01.01.01.02"));
        assert_eq!(first(TermKind::Disease, "epidemic cold"), Some("A01.01.01.02"));
        assert_eq!(first(TermKind::Disease, "a01.01.01.02"), Some("A01.01.01.02"));
        assert_eq!(first(TermKind::Pulse, "hm"), Some("pulse.hong"));
        assert_eq!(first(TermKind::Western, "j00"), Some("J00"));
        assert_eq!(first(TermKind::Finding, "whfr"), Some("ask.chills.both"));
    }

    #[test]
    fn another_name_finds_the_same_term() {
        assert_eq!(first(TermKind::Disease, "猩红热"), Some("A01.03.24"));
        assert_eq!(first(TermKind::Western, "gxy"), Some("I10"));
        assert_eq!(first(TermKind::Pulse, "choppy"), Some("pulse.se"));
    }

    #[test]
    fn a_search_stays_within_its_kind_and_its_limit() {
        let found = search(&TERMS, &[TermKind::Pattern], "", 500);
        assert_eq!(found.len(), MOST);
        assert!(found.iter().all(|term| term.kind == TermKind::Pattern));
        assert!(search(&TERMS, &[TermKind::Pulse], "感冒", 10).is_empty());
    }

    proptest! {
        #[test]
        fn any_typing_is_answered_the_same_twice(typed in "\\PC{0,12}") {
            prop_assert_eq!(search(&TERMS, &[], &typed, 20), search(&TERMS, &[], &typed, 20));
        }

    }

    /// As many as a desk asks for at once.
    const SHOWN: usize = 12;

    #[test]
    fn every_term_of_every_list_is_offered_by_each_of_its_names_and_their_initials_and_by_its_english() {
        for term in TERMS.all() {
            let han = |name: &str| name.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
            let chinese = term.also.iter().filter(|name| han(name)).count();
            assert_eq!(term.also_initials.len(), chinese, "{}: initials of each other Chinese name", term.code);
            let letters = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(letters(&term.initials) && term.also_initials.iter().all(|one| letters(one)), "{}", term.code);
            assert!(!term.en.is_empty() && term.en.is_ascii(), "{}: {}", term.code, term.en);
            let names = [&term.zh, &term.en, &term.initials].into_iter().chain(&term.also).chain(&term.also_initials);
            for typed in names {
                let found = search(&TERMS, &[term.kind], typed, SHOWN);
                assert!(found.contains(&term), "{} is not offered for {typed}", term.code);
            }
        }
    }
}
