//! Pregnancy and those for whom the same cautions are: the forbidden is refused, the unknown is not passed.

use super::{CONFIRM, Desk, MISSING, NEVER, Patient, Pregnancy, SHOWN, Source};
use crate::domain::herb::reading::Mention;
use crate::domain::herb::{Herb, PregnancyCaution};
use crate::domain::people::Sex;
use crate::domain::prescription::Line;
use crate::domain::text::Text;

/// Months of age between which the question is asked: 12 to 55 years.
const ASKED: std::ops::Range<u32> = 144..672;
/// Under this age the ranges of the pharmacopoeia, which are for adults, judge nothing.
pub(super) const ADULT_MONTHS: u32 = 216;

/// Whether nobody knows what has to be known before any check.
pub(super) fn unknown(desk: &mut Desk, patient: &Patient) {
    desk.ask("PREG-UNKNOWN");
    let is_asked = patient.sex == Sex::Female && ASKED.contains(&patient.age_months);
    if is_asked && patient.pregnancy == Pregnancy::Unknown {
        let fact =
            Text::new("12–55岁女性：是否怀孕未明确，请先询问", "A woman of 12–55: ask first whether she is pregnant.");
        desk.find("PREG-UNKNOWN", &[], MISSING, Source::House, fact);
    }
}

/// Whether a herb is forbidden for this patient.
pub(super) fn forbids(herb: &Herb, patient: &Patient) -> bool {
    patient.pregnancy == Pregnancy::Pregnant && herb.pregnancy == Some(PregnancyCaution::Forbidden)
}

/// A name that is no herb's, and holds that of a forbidden one.
pub(super) fn held(desk: &mut Desk, at: &[usize], name: &str, held: &[Mention], patient: &Patient) {
    let is_forbidden = |mention: &&Mention| mention.is_any(|herb| forbids(herb, patient));
    if let Some(herb) = held.iter().find(is_forbidden).map(Mention::text) {
        let zh = format!("“{name}”含孕妇禁用的“{}”", herb.zh);
        let en = format!("This name holds {}, which is forbidden in pregnancy.", herb.en);
        desk.find("PREG-FORBID", at, NEVER, Source::Pharmacopoeia, Text::new(zh, en));
    }
}

pub(super) fn check(desk: &mut Desk, lines: &[Line], patient: &Patient) {
    for rule in ["PREG-FORBID", "PREG-CAUTION", "LACTATION", "CAUTION-OTHER"] {
        desk.ask(rule);
    }
    let is_pregnant = patient.pregnancy == Pregnancy::Pregnant;
    for line in lines {
        let Some(herb) = line.herb else { continue };
        let (at, name) = ([line.index], herb.text());
        match herb.pregnancy {
            Some(PregnancyCaution::Forbidden) if forbids(herb, patient) => {
                let fact = Text::new(format!("孕妇禁用{}", name.zh), format!("{} is forbidden in pregnancy.", name.en));
                desk.find("PREG-FORBID", &at, NEVER, Source::Pharmacopoeia, fact);
            }
            Some(PregnancyCaution::Caution) if is_pregnant => {
                let fact =
                    Text::new(format!("孕妇慎用{}", name.zh), format!("{}: with caution in pregnancy.", name.en));
                let source = herb.pregnancy_certainty.map_or(Source::Pharmacopoeia, |_| Source::Tradition);
                desk.find("PREG-CAUTION", &at, CONFIRM, source, fact);
            }
            Some(PregnancyCaution::Forbidden | PregnancyCaution::Caution) | None => {}
        }
        if patient.pregnancy == Pregnancy::Lactating && herb.also_for.iter().any(|group| group == "哺乳期") {
            let fact = Text::new(format!("哺乳期慎用{}", name.zh), format!("{}: with caution while nursing.", name.en));
            desk.find("LACTATION", &at, CONFIRM, Source::Pharmacopoeia, fact);
        }
        if herb.also_for.iter().any(|group| group == "儿童") && patient.age_months < ADULT_MONTHS {
            let fact = Text::new(format!("儿童禁用{}", name.zh), format!("{} is forbidden for children.", name.en));
            desk.find("CAUTION-OTHER", &at, NEVER, Source::Pharmacopoeia, fact);
        }
        let others: Vec<&str> = herb.also_for.iter().map(String::as_str).filter(|one| *one != "哺乳期").collect();
        if !others.is_empty() {
            let zh = format!("{}另须避免用于：{}", name.zh, others.join("、"));
            let en = format!("{} is also not for: {}", name.en, others.join(", "));
            desk.find("CAUTION-OTHER", &at, SHOWN, Source::Pharmacopoeia, Text::new(zh, en));
        }
    }
}
