//! Telephone numbers in the one form that is stored, compared and dialled: E.164.

use std::fmt;

use super::{half_width, masked};

/// A telephone number as `+` and 7 to 15 digits (E.164).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// Why a text is not a telephone number that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Neither a Chinese mobile number nor an international one with `+`.
    #[error("not a telephone number")]
    Format,
    /// A Chinese number that cannot receive a message.
    #[error("not a mobile number")]
    NotMobile,
}

impl Phone {
    /// Reads a number that can receive a message: a Chinese mobile number (11 digits, 13 to 19), or an international one
    /// that begins with `+` or `00`.
    pub fn mobile(typed: &str) -> Result<Self, PhoneError> {
        let dialled = dialled(typed)?;
        match dialled.strip_prefix("+86") {
            Some(national) if is_chinese_mobile(national) => Ok(Self(dialled)),
            Some(_) => Err(PhoneError::NotMobile),
            None => Ok(Self(dialled)),
        }
    }

    /// Reads a number that can be called: as [`Phone::mobile`], and Chinese landlines with their area code.
    pub fn any(typed: &str) -> Result<Self, PhoneError> {
        dialled(typed).map(Self)
    }

    /// The number in E.164, for encryption, the message gateway and the nurse's telephone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four digits.
    pub fn tail(&self) -> &str {
        // At least seven ASCII digits stand behind the plus sign, by `dialled`.
        &self.0[self.0.len() - 4..]
    }
}

fn is_chinese_mobile(national: &str) -> bool {
    let digits = national.as_bytes();
    digits.len() == 11 && digits[0] == b'1' && (b'3'..=b'9').contains(&digits[1])
}

/// The number in E.164, whatever separators and prefixes it was typed with.
fn dialled(typed: &str) -> Result<String, PhoneError> {
    let bare: String = half_width(typed).chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let (international, digits) = match bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")) {
        Some(digits) => (true, digits),
        None => (false, bare.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(PhoneError::Format);
    }
    let e164 = if international {
        digits.to_owned()
    } else if is_chinese_mobile(digits) {
        format!("86{digits}")
    } else if matches!(digits.strip_prefix("86"), Some(national) if is_chinese_mobile(national)) {
        digits.to_owned()
    } else {
        // A landline: 0, an area code of two or three digits, and seven or eight digits.
        let national = digits.strip_prefix('0').filter(|national| (9..=11).contains(&national.len()));
        format!("86{}", national.ok_or(PhoneError::Format)?)
    };
    let fits = (7..=15).contains(&e164.len()) && !e164.starts_with('0');
    if fits { Ok(format!("+{e164}")) } else { Err(PhoneError::Format) }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chinese_mobile_number_is_the_same_however_it_is_typed() {
        for typed in [
            "13800001234",
            "138 0000 1234",
            "138-0000-1234",
            "+86 138 0000 1234",
            "0086 13800001234",
            "8613800001234",
            "１３８００００１２３４",
        ] {
            assert_eq!(
                Phone::mobile(typed).map(|phone| phone.reveal().to_owned()),
                Ok("+8613800001234".into()),
                "{typed}"
            );
        }
    }

    #[test]
    fn numbers_from_abroad_are_accepted_with_their_plus() {
        assert_eq!(Phone::mobile("+44 20 7946 0958").unwrap().reveal(), "+442079460958");
        assert_eq!(Phone::mobile("0041 22 000 00 00").unwrap().reveal(), "+41220000000");
    }

    #[test]
    fn what_cannot_receive_a_message_is_refused() {
        for typed in ["", "110", "12800001234", "1380000123", "138000012345", "+", "+0123456789", "+12", "a13800001234"]
        {
            assert!(Phone::mobile(typed).is_err(), "{typed}");
        }
        assert_eq!(Phone::mobile("025-8661 0000"), Err(PhoneError::NotMobile));
        assert_eq!(Phone::any("025-8661 0000").unwrap().reveal(), "+862586610000");
    }

    #[test]
    fn no_way_of_printing_reveals_the_number() {
        let phone = Phone::mobile("13800001234").unwrap();
        assert_eq!((format!("{phone}"), format!("{phone:?}")), ("***1234".into(), "Phone(***)".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_a_number_reads_itself_again(text in ".{0,24}|[+]?[0-9 -]{5,18}") {
            if let Ok(phone) = Phone::any(&text) {
                prop_assert_eq!(Phone::any(phone.reveal()), Ok(phone));
            }
        }
    }
}
