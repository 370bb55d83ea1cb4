//! A hospital as its people write it down: its name, its clinics with their desks, and who works there.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::credential::Registration;
use crate::domain::date::{HOME, zone};
use crate::domain::people::Role;
use crate::domain::written::{is_plain, letters};

/// The most letters of a name or a title.
const NAME_LIMIT: usize = 120;
/// The most characters of a code or a user name.
const CODE_LIMIT: usize = 64;
/// The most desks of one clinic.
const MOST_DESKS: u32 = 99;

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// The house itself.
    pub hospital: House,
    /// Its clinics, in the order in which staff see them.
    #[serde(default)]
    pub clinics: Vec<Clinic>,
    /// Who works there.
    #[serde(default)]
    pub staff: Vec<Person>,
}

/// The house.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct House {
    /// Its name; a house is known again by it.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The number that patients are told when nothing else works.
    pub help_phone: String,
}

/// What a clinic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Whoever has a fever comes by a link and waits.
    Fever,
    /// Hours are booked.
    Tcm,
}

impl Purpose {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fever => "fever",
            Self::Tcm => "tcm",
        }
    }
}

/// A clinic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clinic {
    /// What commands call it, such as `fever`; a clinic is known again by it.
    pub code: String,
    /// What it is for.
    pub kind: Purpose,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The IANA zone of the place.
    #[serde(default = "home")]
    pub time_zone: String,
    /// How many desks it has.
    #[serde(default = "one")]
    pub desks: u32,
}

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name to sign in with; a person is known again by it.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// The name.
    pub name_zh: String,
    /// The name in Latin letters.
    pub name_en: String,
    /// The title.
    pub title_zh: String,
    /// The title in English.
    pub title_en: String,
    /// The last day of the licence, `YYYY-MM-DD`, in China; absent where none ends.
    #[serde(default)]
    pub licence_until: Option<String>,
    /// The number of a doctor's registration; see [`Credential`](crate::domain::credential::Credential).
    #[serde(default)]
    pub registration: Option<String>,
    /// The first day of a doctor's independent practice.
    #[serde(default)]
    pub practises_since: Option<String>,
    /// The day of the institution's written consent.
    #[serde(default)]
    pub consent_on: Option<String>,
}

impl Person {
    /// Whether anything of a doctor's papers is written down.
    pub const fn has_papers(&self) -> bool {
        self.registration.is_some() || self.practises_since.is_some() || self.consent_on.is_some()
    }

    /// The last day of the licence, where there is one and it is a day.
    pub fn licence_day(&self) -> Option<Date> {
        self.licence_until.as_deref()?.parse().ok()
    }
}

fn home() -> String {
    HOME.to_owned()
}

const fn one() -> u32 {
    1
}

/// What is wrong with one field of a charter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {words}")]
pub struct Fault {
    /// The field, such as `staff[2].username`.
    pub field: String,
    /// What it should be.
    pub words: &'static str,
}

impl Charter {
    /// Everything that is wrong with it on this day, in the order of the file.
    pub fn faults(&self, today: Date) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        faults.text("hospital.name_zh", &self.hospital.name_zh);
        faults.text("hospital.name_en", &self.hospital.name_en);
        faults.unless("hospital.help_phone", is_phone(&self.hospital.help_phone), "digits, spaces, + - ( ), 3 to 32");
        let mut codes = BTreeSet::new();
        for (at, clinic) in self.clinics.iter().enumerate() {
            let of = |field: &str| format!("clinics[{at}].{field}");
            faults.unless(&of("code"), is_code(&clinic.code), "a-z, 0-9, . - _, 1 to 64 characters");
            faults.unless(&of("code"), codes.insert(&clinic.code), "another clinic has this code");
            faults.text(&of("name_zh"), &clinic.name_zh);
            faults.text(&of("name_en"), &clinic.name_en);
            let is_known = zone(&clinic.time_zone).is_some();
            faults.unless(&of("time_zone"), is_known, "a zone of the IANA such as Asia/Shanghai");
            faults.unless(&of("desks"), (1..=MOST_DESKS).contains(&clinic.desks), "1 to 99");
        }
        let mut names = BTreeSet::new();
        for (at, person) in self.staff.iter().enumerate() {
            let of = |field: &str| format!("staff[{at}].{field}");
            faults.unless(&of("username"), is_code(&person.username), "a-z, 0-9, . - _, 1 to 64 characters");
            faults.unless(&of("username"), names.insert(&person.username), "another member has this user name");
            let texts = [&person.name_zh, &person.name_en, &person.title_zh, &person.title_en];
            for (field, text) in ["name_zh", "name_en", "title_zh", "title_en"].into_iter().zip(texts) {
                faults.text(&of(field), text);
            }
            let days = [&person.licence_until, &person.practises_since, &person.consent_on];
            for (field, text) in ["licence_until", "practises_since", "consent_on"].into_iter().zip(days) {
                let is_day = text.as_deref().is_none_or(|text| text.parse::<Date>().is_ok());
                faults.unless(&of(field), is_day, "a day such as 2028-12-31");
            }
            for (field, text) in [("practises_since", &person.practises_since), ("consent_on", &person.consent_on)] {
                let day = text.as_deref().and_then(|text| text.parse::<Date>().ok());
                faults.unless(&of(field), day.is_none_or(|day| day <= today), "a day that has come");
            }
            let is_number = person.registration.as_deref().is_none_or(|text| text.parse::<Registration>().is_ok());
            faults.unless(&of("registration"), is_number, "8 to 32 letters and digits");
        }
        faults.0
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, field: &str, is_right: bool, words: &'static str) {
        if !is_right {
            self.0.push(Fault { field: field.to_owned(), words });
        }
    }

    fn text(&mut self, field: &str, text: &str) {
        let is_named = text.trim() == text && letters(text) > 0 && is_plain(text);
        let is_right = is_named && text.chars().count() <= NAME_LIMIT;
        self.unless(field, is_right, "1 to 120 letters that are seen, without blanks around them");
    }
}

fn is_code(text: &str) -> bool {
    let is_fit = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    is_fit && (1..=CODE_LIMIT).contains(&text.len())
}

fn is_phone(text: &str) -> bool {
    let is_fit = text.bytes().all(|b| b.is_ascii_digit() || b" +-()".contains(&b));
    is_fit && (3..=32).contains(&text.len()) && text.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn right() -> Charter {
        Charter {
            hospital: House {
                name_zh: "某省中医院".to_owned(),
                name_en: "A Hospital".to_owned(),
                help_phone: "000-0000-0000".to_owned(),
            },
            clinics: vec![Clinic {
                code: "fever".to_owned(),
                kind: Purpose::Fever,
                name_zh: "发热咨询门诊".to_owned(),
                name_en: "Fever clinic".to_owned(),
                time_zone: home(),
                desks: 2,
            }],
            staff: vec![Person {
                username: "doctor.a".to_owned(),
                role: Role::Doctor,
                name_zh: "医师甲".to_owned(),
                name_en: "Doctor A".to_owned(),
                title_zh: "主治医师".to_owned(),
                title_en: "Attending physician".to_owned(),
                licence_until: Some("2028-12-31".to_owned()),
                registration: Some("000000000000001".to_owned()),
                practises_since: Some("2010-07-01".to_owned()),
                consent_on: Some("2020-01-02".to_owned()),
            }],
        }
    }

    fn fields(charter: &Charter) -> Vec<String> {
        charter.faults(date(2026, 3, 1)).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_charter_without_a_fault_has_none() {
        assert_eq!(right().faults(date(2026, 3, 1)), []);
    }

    #[test]
    fn every_wrong_field_is_named() {
        type Spoil = fn(&mut Charter);
        let cases: [(&str, Spoil); 14] = [
            ("hospital.name_zh", |c| c.hospital.name_zh.clear()),
            ("hospital.name_zh", |c| c.hospital.name_zh = "某省\u{200b}中医院".to_owned()),
            ("hospital.name_en", |c| c.hospital.name_en = "A \u{202e}Hospital".to_owned()),
            ("hospital.name_en", |c| c.hospital.name_en = "—".to_owned()),
            ("staff[0].practises_since", |c| c.staff[0].practises_since = Some("2026-03-02".to_owned())),
            ("hospital.help_phone", |c| c.hospital.help_phone = "call us".to_owned()),
            ("clinics[0].code", |c| c.clinics[0].code = "Fever clinic".to_owned()),
            ("clinics[0].time_zone", |c| c.clinics[0].time_zone = "Beijing".to_owned()),
            ("clinics[0].desks", |c| c.clinics[0].desks = 0),
            ("staff[0].username", |c| c.staff[0].username = "医师".to_owned()),
            ("staff[0].title_en", |c| c.staff[0].title_en = " x".to_owned()),
            ("staff[0].registration", |c| c.staff[0].registration = Some("no. 1".to_owned())),
            ("staff[0].consent_on", |c| c.staff[0].consent_on = Some("yesterday".to_owned())),
            ("staff[0].licence_until", |c| c.staff[0].licence_until = Some("2028-02-30".to_owned())),
        ];
        for (field, spoil) in cases {
            let mut charter = right();
            spoil(&mut charter);
            assert_eq!(fields(&charter), [field]);
        }
    }

    #[test]
    fn nobody_and_no_clinic_stands_in_it_twice() {
        let mut charter = right();
        charter.clinics.push(charter.clinics[0].clone());
        charter.staff.push(charter.staff[0].clone());
        assert_eq!(fields(&charter), ["clinics[1].code", "staff[1].username"]);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_check(text in any::<String>()) {
            let mut charter = right();
            charter.hospital.name_zh.clone_from(&text);
            charter.staff[0].username.clone_from(&text);
            charter.staff[0].licence_until = Some(text);
            for fault in charter.faults(date(2026, 3, 1)) {
                prop_assert!(fault.field.contains('.'));
            }
        }
    }
}
