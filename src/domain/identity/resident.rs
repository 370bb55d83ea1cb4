//! The citizen identification number (公民身份号码), GB 11643-1999.

use std::fmt;

use jiff::civil::Date;

use crate::domain::people::Sex;

use super::{half_width, masked};

/// Eighteen characters: region, birth date, sequence (odd for men) and a check character.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResidentNumber {
    number: String,
    birth: Date,
    sex: Sex,
}

/// Why a text is not such a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResidentNumberError {
    /// Not seventeen digits and a digit or X.
    #[error("a resident number has 17 digits and a check character")]
    Format,
    /// The check character does not fit: a digit is wrong, or two are swapped.
    #[error("the resident number has a typing error")]
    Checksum,
    /// The first two digits are not a province.
    #[error("the resident number names no region")]
    Region,
    /// The digits 7 to 14 are not a day, or one in the future, or before anybody alive was born.
    #[error("the resident number states an impossible birth date")]
    BirthDate,
}

/// Province-level codes of GB/T 2260, with the residence permits 81, 82 and 83.
const REGIONS: [&str; 35] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
];

/// Nobody older than this is alive.
const OLDEST_YEARS: i16 = 130;

impl ResidentNumber {
    /// Reads a number as it was typed: spaces, full-width digits and a small x are forgiven.
    pub fn parse(typed: &str, today: Date) -> Result<Self, ResidentNumberError> {
        let number: String = half_width(typed).chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
        let digits = number.as_bytes();
        let well_formed = digits.len() == 18
            && digits[..17].iter().all(u8::is_ascii_digit)
            && (digits[17].is_ascii_digit() || digits[17] == b'X');
        if !well_formed {
            return Err(ResidentNumberError::Format);
        }
        if check_character(&digits[..17]) != digits[17] {
            return Err(ResidentNumberError::Checksum);
        }
        // A foreigner's permanent residence card since 2023 begins with 9, which is no region.
        if digits[0] != b'9' && !REGIONS.contains(&&number[..2]) {
            return Err(ResidentNumberError::Region);
        }
        let stated = format!("{}-{}-{}", &number[6..10], &number[10..12], &number[12..14]);
        let birth: Date = stated.parse().map_err(|_| ResidentNumberError::BirthDate)?;
        if birth > today || today.year() - birth.year() > OLDEST_YEARS {
            return Err(ResidentNumberError::BirthDate);
        }
        let sex = if digits[16] % 2 == 1 { Sex::Male } else { Sex::Female };
        Ok(Self { number, birth, sex })
    }

    /// The birth date that the number states.
    pub fn birth_date(&self) -> Date {
        self.birth
    }

    /// The sex that the number states.
    pub fn sex(&self) -> Sex {
        self.sex
    }

    /// The number itself, for encryption and for the desk that checks an identity.
    pub fn reveal(&self) -> &str {
        &self.number
    }
}

/// The check character of seventeen digits by ISO 7064 MOD 11-2.
fn check_character(digits: &[u8]) -> u8 {
    let sum = digits.iter().fold(0_u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    b"10X98765432"[sum as usize % 11]
}

impl fmt::Display for ResidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.number))
    }
}

impl fmt::Debug for ResidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentNumber(***)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 8, 1);

    /// A number made up from its parts; the check character is right.
    fn number(region: &str, birth: &str, sequence: u16) -> String {
        let body = format!("{region}{birth}{sequence:03}");
        format!("{body}{}", char::from(check_character(body.as_bytes())))
    }

    fn numbers() -> impl Strategy<Value = String> {
        (prop::sample::select(&["110101", "320102", "810000"][..]), 1910..2026_i16, 1..=12_i8, 1..=28_i8, 0..1000_u16)
            .prop_map(|(region, y, m, d, sequence)| number(region, &format!("{y:04}{m:02}{d:02}"), sequence))
    }

    #[test]
    fn the_example_of_the_standard_is_valid() {
        let man = ResidentNumber::parse("440524188001010014", date(1999, 7, 1)).unwrap();
        assert_eq!((man.birth_date(), man.sex()), (date(1880, 1, 1), Sex::Male));
        let woman = ResidentNumber::parse("11010519491231002X", TODAY).unwrap();
        assert_eq!((woman.birth_date(), woman.sex()), (date(1949, 12, 31), Sex::Female));
    }

    #[test]
    fn a_number_is_read_as_people_type_it() {
        for typed in ["11010519491231002x", " 110105 19491231 002X ", "１１０１０５１９４９１２３１００２Ｘ"]
        {
            assert_eq!(ResidentNumber::parse(typed, TODAY).unwrap().reveal(), "11010519491231002X", "{typed}");
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        let parse = |text: &str| ResidentNumber::parse(text, TODAY).unwrap_err();
        for text in ["", "110105491231002", "1101051949123100XX", "11010519491231002XX", "一1010519491231002X"] {
            assert_eq!(parse(text), ResidentNumberError::Format, "{text}");
        }
        assert_eq!(parse("110105194912310021"), ResidentNumberError::Checksum);
        assert_eq!(parse(&number("000101", "19900101", 1)), ResidentNumberError::Region);
        for birth in ["20230229", "19901301", "19900100", "20260802", "18800101"] {
            assert_eq!(parse(&number("110101", birth, 1)), ResidentNumberError::BirthDate, "{birth}");
        }
    }

    proptest! {
        #[test]
        fn every_single_wrong_digit_is_found(number in numbers(), at in 0..18_usize, digit in 0..10_u8) {
            let mut typed = number.clone().into_bytes();
            typed[at] = b'0' + digit;
            let typed = String::from_utf8(typed).unwrap();
            prop_assert_eq!(ResidentNumber::parse(&typed, TODAY).is_ok(), typed == number);
        }

        #[test]
        fn every_swap_of_neighbours_is_found(number in numbers(), at in 0..17_usize) {
            let mut typed = number.clone().into_bytes();
            typed.swap(at, at + 1);
            let typed = String::from_utf8(typed).unwrap();
            prop_assert_eq!(ResidentNumber::parse(&typed, TODAY).is_ok(), typed == number);
        }

        #[test]
        fn no_way_of_printing_reveals_the_number(number in numbers()) {
            let parsed = ResidentNumber::parse(&number, TODAY).unwrap();
            for printed in [format!("{parsed}"), format!("{parsed:?}"), format!("{parsed:#?}")] {
                prop_assert!(!printed.contains(&number[6..14]) && printed.len() < 30, "{}", printed);
            }
            prop_assert_eq!(parsed.to_string(), format!("***{}", &number[14..]));
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in ".{0,40}") {
            let _ = ResidentNumber::parse(&text, TODAY);
        }
    }
}
