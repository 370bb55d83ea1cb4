//! Herbs that oppose or fear each other.

use jiff::civil::Date;

use super::{found, herb, judged, line, man, of, set, sheet, span};
use crate::domain::herb::PairWeight;
use crate::domain::herb::gate::{Active, Needs, Patient, check};
use crate::domain::prescription::{HerbLine, Span};

#[test]
fn every_pair_fires_on_its_groups_and_on_no_neighbour() {
    for pair in set().pairs() {
        for one in &pair.herbs_a {
            for other in &pair.herbs_b {
                for lines in [vec![of(herb(one)), of(herb(other))], vec![of(herb(other)), of(herb(one))]] {
                    let report = judged(lines, &man());
                    let finding = found(&report, &pair.rule).unwrap_or_else(|| panic!("{} {one} {other}", pair.rule));
                    let needs = match pair.severity {
                        PairWeight::Block => Needs::SecondDoctor,
                        PairWeight::Warn => Needs::Answer,
                        PairWeight::Info => Needs::Nothing,
                    };
                    assert_eq!((finding.needs, finding.lines.len()), (needs, 2), "{}", pair.rule);
                }
            }
        }
        // With a herb that is in no group of the pair, and within one group alone, nothing is found.
        let neighbour = of(herb("茯苓"));
        for side in [&pair.herbs_a, &pair.herbs_b] {
            let mut lines: Vec<HerbLine> = side.iter().map(|name| of(herb(name))).collect();
            lines.push(neighbour.clone());
            let report = judged(lines, &man());
            assert_eq!(found(&report, &pair.rule), None, "{}", pair.rule);
            assert!(report.passed.contains(&pair.rule));
        }
    }
}

#[test]
fn each_of_the_oppositions_and_fears_of_the_pharmacopoeia_needs_a_second_doctor() {
    for rule in (1..=12).map(|n| format!("18F-{n}")).chain((1..=9).map(|n| format!("19W-{n}"))) {
        let mut rows = set().pairs().iter().filter(|pair| pair.rule == rule).peekable();
        assert!(rows.peek().is_some(), "{rule}");
        for pair in rows {
            assert_eq!(pair.severity, PairWeight::Block, "{rule}: {pair:?}");
        }
    }
}

#[test]
fn the_looks_alike_of_a_group_are_not_in_it() {
    let none = |one: &str, other: &str| {
        let report = judged(vec![of(herb(one)), of(herb(other))], &man());
        report.findings.iter().all(|finding| !finding.rule.starts_with("18F") && !finding.rule.starts_with("19W"))
    };
    assert!(none("白附子", "半夏"), "the white one is no aconite");
    assert!(none("太子参", "五灵脂") && none("白术", "白及"));
    let by_other_name = judged(vec![line("黑顺片", 9000), line("法夏", 9000)], &man());
    assert!(found(&by_other_name, "18F-1").is_some(), "by any of its names");
    let traditional = judged(vec![of(herb("藜芦")), of(herb("太子参"))], &man());
    assert_eq!(found(&traditional, "18F-10x").unwrap().needs, Needs::Answer);
}

#[test]
fn a_pair_over_two_prescriptions_of_the_same_days_is_found_and_of_other_days_not() {
    let mut active = Active { number: "R-7".into(), span: span(), content: sheet(vec![of(herb("半夏"))]) };
    let content = sheet(vec![of(herb("附子"))]);
    let report = check(set(), &content, span(), &man(), &[active.clone()]);
    let finding = found(&report, "18F-1").unwrap();
    assert!(finding.fact.zh.contains("R-7") && finding.needs == Needs::SecondDoctor);
    active.span = Span::of(Date::constant(2023, 1, 12), 3);
    assert_eq!(found(&check(set(), &content, span(), &man(), &[active]), "18F-1"), None);
}

#[test]
fn what_the_patient_takes_is_shown_and_held_against_the_oppositions() {
    let taking = |drugs: &str| Patient { drugs: drugs.into(), ..man() };
    let report = judged(vec![of(herb("附子"))], &taking("二甲双胍、法半夏"));
    assert_eq!(found(&report, "DRUGS-TOLD").unwrap().needs, Needs::Nothing);
    assert!(found(&report, "18F-1").unwrap().fact.zh.contains("患者在用"));
    let nothing = judged(vec![of(herb("附子"))], &taking("无"));
    assert!(found(&nothing, "DRUGS-TOLD").is_none() && found(&nothing, "18F-1").is_none());
}

#[test]
fn an_ending_on_a_name_hides_no_opposition() {
    let rule = |one: &str, other: &str| {
        let report = judged(vec![line(one, 6000), line(other, 6000)], &man());
        let pair = report.findings.into_iter().find(|finding| finding.rule.starts_with("18F"));
        pair.map(|finding| (finding.rule, finding.needs, finding.lines))
    };
    let second = |rule: &str| Some((rule.to_owned(), Needs::SecondDoctor, vec![0, 1]));
    assert_eq!(rule("海藻", "甘草段"), second("18F-6"));
    assert_eq!(rule("藜芦根", "人参片"), second("18F-10"));
    assert_eq!(rule("附子", "贝母粉"), second("18F-3"), "whichever it is");
    assert_eq!(rule("制川乌饮片", "法半夏片"), second("18F-1"));
    assert_eq!(rule("芫花粉", "甘草"), Some(("18F-9".to_owned(), Needs::SecondDoctor, vec![0, 1])));
    assert_eq!(rule("菊花粉", "附子"), None, "no trichosanthes");
    // A longer name that is innocent, and one that holds two herbs, are judged as neither.
    assert_eq!(rule("附子", "半夏曲"), None);
    assert_eq!(rule("海藻", "甘草茯苓"), None);
    let active = Active { number: "R-7".into(), span: span(), content: sheet(vec![line("甘草段", 6000)]) };
    let report = check(set(), &sheet(vec![line("海藻饮片", 6000)]), span(), &man(), &[active]);
    assert!(found(&report, "18F-6").is_some(), "nor over two sheets");
}
