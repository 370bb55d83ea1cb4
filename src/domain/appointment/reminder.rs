//! What a patient is reminded of, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// How many stand before somebody who is told that it is nearly their turn.
pub const NEAR: usize = 3;

/// A reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReminderKind {
    /// A day before.
    Day,
    /// An hour before.
    Hour,
    /// Ten minutes before.
    TenMinutes,
    /// Few are left before them in the queue.
    NearTurn,
}

impl ReminderKind {
    /// Those that a clock decides.
    pub const TIMED: [Self; 3] = [Self::Day, Self::Hour, Self::TenMinutes];

    /// The kind of the job that sends it.
    pub const fn job(self) -> &'static str {
        match self {
            Self::Day => "remind_day",
            Self::Hour => "remind_hour",
            Self::TenMinutes => "remind_ten_minutes",
            Self::NearTurn => "near_turn",
        }
    }

    /// So long before the slot; nothing for one that the queue decides.
    pub const fn before(self) -> Option<Duration> {
        match self {
            Self::Day => Some(Duration::from_hours(24)),
            Self::Hour => Some(Duration::from_hours(1)),
            Self::TenMinutes => Some(Duration::from_mins(10)),
            Self::NearTurn => None,
        }
    }
}

/// The reminders of an appointment that was booked at `booked_at`; those whose time is past are not made.
pub fn due(starts_at: Timestamp, booked_at: Timestamp) -> Vec<(ReminderKind, Timestamp)> {
    let at = |kind: ReminderKind| Some((kind, starts_at - kind.before()?));
    ReminderKind::TIMED.into_iter().filter_map(at).filter(|(_, at)| *at > booked_at).collect()
}

/// Whether a reminder that runs late is still of use: before the slot begins.
pub fn is_of_use(starts_at: Timestamp, now: Timestamp) -> bool {
    now < starts_at
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn kinds(before: Duration) -> Vec<ReminderKind> {
        due(START, START - before).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn a_patient_is_reminded_a_day_an_hour_and_ten_minutes_before() {
        let all = due(START, START - Duration::from_hours(48));
        let spans: Vec<u64> = all.iter().map(|(_, at)| START.since(*at).as_secs() / 60).collect();
        assert_eq!(spans, [24 * 60, 60, 10]);
    }

    #[test]
    fn a_reminder_whose_time_is_past_is_not_made() {
        assert_eq!(kinds(Duration::from_hours(24)), [ReminderKind::Hour, ReminderKind::TenMinutes]);
        assert_eq!(kinds(Duration::from_mins(30)), [ReminderKind::TenMinutes]);
        assert_eq!(kinds(Duration::from_mins(5)), []);
    }

    #[test]
    fn nobody_is_reminded_of_what_has_begun() {
        assert!(is_of_use(START, START - Duration::from_millis(1)));
        assert!(!is_of_use(START, START));
    }
}
