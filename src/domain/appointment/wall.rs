//! The clock on the wall of a clinic, and the moments it stands for.
//!
//! A wall time is a promise to people: at half past nine means half past nine there, whatever the zone's rules become.
//! Twice a year a zone may skip an hour or have it twice; both cases are values here, never a guess in passing.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::domain::date::zone;
use crate::domain::time::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A time of day in whole minutes, from 00:00 to 24:00, which is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WallTime(u16);

impl WallTime {
    /// The end of a day.
    pub const END: Self = Self(DAY);

    /// The time so many minutes after midnight; `None` beyond the day's end.
    pub const fn from_minute(minute: u16) -> Option<Self> {
        if minute <= DAY { Some(Self(minute)) } else { None }
    }

    /// Minutes after midnight.
    pub const fn minute(self) -> u16 {
        self.0
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// What is written is no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWallTime;

impl FromStr for WallTime {
    type Err = NoWallTime;

    /// Reads `09:30`; two digits each, as a form and a roster write it.
    fn from_str(text: &str) -> Result<Self, NoWallTime> {
        let (hours, minutes) = text.split_once(':').ok_or(NoWallTime)?;
        let number = |digits: &str| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u16>().ok())?
        };
        let (hours, minutes) = (number(hours).ok_or(NoWallTime)?, number(minutes).ok_or(NoWallTime)?);
        if minutes > 59 {
            return Err(NoWallTime);
        }
        Self::from_minute(hours * 60 + minutes).ok_or(NoWallTime)
    }
}

/// The moments that a wall time stands for on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// The common case.
    Once(Timestamp),
    /// The clock was put back: the hour comes twice, and the first is meant.
    Twice(Timestamp, Timestamp),
    /// The clock was put forward: the hour does not exist on that day.
    Never,
}

impl Wall {
    /// The moment that is booked, where there is one.
    pub const fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Once(at) | Self::Twice(at, _) => Some(at),
            Self::Never => None,
        }
    }
}

/// What `at` on `day` is in `zone`.
pub fn instant(zone: &TimeZone, day: Date, at: WallTime) -> Wall {
    let (day, minute) = if at == WallTime::END { (day.tomorrow().unwrap_or(day), 0) } else { (day, at.minute()) };
    let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
    let there = day.at(hour, minute, 0, 0);
    let moment = |offset: jiff::tz::Offset| {
        offset.to_timestamp(there).ok().map(|at| Timestamp::from_millis(at.as_millisecond()))
    };
    match zone.to_ambiguous_timestamp(there).offset() {
        AmbiguousOffset::Unambiguous { offset } => moment(offset).map_or(Wall::Never, Wall::Once),
        AmbiguousOffset::Fold { before, after } => match (moment(before), moment(after)) {
            (Some(first), Some(second)) => Wall::Twice(first, second),
            _ => Wall::Never,
        },
        AmbiguousOffset::Gap { .. } => Wall::Never,
    }
}

/// What somebody was promised: a day and a time on the wall, and the moment that was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The day there.
    pub day: Date,
    /// The time on the wall there.
    pub at: WallTime,
    /// The moment that was kept for it.
    pub starts_at: Timestamp,
}

/// A promise whose moment is another one under the rules of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The moment that was kept.
    pub was: Timestamp,
    /// The moment that it is now; none where the hour does not exist any more.
    pub is: Option<Timestamp>,
}

/// Whether a promise has moved because the zone's rules were changed since it was made.
pub fn moved(promise: &Promise, zone: &TimeZone) -> Option<Drift> {
    let is = instant(zone, promise.day, promise.at).moment();
    (is != Some(promise.starts_at)).then_some(Drift { was: promise.starts_at, is })
}

/// A moment as the wall of a place shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Shown {
    /// The zone's name of the IANA.
    pub zone: String,
    /// The day there, `2026-03-29`.
    pub day: String,
    /// The time there, `09:30`.
    pub time: String,
}

/// A moment as a place shows it; `None` for a zone that nobody knows.
pub fn shown_in(at: Timestamp, name: &str) -> Option<Shown> {
    let there = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned_datetime(zone(name)?);
    let time = format!("{:02}:{:02}", there.hour(), there.minute());
    Some(Shown { zone: name.to_owned(), day: there.date().to_string(), time })
}

/// A moment as the place shows it and, where somebody's own wall shows another time, as theirs does.
///
/// The place comes first: that is where the doctor is. Two zones that agree at that moment are told once.
pub fn shown(at: Timestamp, place: &str, viewer: Option<&str>) -> Vec<Shown> {
    let here = shown_in(at, place);
    let there = viewer.and_then(|name| shown_in(at, name));
    let same = |a: &Shown, b: &Shown| a.day == b.day && a.time == b.time;
    let there = there.filter(|there| here.as_ref().is_none_or(|here| !same(here, there)));
    here.into_iter().chain(there).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// The hospital, and where partners and travellers are.
    const ZONES: [&str; 11] = [
        "Europe/Vienna",
        "Europe/London",
        "Europe/Lisbon",
        "America/New_York",
        "America/Santiago",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Asia/Tehran",
        "Australia/Sydney",
        "Pacific/Auckland",
        "Asia/Shanghai",
    ];

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn at(text: &str) -> WallTime {
        text.parse().unwrap()
    }

    /// What a wall there shows at a moment.
    fn wall(moment: Timestamp, zone: &TimeZone) -> (Date, u16) {
        let there = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap().to_zoned_datetime(zone.clone());
        (there.date(), u16::try_from(there.hour()).unwrap() * 60 + u16::try_from(there.minute()).unwrap())
    }

    #[test]
    fn a_time_of_day_is_two_digits_each() {
        assert_eq!(at("09:30").minute(), 570);
        assert_eq!(at("24:00"), WallTime::END);
        assert_eq!(at("09:30").to_string(), "09:30");
        for wrong in ["9:30", "24:01", "12:60", "-1:00", "12", "12:3a", "１２:00", "00:00:00", ""] {
            assert_eq!(wrong.parse::<WallTime>(), Err(NoWallTime), "{wrong}");
        }
    }

    #[test]
    fn an_hour_that_does_not_exist_is_never_and_one_that_comes_twice_is_its_first() {
        let vienna = zone("Europe/Vienna").unwrap();
        assert_eq!(instant(&vienna, day("2026-03-29"), at("02:30")), Wall::Never);
        // 2026-10-25T00:30:00Z and an hour later.
        let (first, second) = (Timestamp::from_millis(1_792_888_200_000), Timestamp::from_millis(1_792_891_800_000));
        assert_eq!(instant(&vienna, day("2026-10-25"), at("02:30")), Wall::Twice(first, second));
        assert_eq!(instant(&vienna, day("2026-10-25"), at("02:30")).moment(), Some(first));
    }

    #[test]
    fn the_end_of_a_day_is_the_midnight_after_it() {
        let shanghai = zone("Asia/Shanghai").unwrap();
        assert_eq!(
            instant(&shanghai, day("2026-03-01"), WallTime::END),
            instant(&shanghai, day("2026-03-02"), at("00:00"))
        );
    }

    #[test]
    fn every_transition_from_2020_to_2035_of_every_partner_zone_keeps_wall_time() {
        let begin: jiff::Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        let end: jiff::Timestamp = "2036-01-01T00:00:00Z".parse().unwrap();
        let mut transitions = 0;
        for name in ZONES {
            let zone = zone(name).unwrap();
            for transition in zone.following(begin).take_while(|transition| transition.timestamp() < end) {
                transitions += 1;
                let around = transition.timestamp().to_zoned_datetime(zone.clone()).date();
                for day in [around.yesterday().unwrap(), around, around.tomorrow().unwrap()] {
                    every_minute_keeps_its_wall(name, &zone, day);
                }
            }
        }
        assert!(transitions > 200, "the table of zones holds the rules of the years to come: {transitions}");
    }

    /// Each minute of a day is shown by the wall at the moment that is kept for it, or there is no such minute; and later
    /// minutes are later moments.
    fn every_minute_keeps_its_wall(name: &str, zone: &TimeZone, day: Date) {
        let noon = instant(zone, day, WallTime(720)).moment().unwrap();
        // What the wall shows in the two days around noon.
        let near = |step: i64| wall(Timestamp::from_millis(noon.as_millis() + step * 60_000), zone);
        let shown: HashSet<_> = (-1440..1440).map(near).collect();
        let mut before = None;
        for minute in 0..DAY {
            let at = WallTime::from_minute(minute).unwrap();
            match instant(zone, day, at) {
                Wall::Once(moment) => {
                    assert_eq!(wall(moment, zone), (day, minute), "{name} {day} {at}");
                    assert!(before < Some(moment), "{name} {day} {at}");
                    before = Some(moment);
                }
                Wall::Twice(first, second) => {
                    assert_eq!((wall(first, zone), wall(second, zone)), ((day, minute), (day, minute)), "{name}");
                    assert!(before < Some(first) && first < second, "{name} {day} {at}");
                    before = Some(first);
                }
                Wall::Never => {
                    assert!(!shown.contains(&(day, minute)), "{name} {day} {at} exists");
                }
            }
        }
    }

    #[test]
    fn both_walls_are_told_where_they_differ_and_one_where_they_agree() {
        // 2026-03-01T01:30:00Z.
        let moment = Timestamp::from_millis(1_772_328_600_000);
        let told = |viewer| -> Vec<String> {
            let all = shown(moment, "Asia/Shanghai", viewer);
            all.into_iter().map(|one| format!("{} {} {}", one.day, one.time, one.zone)).collect()
        };
        assert_eq!(told(None), ["2026-03-01 09:30 Asia/Shanghai"]);
        assert_eq!(told(Some("Asia/Singapore")), ["2026-03-01 09:30 Asia/Shanghai"]);
        assert_eq!(
            told(Some("America/New_York")),
            ["2026-03-01 09:30 Asia/Shanghai", "2026-02-28 20:30 America/New_York"]
        );
        assert_eq!(told(Some("Mars/Olympus")), ["2026-03-01 09:30 Asia/Shanghai"]);
    }

    proptest! {
        /// A country drops its summer time, moves its zone or keeps all: exactly the promises that it touches are listed.
        #[test]
        fn a_changed_zone_rule_lists_exactly_the_appointments_that_moved(
            days in prop::collection::vec((0..700_i64, 0..1440_u16), 1..40),
            zones in (0..ZONES.len(), 0..ZONES.len()),
        ) {
            let (old, new) = (zone(ZONES[zones.0]).unwrap(), zone(ZONES[zones.1]).unwrap());
            let first = day("2026-01-01");
            for (after, minute) in days {
                let day = first.checked_add(jiff::Span::new().days(after)).unwrap();
                let at = WallTime::from_minute(minute).unwrap();
                let Some(starts_at) = instant(&old, day, at).moment() else { continue };
                let promise = Promise { day, at, starts_at };
                prop_assert_eq!(moved(&promise, &old), None);
                let is = instant(&new, day, at).moment();
                let expected = (is != Some(starts_at)).then_some(Drift { was: starts_at, is });
                prop_assert_eq!(moved(&promise, &new), expected);
                if let Some(Drift { is: Some(is), .. }) = moved(&promise, &new) {
                    prop_assert_eq!(wall(is, &new), (day, minute), "the promise on the wall is what stays");
                }
            }
        }
    }
}
