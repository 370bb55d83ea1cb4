//! Who a synthetic patient is, and what it will do: a function of the seed, its number and how often it came.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::domain::time::Timestamp;

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

impl Plan {
    /// Whether a call is answered, after so many that were missed.
    pub(super) const fn answers(&self, missed: u64) -> bool {
        self.answers_first_call || missed > 0
    }

    /// Whether the waiting room is left now by who took the number then. Whoever had to begin again, for a socket that was
    /// lost or a server that restarted, has waited all the same.
    pub(super) fn gives_up(&self, arrived_at: Timestamp, now: Timestamp) -> bool {
        self.gives_up_after.is_some_and(|span| now > arrived_at + span)
    }
}

/// Of so many who come one after the other, one misses the first call, and of so many one has not the patience.
const ONE_MISSES_OF: u64 = 6;
const ONE_LEAVES_OF: u64 = 8;

/// What Chinese calls people who are nobody in particular: the ten stems, and ten of the twelve branches.
const STEMS: [char; 20] = [
    '甲', '乙', '丙', '丁', '戊', '己', '庚', '辛', '壬', '癸', '子', '丑', '寅', '卯', '辰', '巳', '午', '未', '酉',
    '亥',
];

/// The weights of the first seventeen digits of a resident number (GB 11643).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

impl Person {
    pub(super) const fn new(seed: u64, index: u32) -> Self {
        Self { seed, index }
    }

    /// Says of itself that nobody is called so: somebody A, somebody B, of a demonstration. The first character tells them
    /// apart where names are masked.
    pub(super) fn name(self) -> String {
        let (round, place) = (self.index as usize / STEMS.len(), self.index as usize % STEMS.len());
        let stem = STEMS[place];
        if round == 0 { format!("{stem}某演示") } else { format!("{stem}某演示 {round}") }
    }

    /// Every second one.
    const fn is_woman(self) -> bool {
        self.index.is_multiple_of(2)
    }

    /// A number of the block 140 0000, which no network has given to a person.
    pub(super) fn phone(self) -> String {
        format!("1400000{:04}", self.index % 10_000)
    }

    /// A resident number with a right check character of the region 110000: the city as a whole, where nobody is
    /// registered, so that it can be no living person's.
    pub(super) fn card(self) -> String {
        // A woman is young enough for the question whether she is pregnant: her answers hold it.
        let (first_year, years) = if self.is_woman() { (1_980, 25) } else { (1_968, 37) };
        let born = first_year + self.chance(0, 1) % years;
        let (month, day) = (1 + self.chance(0, 2) % 12, 1 + self.chance(0, 3) % 28);
        let sequence = self.index % 499 * 2 + if self.is_woman() { 2 } else { 1 };
        let first = format!("110000{born}{month:02}{day:02}{sequence:03}");
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
        if self.is_woman() {
            answers.insert("rf.preg".to_owned(), json!("no"));
        }
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
            answers_first_call: is_reliable || !self.is_next(stay, 5, ONE_MISSES_OF),
            accepts_after: seconds(6, 2, 7),
            poses_for: seconds(10, 2, 5),
            feels: if self.chance(stay, 11).is_multiple_of(3) { "better" } else { "same" },
            gives_up_after: (!is_reliable && self.is_next(stay, 7, ONE_LEAVES_OF)).then(|| seconds(8, 120, 900)),
            returns_after: seconds(9, 30, 180),
        }
    }

    /// Whether it is this one's turn among `of` who come one after the other; where it begins is the seed's. Left to chance,
    /// nobody did it in some stories.
    const fn is_next(self, stay: u32, tag: u64, of: u64) -> bool {
        let first = Self::new(self.seed, 0).chance(0, tag) % of;
        (self.index as u64 + stay as u64 + first).is_multiple_of(of)
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

/// A grown person with a fever for two days and nothing worse.
fn usual() -> Map<String, Value> {
    serde_json::from_str(include_str!("answers.json")).expect("a test reads them")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use jiff::civil::date;

    use super::*;
    use crate::domain::identity::{LegalName, Phone, ResidentNumber};
    use crate::domain::people::Sex;

    #[test]
    fn twenty_people_are_twenty_different_ones_with_numbers_of_no_living_person() {
        let mut cards = std::collections::BTreeSet::new();
        for index in 1..=20 {
            let person = Person::new(7, index);
            let card = person.card();
            assert!(ResidentNumber::parse(&card, date(2026, 11, 28)).is_ok(), "{card} has the form");
            assert!(card.starts_with("110000"), "nobody is registered in the region of a whole city");
            assert!(Phone::mobile(&person.phone()).is_ok());
            assert!(person.name().contains("某演示") && LegalName::parse(&person.name()).is_ok());
            assert!(cards.insert(card));
        }
    }

    #[test]
    fn people_of_a_queue_are_told_apart_where_names_are_masked_and_are_of_both_sexes() {
        let today = date(2026, 11, 28);
        let crowd = || (1..=20).map(|index| Person::new(7, index));
        let masked: std::collections::BTreeSet<String> =
            crowd().map(|person| LegalName::parse(&person.name()).unwrap().masked()).collect();
        assert_eq!(masked.len(), 20);
        let names: std::collections::BTreeSet<String> = (1..=200).map(|index| Person::new(7, index).name()).collect();
        assert_eq!(names.len(), 200);
        let women: Vec<Person> = crowd()
            .filter(|person| ResidentNumber::parse(&person.card(), today).unwrap().sex() == Sex::Female)
            .collect();
        assert_eq!(women.len(), 10);
        let is_asked = |person: &Person| person.answers(0).contains_key("rf.preg");
        assert!(crowd().all(|person| is_asked(&person) == women.iter().any(|woman| woman.index == person.index)));
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

    /// Who does not answer and who gives up where twenty come and one desk calls for an hour; the others are seen.
    fn an_hour(seed: u64) -> (usize, usize, usize) {
        const RINGS: Duration = Duration::from_secs(90);
        const VISIT: Duration = Duration::from_mins(4);
        let begin = Timestamp::from_millis(1_795_478_400_000);
        let arrives = |index: u32| begin + Duration::from_secs(index.into());
        let mut waiting: VecDeque<(u32, Plan, u64)> =
            (1..=20).map(|index| (index, Person::new(seed, index).plan(0), 0)).collect();
        let (mut now, mut missed_calls, mut seen) = (begin + Duration::from_secs(30), 0, 0);
        while now < begin + Duration::from_hours(1) {
            waiting.retain(|(index, plan, _)| !plan.gives_up(arrives(*index), now));
            let Some((index, plan, missed)) = waiting.pop_front() else { break };
            if plan.answers(missed) {
                assert!(plan.accepts_after < RINGS);
                (now, seen) = (now + plan.accepts_after + VISIT, seen + 1);
            } else {
                (now, missed_calls) = (now + RINGS, missed_calls + 1);
                waiting.insert(waiting.len().min(2), (index, plan, missed + 1));
            }
        }
        (missed_calls, 20 - waiting.len() - seen, seen)
    }

    #[test]
    fn in_a_clinic_that_runs_some_miss_a_call_some_give_up_and_most_are_seen_whatever_the_seed() {
        for seed in 0..200 {
            let (missed_calls, gave_up, seen) = an_hour(seed);
            assert!(missed_calls >= 1 && gave_up >= 1 && seen >= 10, "{seed}: {missed_calls} {gave_up} {seen}");
        }
    }

    #[test]
    fn waiting_is_counted_from_the_number_and_a_missed_call_is_followed_by_an_answer() {
        let plan = Plan {
            answers_first_call: false,
            gives_up_after: Some(Duration::from_mins(2)),
            ..Person::new(7, 5).plan(0)
        };
        let taken = Timestamp::from_millis(1_795_478_400_000);
        assert!(!plan.gives_up(taken, taken + Duration::from_mins(2)));
        assert!(plan.gives_up(taken, taken + Duration::from_secs(121)));
        assert_eq!([0, 1, 2].map(|missed| plan.answers(missed)), [false, true, true]);
    }
}
