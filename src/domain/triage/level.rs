//! How soon somebody must be seen.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The four levels of urgency; the greater, the more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Answered by a text; a nurse on request.
    Advice,
    /// A doctor within 60 minutes, in order of arrival.
    Standard,
    /// A doctor within 10 minutes, before all of STANDARD.
    Urgent,
    /// A human within 60 seconds; never queued.
    Emergency,
}

/// What a new assessment may do to the level that a ticket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelChange {
    /// The levels agree: nothing to do.
    Keep,
    /// The new level is higher and applies at once.
    Raise(Level),
    /// The new level is lower: a person has to decide, with a reason.
    AskNurse(Level),
    /// The new level is lower than EMERGENCY: a doctor has to decide, with a reason.
    AskDoctor(Level),
}

impl Level {
    /// All levels, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Emergency, Self::Urgent, Self::Standard, Self::Advice];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "EMERGENCY",
            Self::Urgent => "URGENT",
            Self::Standard => "STANDARD",
            Self::Advice => "ADVICE",
        }
    }

    /// How long a patient of this level may wait for a human; `None` where the answer is automatic.
    pub const fn target(self) -> Option<Duration> {
        match self {
            Self::Emergency => Some(Duration::from_mins(1)),
            Self::Urgent => Some(Duration::from_mins(10)),
            Self::Standard => Some(Duration::from_hours(1)),
            Self::Advice => None,
        }
    }

    /// What a new assessment does to this level: raising is automatic, lowering needs a person.
    pub fn change_to(self, proposed: Self) -> LevelChange {
        match proposed.cmp(&self) {
            std::cmp::Ordering::Equal => LevelChange::Keep,
            std::cmp::Ordering::Greater => LevelChange::Raise(proposed),
            std::cmp::Ordering::Less if self == Self::Emergency => LevelChange::AskDoctor(proposed),
            std::cmp::Ordering::Less => LevelChange::AskNurse(proposed),
        }
    }
}

impl Level {
    /// The level that a new assessment leaves a waiting patient with: the higher one, for only a person may lower it.
    #[must_use]
    pub fn raised_to(self, proposed: Self) -> Self {
        match self.change_to(proposed) {
            LevelChange::Raise(higher) => higher,
            LevelChange::Keep | LevelChange::AskNurse(_) | LevelChange::AskDoctor(_) => self,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the four levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a triage level")]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(word: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == word).ok_or(UnknownLevel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emergency_is_the_greatest_level() {
        assert!(Level::ALL.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn a_level_is_written_and_read_as_the_same_word_everywhere() {
        for level in Level::ALL {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
            assert_eq!(level.as_str().parse(), Ok(level));
        }
    }

    #[test]
    fn a_level_rises_by_itself_but_falls_only_by_a_person() {
        assert_eq!(Level::Standard.change_to(Level::Urgent), LevelChange::Raise(Level::Urgent));
        assert_eq!(Level::Urgent.change_to(Level::Urgent), LevelChange::Keep);
        assert_eq!(Level::Urgent.change_to(Level::Advice), LevelChange::AskNurse(Level::Advice));
        assert_eq!(Level::Emergency.change_to(Level::Urgent), LevelChange::AskDoctor(Level::Urgent));
    }
}
