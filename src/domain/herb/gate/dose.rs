//! Doses of a day against the range of the pharmacopoeia, and the days that a sheet lasts. A dose is never refused.

use super::pregnancy::ADULT_MONTHS;
use super::{ANSWER, CONFIRM, Desk, NEVER, Patient, SHOWN, Source};
use crate::domain::herb::{Herb, Milligrams};
use crate::domain::prescription::{Content, Herbal, Line, Quantity, quantity};
use crate::domain::text::Text;

/// The lines of one herb together.
pub(super) struct OfHerb<'a> {
    pub herb: &'a Herb,
    pub lines: Vec<usize>,
    pub of_a_day: Milligrams,
}

/// What each herb of a sheet makes in a day; the same herb on two lines is one sum.
pub(super) fn by_herb<'a>(sheet: &Herbal, lines: &[Line<'a>]) -> Vec<OfHerb<'a>> {
    let mut sums: Vec<OfHerb<'a>> = Vec::new();
    for line in lines {
        let Some(herb) = line.herb else { continue };
        let of_a_day = sheet.of_a_day(line.line);
        match sums.iter_mut().find(|sum| sum.herb.name == herb.name) {
            Some(sum) => {
                sum.lines.push(line.index);
                sum.of_a_day = sum.of_a_day.plus(of_a_day);
            }
            None => sums.push(OfHerb { herb, lines: vec![line.index], of_a_day }),
        }
    }
    sums
}

pub(super) fn check(desk: &mut Desk, sheet: &Herbal, lines: &[Line], patient: &Patient) {
    for rule in ["DOSE-HIGH", "DOSE-LOW", "DOSE-NONE", "DOSE-CHILD", "DUP-SHEET"] {
        desk.ask(rule);
    }
    if patient.age_months < ADULT_MONTHS {
        let fact = Text::new(
            "未满18岁：药典用量为成人量，请按年龄、体重减量",
            "Under 18: the ranges are for adults; reduce by age and weight.",
        );
        desk.find("DOSE-CHILD", &[], CONFIRM, Source::House, fact);
    }
    for OfHerb { herb, lines, of_a_day } in by_herb(sheet, lines) {
        let name = herb.text();
        if lines.len() > 1 {
            let fact = Text::new(format!("{}写了{}次", name.zh, lines.len()), format!("{} is there twice.", name.en));
            desk.find("DUP-SHEET", &lines, ANSWER, Source::House, fact);
        }
        let Some((least, most)) = herb.day_range() else {
            let fact = Text::new(
                format!("{}：无每日口服用量范围，未做剂量判断", name.zh),
                format!("{}: no range of a day; the dose was not judged.", name.en),
            );
            desk.find("DOSE-NONE", &lines, SHOWN, Source::Pharmacopoeia, fact);
            continue;
        };
        let zh = format!("{}每日{of_a_day}，范围{least}–{most}", name.zh);
        let en = format!("{}: {of_a_day} a day, the range is {least}–{most}.", name.en);
        if of_a_day > most {
            desk.find("DOSE-HIGH", &lines, CONFIRM, Source::Pharmacopoeia, Text::new(zh, en));
        } else if of_a_day < least {
            desk.find("DOSE-LOW", &lines, SHOWN, Source::Pharmacopoeia, Text::new(zh, en));
        }
    }
}

/// The days that a sheet lasts.
pub(super) fn days(desk: &mut Desk, content: &Content, patient: &Patient) {
    desk.ask("QTY-DAYS");
    let days = content.days();
    let (weight, limit) = match quantity(days, patient.is_urgent) {
        Quantity::Fits => return,
        Quantity::NeedsReason { limit } => (ANSWER, limit),
        Quantity::TooMuch { limit } => (NEVER, limit),
    };
    let fact =
        Text::new(format!("共{days}日量，一般不超过{limit}日"), format!("It lasts {days} days; the limit is {limit}."));
    desk.find("QTY-DAYS", &[], weight, Source::Rules2007, fact);
}
