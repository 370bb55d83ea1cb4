//! Who somebody is: names, documents and telephone numbers, parsed once into types that cannot be wrong.
//!
//! Law: none of these types shows its value by `Debug` or `Display`, and none can be serialised. Whoever needs the value
//! says `reveal`, and can be found by that word.

mod document;
mod name;
mod phone;
mod resident;

use jiff::civil::Date;

pub use document::{Document, DocumentError, DocumentKind};
pub use name::{LegalName, NameError};
pub use phone::{Phone, PhoneError};
pub use resident::{ResidentNumber, ResidentNumberError};

/// Completed months of life on a day; zero on days before the birth.
///
/// A month is complete on the day of the month of the birth, and, where the month has no such day, on the first of the
/// next: whoever is treated as younger is treated with more care.
pub fn age_in_months(birth: Date, on: Date) -> u32 {
    let month_number = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
    let months = month_number(on) - month_number(birth) - i32::from(on.day() < birth.day());
    u32::try_from(months).unwrap_or(0)
}

/// Completed years of life on a day; zero on days before the birth.
pub fn age_in_years(birth: Date, on: Date) -> u32 {
    age_in_months(birth, on) / 12
}

/// `YYYY-MM-DD`, and nothing else that a lenient parser would let through.
pub fn parse_date(text: &str) -> Option<Date> {
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| match at {
            4 | 7 => c == b'-',
            _ => c.is_ascii_digit(),
        });
    if plain { text.parse().ok() } else { None }
}

/// Full-width digits and letters as their ASCII twins, for people whose keyboard is set to Chinese.
fn half_width(text: &str) -> String {
    let twin = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).expect("the full-width forms mirror ASCII"),
        other => other,
    };
    text.chars().map(twin).collect()
}

/// What may be shown to recognise a value: three stars and its last four characters.
fn masked(value: &str) -> String {
    let count = value.chars().count();
    let shown = if count > 4 { 4 } else { 0 };
    "***".chars().chain(value.chars().skip(count - shown)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_is_complete_on_the_day_of_birth_and_not_before() {
        assert_eq!(age_in_months(date(2020, 1, 15), date(2020, 2, 14)), 0);
        assert_eq!(age_in_months(date(2020, 1, 15), date(2020, 2, 15)), 1);
        assert_eq!(age_in_months(date(2020, 1, 31), date(2020, 2, 29)), 0);
        assert_eq!(age_in_months(date(2020, 1, 31), date(2020, 3, 1)), 1);
        assert_eq!(age_in_years(date(2004, 2, 29), date(2022, 2, 28)), 17);
        assert_eq!(age_in_years(date(2004, 2, 29), date(2022, 3, 1)), 18);
        assert_eq!(age_in_months(date(2020, 1, 15), date(2019, 1, 1)), 0);
    }

    #[test]
    fn only_a_plain_calendar_date_is_a_date() {
        assert_eq!(parse_date("2020-02-29"), Some(date(2020, 2, 29)));
        for text in ["2021-02-29", "20200229", "2020-2-29", "2020-02-29T00:00", " 2020-02-29", "2020-02-3०", ""] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_mask_shows_nothing_of_a_short_value() {
        assert_eq!(masked("1234"), "***");
        assert_eq!(masked("E12345678"), "***5678");
    }
}
