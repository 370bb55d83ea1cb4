//! The day that it is.

use jiff::civil::Date;
use jiff::tz::Offset;

use crate::domain::time::Timestamp;

/// The day that it is in China at `now`, where the documents are issued and the hospital stands. China has kept one
/// zone without summer time since 1992, so no table of zones is needed: UTC+8.
pub fn in_china(now: Timestamp) -> Date {
    let moment = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Offset::constant(8).to_datetime(moment).date()
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
    fn a_moment_outside_of_the_calendar_is_no_panic() {
        assert_eq!(in_china(Timestamp::from_millis(i64::MAX)).to_string(), "1970-01-01");
    }
}
