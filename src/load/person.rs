//! Who a synthetic patient is, and what it will do: a function of the seed, its number and how often it came.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Somebody who does not exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    seed: u64,
    index: u32,
}

/// What a person does during one stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Says yes to the first call; a later one is always answered.
    pub(super) answers_first_call: bool,
    /// How long the telephone is looked for.
    pub(super) accepts_after: Duration,
    /// How long a picture that is asked for takes.
    pub(super) poses_for: Duration,
    /// How it is, when asked again in the waiting room; never worse, for that would be an alarm.
    pub(super) feels: &'static str,
    /// Leaves the waiting room after so long without a call.
    pub(super) gives_up_after: Option<Duration>,
    /// Comes again so long after the end.
    pub(super) returns_after: Duration,
}

/// The weights of the first seventeen digits of a resident number (GB 11643).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

impl Person {
    pub(super) const fn new(seed: u64, index: u32) -> Self {
        Self { seed, index }
    }

    /// Says of itself that nobody is called so.
    pub(super) fn name(self) -> String {
        format!("演示患者 {:02}", self.index)
    }

    /// A number of the block 140 0000, which no network has given to a person.
    pub(super) fn phone(self) -> String {
        format!("1400000{:04}", self.index % 10_000)
    }

    /// A resident number with a right check character of the region 110000: the city as a whole, where nobody is
    /// registered, so that it can be no living person's.
    pub(super) fn card(self) -> String {
        let born = 1_968 + self.chance(0, 1) % 37;
        let (month, day) = (1 + self.chance(0, 2) % 12, 1 + self.chance(0, 3) % 28);
        let first = format!("110000{born}{month:02}{day:02}{:03}", self.index % 500 * 2 + 1);
        let digits = first.chars().filter_map(|digit| digit.to_digit(10));
        let sum: u32 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        first + ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][sum as usize % 11]
    }

    /// Which of the pictures is this person's.
    pub(super) const fn picture(self) -> usize {
        self.index as usize
    }

    /// What is declared in the given stay: fevers of several heights.
    pub(super) fn answers(self, stay: u32) -> Map<String, Value> {
        let mut answers = usual();
        let mut change = |id: &str, value: Value| answers.insert(id.to_owned(), value);
        match (u64::from(self.index) + self.chance(stay, 4) % 2) % 5 {
            0 => change("sx.temp", json!(39.6)),
            1 => change("sx.temp", json!(37.6)),
            2 => change("vs.spo2", json!(94)),
            3 => change("epi.code", json!("yellow")),
            _ => change("sx.other", json!(["sore_throat"])),
        };
        answers
    }

    /// What will be done in the given stay. At their first coming the first four say yes, so that whoever tries the
    /// product is not left with an unanswered call.
    pub(super) fn plan(self, stay: u32) -> Plan {
        let is_reliable = stay == 0 && self.index <= 4;
        let seconds = |tag, least: u64, most: u64| Duration::from_secs(least + self.chance(stay, tag) % (most - least));
        Plan {
            answers_first_call: is_reliable || !self.chance(stay, 5).is_multiple_of(6),
            accepts_after: seconds(6, 2, 7),
            poses_for: seconds(10, 2, 5),
            feels: if self.chance(stay, 11).is_multiple_of(3) { "better" } else { "same" },
            gives_up_after: (!is_reliable && self.chance(stay, 7).is_multiple_of(8)).then(|| seconds(8, 120, 900)),
            returns_after: seconds(9, 30, 180),
        }
    }

    /// Chance that can be told again (`SplitMix64`).
    const fn chance(self, stay: u32, tag: u64) -> u64 {
        let mut z = self.seed ^ ((self.index as u64) << 40) ^ ((stay as u64) << 8) ^ tag;
        let mut round = 0;
        while round < 2 {
            z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            round += 1;
        }
        z
    }
}

/// A grown man with a fever for two days and nothing worse.
fn usual() -> Map<String, Value> {
    serde_json::from_str(include_str!("answers.json")).expect("a test reads them")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::identity::{Phone, ResidentNumber};

    #[test]
    fn twenty_people_are_twenty_different_ones_with_numbers_of_no_living_person() {
        let mut cards = std::collections::BTreeSet::new();
        for index in 1..=20 {
            let person = Person::new(7, index);
            let card = person.card();
            assert!(ResidentNumber::parse(&card, date(2026, 11, 28)).is_ok(), "{card} has the form");
            assert!(card.starts_with("110000"), "nobody is registered in the region of a whole city");
            assert!(Phone::mobile(&person.phone()).is_ok());
            assert!(person.name().starts_with("演示患者 "));
            assert!(cards.insert(card));
        }
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_the_story_has_everything() {
        let story =
            |seed: u64| (1..=20).flat_map(move |index| (0..3).map(move |stay| Person::new(seed, index).plan(stay)));
        assert!(story(7).eq(story(7)) && !story(7).eq(story(8)));
        assert!(story(7).any(|plan| !plan.answers_first_call), "somebody misses a call");
        assert!(story(7).any(|plan| plan.gives_up_after.is_some()), "somebody leaves");
        let said: std::collections::BTreeSet<String> =
            (1..=20).map(|index| Value::from(Person::new(7, index).answers(0)).to_string()).collect();
        assert!(said.len() >= 4, "the answers vary");
        assert!((1..=4).all(|index| Person::new(7, index).plan(0).answers_first_call));
    }
}
