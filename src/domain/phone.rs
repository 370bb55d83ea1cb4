//! Telephone numbers, in the one form in which two spellings of a number are equal.

use std::fmt;

/// A number that can receive a message, as E.164: `+`, country code, subscriber.
///
/// `Debug` hides it: a number is a personal datum and must not reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// The text is not a number that a message can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mobile number of China, nor an international number with its country code")]
pub struct NotAPhone;

impl Phone {
    /// Reads a Chinese mobile number with or without its country code, or any international number that begins with
    /// `+` or `00`. Spaces, hyphens, dots and brackets are taken out; full-width digits count as digits.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        // Longer than any spelling of fifteen digits: not worth reading.
        if text.chars().count() > 40 {
            return Err(NotAPhone);
        }
        let mut plain = String::new();
        for c in text.trim().chars() {
            match c {
                '0'..='9' => plain.push(c),
                '\u{ff10}'..='\u{ff19}' => {
                    plain.push(char::from_digit(u32::from(c) - 0xff10, 10).expect("the arm holds ten digits"));
                }
                '+' | '\u{ff0b}' if plain.is_empty() => plain.push('+'),
                ' ' | '\u{a0}' | '\u{3000}' | '-' | '.' | '(' | ')' | '\u{ff08}' | '\u{ff09}' => {}
                _ => return Err(NotAPhone),
            }
        }
        let international = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
        let digits = match international {
            Some(digits) => digits.to_owned(),
            None if plain.len() == 13 && plain.starts_with("861") => plain,
            None if plain.len() == 11 && plain.starts_with('1') => format!("86{plain}"),
            None => return Err(NotAPhone),
        };
        let fits = match digits.strip_prefix("86") {
            // Mobile numbers begin with 13 to 19: a landline receives no message.
            Some(own) => own.len() == 11 && own.starts_with('1') && matches!(own.as_bytes()[1], b'3'..=b'9'),
            None => (8..=15).contains(&digits.len()) && !digits.starts_with('0'),
        };
        if fits { Ok(Self(format!("+{digits}"))) } else { Err(NotAPhone) }
    }

    /// The number as E.164.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four digits: enough to recognise one's own number.
    pub fn tail(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Phone::parse(text).ok().map(|phone| phone.as_str().to_owned())
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for text in [
            "13800000000",
            " 138 0000 0000",
            "+86 138-0000-0000",
            "8613800000000",
            "008613800000000",
            "\u{ff11}3800000000",
        ] {
            assert_eq!(read(text).as_deref(), Some("+8613800000000"), "{text}");
        }
        assert_eq!(read("+49 (151) 000.00000").as_deref(), Some("+4915100000000"));
    }

    #[test]
    fn what_cannot_receive_a_message_is_refused() {
        for text in [
            "",
            "+",
            "110",
            "12800000000",
            "02583000000",
            "+862583000000",
            "1380000000",
            "138000000000",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            "138o0000000",
            "1380000+0000",
            &"1".repeat(500),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_not_printed_by_accident() {
        let phone = Phone::parse("13812345678").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(…)");
        assert_eq!(phone.tail(), "5678");
    }
}
