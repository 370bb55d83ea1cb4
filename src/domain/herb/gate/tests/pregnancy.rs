//! Pregnancy, and those for whom the same cautions are.

use super::{found, herb, item, judged, line, man, medicines, of, set, span, woman};
use crate::domain::herb::PregnancyCaution;
use crate::domain::herb::gate::{Needs, Patient, Pregnancy, check};

#[test]
fn every_forbidden_herb_is_refused_for_the_pregnant_and_for_nobody_else() {
    let mut forbidden = 0;
    for herb in set().herbs() {
        for pregnancy in Pregnancy::ALL {
            let report = judged(vec![of(herb)], &woman(pregnancy));
            let is_refused = found(&report, "PREG-FORBID").is_some_and(|finding| finding.needs == Needs::Never);
            let expected = herb.pregnancy == Some(PregnancyCaution::Forbidden) && pregnancy == Pregnancy::Pregnant;
            assert_eq!(is_refused, expected, "{} {pregnancy:?}", herb.name);
            let is_cautioned = found(&report, "PREG-CAUTION").is_some_and(|finding| finding.needs == Needs::Confirm);
            let expected = herb.pregnancy == Some(PregnancyCaution::Caution) && pregnancy == Pregnancy::Pregnant;
            assert_eq!(is_cautioned, expected, "{} {pregnancy:?}", herb.name);
            forbidden += usize::from(is_refused);
        }
        assert_eq!(found(&judged(vec![of(herb)], &man()), "PREG-FORBID"), None);
    }
    assert_eq!(forbidden, 36);
}

#[test]
fn an_unknown_pregnancy_is_not_passed() {
    let asked = |patient: &Patient| {
        let report = judged(vec![of(herb("茯苓"))], patient);
        found(&report, "PREG-UNKNOWN").map(|finding| finding.needs)
    };
    let of_age = |months| Patient { age_months: months, ..woman(Pregnancy::Unknown) };
    for (months, expected) in [(143, false), (144, true), (360, true), (671, true), (672, false)] {
        assert_eq!(asked(&of_age(months)).is_some(), expected, "{months}");
    }
    assert_eq!(asked(&of_age(360)), Some(Needs::Ask), "no reason opens it");
    assert_eq!(asked(&woman(Pregnancy::No)), None);
    assert_eq!(asked(&man()), None);
}

#[test]
fn nursing_is_asked_for_where_the_same_caution_names_it() {
    let report = |pregnancy| judged(vec![of(herb("大黄"))], &woman(pregnancy));
    assert_eq!(found(&report(Pregnancy::Lactating), "LACTATION").unwrap().needs, Needs::Confirm);
    assert_eq!(found(&report(Pregnancy::No), "LACTATION"), None);
    let others = judged(vec![of(herb("天仙子"))], &man());
    assert!(found(&others, "CAUTION-OTHER").unwrap().fact.zh.contains("青光眼"));
    assert_eq!(found(&judged(vec![of(herb("茯苓"))], &man()), "CAUTION-OTHER"), None);
}

#[test]
fn an_ending_on_a_name_hides_no_forbidden_herb() {
    let forbidden: Vec<_> =
        set().herbs().iter().filter(|herb| herb.pregnancy == Some(PregnancyCaution::Forbidden)).collect();
    for herb in forbidden {
        for ending in ["饮片", "片", "粉", "胶囊", "颗粒", "丸", "加减"] {
            let written = format!("{}{ending}", herb.name);
            let needs = |patient: &Patient| {
                let of_herbs = judged(vec![line(&written, 1000)], patient);
                let of_medicines = check(set(), &medicines(vec![item(&written)]), span(), patient, &[]);
                [of_herbs, of_medicines].map(|report| found(&report, "PREG-FORBID").map(|finding| finding.needs))
            };
            assert_eq!(needs(&woman(Pregnancy::Pregnant)), [Some(Needs::Never); 2], "{written}");
            assert_eq!(needs(&woman(Pregnancy::No)), [None; 2], "{written}");
        }
    }
    for written in ["蓬莪术", "荆三棱", "全虫", "三棱莪术", "当归莪术片"] {
        let report = judged(vec![line(written, 1000)], &woman(Pregnancy::Pregnant));
        assert_eq!(report.findings.iter().filter(|finding| finding.rule == "PREG-FORBID").count(), 1, "{written}");
        assert_eq!(found(&judged(vec![line(written, 1000)], &woman(Pregnancy::No)), "PREG-FORBID"), None);
    }
    let caution = judged(vec![line("大黄饮片", 1000)], &woman(Pregnancy::Pregnant));
    assert_eq!(found(&caution, "PREG-CAUTION").unwrap().needs, Needs::Confirm);
}

#[test]
fn no_medicine_passes_in_silence_for_the_pregnant() {
    let needs = |name: &str, patient: &Patient| {
        let report = check(set(), &medicines(vec![item(name)]), span(), patient, &[]);
        report.findings.into_iter().map(|finding| finding.needs).max()
    };
    for (name, expected) in [
        ("麝香保心丸", Needs::Never),
        ("三棱莪术丸", Needs::Never),
        ("血府逐瘀胶囊", Needs::Confirm),
        ("桂枝茯苓丸", Needs::Confirm),
        ("米非司酮", Needs::Confirm),
    ] {
        assert_eq!(needs(name, &woman(Pregnancy::Pregnant)), Some(expected), "{name}");
        assert_eq!(needs(name, &woman(Pregnancy::No)), Some(Needs::Nothing), "{name}");
    }
}
