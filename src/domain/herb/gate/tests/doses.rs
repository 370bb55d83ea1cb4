//! What is poisonous, how much, how prepared, and for how long.

use super::{found, herb, judged, line, man, of, set, sheet, span};
use crate::domain::herb::gate::{Active, Needs, Patient, Severity, check};
use crate::domain::herb::{Method, Milligrams, NeverOnline, Pills, Toxicity};
use crate::domain::prescription::{Content, HerbLine, Herbal};

#[test]
fn every_statutory_toxic_is_refused_online() {
    for herb in set().herbs() {
        let report = judged(vec![of(herb)], &man());
        for (rule, expected) in [
            ("TOX-STATUTORY", herb.never == Some(NeverOnline::Statutory)),
            ("TOX-CONTROLLED", herb.never == Some(NeverOnline::Controlled)),
            ("TOX-DELISTED", herb.never == Some(NeverOnline::Delisted)),
            ("TOX-GREAT", herb.toxicity == Some(Toxicity::Great)),
        ] {
            let finding = found(&report, rule);
            assert_eq!(finding.is_some(), expected, "{rule} {}", herb.name);
            assert!(
                finding
                    .is_none_or(|finding| finding.severity == Severity::BlockOnline && finding.needs == Needs::Never)
            );
        }
        let is_limited = matches!(herb.toxicity, Some(Toxicity::Toxic | Toxicity::Slight)) && !herb.is_refused_online();
        assert_eq!(found(&report, "TOX-LIMIT").is_some_and(|f| f.needs == Needs::Confirm), is_limited, "{}", herb.name);
    }
    for name in ["马兜铃", "天仙藤", "穿山甲", "罂粟壳", "砒霜", "生附子", "川乌"] {
        assert!(judged(vec![of(herb(name))], &man()).refused().is_some(), "{name}");
    }
}

#[test]
fn every_range_holds_on_both_sides() {
    for herb in set().herbs() {
        let at = |mg: i64| judged(vec![HerbLine { mg: Milligrams(mg), ..of(herb) }], &man());
        let Some((least, most)) = herb.day_range() else {
            assert!(found(&at(1000), "DOSE-NONE").is_some(), "{}: no range, and that is said", herb.name);
            continue;
        };
        for (mg, low, high) in
            [(least.0 - 1, true, false), (least.0, false, false), (most.0, false, false), (most.0 + 1, false, true)]
        {
            let report = at(mg);
            assert_eq!(found(&report, "DOSE-LOW").is_some(), low, "{} {mg}", herb.name);
            assert_eq!(found(&report, "DOSE-HIGH").is_some(), high, "{} {mg}", herb.name);
        }
        assert_eq!(found(&at(most.0), "DOSE-NONE"), None);
    }
}

#[test]
fn a_dose_is_never_a_block() {
    for herb in set().herbs() {
        for mg in [1, 100_000, 500_000] {
            let report = judged(vec![HerbLine { mg: Milligrams(mg), ..of(herb) }], &man());
            let doses = report.findings.iter().filter(|finding| finding.rule.contains("DOSE"));
            for finding in doses {
                assert!(finding.severity <= Severity::Warn && finding.needs <= Needs::Confirm, "{}", herb.name);
            }
        }
    }
}

#[test]
fn two_doses_a_day_count_twice_and_the_same_herb_on_two_lines_is_one_sum() {
    let Content::Herbal(one) = sheet(vec![line("麻黄", 6000)]) else { unreachable!("it is herbal") };
    let twice = Content::Herbal(Herbal { doses_per_day: 2, ..one });
    assert!(found(&check(set(), &twice, span(), &man(), &[]), "DOSE-HIGH").is_some());
    let report = judged(vec![line("麻黄", 6000), line("生麻黄", 6000)], &man());
    assert_eq!(found(&report, "DOSE-HIGH").unwrap().lines, [0, 1]);
    assert_eq!(found(&report, "DUP-SHEET").unwrap().needs, Needs::Answer);
    assert_eq!(found(&judged(vec![line("麻黄", 6000)], &man()), "DUP-SHEET"), None);
}

#[test]
fn a_child_is_a_warning_and_a_grown_person_is_none() {
    let report = |months| judged(vec![of(herb("茯苓"))], &Patient { age_months: months, ..man() });
    assert_eq!(found(&report(215), "DOSE-CHILD").unwrap().needs, Needs::Confirm);
    assert_eq!(found(&report(216), "DOSE-CHILD"), None);
    let poppy = judged(vec![of(herb("罂粟壳"))], &Patient { age_months: 60, ..man() });
    assert!(poppy.findings.iter().any(|finding| finding.rule == "CAUTION-OTHER" && finding.needs == Needs::Never));
}

#[test]
fn every_required_method_is_asked_for() {
    for herb in set().herbs().iter().filter(|herb| !herb.methods.is_empty()) {
        let is_binding = herb.methods.iter().any(|asked| asked.binding);
        let without = judged(vec![HerbLine { method: None, ..of(herb) }], &man());
        let missing = found(&without, "METHOD-MISSING");
        assert_eq!(missing.is_some(), is_binding, "{}", herb.name);
        assert!(missing.is_none_or(|finding| finding.needs == Needs::Answer && finding.lines == [0]));
        assert_eq!(found(&without, "METHOD-ADVICE").is_some(), !is_binding, "{}", herb.name);
        for asked in &herb.methods {
            let with = judged(vec![HerbLine { method: Some(asked.method), ..of(herb) }], &man());
            assert_eq!(found(&with, "METHOD-MISSING"), None, "{} {:?}", herb.name, asked.method);
        }
    }
    for name in ["附子", "制川乌", "制草乌"] {
        let report = judged(vec![HerbLine { method: None, ..of(herb(name)) }], &man());
        assert!(found(&report, "METHOD-MISSING").unwrap().fact.zh.contains("先煎"), "{name}");
    }
    assert_eq!(found(&judged(vec![line("茯苓", 12000)], &man()), "METHOD-MISSING"), None);
}

#[test]
fn what_is_for_pills_or_for_the_skin_is_no_decoction() {
    for herb in set().herbs() {
        let boiled = judged(vec![HerbLine { method: None, ..of(herb) }], &man());
        let powder = judged(vec![HerbLine { method: Some(Method::Drenched), ..of(herb) }], &man());
        let only = found(&boiled, "ROUTE-PILLS");
        assert_eq!(
            only.is_some_and(|finding| finding.needs == Needs::Never),
            herb.pills == Some(Pills::Only),
            "{}",
            herb.name
        );
        let mostly = found(&boiled, "ROUTE-PILLS-MOSTLY");
        assert_eq!(
            mostly.is_some_and(|f| f.needs == Needs::Answer),
            herb.pills == Some(Pills::Mostly),
            "{}",
            herb.name
        );
        assert_eq!(found(&powder, "ROUTE-PILLS"), None, "{}", herb.name);
        assert_eq!(found(&boiled, "ROUTE-EXTERNAL").is_some(), herb.external_only, "{}", herb.name);
    }
}

#[test]
fn the_same_herb_of_the_same_days_is_added_up() {
    let active = |mg| Active { number: "R-1".into(), span: span(), content: sheet(vec![line("麻黄", mg)]) };
    let judged = |others: &[Active]| check(set(), &sheet(vec![line("麻黄", 6000)]), span(), &man(), others);
    let report = judged(&[active(6000)]);
    assert_eq!(found(&report, "CUM-DOSE").unwrap().needs, Needs::Confirm);
    assert_eq!(found(&report, "DUP-ACTIVE").unwrap().needs, Needs::Answer);
    assert_eq!(found(&judged(&[active(4000)]), "CUM-DOSE"), None, "ten grams are the limit and not above it");
    let alone = judged(&[]);
    assert!(found(&alone, "DUP-ACTIVE").is_none() && alone.passed.contains(&"CUM-DOSE".to_owned()));
}

#[test]
fn a_sheet_for_too_many_days_needs_a_reason_or_is_refused() {
    let Content::Herbal(one) = sheet(vec![line("茯苓", 12000)]) else { unreachable!("it is herbal") };
    let needs = |doses, is_urgent| {
        let content = Content::Herbal(Herbal { doses, ..one.clone() });
        let report = check(set(), &content, span(), &Patient { is_urgent, ..man() }, &[]);
        found(&report, "QTY-DAYS").map(|finding| finding.needs)
    };
    assert_eq!([needs(7, false), needs(3, true)], [None; 2]);
    assert_eq!([needs(8, false), needs(4, true)], [Some(Needs::Answer); 2]);
    assert_eq!(needs(31, false), Some(Needs::Never));
}

#[test]
fn what_is_said_of_a_toxic_herb_names_its_limit() {
    let mut limited = 0;
    for herb in set().herbs() {
        let report = judged(vec![of(herb)], &man());
        let Some(finding) = found(&report, "TOX-LIMIT") else { continue };
        let (zh, en) = herb.day_range().map_or_else(
            || ("无每日口服用量".to_owned(), "no dose of a day".to_owned()),
            |(_, most)| (format!("每日不超过{most}"), format!("at most {most} a day")),
        );
        assert!(finding.fact.zh.contains(&zh) && finding.fact.en.contains(&en), "{finding:?}");
        limited += usize::from(herb.day_range().is_some());
    }
    assert!(limited > 50, "{limited}");
}
