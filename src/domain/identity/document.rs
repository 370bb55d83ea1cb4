//! Identity documents of every kind that a patient may hold.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::people::Sex;

use super::resident::{ResidentNumber, ResidentNumberError};
use super::{half_width, masked};

/// The kind of an identity document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IdentityDocumentKind)]
pub enum DocumentKind {
    /// 居民身份证, and the residence permits of the same format.
    ResidentCard,
    /// 护照 of any country.
    Passport,
    /// 港澳居民来往内地通行证.
    HongKongMacaoPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanPermit,
    /// 外国人永久居留身份证.
    PermanentResidence,
    /// 户口簿, for children without a card; it states the same number.
    HouseholdRegister,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::ResidentCard,
        Self::Passport,
        Self::HongKongMacaoPermit,
        Self::TaiwanPermit,
        Self::PermanentResidence,
        Self::HouseholdRegister,
    ];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResidentCard => "resident_card",
            Self::Passport => "passport",
            Self::HongKongMacaoPermit => "hong_kong_macao_permit",
            Self::TaiwanPermit => "taiwan_permit",
            Self::PermanentResidence => "permanent_residence",
            Self::HouseholdRegister => "household_register",
        }
    }

    /// The kind of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A document whose number has the form of its kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Document {
    kind: DocumentKind,
    number: String,
    /// Birth date and sex, where the number states them.
    person: Option<(Date, Sex)>,
}

/// Why a number is not one of the document's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A resident number with a fault.
    #[error(transparent)]
    Resident(#[from] ResidentNumberError),
    /// The number does not have the form of this kind of document.
    #[error("the number does not have the form of this kind of document")]
    Format,
}

impl Document {
    /// Reads a number as it was typed.
    pub fn parse(kind: DocumentKind, typed: &str, today: Date) -> Result<Self, DocumentError> {
        let number: String =
            half_width(typed).chars().filter(|c| *c != ' ' && *c != '-').collect::<String>().to_ascii_uppercase();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let has_form = match kind {
            DocumentKind::ResidentCard | DocumentKind::HouseholdRegister => {
                return Self::resident(kind, &number, today);
            }
            // Cards since 2023 have a resident number that begins with 9; earlier ones three letters and 12 digits.
            DocumentKind::PermanentResidence if number.len() == 18 && number.starts_with('9') => {
                return Self::resident(kind, &number, today);
            }
            DocumentKind::PermanentResidence => {
                number.len() == 15
                    && number.is_char_boundary(3)
                    && number[..3].bytes().all(|c| c.is_ascii_uppercase())
                    && digits(&number[3..])
            }
            DocumentKind::Passport => {
                (5..=20).contains(&number.len())
                    && number.bytes().all(|c| c.is_ascii_alphanumeric())
                    && number.bytes().any(|c| c.is_ascii_digit())
            }
            DocumentKind::HongKongMacaoPermit => {
                matches!(number.strip_prefix(['H', 'M']), Some(rest) if digits(rest) && matches!(rest.len(), 8 | 10))
            }
            DocumentKind::TaiwanPermit => digits(&number) && matches!(number.len(), 8 | 10),
        };
        if has_form { Ok(Self { kind, number, person: None }) } else { Err(DocumentError::Format) }
    }

    fn resident(kind: DocumentKind, number: &str, today: Date) -> Result<Self, DocumentError> {
        let parsed = ResidentNumber::parse(number, today)?;
        let person = Some((parsed.birth_date(), parsed.sex()));
        Ok(Self { kind, number: parsed.reveal().to_owned(), person })
    }

    /// The number as the key of its holder, whichever paper it was read from: card and household register state one
    /// number; a passport's may be another person's on a permit. As bare as `reveal`.
    pub fn reveal_key(kind: DocumentKind, number: &str) -> String {
        match kind {
            DocumentKind::ResidentCard | DocumentKind::HouseholdRegister => number.to_owned(),
            other => format!("{} {number}", other.as_str()),
        }
    }

    /// The kind.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The birth date, where the number states it.
    pub fn birth_date(&self) -> Option<Date> {
        self.person.map(|(birth, _)| birth)
    }

    /// The sex, where the number states it.
    pub fn sex(&self) -> Option<Sex> {
        self.person.map(|(_, sex)| sex)
    }

    /// The last four characters, which the desk compares with the card.
    pub fn tail(&self) -> &str {
        // The number is ASCII and at least five characters long, by `parse`.
        &self.number[self.number.len() - 4..]
    }

    /// The number itself, for encryption and for the desk that checks an identity.
    pub fn reveal(&self) -> &str {
        &self.number
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.number))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}, ***)", self.kind.as_str())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 8, 1);

    #[test]
    fn each_kind_has_its_form() {
        for (kind, good, bad) in [
            (DocumentKind::Passport, "E12345678", "EABCDEFGH"),
            (DocumentKind::Passport, "e 1234-5678", "E12"),
            (DocumentKind::HongKongMacaoPermit, "H12345678", "X12345678"),
            (DocumentKind::HongKongMacaoPermit, "M1234567801", "M1234567"),
            (DocumentKind::TaiwanPermit, "12345678", "1234567A"),
            (DocumentKind::PermanentResidence, "CAN110012345678", "CA1110012345678"),
            (DocumentKind::ResidentCard, "11010519491231002X", "110105194912310020"),
            (DocumentKind::HouseholdRegister, "11010519491231002x", "E12345678"),
        ] {
            let document = Document::parse(kind, good, TODAY).unwrap();
            assert_eq!(document.kind(), kind);
            assert!(Document::parse(kind, bad, TODAY).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_resident_number_states_birth_and_sex() {
        let card = Document::parse(DocumentKind::ResidentCard, "11010519491231002X", TODAY).unwrap();
        assert_eq!((card.birth_date(), card.sex(), card.tail()), (Some(date(1949, 12, 31)), Some(Sex::Female), "002X"));
        let passport = Document::parse(DocumentKind::Passport, "E12345678", TODAY).unwrap();
        assert_eq!((passport.birth_date(), passport.sex(), passport.tail()), (None, None, "5678"));
    }

    #[test]
    fn a_kind_is_written_and_read_as_the_same_word_everywhere() {
        for kind in DocumentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(DocumentKind::from_word(kind.as_str()), Some(kind));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_nothing_printed_reveals_it(text in ".{0,24}|[A-Z]?[0-9]{8,10}", kind in 0..6_usize) {
            if let Ok(document) = Document::parse(DocumentKind::ALL[kind], &text, TODAY) {
                let number = document.reveal();
                let printed = format!("{document} {document:?}");
                prop_assert!(!printed.contains(number));
                prop_assert!(number.ends_with(document.tail()));
            }
        }
    }
}
