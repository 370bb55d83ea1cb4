//! An opinion (会诊意见) that a treating doctor asks of another: asked, then answered or withdrawn.
//!
//! Who treats decides and answers for it; whoever is asked says what they think and signs that alone. The record is open
//! to the asked doctor while the question is, and neither before nor afterwards.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::prose::prose;
use crate::domain::signature::signed_hash;
use crate::domain::time::Timestamp;

/// Characters of what is to be known.
pub const QUESTION_LIMIT: usize = 500;
/// Characters of the case in short.
pub const SUMMARY_LIMIT: usize = 4000;
/// Characters of the opinion.
pub const OPINION_LIMIT: usize = 4000;
/// Characters of what the asked doctor would do.
pub const ADVICE_LIMIT: usize = 2000;

/// A state as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OpinionPhase)]
pub enum Phase {
    /// Nobody has answered yet.
    Asked,
    /// The asked doctor has signed.
    Answered,
    /// It was taken back before an answer.
    Withdrawn,
}

impl Phase {
    /// Every word.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Answered, Self::Withdrawn];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Why something cannot be done with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is answered or withdrawn.
    State,
    /// Nobody asks oneself.
    Oneself,
    /// It was asked of somebody else.
    NotAsked,
    /// A field is empty.
    Blank(&'static str),
    /// A field holds more than so many characters.
    TooLong(&'static str, usize),
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// What the treating doctor wants to know (会诊目的).
    pub question: String,
    /// The case in short (病情摘要).
    pub summary: String,
}

impl Question {
    /// Without blanks around it, where both fields are there and fit.
    ///
    /// # Errors
    /// Names the first field that is empty or too long.
    pub fn checked(question: &str, summary: &str) -> Result<Self, Wrong> {
        Ok(Self {
            question: needed("question", fitting("question", question, QUESTION_LIMIT)?)?,
            summary: needed("summary", fitting("summary", summary, SUMMARY_LIMIT)?)?,
        })
    }
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What the asked doctor thinks (会诊意见).
    pub opinion: String,
    /// What the asked doctor would do (建议).
    pub advice: String,
}

impl Answer {
    /// As it is written: a draft may be empty.
    ///
    /// # Errors
    /// Names the first field that is too long.
    pub fn checked(opinion: &str, advice: &str) -> Result<Self, Wrong> {
        Ok(Self {
            opinion: fitting("opinion", opinion, OPINION_LIMIT)?,
            advice: fitting("advice", advice, ADVICE_LIMIT)?,
        })
    }

    /// Whether it can be signed: advice may be missing where there is nothing to do, an opinion not.
    ///
    /// # Errors
    /// Names the field that is empty.
    pub fn ready(&self) -> Result<(), Wrong> {
        needed("opinion", self.opinion.clone()).map(drop)
    }
}

fn fitting(field: &'static str, text: &str, limit: usize) -> Result<String, Wrong> {
    let text = prose(text);
    let text = text.trim();
    if text.chars().count() > limit { Err(Wrong::TooLong(field, limit)) } else { Ok(text.to_owned()) }
}

fn needed(field: &'static str, text: String) -> Result<String, Wrong> {
    if text.trim().is_empty() { Err(Wrong::Blank(field)) } else { Ok(text) }
}

/// Where a question stands, with what that state knows; a transition consumes the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Open.
    Asked {
        /// By the treating doctor.
        by: AccountId,
        /// Of this one.
        of: AccountId,
    },
    /// Signed.
    Answered {
        /// By whom it was asked of.
        by: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Taken back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// A doctor asks another.
    ///
    /// # Errors
    /// Where the two are one.
    pub fn ask(by: AccountId, of: AccountId) -> Result<Self, Wrong> {
        if by == of { Err(Wrong::Oneself) } else { Ok(Self::Asked { by, of }) }
    }

    /// The word for it.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Asked { .. } => Phase::Asked,
            Self::Answered { .. } => Phase::Answered,
            Self::Withdrawn { .. } => Phase::Withdrawn,
        }
    }

    /// Whether `who` reads the record of the visit because of this question.
    pub fn opens_record_to(self, who: AccountId) -> bool {
        matches!(self, Self::Asked { of, .. } if of == who)
    }

    /// The asked doctor writes on.
    ///
    /// # Errors
    /// Once it is answered or withdrawn, and for everybody else.
    pub fn write(self, who: AccountId) -> Result<(), Wrong> {
        match self {
            Self::Asked { of, .. } if of == who => Ok(()),
            Self::Asked { .. } => Err(Wrong::NotAsked),
            Self::Answered { .. } | Self::Withdrawn { .. } => Err(Wrong::State),
        }
    }

    /// The asked doctor signs; `treating` treats the patient now, which may be another than who asked.
    ///
    /// # Errors
    /// Where it cannot be written, nothing is written, or the signer treats the patient.
    pub fn answer(self, who: AccountId, treating: AccountId, answer: &Answer, at: Timestamp) -> Result<Self, Wrong> {
        self.write(who)?;
        if who == treating {
            return Err(Wrong::Oneself);
        }
        answer.ready()?;
        Ok(Self::Answered { by: who, at })
    }

    /// It is taken back.
    ///
    /// # Errors
    /// Once it is answered or withdrawn.
    pub fn withdraw(self, at: Timestamp) -> Result<Self, Wrong> {
        match self {
            Self::Asked { .. } => Ok(Self::Withdrawn { at }),
            Self::Answered { .. } | Self::Withdrawn { .. } => Err(Wrong::State),
        }
    }
}

/// A signed opinion by its words, wherever they are kept. Its subject is its id.
pub struct Opined<'a> {
    /// The opinion.
    pub id: &'a str,
    /// The visit.
    pub visit: &'a str,
    /// The account that asked.
    pub asked_by: &'a str,
    /// When.
    pub asked_at: Timestamp,
    /// What was asked.
    pub question: &'a Question,
    /// What was answered.
    pub answer: &'a Answer,
    /// The account that signed.
    pub signed_by: &'a str,
    /// When.
    pub signed_at: Timestamp,
    /// Whose visit it is; what was signed before that was asked has none.
    pub identity: Option<&'a str>,
}

impl Opined<'_> {
    /// What the asked doctor signs.
    pub fn hash(&self) -> String {
        let (asked_at, signed_at) = (self.asked_at.as_millis().to_string(), self.signed_at.as_millis().to_string());
        let mut parts = vec![
            ("opinion_id", self.id),
            ("visit", self.visit),
            ("asked_by", self.asked_by),
            ("asked_at", &asked_at),
            ("question", &self.question.question),
            ("summary", &self.question.summary),
            ("opinion", &self.answer.opinion),
            ("advice", &self.answer.advice),
            ("signer", self.signed_by),
            ("at", &signed_at),
        ];
        parts.extend(self.identity.map(|identity| ("identity", identity)));
        signed_hash(&parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_600_000_000_000);

    fn doctor(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    fn said() -> Answer {
        Answer::checked("证属风热犯肺", "").unwrap()
    }

    #[test]
    fn words_on_the_wire_and_in_columns_are_the_same() {
        assert!(Phase::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn nobody_asks_oneself_and_who_treats_answers_no_question_about_the_own_patient() {
        assert_eq!(State::ask(doctor(1), doctor(1)), Err(Wrong::Oneself));
        let asked = State::ask(doctor(1), doctor(2)).unwrap();
        assert_eq!(
            asked.answer(doctor(2), doctor(2), &said(), NOW),
            Err(Wrong::Oneself),
            "the visit went to the asked"
        );
        assert_eq!(asked.answer(doctor(2), doctor(1), &said(), NOW).unwrap().phase(), Phase::Answered);
    }

    #[test]
    fn a_question_without_words_or_with_too_many_names_its_field() {
        let long = |limit: usize| "问".repeat(limit + 1);
        assert_eq!(Question::checked("  ", "发热"), Err(Wrong::Blank("question")));
        assert_eq!(Question::checked("求治法", " \n"), Err(Wrong::Blank("summary")));
        assert_eq!(Question::checked(&long(QUESTION_LIMIT), "发热"), Err(Wrong::TooLong("question", QUESTION_LIMIT)));
        assert_eq!(Question::checked("求治法", &long(SUMMARY_LIMIT)), Err(Wrong::TooLong("summary", SUMMARY_LIMIT)));
        assert!(Question::checked(&"问".repeat(QUESTION_LIMIT), &"症".repeat(SUMMARY_LIMIT)).is_ok(), "to the letter");
        assert_eq!(Question::checked(" 求治法 ", "\n发热\n").unwrap().question, "求治法");
    }

    #[test]
    fn a_draft_may_be_empty_and_a_signed_opinion_not() {
        let empty = Answer::checked("", "").unwrap();
        assert_eq!(empty.ready(), Err(Wrong::Blank("opinion")));
        assert_eq!(
            Answer::checked("", "避风寒").unwrap().ready(),
            Err(Wrong::Blank("opinion")),
            "advice is no opinion"
        );
        assert_eq!(said().ready(), Ok(()));
        let long = |limit: usize| "意".repeat(limit + 1);
        assert_eq!(Answer::checked(&long(OPINION_LIMIT), ""), Err(Wrong::TooLong("opinion", OPINION_LIMIT)));
        assert_eq!(Answer::checked("", &long(ADVICE_LIMIT)), Err(Wrong::TooLong("advice", ADVICE_LIMIT)));
    }

    #[test]
    fn every_part_of_a_signed_opinion_is_in_its_hash() {
        let question = Question::checked("求治法", "发热两天").unwrap();
        let answer = Answer::checked("证属风热犯肺", "辛凉解表").unwrap();
        let base = || Opined {
            id: "opinion_1",
            visit: "visit_1",
            asked_by: "account_1",
            asked_at: NOW,
            question: &question,
            answer: &answer,
            signed_by: "account_2",
            signed_at: NOW,
            identity: None,
        };
        // As the version before this signed it: what nobody asked of whom is no part of the words.
        assert_eq!(base().hash(), "807f84712724d0bbca08e962c6b6b7fdd1a290a1f069fefcc4345351a36e51a5");
        let later = Timestamp::from_millis(1_600_000_000_001);
        let asked = |question: &str, summary: &str| Question { question: question.into(), summary: summary.into() };
        let told = |opinion: &str, advice: &str| Answer { opinion: opinion.into(), advice: advice.into() };
        let (other, longer) = (asked("求方药", "发热两天"), asked("求治法", "发热三天"));
        let (changed, advised) = (told("证属风寒束表", "辛凉解表"), told("证属风热犯肺", "辛温解表"));
        let moved = told("证属风热犯肺辛凉解表", "");
        let others = [
            Opined { id: "opinion_2", ..base() },
            Opined { visit: "visit_2", ..base() },
            Opined { asked_by: "account_3", ..base() },
            Opined { asked_at: later, ..base() },
            Opined { question: &other, ..base() },
            Opined { question: &longer, ..base() },
            Opined { answer: &changed, ..base() },
            Opined { answer: &advised, ..base() },
            Opined { answer: &moved, ..base() },
            Opined { signed_by: "account_3", ..base() },
            Opined { signed_at: later, ..base() },
            Opined { identity: Some("patient_1:aa"), ..base() },
        ];
        assert!(others.iter().all(|one| one.hash() != base().hash()));
    }

    /// What somebody may try.
    #[derive(Clone, Debug)]
    enum Step {
        Write(u128),
        Answer(u128, u128, bool),
        Withdraw,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1_u128..4).prop_map(Step::Write),
            (1_u128..4, 1_u128..4, any::<bool>()).prop_map(|(who, treating, said)| Step::Answer(who, treating, said)),
            Just(Step::Withdraw),
        ]
    }

    proptest! {
        #[test]
        fn a_question_is_closed_once_by_the_asked_or_by_who_asks_and_the_record_with_it(steps in prop::collection::vec(step(), 0..20)) {
            let (by, of) = (doctor(1), doctor(2));
            let mut state = State::ask(by, of).unwrap();
            for step in steps {
                let was = state;
                let next = match step {
                    Step::Write(who) => {
                        let done = state.write(doctor(who));
                        prop_assert_eq!(done.is_ok(), was.opens_record_to(doctor(who)), "who writes is who reads");
                        done.map(|()| state)
                    }
                    Step::Answer(who, treating, is_said) => {
                        let answer = if is_said { said() } else { Answer::default() };
                        let next = state.answer(doctor(who), doctor(treating), &answer, NOW);
                        if let Ok(next) = next {
                            prop_assert!(is_said && doctor(who) == of && who != treating);
                            prop_assert_eq!(next, State::Answered { by: of, at: NOW });
                        }
                        next
                    }
                    Step::Withdraw => state.withdraw(NOW),
                };
                if was.phase() != Phase::Asked {
                    prop_assert_eq!(next, Err(Wrong::State), "what is closed stays as it is");
                }
                state = next.unwrap_or(was);
                let is_open = state.phase() == Phase::Asked;
                for who in 1..4 {
                    prop_assert_eq!(state.opens_record_to(doctor(who)), is_open && doctor(who) == of);
                }
            }
        }
    }
}
