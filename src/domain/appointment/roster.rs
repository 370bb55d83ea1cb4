//! When a doctor sees patients: a week that recurs by wall time, with its exceptions, made into slots.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::appointment::wall::{WallTime, instant};
use crate::domain::time::Timestamp;

/// Slots are offered for so many days ahead.
pub const HORIZON_DAYS: i32 = 28;
/// The shortest and the longest slot, in minutes.
pub const SLOT_MINUTES: std::ops::RangeInclusive<u16> = 5..=240;
/// Patients that one slot may hold.
pub const CAPACITY: std::ops::RangeInclusive<u16> = 1..=50;

/// Days of the week, Monday first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Those of a number whose lowest bit is Monday; `None` for no day and for an eighth.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits == 0 || bits > 0b111_1111 { None } else { Some(Self(bits)) }
    }

    /// Those of digits such as `135`, 1 for Monday to 7 for Sunday, each once.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let mut bits = 0_u8;
        for byte in digits.bytes() {
            let bit = matches!(byte, b'1'..=b'7').then(|| 1_u8 << (byte - b'1'))?;
            bits = (bits & bit == 0).then_some(bits | bit)?;
        }
        Self::from_bits(bits)
    }

    /// As a number whose lowest bit is Monday.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether a day is one of them.
    pub fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

/// A doctor's recurring hours in a clinic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// On these days.
    pub weekdays: Weekdays,
    /// From this time on the clinic's wall.
    pub from: WallTime,
    /// To this one.
    pub to: WallTime,
    /// A slot's length.
    pub minutes: u16,
    /// Patients per slot.
    pub capacity: u16,
    /// The first day.
    pub first_day: Date,
    /// The last day, where an end is known.
    pub last_day: Option<Date>,
}

/// What is wrong with a roster, by its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The end does not come after the beginning.
    Hours,
    /// The slots are too short, too long, or longer than the hours.
    Minutes,
    /// No place, or too many.
    Capacity,
    /// The last day comes before the first.
    Days,
}

impl Wrong {
    /// The field of a form or the column of a file.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Hours => "to",
            Self::Minutes => "minutes",
            Self::Capacity => "capacity",
            Self::Days => "last_day",
        }
    }

    /// In words, for whoever wrote it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hours => "the end must come after the beginning",
            Self::Minutes => "a slot lasts 5 to 240 minutes and fits into the hours",
            Self::Capacity => "1 to 50 patients",
            Self::Days => "the last day comes before the first",
        }
    }
}

impl Roster {
    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), Wrong> {
        if self.from >= self.to {
            Err(Wrong::Hours)
        } else if !SLOT_MINUTES.contains(&self.minutes) || self.to.minute() - self.from.minute() < self.minutes {
            Err(Wrong::Minutes)
        } else if !CAPACITY.contains(&self.capacity) {
            Err(Wrong::Capacity)
        } else if self.last_day.is_some_and(|last| last < self.first_day) {
            Err(Wrong::Days)
        } else {
            Ok(())
        }
    }

    /// Whether it is in force on a day.
    pub fn works_on(&self, day: Date) -> bool {
        self.weekdays.has(day.weekday()) && self.first_day <= day && self.last_day.is_none_or(|last| day <= last)
    }

    /// Whether two rosters of one doctor would ask for two patients at once.
    pub fn meets(&self, other: &Self) -> bool {
        let days = self.weekdays.bits() & other.weekdays.bits() != 0;
        let hours = self.from < other.to && other.from < self.to;
        let ends_before = |a: &Self, b: &Self| a.last_day.is_some_and(|last| last < b.first_day);
        days && hours && !ends_before(self, other) && !ends_before(other, self)
    }

    fn times(&self, from: WallTime, to: WallTime) -> impl Iterator<Item = WallTime> {
        let step = self.minutes.max(1);
        let last = to.minute().saturating_sub(step);
        let first = from.minute();
        (first..=last).step_by(usize::from(step)).filter_map(WallTime::from_minute).filter(move |_| first <= last)
    }
}

/// What an exception does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// The doctor is away.
    Off,
    /// The doctor works although the week does not say so.
    Extra,
}

impl ExceptionKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Off, Self::Extra];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Extra => "extra",
        }
    }
}

/// One day that is not as the week says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The day.
    pub day: Date,
    /// Away or here.
    pub kind: ExceptionKind,
    /// From this time.
    pub from: WallTime,
    /// To this one.
    pub to: WallTime,
}

impl Exception {
    fn covers(&self, from: WallTime, to: WallTime) -> bool {
        self.from < to && from < self.to
    }
}

/// A slot that the roster asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its time on the wall.
    pub at: WallTime,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// What a roster makes of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayPlan {
    /// The slots, in their order; none overlaps another.
    pub slots: Vec<Planned>,
    /// Times of slots that do not exist on that day, or not whole, because the clock is put forward.
    pub missing: Vec<WallTime>,
}

/// The slots of a day: what the week says, less what is off, and what is extra.
pub fn slots_on(roster: &Roster, exceptions: &[Exception], day: Date, zone: &TimeZone) -> DayPlan {
    let today = || exceptions.iter().filter(|exception| exception.day == day);
    let off = |from, to| today().any(|one| one.kind == ExceptionKind::Off && one.covers(from, to));
    let end = |at: WallTime| WallTime::from_minute(at.minute() + roster.minutes).unwrap_or(WallTime::END);
    let mut times: Vec<WallTime> = Vec::new();
    if roster.works_on(day) {
        times.extend(roster.times(roster.from, roster.to).filter(|at| !off(*at, end(*at))));
    }
    for extra in today().filter(|one| one.kind == ExceptionKind::Extra) {
        for at in roster.times(extra.from, extra.to) {
            // What is there already stays: an extra hour never makes a second patient of one slot.
            if times.iter().all(|other| end(*other) <= at || end(at) <= *other) {
                times.push(at);
            }
        }
    }
    times.sort_unstable();
    let mut plan = DayPlan::default();
    for at in times {
        match whole(at, roster.minutes, day, zone) {
            Some(slot) => plan.slots.push(slot),
            None => plan.missing.push(at),
        }
    }
    plan
}

/// The slot at a time, unless an hour that does not exist on that day cuts into it: one that began before such an hour
/// would last into the time of the next one.
fn whole(at: WallTime, minutes: u16, day: Date, zone: &TimeZone) -> Option<Planned> {
    let starts_at = instant(zone, day, at).moment()?;
    // The end may lie at the beginning of the hour that is missing, its last minute may not.
    let last = at.minute() + minutes.saturating_sub(1);
    let last_at = instant(zone, day, WallTime::from_minute(last)?).moment()?;
    let length = |minutes: u16| Duration::from_secs(u64::from(minutes) * 60);
    let fits = last_at.since(starts_at) >= length(last - at.minute());
    fits.then(|| Planned { at, starts_at, ends_at: starts_at + length(minutes) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::date::zone;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn at(text: &str) -> WallTime {
        text.parse().unwrap()
    }

    fn roster(weekdays: &str, from: &str, to: &str, minutes: u16) -> Roster {
        Roster {
            weekdays: Weekdays::from_digits(weekdays).unwrap(),
            from: at(from),
            to: at(to),
            minutes,
            capacity: 1,
            first_day: day("2026-01-01"),
            last_day: None,
        }
    }

    fn times(plan: &DayPlan) -> Vec<String> {
        plan.slots.iter().map(|slot| slot.at.to_string()).collect()
    }

    #[test]
    fn a_week_recurs_on_its_days_only() {
        let (roster, zone) = (roster("13", "09:00", "10:00", 20), zone("Asia/Shanghai").unwrap());
        // 2026-03-02 is a Monday.
        assert_eq!(times(&slots_on(&roster, &[], day("2026-03-02"), &zone)), ["09:00", "09:20", "09:40"]);
        assert!(slots_on(&roster, &[], day("2026-03-03"), &zone).slots.is_empty());
        assert!(!slots_on(&roster, &[], day("2026-03-04"), &zone).slots.is_empty());
        assert!(slots_on(&roster, &[], day("2025-12-31"), &zone).slots.is_empty(), "before its first day");
    }

    #[test]
    fn a_slot_that_does_not_fit_before_the_end_is_not_made() {
        let (roster, zone) = (roster("1", "09:00", "09:50", 20), zone("Asia/Shanghai").unwrap());
        assert_eq!(times(&slots_on(&roster, &[], day("2026-03-02"), &zone)), ["09:00", "09:20"]);
    }

    #[test]
    fn a_slot_in_the_hour_that_does_not_exist_is_not_made_and_is_listed() {
        let (roster, zone) = (roster("7", "01:30", "04:00", 30), zone("Europe/Vienna").unwrap());
        let plan = slots_on(&roster, &[], day("2026-03-29"), &zone);
        assert_eq!(times(&plan), ["01:30", "03:00", "03:30"]);
        assert_eq!(plan.missing, [at("02:00"), at("02:30")]);
    }

    #[test]
    fn a_slot_that_the_missing_hour_cuts_into_is_not_made_and_is_listed() {
        let (day, zone) = (day("2026-03-29"), zone("Europe/Vienna").unwrap());
        let cut = slots_on(&roster("7", "01:40", "04:00", 25), &[], day, &zone);
        assert_eq!(times(&cut), ["03:20"], "until 02:05 is until 03:05, and in the next one's time");
        assert_eq!(cut.missing, [at("01:40"), at("02:05"), at("02:30"), at("02:55")]);
        let across = slots_on(&roster("7", "01:00", "06:00", 150), &[], day, &zone);
        assert_eq!(times(&across), ["03:30"]);
        assert_eq!(across.missing, [at("01:00")]);
    }

    #[test]
    fn an_hour_that_comes_twice_is_booked_once_at_its_first() {
        let (roster, zone) = (roster("7", "02:00", "03:30", 30), zone("Europe/Vienna").unwrap());
        let plan = slots_on(&roster, &[], day("2026-10-25"), &zone);
        assert_eq!(times(&plan), ["02:00", "02:30", "03:00"]);
        // 2026-10-25T00:00:00Z: still summer time.
        assert_eq!(plan.slots[0].starts_at, Timestamp::from_millis(1_792_886_400_000));
        assert_eq!(plan.slots[2].starts_at.since(plan.slots[1].starts_at), Duration::from_mins(90));
    }

    #[test]
    fn a_doctor_who_is_away_has_no_slot_and_one_who_comes_extra_has() {
        let (roster, zone) = (roster("1", "09:00", "11:00", 30), zone("Asia/Shanghai").unwrap());
        let off = Exception { day: day("2026-03-02"), kind: ExceptionKind::Off, from: at("09:15"), to: at("10:00") };
        assert_eq!(times(&slots_on(&roster, &[off], day("2026-03-02"), &zone)), ["10:00", "10:30"]);
        assert_eq!(slots_on(&roster, &[off], day("2026-03-09"), &zone).slots.len(), 4, "another Monday is as ever");
        let extra =
            Exception { kind: ExceptionKind::Extra, day: day("2026-03-03"), from: at("14:00"), to: at("15:00") };
        assert_eq!(times(&slots_on(&roster, &[extra], day("2026-03-03"), &zone)), ["14:00", "14:30"]);
        let twice = Exception { day: day("2026-03-02"), from: at("10:15"), to: at("11:45"), ..extra };
        assert_eq!(
            times(&slots_on(&roster, &[twice], day("2026-03-02"), &zone)),
            ["09:00", "09:30", "10:00", "10:30", "11:15"]
        );
    }

    #[test]
    fn a_roster_that_makes_no_sense_says_which_field() {
        let good = roster("1", "09:00", "11:00", 30);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(Roster { to: at("09:00"), ..good.clone() }.check(), Err(Wrong::Hours));
        assert_eq!(Roster { minutes: 4, ..good.clone() }.check(), Err(Wrong::Minutes));
        assert_eq!(Roster { minutes: 180, ..good.clone() }.check(), Err(Wrong::Minutes));
        assert_eq!(Roster { capacity: 0, ..good.clone() }.check(), Err(Wrong::Capacity));
        assert_eq!(Roster { last_day: Some(day("2025-12-31")), ..good }.check(), Err(Wrong::Days));
        for wrong in ["", "0", "8", "11", "1,2", "１"] {
            assert_eq!(Weekdays::from_digits(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn two_rosters_meet_where_days_hours_and_validity_meet() {
        let morning = roster("12", "09:00", "12:00", 30);
        assert!(morning.meets(&roster("2", "11:30", "13:00", 30)));
        assert!(!morning.meets(&roster("2", "12:00", "13:00", 30)));
        assert!(!morning.meets(&roster("3", "09:00", "12:00", 30)));
        let ended = Roster { last_day: Some(day("2026-02-01")), ..morning.clone() };
        assert!(!ended.meets(&Roster { first_day: day("2026-02-02"), ..morning }));
    }

    proptest! {
        #[test]
        fn slots_of_a_day_never_overlap_and_count_what_the_roster_says(
            bits in 1..128_u8, from in 0..1400_u16, length in 5..1440_u16, minutes in 5..240_u16, after in 0..730_i64,
            zone_name in prop::sample::select(vec!["Europe/Vienna", "Africa/Cairo", "America/Santiago", "Asia/Shanghai"]),
            exceptions in prop::collection::vec((any::<bool>(), 0..1440_u16, 1..600_u16), 0..4),
        ) {
            let wall = |minute: u16| WallTime::from_minute(minute.min(1440)).unwrap();
            let day = day("2026-01-01").checked_add(jiff::Span::new().days(after)).unwrap();
            let roster = Roster {
                weekdays: Weekdays::from_bits(bits).unwrap(),
                from: wall(from), to: wall(from + length), minutes, capacity: 1,
                first_day: day, last_day: None,
            };
            let zone = zone(zone_name).unwrap();
            let exceptions: Vec<Exception> = exceptions.into_iter().map(|(is_off, from, length)| Exception {
                day, kind: if is_off { ExceptionKind::Off } else { ExceptionKind::Extra },
                from: wall(from), to: wall(from + length),
            }).collect();
            let plan = slots_on(&roster, &exceptions, day, &zone);
            prop_assert!(plan.slots.windows(2).all(|two| two[0].ends_at <= two[1].starts_at));
            let length = Duration::from_secs(u64::from(minutes) * 60);
            prop_assert!(plan.slots.iter().all(|slot| slot.ends_at.since(slot.starts_at) == length));
            if exceptions.is_empty() {
                let hours = roster.to.minute() - roster.from.minute();
                let count = if roster.works_on(day) { hours / minutes } else { 0 };
                prop_assert_eq!(plan.slots.len() + plan.missing.len(), usize::from(count));
            }
        }
    }
}
