//! What a written name means: one herb, several of which the doctor has to choose, several lines, or nothing we know.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::{Herb, HerbSet, TrapKind, formulas};
use crate::domain::text::Text;
use crate::domain::written::{begins_words, common, is_hidden};

/// Words before a herb's name that say how it was prepared.
const PREPARATIONS: [char; 12] = ['生', '炒', '炙', '制', '焦', '煅', '醋', '酒', '盐', '蜜', '姜', '麸'];

/// What a written name means.
#[derive(Debug)]
pub enum Named<'set> {
    /// This herb.
    Herb(&'set Herb),
    /// This herb; another one's name is so near that the doctor confirms.
    Alike {
        /// The herb of the written name.
        herb: &'set Herb,
        /// What it must not be taken for, in words.
        why: &'set Text,
    },
    /// Several herbs as lines of their own.
    Expands(Vec<&'set Herb>),
    /// One of these; only the doctor knows which.
    Ask {
        /// The herbs that it may be; none where the name itself is not to be used.
        candidates: Vec<&'set Herb>,
        /// Why it is asked.
        why: &'set Text,
    },
    /// Nothing that the tables know.
    Unknown,
}

/// Reads a written name: a trap is never guessed, then the name itself and its other names, then the name without the
/// word for its preparation.
pub fn resolve<'set>(set: &'set HerbSet, written: &str) -> Named<'set> {
    let name = normal(written);
    if let Some(trap) = set.trap(&name) {
        let candidates = || trap.candidates.iter().filter_map(|name| set.herb(name)).collect();
        match (trap.kind, set.herb(&name)) {
            (TrapKind::Ask, _) => return Named::Ask { candidates: candidates(), why: &trap.why },
            (TrapKind::Expands, _) => return Named::Expands(candidates()),
            (TrapKind::Alike, Some(herb)) => return Named::Alike { herb, why: &trap.why },
            (TrapKind::Alike, None) => {}
        }
    }
    if let Some(herb) = set.known(&name) {
        return Named::Herb(herb);
    }
    match name.strip_prefix(PREPARATIONS) {
        // A prepared form of a name that is asked is asked as well.
        Some(rest) if set.trap(rest).is_some_and(|trap| trap.kind != TrapKind::Expands) => resolve(set, rest),
        Some(rest) => set.known(rest).map_or(Named::Unknown, Named::Herb),
        None => Named::Unknown,
    }
}

/// The herbs for what somebody typed: by Chinese name, other name, pinyin, initials of either, or English; at most `limit`,
/// the nearest first, and of those that are as near the ones that the formulas hold most often.
pub fn find_herbs<'set>(set: &'set HerbSet, typed: &str, limit: usize) -> Vec<&'set Herb> {
    let english = typed;
    let typed = normal(typed).to_lowercase();
    if typed.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u8, &Herb)> =
        set.herbs().iter().filter_map(|herb| nearness(herb, &typed, english).map(|near| (near, herb))).collect();
    found.sort_by_key(|(near, herb)| (*near, Reverse(uses(herb)), herb.name.chars().count(), &herb.name));
    found.into_iter().take(limit).map(|(_, herb)| herb).collect()
}

/// In how many lines of the shipped formulas each herb stands, under whatever name.
static USES: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let mut uses = HashMap::new();
    for line in formulas().2.iter().flat_map(|formula| &formula.lines) {
        if let Named::Herb(herb) | Named::Alike { herb, .. } = resolve(HerbSet::shipped(), &line.written) {
            *uses.entry(herb.name.as_str()).or_insert(0) += 1;
        }
    }
    uses
});

fn uses(herb: &Herb) -> usize {
    USES.get(herb.name.as_str()).copied().unwrap_or(0)
}

fn nearness(herb: &Herb, typed: &str, english: &str) -> Option<u8> {
    let is_alias = |test: &dyn Fn(&str) -> bool| herb.aliases.iter().any(|alias| test(alias));
    let is_initials = |test: &dyn Fn(&str) -> bool| herb.alias_initials.iter().any(|letters| test(letters));
    if herb.name == typed {
        Some(0)
    } else if herb.initials == typed || is_alias(&|alias| alias == typed) || is_initials(&|letters| letters == typed) {
        Some(1)
    } else if herb.name.starts_with(typed) || herb.initials.starts_with(typed) {
        Some(2)
    } else if herb.pinyin.starts_with(typed) {
        Some(3)
    } else if begins_words(&herb.en, english) {
        Some(4)
    } else if herb.name.contains(typed)
        || is_alias(&|alias| alias.contains(typed))
        || is_initials(&|letters| letters.starts_with(typed))
    {
        Some(5)
    } else {
        None
    }
}

/// Letters, digits and full-width brackets alone, as in the pharmacopoeia: blanks, marks and what nobody sees do not make
/// another herb of a herb, nor does a traditional letter.
fn normal(written: &str) -> String {
    let seen = written.nfkc().filter(|letter| !is_hidden(*letter));
    seen.filter_map(|letter| match letter {
        '(' => Some('（'),
        ')' => Some('）'),
        other => other.is_alphanumeric().then(|| common(other)),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(written: &str) -> Option<&'static str> {
        match resolve(HerbSet::shipped(), written) {
            Named::Herb(herb) | Named::Alike { herb, .. } => Some(&herb.name),
            _ => None,
        }
    }

    #[test]
    fn a_name_its_other_names_and_its_preparations_mean_one_herb() {
        for (written, herb) in [
            ("麻黄", "麻黄"),
            (" 生 石 膏 ", "石膏"),
            ("黑顺片", "附子"),
            ("云苓", "茯苓"),
            ("杏仁", "苦杏仁"),
            ("土鳖虫", "土鳖虫（䗪虫）"),
            ("冰片(合成龙脑)", "冰片（合成龙脑）"),
            ("麻\u{200b}黃", "麻黄"),
            ("生川\u{2060}烏", "生川乌"),
            ("甘·遂", "甘遂"),
        ] {
            assert_eq!(one(written), Some(herb), "{written}");
        }
    }

    #[test]
    fn a_prepared_form_with_an_entry_of_its_own_is_not_its_raw_form() {
        for written in ["炙甘草", "制川乌", "生半夏", "焦槟榔", "炙黄芪"] {
            assert_eq!(one(written), Some(written));
        }
    }

    #[test]
    fn a_trap_is_asked_and_never_guessed() {
        let set = HerbSet::shipped();
        for trap in set.traps.iter().filter(|trap| trap.kind == TrapKind::Ask) {
            for written in [trap.name.clone(), format!("炒{}", trap.name)] {
                let Named::Ask { candidates, .. } = resolve(set, &written) else {
                    panic!("{written} was guessed");
                };
                assert_eq!(candidates.len(), trap.candidates.len());
            }
        }
        for trap in set.traps.iter().filter(|trap| trap.kind == TrapKind::Alike) {
            assert!(matches!(resolve(set, &trap.name), Named::Alike { .. }), "{}", trap.name);
            for other in &trap.candidates {
                assert_ne!(one(&trap.name), Some(other.as_str()), "it is not the one that it sounds like");
            }
        }
    }

    #[test]
    fn three_burnt_ones_are_three_lines() {
        let Named::Expands(herbs) = resolve(HerbSet::shipped(), "焦三仙") else { panic!("one line") };
        assert_eq!(herbs.iter().map(|herb| herb.name.as_str()).collect::<Vec<_>>(), ["山楂", "麦芽", "六神曲"]);
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        for written in ["", "不存在草", "生", "麻黄汤", "=1+1", "<b>"] {
            assert!(matches!(resolve(HerbSet::shipped(), written), Named::Unknown), "{written}");
        }
    }

    #[test]
    fn herbs_are_found_by_chinese_initials_pinyin_and_other_name() {
        let set = HerbSet::shipped();
        let names = |typed| find_herbs(set, typed, 8).iter().map(|herb| herb.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names("麻黄")[0], "麻黄");
        assert!(names("mh").contains(&"麻黄"));
        assert_eq!(names("mahuang")[0], "麻黄");
        assert!(names("黑顺片").contains(&"附子"));
        assert!(names("").is_empty() && names("zzzzzz").is_empty());
        assert!(find_herbs(set, "s", 5).len() == 5, "never more than asked for");
    }

    #[test]
    fn of_herbs_that_are_as_near_the_one_that_the_formulas_hold_most_often_comes_first() {
        let set = HerbSet::shipped();
        let first = |typed| find_herbs(set, typed, 10)[0].name.as_str();
        for (typed, herb) in [("fz", "附子"), ("bz", "白术"), ("gc", "甘草"), ("hx", "广藿香"), ("fl", "茯苓")]
        {
            assert_eq!(first(typed), herb, "{typed}");
        }
        // What is typed in full comes before what is used more.
        assert_eq!(first("榧子"), "榧子");
        for typed in ["fz", "bz", "cz", "h", "s"] {
            let found = find_herbs(set, typed, 200);
            let near = |herb: &Herb| nearness(herb, typed, typed);
            for pair in found.windows(2) {
                let order = |herb: &Herb| (near(herb), Reverse(uses(herb)));
                assert!(order(pair[0]) <= order(pair[1]), "{typed}: {} before {}", pair[0].name, pair[1].name);
            }
        }
    }

    #[test]
    fn no_herb_or_name_is_without_letters_to_find_it_by() {
        for herb in HerbSet::shipped().herbs() {
            let latin = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(latin(&herb.pinyin) && latin(&herb.initials), "{}", herb.name);
            assert!(herb.en.is_ascii() && !herb.en.is_empty(), "{} has a name for English readers", herb.name);
            assert_eq!(herb.alias_initials.len(), herb.aliases.len(), "{}", herb.name);
            assert!(herb.alias_initials.iter().all(|letters| latin(letters)), "{}", herb.name);
        }
    }

    #[test]
    fn every_herb_is_offered_by_each_of_its_names_and_their_initials_and_by_its_english() {
        let set = HerbSet::shipped();
        for herb in set.herbs() {
            let english = herb.en.split(", ").map(str::to_owned);
            let typed = [&herb.name, &herb.pinyin, &herb.initials].into_iter().chain(&herb.aliases);
            for typed in typed.chain(&herb.alias_initials).cloned().chain(english) {
                // As many as a desk is offered.
                let found = find_herbs(set, &typed, 10);
                assert!(found.iter().any(|one| one.name == herb.name), "{} is not offered for {typed}", herb.name);
            }
        }
        let names = |typed| find_herbs(set, typed, 10).iter().map(|herb| herb.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names("Ephedra"), ["麻黄", "麻黄根"]);
        assert_eq!(names("cinnamon twig"), ["桂枝"]);
        assert!(names("hsp").contains(&"附子"), "黑顺片 is one of its names");
    }
}
