//! What a doctor has on paper before a desk opens: a registration with the state, three years of own practice, and the
//! institution's written consent.

use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::date::in_china;
use crate::domain::time::Timestamp;

/// Years of independent clinical work: 互联网诊疗管理办法(试行), 国卫医发〔2018〕25号-附1, Art. 25.
pub const YEARS: i16 = 3;

/// The number of a registration (执业证书编号). Today's have fifteen digits, older ones other forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration(String);

impl Registration {
    /// The number as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no registration: eight to 32 letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRegistration;

impl FromStr for Registration {
    type Err = NoRegistration;

    fn from_str(text: &str) -> Result<Self, NoRegistration> {
        let text = text.trim();
        let fits = (8..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_ascii_uppercase())).ok_or(NoRegistration)
    }
}

/// What is recorded of a doctor; nothing of it where it was not recorded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// The number of the registration.
    pub registration: Option<Registration>,
    /// The first day of independent practice.
    pub practises_since: Option<Date>,
    /// The day of the institution's written consent.
    pub consent_on: Option<Date>,
}

/// What stands between a doctor and a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// The licence has ended.
    Licence,
    /// No registration is recorded.
    Registration,
    /// It is not recorded since when the doctor practises independently.
    Practice,
    /// The doctor practises independently for less than [`YEARS`].
    Years,
    /// The institution's consent is not recorded, or is of a day to come.
    Consent,
}

impl Credential {
    /// What a doctor lacks at `now`, in the order in which it is told.
    pub fn lacks(&self, licence_until: Option<Timestamp>, now: Timestamp) -> Vec<Lack> {
        let today = in_china(now);
        let practice = match self.practises_since {
            None => Some(Lack::Practice),
            // Of the end of February the month's last day counts (Civil Code, Art. 202).
            Some(since) => (since.saturating_add(YEARS.years()) > today).then_some(Lack::Years),
        };
        let is_over = licence_until.is_some_and(|until| until <= now);
        let is_agreed = self.consent_on.is_some_and(|day| day <= today);
        let lacks = [
            is_over.then_some(Lack::Licence),
            self.registration.is_none().then_some(Lack::Registration),
            practice,
            (!is_agreed).then_some(Lack::Consent),
        ];
        lacks.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::Offset;
    use proptest::prelude::*;

    use super::*;

    fn noon(day: Date) -> Timestamp {
        let moment = Offset::constant(8).to_timestamp(day.at(12, 0, 0, 0)).unwrap();
        Timestamp::from_millis(moment.as_millisecond())
    }

    fn whole() -> Credential {
        Credential {
            registration: Some("110110000012345".parse().unwrap()),
            practises_since: Some(date(2023, 11, 24)),
            consent_on: Some(date(2026, 11, 24)),
        }
    }

    #[test]
    fn each_paper_that_is_missing_is_named() {
        let now = noon(date(2026, 11, 24));
        assert_eq!(whole().lacks(None, now), []);
        assert_eq!(Credential::default().lacks(None, now), [Lack::Registration, Lack::Practice, Lack::Consent]);
        assert_eq!(Credential { registration: None, ..whole() }.lacks(None, now), [Lack::Registration]);
        assert_eq!(Credential { practises_since: None, ..whole() }.lacks(None, now), [Lack::Practice]);
        assert_eq!(Credential { consent_on: None, ..whole() }.lacks(None, now), [Lack::Consent]);
        assert_eq!(whole().lacks(Some(now), now), [Lack::Licence], "in the very moment in which it ends");
    }

    #[test]
    fn three_years_are_over_on_the_same_day_of_the_month_and_not_a_day_before() {
        let lacks = |since, today| {
            Credential { practises_since: Some(since), consent_on: Some(date(2020, 1, 1)), ..whole() }
                .lacks(None, noon(today))
        };
        assert_eq!(lacks(date(2023, 11, 24), date(2026, 11, 23)), [Lack::Years]);
        assert_eq!(lacks(date(2023, 11, 24), date(2026, 11, 24)), []);
        assert_eq!(lacks(date(2024, 2, 29), date(2027, 2, 27)), [Lack::Years]);
        assert_eq!(lacks(date(2024, 2, 29), date(2027, 2, 28)), []);
        assert_eq!(lacks(Date::MAX, date(2027, 2, 28)), [Lack::Years]);
    }

    #[test]
    fn the_day_is_the_one_in_china() {
        // 2026-11-23T16:00:00Z, a millisecond before and in the moment itself.
        let midnight = 1_795_449_600_000;
        assert_eq!(whole().lacks(None, Timestamp::from_millis(midnight - 1)), [Lack::Years, Lack::Consent]);
        assert_eq!(whole().lacks(None, Timestamp::from_millis(midnight)), []);
    }

    #[test]
    fn a_registration_is_letters_and_digits() {
        let read = |text: &str| text.parse::<Registration>().map(|number| number.as_str().to_owned());
        assert_eq!(read(" 11011000001234x "), Ok("11011000001234X".to_owned()));
        for text in ["", "1234567", "执业证书编号1234567", "1101 1000001234", &"1".repeat(33)] {
            assert_eq!(read(text), Err(NoRegistration), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whoever_may_see_patients_today_may_tomorrow_while_the_licence_lasts(
            since in -4_000_i64..4_000, consent in -4_000_i64..4_000, today in 0_i64..2_000, later in 0_i64..2_000,
        ) {
            let day = |n: i64| date(2023, 1, 1).saturating_add(n.days());
            let credential =
                Credential { practises_since: Some(day(since)), consent_on: Some(day(consent)), ..whole() };
            let (before, after) = (credential.lacks(None, noon(day(today))), credential.lacks(None, noon(day(today + later))));
            prop_assert!(after.iter().all(|lack| before.contains(lack)), "{before:?} {after:?}");
            prop_assert!(!before.contains(&Lack::Practice), "the day is recorded");
        }

        #[test]
        fn nobody_younger_than_three_years_of_practice_sees_a_patient(since in 0_i64..4_000, days in 0_i64..1_095) {
            let began = date(2023, 1, 1).saturating_add(since.days());
            let credential = Credential { practises_since: Some(began), consent_on: Some(date(2020, 1, 1)), ..whole() };
            let lacks = credential.lacks(None, noon(began.saturating_add(days.days())));
            prop_assert_eq!(lacks, [Lack::Years]);
        }
    }
}
