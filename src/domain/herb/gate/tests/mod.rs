//! What the gate finds, by question; [`rules`] holds every rule with a sheet that breaks it and one that keeps it.

mod doses;
mod medicines;
mod names;
mod pairs;
mod pregnancy;
mod rules;
mod text;

use jiff::civil::Date;
use proptest::prelude::*;

use super::{Active, Finding, Needs, Patient, Pregnancy, Report, Severity, check};
use crate::domain::herb::{Herb, HerbSet, Method, Milligrams, Named, formulas, resolve};
use crate::domain::people::Sex;
use crate::domain::prescription::{Content, HerbLine, Herbal, Medicine, MedicineKind, Medicines, Span};

fn set() -> &'static HerbSet {
    HerbSet::shipped()
}

fn span() -> Span {
    Span::of(Date::constant(2023, 1, 9), 3)
}

fn man() -> Patient {
    Patient {
        sex: Sex::Male,
        age_months: 480,
        pregnancy: Pregnancy::Unknown,
        allergies: String::new(),
        drugs: String::new(),
        is_urgent: false,
    }
}

fn woman(pregnancy: Pregnancy) -> Patient {
    Patient { sex: Sex::Female, pregnancy, age_months: 360, ..man() }
}

fn line(written: &str, mg: i64) -> HerbLine {
    HerbLine {
        written: written.into(),
        herb: None,
        mg: Milligrams(mg),
        method: None,
        role: None,
        remark: String::new(),
    }
}

/// A line of a herb in its range, chosen beyond doubt and prepared as it asks.
fn of(herb: &Herb) -> HerbLine {
    let mg = herb.day_range().map_or(1000, |(least, _)| least.0);
    HerbLine {
        herb: Some(herb.name.clone()),
        method: herb.methods.first().map(|asked| asked.method),
        ..line(&herb.name, mg)
    }
}

fn sheet(lines: Vec<HerbLine>) -> Content {
    let Content::Herbal(sheet) = Content::empty_herbal() else { unreachable!("it is herbal") };
    Content::Herbal(Herbal { lines, ..sheet })
}

fn judged(lines: Vec<HerbLine>, patient: &Patient) -> Report {
    check(set(), &sheet(lines), span(), patient, &[])
}

fn item(name: &str) -> Medicine {
    let (name, kind, strength, dose, remark) =
        (name.into(), MedicineKind::Patent, "1".into(), "1 片".into(), String::new());
    Medicine { name, kind, strength, dose, times_per_day: 3, days: 3, remark }
}

fn medicines(items: Vec<Medicine>) -> Content {
    Content::Medicines(Medicines { items })
}

fn found<'report>(report: &'report Report, rule: &str) -> Option<&'report Finding> {
    report.findings.iter().find(|finding| finding.rule == rule)
}

/// Every rule that a report names.
fn said(report: &Report) -> impl Iterator<Item = &String> {
    report.findings.iter().map(|finding| &finding.rule).chain(&report.passed)
}

fn herb(name: &str) -> &'static Herb {
    set().herb(name).unwrap_or_else(|| panic!("no herb {name}"))
}

#[test]
fn the_protocol_formulas_pass_without_a_hard_stop() {
    let (_, _, formulas) = formulas();
    let (mut over, mut lines_in_all) = (0, 0);
    for formula in formulas {
        let lines: Vec<HerbLine> = formula
            .lines
            .iter()
            .map(|one| {
                // Where the protocol's word may mean several, the doctor has chosen the last.
                let herb = match resolve(set(), &one.written) {
                    Named::Ask { candidates, .. } => candidates.last().map(|herb| herb.name.clone()),
                    _ => None,
                };
                let mg = one.mg_to.unwrap_or(one.mg);
                HerbLine { herb, mg, method: one.method, ..line(&one.written, 1) }
            })
            .collect();
        lines_in_all += lines.len();
        let content = sheet(lines);
        assert_eq!(content.check(set()), Ok(()), "{}", formula.name);
        let report = check(set(), &content, span(), &man(), &[]);
        for finding in &report.findings {
            let said = finding.fact.zh.chars().all(|letter| !",;:?!()".contains(letter));
            assert!(said, "a half-width sign in a Chinese sentence: {}", finding.fact.zh);
            assert!(
                finding.severity <= Severity::Warn && finding.needs <= Needs::Confirm,
                "{} {finding:?}",
                formula.name
            );
            assert_ne!(finding.rule, "NAME-UNKNOWN", "{} {finding:?}", formula.name);
        }
        over += report.findings.iter().filter(|finding| finding.rule == "DOSE-HIGH").count();
    }
    assert_eq!((over, lines_in_all), (42, 137), "as many lines exceed the pharmacopoeia as in the sources");
}

fn any_line() -> impl Strategy<Value = HerbLine> {
    let names: Vec<String> =
        set().herbs().iter().map(|herb| herb.name.clone()).chain(["贝母".into(), "无此药".into()]).collect();
    let method = prop::option::of(prop::sample::select(Method::ALL.to_vec()));
    (prop::sample::select(names), 1..60_000_i64, method)
        .prop_map(|(written, mg, method)| HerbLine { method, ..line(&written, mg) })
}

fn any_patient() -> impl Strategy<Value = Patient> {
    (
        any::<bool>(),
        0..1200_u32,
        prop::sample::select(Pregnancy::ALL.to_vec()),
        prop::sample::select(vec!["", "麻黄", "青霉素"]),
    )
        .prop_map(|(is_female, age_months, pregnancy, told)| Patient {
            sex: if is_female { Sex::Female } else { Sex::Male },
            age_months,
            pregnancy,
            allergies: told.into(),
            ..man()
        })
}

proptest! {
    #[test]
    fn every_finding_says_itself_and_is_told_apart_and_no_rule_is_both(
        lines in prop::collection::vec(any_line(), 0..20),
        others in prop::collection::vec(prop::collection::vec(any_line(), 0..8), 0..5),
        patient in any_patient(),
    ) {
        let active: Vec<Active> = others
            .into_iter()
            .enumerate()
            .map(|(number, lines)| Active { number: format!("R-{number}"), span: span(), content: sheet(lines) })
            .collect();
        let report = check(set(), &sheet(lines), span(), &patient, &active);
        let mut keys: Vec<&str> = report.findings.iter().map(|finding| finding.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), report.findings.len());
        for finding in &report.findings {
            prop_assert!(!finding.fact.is_incomplete() && !finding.source.is_incomplete() && !finding.edition.is_empty());
            prop_assert!(!report.passed.contains(&finding.rule));
        }
        for rule in said(&report) {
            prop_assert!(rules::listed().contains(rule), "{} has no cases", rule);
        }
    }

    #[test]
    fn adding_a_herb_never_removes_a_finding(
        lines in prop::collection::vec(any_line(), 0..12),
        more in any_line(),
        patient in any_patient(),
    ) {
        let before = judged(lines.clone(), &patient);
        let after = judged(lines.into_iter().chain([more]).collect(), &patient);
        // A sum may leave the range at its lower end: only what somebody must answer has to stay.
        for finding in before.findings.iter().filter(|finding| finding.needs > Needs::Nothing) {
            let same = |one: &&Finding| one.rule == finding.rule && one.lines.first() == finding.lines.first();
            prop_assert!(after.findings.iter().any(|one| same(&one) && one.needs >= finding.needs), "{:?}", finding);
        }
    }

    #[test]
    fn cumulative_dose_is_the_same_in_any_order(
        lines in prop::collection::vec(any_line(), 1..6),
        others in prop::collection::vec(prop::collection::vec(any_line(), 0..6), 0..4),
    ) {
        let active: Vec<Active> = others
            .into_iter()
            .enumerate()
            .map(|(number, lines)| Active { number: format!("R-{number}"), span: span(), content: sheet(lines) })
            .collect();
        let reversed: Vec<Active> = active.iter().rev().cloned().collect();
        let of = |active: &[Active]| {
            let report = check(set(), &sheet(lines.clone()), span(), &man(), active);
            let sums = report.findings.into_iter().filter(|finding| finding.rule == "CUM-DOSE");
            sums.collect::<Vec<_>>()
        };
        prop_assert_eq!(of(&active), of(&reversed));
    }
}
