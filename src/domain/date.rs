//! The day that it is, and the zone in which it is.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::domain::time::Timestamp;

/// Where the hospital stands.
pub const HOME: &str = "Asia/Shanghai";

/// A zone by its name of the IANA; the table is inside the program: the same on every machine.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The same; a zone that nobody knows must not stop a hospital: [`HOME`]'s is taken.
pub fn zone_or_home(name: &str) -> TimeZone {
    zone(name).or_else(|| zone(HOME)).unwrap_or_else(|| TimeZone::fixed(Offset::constant(8)))
}

/// The day that it is in China at `now`, where the documents are issued and the hospital stands. China has kept one
/// zone without summer time since 1992, so no table of zones is needed: UTC+8.
pub fn in_china(now: Timestamp) -> Date {
    let moment = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Offset::constant(8).to_datetime(moment).date()
}

/// A day somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: Date,
    /// When it began there.
    pub began_at: Timestamp,
}

/// The day that it is at `now` in a zone; `None` for a moment outside of the calendar.
pub fn day_of(zone: &TimeZone, now: Timestamp) -> Option<Day> {
    let here = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?.to_zoned_datetime(zone.clone());
    let began_at = Timestamp::from_millis(here.start_of_day().ok()?.timestamp().as_millisecond());
    Some(Day { date: here.date(), began_at })
}

/// When a day begins in a zone, and when it ends there; `None` at the ends of the calendar.
pub fn bounds(zone: &TimeZone, day: Date) -> Option<(Timestamp, Timestamp)> {
    let begins = |day: Date| {
        let first = day.to_zoned_datetime(zone.clone()).ok()?.start_of_day().ok()?;
        Some(Timestamp::from_millis(first.timestamp().as_millisecond()))
    };
    Some((begins(day)?, begins(day.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_china_begins_eight_hours_before_the_day_in_greenwich() {
        let at = |millis| in_china(Timestamp::from_millis(millis)).to_string();
        assert_eq!(at(0), "1970-01-01");
        // 2024-02-29T15:59:59.999Z and one millisecond later.
        assert_eq!(at(1_709_222_399_999), "2024-02-29");
        assert_eq!(at(1_709_222_400_000), "2024-03-01");
        assert_eq!(at(-8 * 3_600_000 - 1), "1969-12-31");
    }

    #[test]
    fn a_day_is_the_one_of_its_zone_and_begins_at_midnight_there() {
        // 2024-02-29T16:00:00Z.
        let now = Timestamp::from_millis(1_709_222_400_000);
        let day = |name| {
            let day = day_of(&zone_or_home(name), now).unwrap();
            (day.date.to_string(), now.since(day.began_at).as_secs() / 3600)
        };
        assert_eq!(day("Asia/Shanghai"), ("2024-03-01".to_owned(), 0));
        assert_eq!(day("Europe/Vienna"), ("2024-02-29".to_owned(), 17));
        assert_eq!(day("America/New_York"), ("2024-02-29".to_owned(), 11));
        assert_eq!(zone("Nowhere/Else"), None);
        assert_eq!(day("Nowhere/Else"), day(HOME), "a zone that nobody knows stops no hospital");
    }

    #[test]
    fn a_day_on_which_the_clock_changes_has_its_true_length() {
        // 2024-03-31T12:00:00Z: in Vienna the clock went from 02:00 to 03:00.
        let noon = Timestamp::from_millis(1_711_886_400_000);
        let vienna = zone("Europe/Vienna").unwrap();
        let day = day_of(&vienna, noon).unwrap();
        assert_eq!(noon.since(day.began_at).as_secs() / 3600, 13, "14 o'clock, an hour less");
        let (from, until) = bounds(&vienna, day.date).unwrap();
        assert_eq!((from, until.since(from).as_secs() / 3600), (day.began_at, 23));
    }

    #[test]
    fn a_moment_outside_of_the_calendar_is_no_panic() {
        assert_eq!(in_china(Timestamp::from_millis(i64::MAX)).to_string(), "1970-01-01");
        assert_eq!(day_of(&zone_or_home(HOME), Timestamp::from_millis(i64::MAX)), None);
        assert_eq!(bounds(&zone_or_home(HOME), Date::MAX), None);
    }
}
