//! The four examinations: coded findings with words beside them, and what was not examined said as such.
//!
//! A visit at a distance cannot feel a pulse or smell a breath, and a telephone's camera bends colours. So a pulse that
//! was not taken is a value with a reason, a smell needs somebody beside the patient, and the picture of a tongue
//! carries the conditions in which it was taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::people::Sex;

use super::terms::{FieldForm, TERMS, TermKind};

/// Characters of one field of words.
pub const WORDS_LIMIT: usize = 4000;
/// Terms in one field; nobody says more at once.
pub const TERMS_LIMIT: usize = 20;
/// The years in which a woman is asked about pregnancy before any herb is.
pub const FERTILE_YEARS: std::ops::RangeInclusive<u32> = 12..=55;

/// 望闻问切.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FourExams {
    /// Whether a practitioner is beside the patient, who can feel and smell.
    #[serde(skip_serializing_if = "is_false")]
    pub beside: bool,
    /// Findings by the id of their field, for instance `ask.sweat`; see `GET /terms/fields`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<String, Finding>,
    /// The tongue.
    #[serde(skip_serializing_if = "is_default")]
    pub tongue: Tongue,
    /// The pulse; a record with examinations says it, also that it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulse: Option<Pulse>,
    /// 经带胎产.
    #[serde(skip_serializing_if = "is_default")]
    pub women: Women,
}

/// What was found for one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Finding {
    /// Codes of terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Words beside them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// The tongue, and the conditions in which it was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tongue {
    /// Codes of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<String>,
    /// Codes of the coating.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coating: Vec<String>,
    /// The veins under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sublingual: Option<String>,
    /// Words beside.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The light.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
    /// What the colour card said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_card: Option<ColourCard>,
    /// Whether something that stains was eaten, drunk or taken within two hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stained_within_2h: Option<bool>,
}

impl Tongue {
    /// Whether anything was seen of it.
    pub fn is_seen(&self) -> bool {
        !self.body.is_empty() || !self.coating.is_empty() || self.sublingual.is_some() || !self.words.is_empty()
    }

    /// Whether its colours are for orientation only: no colour card agreed.
    pub fn is_for_orientation(&self) -> bool {
        self.is_seen() && self.colour_card != Some(ColourCard::Passed)
    }
}

/// In which light a picture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Daylight.
    Daylight,
    /// A white lamp.
    Lamp,
    /// Too dark, or coloured.
    Poor,
}

/// What the colour card beside the tongue said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColourCard {
    /// The colours agreed.
    Passed,
    /// They did not.
    Failed,
    /// There was none.
    Absent,
}

/// The pulse: felt, or not felt and why. Absence is a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "state", deny_unknown_fields)]
pub enum Pulse {
    /// 未切脉.
    NotTaken {
        /// Why.
        why: NotTaken,
    },
    /// Felt.
    Taken {
        /// By whom or what.
        by: PulseBy,
        /// The left wrist.
        #[serde(default, skip_serializing_if = "is_default")]
        left: Wrist,
        /// The right wrist.
        #[serde(default, skip_serializing_if = "is_default")]
        right: Wrist,
        /// Beats a minute, 20–300.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<u16>,
        /// Words beside.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
    },
}

/// Why no pulse was felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotTaken {
    /// Nobody can, at a distance.
    Remote,
    /// The patient did not want it.
    Declined,
}

/// Who felt the pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PulseBy {
    /// A practitioner beside the patient.
    Practitioner,
    /// A pulse device.
    Device,
}

/// The three positions of a wrist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wrist {
    /// 寸.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cun: Vec<String>,
    /// 关.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guan: Vec<String>,
    /// 尺.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chi: Vec<String>,
}

impl Wrist {
    /// The positions with their names, from the hand upwards.
    pub fn positions(&self) -> [(&'static str, &Vec<String>); 3] {
        [("cun", &self.cun), ("guan", &self.guan), ("chi", &self.chi)]
    }
}

/// What herbs must know of a woman.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Women {
    /// Pregnant, or what else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pregnancy: Option<Pregnancy>,
    /// Weeks of a pregnancy, 1–44.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weeks: Option<u8>,
    /// The first day of the last period, `YYYY-MM-DD`; `none` when there is none any more or none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_period: Option<String>,
    /// Words beside.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// The same words as the declaration's `rf.preg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExaminedPregnancy)]
pub enum Pregnancy {
    /// Not pregnant.
    No,
    /// Pregnant.
    Pregnant,
    /// Gave birth within six weeks.
    Postpartum,
    /// Breast-feeding.
    Lactating,
    /// Asked, and not known. A herb check does not pass.
    Unsure,
}

/// What is wrong with a field; each is refused by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as its path in the content.
    pub field: String,
    /// What is wrong.
    pub what: Wrong,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such term for this field.
    UnknownTerm,
    /// There is no such field.
    UnknownField,
    /// More terms than the field takes.
    TooMany,
    /// The same term twice.
    Twice,
    /// More words than the field takes.
    TooLong,
    /// A number or a date outside of what can be.
    OutOfRange,
    /// Only somebody beside the patient can know this.
    NobodyBeside,
}

impl Wrong {
    /// What is wrong, in words for a developer.
    pub const fn words(self) -> &'static str {
        match self {
            Self::UnknownTerm => "no such term for this field",
            Self::UnknownField => "no such field",
            Self::TooMany => "too many terms",
            Self::Twice => "the same term twice",
            Self::TooLong => "at most 4000 characters",
            Self::OutOfRange => "outside of the possible",
            Self::NobodyBeside => "needs somebody beside the patient",
        }
    }
}

/// What is still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Whether a pulse was felt is not said.
    Pulse,
    /// A stained coating, and nobody asked for food and medicine.
    Stain,
    /// A woman of 12 to 55, and nobody asked whether she is pregnant.
    Pregnancy,
    /// The same, and nobody asked for the last period.
    LastPeriod,
}

impl Missing {
    /// Whether a note is not signed without it. The others are told; whether a woman is pregnant the gate of the herbs asks
    /// again, and nobody is kept from herbs for the last period.
    pub const fn stops_signature(self) -> bool {
        matches!(self, Self::Pulse | Self::Stain)
    }

    /// The field, as its path in the content.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Pulse => "exams.pulse",
            Self::Stain => "exams.tongue.stained_within_2h",
            Self::Pregnancy => "exams.women.pregnancy",
            Self::LastPeriod => "exams.women.last_period",
        }
    }
}

impl FourExams {
    /// Every free word of it.
    pub(super) fn words_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let felt = match &mut self.pulse {
            Some(Pulse::Taken { words, .. }) => Some(words),
            Some(Pulse::NotTaken { .. }) | None => None,
        };
        let found = self.findings.values_mut().map(|finding| &mut finding.words);
        found.chain([&mut self.tongue.words, &mut self.women.words]).chain(felt)
    }

    /// Whether nothing was examined at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong, by field.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (id, finding) in &self.findings {
            self.check_finding(id, finding, &mut faults);
        }
        let tongue = &self.tongue;
        check_terms("exams.tongue.body", TermKind::Tongue, &tongue.body, &mut faults);
        check_terms("exams.tongue.coating", TermKind::Coating, &tongue.coating, &mut faults);
        check_terms("exams.tongue.sublingual", TermKind::Sublingual, tongue.sublingual.as_slice(), &mut faults);
        check_words("exams.tongue.words", &tongue.words, &mut faults);
        check_words("exams.women.words", &self.women.words, &mut faults);
        self.check_pulse(&mut faults);
        let women = &self.women;
        if women.weeks.is_some_and(|weeks| !(1..=44).contains(&weeks) || women.pregnancy != Some(Pregnancy::Pregnant)) {
            faults.push(fault("exams.women.weeks", Wrong::OutOfRange));
        }
        if women.last_period.as_ref().is_some_and(|day| day != "none" && !is_day(day)) {
            faults.push(fault("exams.women.last_period", Wrong::OutOfRange));
        }
        faults
    }

    fn check_finding(&self, id: &str, finding: &Finding, faults: &mut Vec<Fault>) {
        let path = format!("exams.findings.{id}");
        let Some(field) = TERMS.field(id) else {
            return faults.push(fault(path, Wrong::UnknownField));
        };
        check_words(&format!("{path}.words"), &finding.words, faults);
        check_terms(&path, TermKind::Finding, &finding.terms, faults);
        let fits = |code: &String| TERMS.get(code).is_none_or(|term| term.field.as_deref() == Some(id));
        if !finding.terms.iter().all(fits) {
            faults.push(fault(path.clone(), Wrong::UnknownTerm));
        }
        let most = match field.how {
            FieldForm::One => 1,
            FieldForm::Many => TERMS_LIMIT,
            FieldForm::Words => 0,
        };
        if finding.terms.len() > most {
            faults.push(fault(path.clone(), Wrong::TooMany));
        }
        if field.on_site && !self.beside && *finding != Finding::default() {
            faults.push(fault(path, Wrong::NobodyBeside));
        }
    }

    fn check_pulse(&self, faults: &mut Vec<Fault>) {
        let Some(Pulse::Taken { by, left, right, rate, words }) = &self.pulse else { return };
        if *by == PulseBy::Practitioner && !self.beside {
            faults.push(fault("exams.pulse", Wrong::NobodyBeside));
        }
        for (side, wrist) in [("left", left), ("right", right)] {
            for (position, codes) in wrist.positions() {
                check_terms(&format!("exams.pulse.{side}.{position}"), TermKind::Pulse, codes, faults);
            }
        }
        if rate.is_some_and(|rate| !(20..=300).contains(&rate)) {
            faults.push(fault("exams.pulse.rate", Wrong::OutOfRange));
        }
        check_words("exams.pulse.words", words, faults);
    }

    /// What is still missing of examinations that were begun; nothing is missing of none.
    pub fn missing(&self, sex: Sex, age_years: u32) -> Vec<Missing> {
        if self.is_empty() {
            return Vec::new();
        }
        let is_asked = sex == Sex::Female && FERTILE_YEARS.contains(&age_years);
        let is_stained = self.tongue.coating.iter().any(|code| code == "coating.stained");
        // A pulse that is "taken" without a word about it is as empty as none.
        let is_said = match &self.pulse {
            None => false,
            Some(Pulse::NotTaken { .. }) => true,
            Some(Pulse::Taken { left, right, words, .. }) => {
                [left, right].iter().any(|wrist| **wrist != Wrist::default()) || !words.trim().is_empty()
            }
        };
        let all = [
            (Missing::Pulse, !is_said),
            (Missing::Stain, is_stained && self.tongue.stained_within_2h.is_none()),
            (Missing::Pregnancy, is_asked && self.women.pregnancy.is_none()),
            (Missing::LastPeriod, is_asked && self.women.last_period.is_none()),
        ];
        all.into_iter().filter(|(_, is_missing)| *is_missing).map(|(what, _)| what).collect()
    }
}

fn fault(field: impl Into<String>, what: Wrong) -> Fault {
    Fault { field: field.into(), what }
}

pub(super) fn check_words(field: &str, words: &str, faults: &mut Vec<Fault>) {
    if words.chars().count() > WORDS_LIMIT {
        faults.push(fault(field, Wrong::TooLong));
    }
}

pub(super) fn check_terms(field: &str, kind: TermKind, codes: &[String], faults: &mut Vec<Fault>) {
    if codes.len() > TERMS_LIMIT {
        return faults.push(fault(field, Wrong::TooMany));
    }
    if codes.iter().any(|code| TERMS.of(kind, code).is_none()) {
        faults.push(fault(field, Wrong::UnknownTerm));
    }
    if codes.iter().enumerate().any(|(place, code)| codes.iter().take(place).any(|before| before == code)) {
        faults.push(fault(field, Wrong::Twice));
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(field: &str, terms: &[&str]) -> FourExams {
        let terms = terms.iter().map(|&term| term.to_owned()).collect();
        let findings = BTreeMap::from([(field.to_owned(), Finding { terms, words: String::new() })]);
        FourExams { findings, pulse: Some(Pulse::NotTaken { why: NotTaken::Remote }), ..FourExams::default() }
    }

    fn wrongs(exams: &FourExams) -> Vec<Wrong> {
        exams.faults().into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn an_untaken_pulse_is_never_an_empty_field() {
        let mut exams = with("ask.sweat", &["ask.sweat.night"]);
        assert!(exams.missing(Sex::Male, 40).is_empty());
        exams.pulse = None;
        assert_eq!(exams.missing(Sex::Male, 40), [Missing::Pulse]);
        exams.pulse = Some(Pulse::Taken {
            by: PulseBy::Device,
            left: Wrist::default(),
            right: Wrist::default(),
            rate: Some(72),
            words: String::new(),
        });
        assert_eq!(exams.missing(Sex::Male, 40), [Missing::Pulse], "a rate alone is not a pulse");
        assert!(Missing::Pulse.stops_signature());
    }

    #[test]
    fn a_smell_needs_somebody_beside_the_patient() {
        let mut exams = with("listen.smell", &["listen.smell.sour"]);
        assert_eq!(wrongs(&exams), [Wrong::NobodyBeside]);
        exams.beside = true;
        assert!(exams.faults().is_empty());
    }

    #[test]
    fn a_pulse_by_hand_needs_a_hand_and_a_device_does_not() {
        let felt = |by| Pulse::Taken {
            by,
            left: Wrist { cun: vec!["pulse.fu".to_owned()], ..Wrist::default() },
            right: Wrist::default(),
            rate: None,
            words: String::new(),
        };
        let mut exams = FourExams { pulse: Some(felt(PulseBy::Practitioner)), ..FourExams::default() };
        assert_eq!(wrongs(&exams), [Wrong::NobodyBeside]);
        exams.pulse = Some(felt(PulseBy::Device));
        assert!(exams.faults().is_empty());
    }

    #[test]
    fn wrong_terms_are_named_by_their_field() {
        assert_eq!(wrongs(&with("ask.sweat", &["ask.thirst.cold"])), [Wrong::UnknownTerm]);
        assert_eq!(wrongs(&with("ask.sweat", &["pulse.fu"])), [Wrong::UnknownTerm, Wrong::UnknownTerm]);
        assert_eq!(wrongs(&with("ask.sweat", &["ask.sweat.none", "ask.sweat.night"])), [Wrong::TooMany]);
        assert_eq!(wrongs(&with("ask.nose", &["ask.nose.fine", "ask.nose.fine"])), [Wrong::Twice]);
        assert_eq!(wrongs(&with("ask.colour", &[])), [Wrong::UnknownField]);
        assert_eq!(with("ask.sweat", &["x"]).faults()[0].field, "exams.findings.ask.sweat");
    }

    #[test]
    fn a_stained_coating_asks_for_food_and_medicine() {
        let mut exams = with("ask.sweat", &["ask.sweat.none"]);
        exams.tongue.coating = vec!["coating.stained".to_owned()];
        assert_eq!(exams.missing(Sex::Male, 40), [Missing::Stain]);
        exams.tongue.stained_within_2h = Some(true);
        assert!(exams.missing(Sex::Male, 40).is_empty());
    }

    #[test]
    fn women_of_twelve_to_fifty_five_are_asked_and_nobody_else_is() {
        let exams = with("ask.sweat", &["ask.sweat.none"]);
        for (sex, age, asked) in
            [(Sex::Female, 11, 0), (Sex::Female, 12, 2), (Sex::Female, 55, 2), (Sex::Female, 56, 0), (Sex::Male, 30, 0)]
        {
            assert_eq!(exams.missing(sex, age).len(), asked, "{sex:?} {age}");
        }
    }

    #[test]
    fn a_day_is_a_day_of_the_calendar() {
        let women = |day: &str| FourExams {
            women: Women { last_period: Some(day.to_owned()), ..Women::default() },
            ..FourExams::default()
        };
        assert!(women("2022-12-01").faults().is_empty());
        assert!(women("none").faults().is_empty());
        for day in ["2022-02-30", "2022-12-01T00:00", "soon", ""] {
            assert_eq!(wrongs(&women(day)), [Wrong::OutOfRange], "{day}");
        }
    }

    #[test]
    fn a_tongue_without_a_colour_card_is_for_orientation() {
        let mut tongue = Tongue { body: vec!["tongue.red".to_owned()], ..Tongue::default() };
        assert!(tongue.is_for_orientation());
        tongue.colour_card = Some(ColourCard::Passed);
        assert!(!tongue.is_for_orientation());
    }
}
