//! Which herbs a longer text names: a name with an ending, a remark. At each place the longest word that the tables know is
//! read, so that 附子 is not found in 白附子 nor 草乌 between 甘草 and 乌梅.

use std::collections::HashMap;

use super::{Herb, HerbSet, TrapKind};
use crate::domain::text::Text;
use crate::domain::written::folded;

/// Words with what each means; made once, and asked at every place of a text.
#[derive(Debug)]
pub(super) struct Lexicon<T> {
    words: HashMap<String, T>,
    /// How many letters the words have that begin with a letter, the most first.
    lengths: HashMap<char, Vec<usize>>,
}

/// A word at its place, in letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a, T> {
    start: usize,
    end: usize,
    word: &'a str,
    meaning: T,
}

impl<T: Copy> Lexicon<T> {
    /// Of words in any spelling; of two that are spelt alike the first counts.
    pub(super) fn new(words: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut lexicon = Self { words: HashMap::new(), lengths: HashMap::new() };
        for (word, meaning) in words {
            let word = folded(&word);
            let Some(first) = word.chars().next() else { continue };
            let (lengths, length) = (lexicon.lengths.entry(first).or_default(), word.chars().count());
            if let Err(place) = lengths.binary_search_by(|one| length.cmp(one)) {
                lengths.insert(place, length);
            }
            lexicon.words.entry(word).or_insert(meaning);
        }
        lexicon
    }

    /// The longest word at each place of a folded text.
    fn at_each_place<'a>(&'a self, text: &str) -> Vec<Found<'a, T>> {
        let mut bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        bounds.push(text.len());
        let longest = |(start, first): (usize, char)| {
            self.lengths.get(&first)?.iter().find_map(|length| {
                let end = start + length;
                let (word, meaning) = self.words.get_key_value(text.get(bounds[start]..*bounds.get(end)?)?)?;
                Some(Found { start, end, word, meaning: *meaning })
            })
        };
        text.chars().enumerate().filter_map(longest).collect()
    }

    /// The first word in a text of any spelling.
    pub(super) fn first_in(&self, text: &str) -> Option<&str> {
        self.at_each_place(&folded(text)).first().map(|found| found.word)
    }

    /// The words of a folded text: none that lies within a longer one, and none whose letters belong to two others that
    /// follow each other.
    fn read<'a>(&'a self, text: &str) -> Vec<Found<'a, T>> {
        let all = self.at_each_place(text);
        let is_within = |one: &Found<T>| {
            let holds = |other: &Found<T>| other.start <= one.start && one.end <= other.end;
            all.iter().any(|other| holds(other) && (other.start, other.end) != (one.start, one.end))
        };
        let is_shared = |one: &Found<T>| {
            let before = all.iter().filter(|left| left.start < one.start && one.start < left.end && left.end < one.end);
            before.map(|left| left.end).any(|end| all.iter().any(|right| right.start == end && one.end < right.end))
        };
        all.iter().filter(|one| !is_within(one) && !is_shared(one)).copied().collect()
    }
}

/// What a word of the tables is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The herb at this place of the table.
    Herb(usize),
    /// The trap at this place of its table.
    Trap(usize),
    /// No herb, whatever name stands in it.
    Nothing,
}

/// A name of the tables that a text holds.
#[derive(Clone, Debug)]
pub struct Mention<'set> {
    /// As it stands there, folded.
    name: &'set str,
    /// What it may mean; none where the name itself is not to be used.
    herbs: Vec<&'set Herb>,
}

impl<'set> Mention<'set> {
    /// In both languages.
    pub fn text(&self) -> Text {
        let english = self.herbs.first().map_or_else(|| self.name.to_owned(), |herb| herb.text().en);
        Text::new(self.name, english)
    }

    /// The herb, or the first of those that it may mean.
    pub fn herb(&self) -> Option<&'set Herb> {
        self.herbs.first().copied()
    }

    /// Whether one of its herbs is such.
    pub fn is_any(&self, test: impl Fn(&Herb) -> bool) -> bool {
        self.herbs.iter().any(|herb| test(herb))
    }

    /// Whether it is never prescribed online, whoever the patient is.
    pub fn is_refused_online(&self) -> bool {
        self.herbs.is_empty() || self.is_any(Herb::is_refused_online)
    }
}

/// What is ground is called so.
const POWDER: char = '粉';

/// Where a sentence or a part of it ends: names on both sides of it are two.
fn is_mark(letter: char) -> bool {
    "，。；、：！？,;:!?\n".contains(letter)
}

impl HerbSet {
    /// The words of a set that is read anew.
    pub(super) fn lexicon(herbs: &[Herb], traps: &[super::Trap], innocent: &[String]) -> Lexicon<Meaning> {
        let names: Vec<(&String, usize)> = herbs
            .iter()
            .enumerate()
            .flat_map(|(index, herb)| std::iter::once(&herb.name).chain(&herb.aliases).map(move |name| (name, index)))
            .collect();
        // The powder of one herb may end like the name of another: 橘红粉 is no 红粉.
        let powders: Vec<char> =
            names.iter().filter_map(|(name, _)| name.strip_suffix(POWDER)?.chars().last()).collect();
        let is_powder = |name: &String| name.chars().last().is_some_and(|last| powders.contains(&last));
        let ground = names.iter().filter(|(name, _)| is_powder(name));
        let ground = ground.map(|(name, index)| (format!("{name}{POWDER}"), Meaning::Herb(*index)));
        let names = names.iter().map(|(name, index)| ((*name).clone(), Meaning::Herb(*index)));
        // One that only sounds like another is a herb itself.
        let traps = traps.iter().enumerate().filter(|(_, trap)| trap.kind != TrapKind::Alike);
        let traps = traps.map(|(index, trap)| (trap.name.clone(), Meaning::Trap(index)));
        let innocent = innocent.iter().map(|word| (word.clone(), Meaning::Nothing));
        Lexicon::new(names.chain(ground).chain(traps).chain(innocent))
    }

    /// The herbs that a name holds, whatever marks stand between its letters.
    pub(super) fn held_in_name<'set>(&'set self, name: &str) -> Vec<Mention<'set>> {
        self.held(&folded(name))
    }

    /// The same without those that begin within the one before: 藜芦根 is 藜芦 and an ending, and no 芦根.
    pub(super) fn held_apart_in_name<'set>(&'set self, name: &str) -> Vec<Mention<'set>> {
        let mut end = 0;
        let read = self.lexicon.read(&folded(name)).into_iter();
        let apart = read.filter(|found| {
            let is_apart = found.start >= end;
            end = end.max(found.end);
            is_apart
        });
        apart.filter_map(|found| self.mention(found)).collect()
    }

    /// The herbs that a text of whole sentences names.
    pub(super) fn held_in_words<'set>(&'set self, text: &str) -> Vec<Mention<'set>> {
        text.split(is_mark).flat_map(|part| self.held(&folded(part))).collect()
    }

    fn held<'set>(&'set self, folded: &str) -> Vec<Mention<'set>> {
        self.lexicon.read(folded).into_iter().filter_map(|found| self.mention(found)).collect()
    }

    fn mention<'set>(&'set self, found: Found<'set, Meaning>) -> Option<Mention<'set>> {
        let herbs = match found.meaning {
            Meaning::Herb(index) => vec![&self.herbs[index]],
            Meaning::Trap(index) => self.traps[index].candidates.iter().filter_map(|one| self.herb(one)).collect(),
            Meaning::Nothing => return None,
        };
        Some(Mention { name: found.word, herbs })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        HerbSet::shipped().held_in_words(text).iter().map(|mention| mention.name).collect()
    }

    #[test]
    fn the_longest_known_name_is_read_at_each_place() {
        for (text, read) in [
            ("与甘草同煎", vec!["甘草"]),
            ("勿与藜芦同用", vec!["藜芦"]),
            ("白附子", vec!["白附子"]),
            ("制川乌先煎", vec!["制川乌"]),
            ("草川乌", vec!["川乌"]),
            ("另加生川烏10g同煎", vec!["生川乌"]),
            ("川 乌", vec!["川乌"]),
            ("甘草乌梅", vec!["甘草", "乌梅"]),
            ("甘草乌", vec!["甘草", "草乌"]),
            ("胡芦巴豆蔻", vec!["胡芦巴", "豆蔻"]),
            ("关白附子", vec!["关白附", "白附子"]),
            ("川，乌", vec![]),
            ("半夏曲", vec![]),
            ("橘红粉", vec!["橘红粉"]),
            ("芫花粉", vec!["芫花粉"]),
        ] {
            assert_eq!(names(text), read, "{text}");
        }
    }

    #[test]
    fn ordinary_words_name_no_herb() {
        for text in [
            "饭后服",
            "先煎30分钟",
            "忌食辛辣",
            "水银体温计37.5℃",
            "三棱针点刺",
            "住三棱镇",
            "减轻粉尘",
            "四川人",
            "加水银花后下",
            "切薄片",
            "每次100g，先煎",
            "0.35 g × 24",
            "4 粒",
        ] {
            let never = HerbSet::shipped().held_in_words(text).into_iter().filter(Mention::is_refused_online);
            assert_eq!(never.count(), 0, "{text}");
            if text != "加水银花后下" {
                assert_eq!(names(text), [""; 0], "{text}");
            }
        }
    }

    #[test]
    fn every_name_is_read_as_its_own_herb() {
        let set = HerbSet::shipped();
        for herb in set.herbs() {
            for name in std::iter::once(&herb.name).chain(&herb.aliases) {
                let read = set.held_in_name(name);
                assert_eq!(read.len(), 1, "{name}: {read:?}");
                assert_eq!(read[0].herb().map(|one| &one.name), Some(&herb.name), "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_read_hides_no_name_but_within_longer_ones(
            before in letters(), after in letters(), at in any::<prop::sample::Index>(),
        ) {
            let set = HerbSet::shipped();
            let herbs: Vec<&Herb> = set.herbs().iter().filter(|herb| herb.is_refused_online()).collect();
            let name = folded(&herbs[at.index(herbs.len())].name);
            let text = format!("{before}{name}{after}");
            let (start, end) = (before.chars().count(), before.chars().count() + name.chars().count());
            let read = set.lexicon.read(&text);
            let is_read = read.iter().any(|found| found.start <= start && end <= found.end);
            // Else each of its letters belongs to one of two longer readings that follow each other.
            let all = set.lexicon.at_each_place(&text);
            let is_shared = all.iter().any(|left| left.start < start && start < left.end
                && all.iter().any(|right| left.end == right.start && right.end > end));
            let is_within = all.iter().any(|found| found.start <= start && end <= found.end && found.word != name);
            prop_assert!(is_read || is_shared || is_within, "{text}: {read:?}");
        }
    }

    /// Letters that names are made of, so that names grow into each other.
    fn letters() -> impl Strategy<Value = String> {
        let all: Vec<char> = HerbSet::shipped()
            .herbs()
            .iter()
            .flat_map(|herb| herb.name.chars())
            .filter(|letter| letter.is_alphanumeric())
            .collect();
        prop::collection::vec(prop::sample::select(all), 0..5).prop_map(|letters| letters.into_iter().collect())
    }
}
