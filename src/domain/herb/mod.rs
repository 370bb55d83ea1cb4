//! Herbs: their names, their ranges, what they may not be given with.
//!
//! The facts stand in this folder as data of the project's own, each file with its edition and its status: a pharmacist
//! signs it before a hospital relies on it. Weights are whole milligrams.

mod formulas;
pub mod gate;
mod names;
mod reading;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;
use crate::domain::triage::RuleSetStatus;

pub use formulas::{Certainty, Formula, FormulaLine, find_formulas, formulas};
pub use names::{Named, find_herbs, resolve};
use reading::{Lexicon, Meaning};

/// A weight in whole milligrams.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = i64)]
pub struct Milligrams(pub i64);

impl Milligrams {
    /// This much, so many times.
    #[must_use]
    pub const fn times(self, count: i64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// In grams, without needless zeros.
impl fmt::Display for Milligrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, (self.0 % 1000).abs());
        if rest == 0 {
            return write!(f, "{whole} g");
        }
        let digits = format!("{rest:03}");
        write!(f, "{whole}.{} g", digits.trim_end_matches('0'))
    }
}

/// How poisonous the pharmacopoeia calls a herb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Toxicity {
    /// 小毒.
    Slight,
    /// 有毒.
    Toxic,
    /// 大毒.
    Great,
}

/// Why a herb is never prescribed online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeverOnline {
    /// One of the 28 of the regulation on toxic medicines of 1988.
    Statutory,
    /// A narcotic.
    Controlled,
    /// Not in the pharmacopoeia any more, or banned.
    Delisted,
}

/// What the pharmacopoeia says for pregnancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PregnancyCaution {
    /// 慎用.
    Caution,
    /// 禁用, 忌服, 禁服.
    Forbidden,
}

/// How a line is prepared apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// 先煎.
    First,
    /// 后下.
    Late,
    /// 包煎.
    Wrapped,
    /// 另煎.
    Apart,
    /// 烊化.
    Melted,
    /// 泡服.
    Steeped,
    /// 冲服.
    Drenched,
    /// 溶入汤液.
    Dissolved,
    /// 煎汤代水.
    ForWater,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 9] = [
        Self::First,
        Self::Late,
        Self::Wrapped,
        Self::Apart,
        Self::Melted,
        Self::Steeped,
        Self::Drenched,
        Self::Dissolved,
        Self::ForWater,
    ];

    /// Its name.
    pub fn name(self) -> Text {
        match self {
            Self::First => Text::new("先煎", "decoct first"),
            Self::Late => Text::new("后下", "add near the end"),
            Self::Wrapped => Text::new("包煎", "wrap in gauze"),
            Self::Apart => Text::new("另煎", "decoct apart"),
            Self::Melted => Text::new("烊化", "melt in"),
            Self::Steeped => Text::new("泡服", "steep"),
            Self::Drenched => Text::new("冲服", "take as powder"),
            Self::Dissolved => Text::new("溶入", "dissolve in the decoction"),
            Self::ForWater => Text::new("煎汤代水", "decoct for the water"),
        }
    }

    /// Whether the herb is not boiled at all, so that a rule against boiling does not meet it.
    pub const fn is_unboiled(self) -> bool {
        matches!(self, Self::Melted | Self::Steeped | Self::Drenched | Self::Dissolved)
    }
}

/// A method that a herb asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodAsked {
    /// The method.
    pub method: Method,
    /// Whether the pharmacopoeia asks for it; otherwise a textbook advises it.
    pub binding: bool,
}

/// Which form a herb is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pills {
    /// 入丸散: never boiled.
    Only,
    /// 多入丸散.
    Mostly,
}

/// What a range counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Per {
    #[default]
    Day,
    Time,
}

/// The facts of one herb.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Herb {
    /// Its name in the pharmacopoeia; the key of everything else.
    pub name: String,
    /// In Latin letters, without tones.
    pub pinyin: String,
    /// The first letters of the syllables.
    pub initials: String,
    /// The names under which English readers look for it.
    pub en: String,
    /// Other names that mean exactly this herb.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Their initials, in the same order.
    #[serde(default)]
    pub alias_initials: Vec<String>,
    #[serde(default)]
    mg: Option<[Milligrams; 2]>,
    #[serde(default)]
    per: Per,
    /// The number of its entry on the pharmacopoeia's own site.
    #[serde(default)]
    pub entry: Option<u32>,
    /// How sure the facts are: found in two copies or on the official page, found in one copy, from memory.
    pub certainty: Certainty,
    /// For the skin alone.
    #[serde(default)]
    pub external_only: bool,
    /// How poisonous.
    #[serde(default)]
    pub toxicity: Option<Toxicity>,
    /// Never online, whoever the patient is, beside those of great toxicity.
    #[serde(default)]
    pub never: Option<NeverOnline>,
    /// For the pregnant.
    #[serde(default)]
    pub pregnancy: Option<PregnancyCaution>,
    /// Where the caution for the pregnant is from memory.
    #[serde(default)]
    pub pregnancy_certainty: Option<Certainty>,
    /// For whom else the same caution is.
    #[serde(default)]
    pub also_for: Vec<String>,
    /// Minutes that it boils before the others, where those are not the set's.
    #[serde(default)]
    first_minutes: Option<u16>,
    /// How it is prepared; one of them suffices.
    #[serde(default)]
    pub methods: Vec<MethodAsked>,
    /// Whether it is for pills.
    #[serde(default)]
    pub pills: Option<Pills>,
}

impl Herb {
    /// The least and the most of a day, where a range of a day is stated.
    pub fn day_range(&self) -> Option<(Milligrams, Milligrams)> {
        let [least, most] = self.mg?;
        (self.per == Per::Day).then_some((least, most))
    }

    /// Whether it may never be prescribed online, whoever the patient is.
    pub fn is_refused_online(&self) -> bool {
        self.never.is_some() || self.toxicity == Some(Toxicity::Great)
    }

    /// Its name in both languages: English readers know herbs by their pinyin.
    pub fn text(&self) -> Text {
        let mut latin = self.pinyin.clone();
        if let Some(first) = latin.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        Text::new(self.name.clone(), latin)
    }
}

/// The minutes of a decoction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoction {
    /// In cold water, before anything boils.
    pub soak: u16,
    /// All that boil together.
    pub together: u16,
    /// The same where something is added late.
    pub before_late: u16,
    /// What is boiled for its water.
    pub for_water: u16,
    /// What boils before the others, where its herb says nothing else.
    first: u16,
    /// What is added late: the least and the most.
    pub late: [u16; 2],
    /// What is boiled apart.
    pub apart: u16,
    /// What is steeped.
    pub steeped: u16,
}

/// How weighty a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairWeight {
    /// Two doctors and a pharmacist.
    Block,
    /// A reason.
    Warn,
    /// A hint.
    Info,
}

/// Which tradition a pair is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairSet {
    /// 十八反.
    Fan,
    /// 十九畏.
    Wei,
}

/// Where a pair is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairBasis {
    /// The pharmacopoeia's entries say so.
    Stated,
    /// Tradition says so; the pharmacopoeia is silent.
    Tradition,
}

/// Two groups of herbs that oppose each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The rule's name.
    pub rule: String,
    /// The name of the one group.
    pub a: String,
    /// The name of the other.
    pub b: String,
    /// How weighty.
    pub severity: PairWeight,
    /// On whose word.
    pub basis: PairBasis,
    /// The herbs of the one group.
    pub herbs_a: Vec<String>,
    /// The herbs of the other.
    pub herbs_b: Vec<String>,
}

impl Pair {
    /// Of which tradition.
    pub fn set(&self) -> PairSet {
        if self.rule.starts_with("18F") { PairSet::Fan } else { PairSet::Wei }
    }
}

/// How a name misleads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TrapKind {
    Ask,
    Alike,
    Expands,
}

/// A name that must not be guessed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trap {
    name: String,
    kind: TrapKind,
    candidates: Vec<String>,
    why: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HerbFile {
    name: Text,
    version: String,
    status: RuleSetStatus,
    edition: String,
    #[expect(dead_code, reason = "for those who read the file")]
    note: String,
    decoction: Decoction,
    herbs: Vec<Herb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairFile {
    version: String,
    status: RuleSetStatus,
    #[expect(dead_code, reason = "for those who read the file")]
    edition: String,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrapFile {
    version: String,
    status: RuleSetStatus,
    /// Words in which the name of a herb stands and that mean none.
    innocent: Vec<String>,
    traps: Vec<Trap>,
}

/// Everything that the gate knows of herbs, checked as a whole when it is loaded.
#[derive(Debug)]
pub struct HerbSet {
    name: Text,
    version: String,
    status: RuleSetStatus,
    edition: String,
    decoction: Decoction,
    herbs: Vec<Herb>,
    pairs: Vec<Pair>,
    traps: Vec<Trap>,
    by_name: HashMap<String, usize>,
    trap_by_name: HashMap<String, usize>,
    lexicon: Lexicon<Meaning>,
    /// For each herb, the pairs on whose first and on whose second side it stands.
    sides: Vec<(Vec<usize>, Vec<usize>)>,
}

static SHIPPED: LazyLock<HerbSet> = LazyLock::new(|| {
    HerbSet::from_json(include_str!("herbs.json"), include_str!("pairs.json"), include_str!("traps.json"))
        .expect("the shipped herb data is checked by a test")
});

impl HerbSet {
    /// The set inside the program.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads a set.
    ///
    /// # Errors
    /// In words, where a file has another format, a name is there twice, or a pair or trap names a herb that is not there.
    pub fn from_json(herbs: &str, pairs: &str, traps: &str) -> Result<Self, String> {
        let herbs: HerbFile = serde_json::from_str(herbs).map_err(|e| format!("herbs: {e}"))?;
        let pairs: PairFile = serde_json::from_str(pairs).map_err(|e| format!("pairs: {e}"))?;
        let traps: TrapFile = serde_json::from_str(traps).map_err(|e| format!("traps: {e}"))?;
        let mut by_name = HashMap::new();
        for (index, herb) in herbs.herbs.iter().enumerate() {
            for name in std::iter::once(&herb.name).chain(&herb.aliases) {
                if by_name.insert(name.clone(), index).is_some() {
                    return Err(format!("`{name}` is there twice"));
                }
            }
            if herb.mg.is_some_and(|[least, most]| least.0 <= 0 || most < least) {
                return Err(format!("the range of `{}` is none", herb.name));
            }
            // Nobody looks for minutes where nothing boils first.
            if herb.first_minutes.is_some() && !herb.methods.iter().any(|asked| asked.method == Method::First) {
                return Err(format!("`{}` does not boil first", herb.name));
            }
        }
        let mut sides = vec![(Vec::new(), Vec::new()); herbs.herbs.len()];
        for (number, pair) in pairs.pairs.iter().enumerate() {
            for name in &pair.herbs_a {
                sides[*by_name.get(name).ok_or_else(|| format!("{}: no herb `{name}`", pair.rule))?].0.push(number);
            }
            for name in &pair.herbs_b {
                sides[*by_name.get(name).ok_or_else(|| format!("{}: no herb `{name}`", pair.rule))?].1.push(number);
            }
        }
        let mut trap_by_name = HashMap::new();
        for (number, trap) in traps.traps.iter().enumerate() {
            if let Some(name) = trap.candidates.iter().find(|name| !by_name.contains_key(*name)) {
                return Err(format!("trap `{}`: no herb `{name}`", trap.name));
            }
            if trap.why.is_incomplete() || trap_by_name.insert(trap.name.clone(), number).is_some() {
                return Err(format!("trap `{}` is silent or there twice", trap.name));
            }
        }
        if let Some(word) = traps.innocent.iter().find(|word| by_name.contains_key(*word)) {
            return Err(format!("`{word}` is called no herb and is one"));
        }
        let lexicon = Self::lexicon(&herbs.herbs, &traps.traps, &traps.innocent);
        let is_signed = [herbs.status, pairs.status, traps.status].iter().all(|one| *one == RuleSetStatus::Signed);
        Ok(Self {
            name: herbs.name,
            version: [herbs.version, pairs.version, traps.version].join("+"),
            status: if is_signed { RuleSetStatus::Signed } else { RuleSetStatus::Draft },
            edition: herbs.edition,
            decoction: herbs.decoction,
            herbs: herbs.herbs,
            pairs: pairs.pairs,
            traps: traps.traps,
            by_name,
            trap_by_name,
            lexicon,
            sides,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The versions of its three files.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Draft until a pharmacist signs all three.
    pub fn status(&self) -> RuleSetStatus {
        self.status
    }

    /// Of which pharmacopoeia its facts are.
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// The minutes of a decoction.
    pub fn decoction(&self) -> &Decoction {
        &self.decoction
    }

    /// Minutes that a herb boils before the others; of one that the set does not know, the set's.
    pub fn minutes_first(&self, herb: Option<&Herb>) -> u16 {
        herb.and_then(|herb| herb.first_minutes).unwrap_or(self.decoction.first)
    }

    /// Every herb.
    pub fn herbs(&self) -> &[Herb] {
        &self.herbs
    }

    /// Every pair.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The herb of this name, if it is its name in the pharmacopoeia.
    pub fn herb(&self, name: &str) -> Option<&Herb> {
        self.by_name.get(name).map(|index| &self.herbs[*index]).filter(|herb| herb.name == name)
    }

    fn known(&self, name: &str) -> Option<&Herb> {
        self.by_name.get(name).map(|index| &self.herbs[*index])
    }

    fn trap(&self, name: &str) -> Option<&Trap> {
        self.trap_by_name.get(name).map(|index| &self.traps[*index])
    }

    /// The pairs that two herbs make, whichever is the first.
    fn pairs_of(&self, one: &Herb, other: &Herb) -> impl Iterator<Item = &Pair> {
        let sides = |herb: &Herb| &self.sides[self.by_name[&herb.name]];
        let (one, other) = (sides(one), sides(other));
        let meets = |left: &[usize], right: &[usize], pair: usize| left.contains(&pair) && right.contains(&pair);
        (0..self.pairs.len())
            .filter(move |pair| meets(&one.0, &other.1, *pair) || meets(&one.1, &other.0, *pair))
            .map(|pair| &self.pairs[pair])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_data_loads_says_its_edition_and_is_a_draft() {
        let set = HerbSet::shipped();
        assert!(set.edition().contains("2020") && set.version().contains("draft"));
        assert_eq!(set.status(), RuleSetStatus::Draft, "nobody has signed it");
        assert!(!set.name().is_incomplete());
    }

    #[test]
    fn the_counts_are_those_of_the_sources() {
        let herbs = HerbSet::shipped().herbs();
        let count = |is: &dyn Fn(&Herb) -> bool| herbs.iter().filter(|herb| is(herb)).count();
        assert_eq!(count(&|herb| herb.entry.is_some()), 616, "entries with a dose row");
        assert_eq!(count(&|herb| herb.never == Some(NeverOnline::Statutory)), 28);
        assert_eq!(count(&|herb| herb.toxicity == Some(Toxicity::Great)), 10);
        assert_eq!(count(&|herb| herb.toxicity == Some(Toxicity::Toxic)), 42);
        assert_eq!(count(&|herb| herb.toxicity == Some(Toxicity::Slight)), 31);
        assert_eq!(count(&|herb| herb.pregnancy == Some(PregnancyCaution::Forbidden)), 36);
        assert_eq!(count(&|herb| herb.pregnancy == Some(PregnancyCaution::Caution)), 61);
        assert_eq!(HerbSet::shipped().pairs().len(), 23);
    }

    #[test]
    fn a_set_that_contradicts_itself_is_refused_in_words() {
        let herbs = include_str!("herbs.json");
        let pairs = include_str!("pairs.json");
        let traps = include_str!("traps.json");
        let twice = herbs.replace("\"茯苓\"", "\"麻黄\"");
        assert!(HerbSet::from_json(&twice, pairs, traps).unwrap_err().contains("twice"));
        let vain = herbs.replace("\"initials\": \"fl\"", "\"initials\": \"fl\", \"first_minutes\": 5");
        assert!(HerbSet::from_json(&vain, pairs, traps).unwrap_err().contains("does not boil first"));
        let missing = pairs.replace("\"海藻\"]", "\"海苔\"]");
        assert!(HerbSet::from_json(herbs, &missing, traps).unwrap_err().contains("海苔"));
        let missing = traps.replace("\"白芍\"", "\"白药\"");
        assert!(HerbSet::from_json(herbs, pairs, &missing).unwrap_err().contains("白药"));
        let innocent = traps.replace("\"半夏曲\"", "\"半夏\"");
        assert!(HerbSet::from_json(herbs, pairs, &innocent).unwrap_err().contains("半夏"));
    }

    #[test]
    fn grams_are_said_without_needless_zeros() {
        let said = [9000, 500, 1500, 15, 1_000_000].map(|mg| Milligrams(mg).to_string());
        assert_eq!(said, ["9 g", "0.5 g", "1.5 g", "0.015 g", "1000 g"]);
    }
}
