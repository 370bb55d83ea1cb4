//! What is written in free words.

use proptest::prelude::*;

use super::{any_line, any_patient, found, herb, item, man, medicines, of, set, sheet, span, woman};
use crate::domain::herb::gate::{Needs, Patient, Pregnancy, Report, check};
use crate::domain::herb::{Herb, PregnancyCaution};
use crate::domain::prescription::{Content, HerbLine, Herbal, Medicine};

/// Where free words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Sheet,
    Line,
    Formula,
    Strength,
    Dose,
    Medicine,
}

const PLACES: [Place; 6] = [Place::Sheet, Place::Line, Place::Formula, Place::Strength, Place::Dose, Place::Medicine];

/// A sheet without a finding of its own, beside the words.
fn with(place: Place, words: &str) -> Content {
    let words = words.to_owned();
    let lines = |remark| vec![HerbLine { remark, ..of(herb("茯苓")) }];
    let Content::Herbal(plain) = sheet(lines(String::new())) else { unreachable!("it is herbal") };
    match place {
        Place::Sheet => Content::Herbal(Herbal { remark: words, ..plain }),
        Place::Line => sheet(lines(words)),
        Place::Formula => Content::Herbal(Herbal { formula: Some(words), ..plain }),
        Place::Strength => medicines(vec![Medicine { strength: words, ..item("连花清瘟胶囊") }]),
        Place::Dose => medicines(vec![Medicine { dose: words, ..item("连花清瘟胶囊") }]),
        Place::Medicine => medicines(vec![Medicine { remark: words, ..item("连花清瘟胶囊") }]),
    }
}

fn judged(content: &Content, patient: &Patient) -> Report {
    check(set(), content, span(), patient, &[])
}

/// What the words brought about.
fn of_words(place: Place, words: &str, patient: &Patient) -> Vec<(String, Needs)> {
    let report = judged(&with(place, words), patient);
    let told = report.findings.into_iter().filter(|finding| finding.rule != "MED-UNJUDGED");
    told.map(|finding| (finding.rule, finding.needs)).collect()
}

#[test]
fn words_that_name_what_is_never_online_are_refused_wherever_they_stand() {
    for place in PLACES {
        for words in ["另加生川乌10g同煎", "生川乌 10g", "勿与川烏同用", "配 砒 霜", "马兜铃亦可"]
        {
            assert_eq!(of_words(place, words, &man()), [("TEXT-TOXIC".to_owned(), Needs::Never)], "{place:?} {words}");
        }
        let is_label = matches!(place, Place::Strength | Place::Dose);
        let rule = if is_label { "MED-CONTROLLED" } else { "TEXT-CONTROLLED" };
        for words in ["吗啡 10mg", "另服嗎啡片", "睡前服安定片", "tramadol 50 mg"] {
            assert_eq!(of_words(place, words, &man()), [(rule.to_owned(), Needs::Never)], "{place:?} {words}");
        }
    }
}

#[test]
fn words_that_name_another_herb_are_confirmed_and_refused_where_it_is_forbidden() {
    for place in PLACES {
        for (words, is_forbidden) in [
            ("与甘草同煎", false),
            ("勿与藜芦同用", false),
            ("另服甘遂3g", true),
            ("加贝母", false),
            ("莪术亦可", true),
        ] {
            let named = if place == Place::Formula { vec![] } else { vec![("TEXT-HERB".to_owned(), Needs::Confirm)] };
            assert_eq!(of_words(place, words, &woman(Pregnancy::No)), named, "{place:?} {words}");
            let report = judged(&with(place, words), &woman(Pregnancy::Pregnant));
            let refused = report.refused().map(|finding| finding.rule.as_str());
            assert_eq!(refused, is_forbidden.then_some("TEXT-FORBID"), "{place:?} {words}");
        }
    }
    let report = judged(&with(Place::Line, "与甘草、大枣同煎"), &man());
    let finding = found(&report, "TEXT-HERB").unwrap();
    assert_eq!((finding.lines.as_slice(), finding.key.as_str()), (&[0][..], "TEXT-HERB@0"));
    assert!(finding.fact.zh.contains("甘草、大枣"), "one finding for all of them: {finding:?}");
}

/// What doctors write beside a sheet, without a herb.
const PLAIN: [&str; 14] = [
    "饭后服",
    "先煎30分钟",
    "忌食辛辣",
    "每次100g，先煎",
    "切薄片",
    "水银体温计测量体温",
    "三棱针点刺放血",
    "现住三棱镇",
    "减轻粉尘接触",
    "服药后病情安定",
    "血β-羟丁酸复查",
    "下肢静脉曲张者抬高患肢",
    "三天后复诊 (38.5℃)",
    "0.35 g × 24",
];

#[test]
fn ordinary_words_are_no_finding() {
    for place in PLACES.into_iter().filter(|place| !matches!(place, Place::Strength | Place::Dose)) {
        for words in PLAIN.into_iter().chain(["半夏曲", "犀角地黄汤"]) {
            assert!(of_words(place, words, &woman(Pregnancy::Pregnant)).is_empty(), "{place:?} {words}");
        }
    }
    for formula in ["麻黄汤", "附子理中汤", "甘草干姜汤加减", "自拟方"] {
        assert!(of_words(Place::Formula, formula, &woman(Pregnancy::Pregnant)).is_empty(), "{formula}");
    }
    for label in ["0.35 g × 24", "10 ml:5 mg", "27mg*180丸", "4 粒", "1 袋，温水冲服"] {
        assert!(of_words(Place::Dose, label, &man()).is_empty(), "{label}");
    }
}

/// Words without the name of a herb.
fn plain() -> impl Strategy<Value = String> {
    let parts = prop::collection::vec(prop::sample::select(PLAIN.to_vec()), 0..4);
    (parts, "[0-9a-f ，。（）]{0,6}").prop_map(|(parts, rest)| parts.concat() + &rest)
}

/// Herbs by any of their names.
fn names(is_meant: impl Fn(&Herb) -> bool) -> Vec<String> {
    let herbs = set().herbs().iter().filter(|herb| is_meant(herb));
    herbs.flat_map(|herb| std::iter::once(&herb.name).chain(&herb.aliases)).cloned().collect()
}

proptest! {
    #[test]
    fn a_toxic_name_is_found_at_any_place_of_any_words(
        name in prop::sample::select(names(Herb::is_refused_online)),
        before in plain(),
        after in plain(),
        place in prop::sample::select(PLACES.to_vec()),
        patient in any_patient(),
    ) {
        let report = judged(&with(place, &format!("{before}{name}{after}")), &patient);
        let finding = found(&report, "TEXT-TOXIC").map(|finding| (finding.needs, finding.fact.zh.contains(&name)));
        prop_assert_eq!(finding, Some((Needs::Never, true)));
    }

    #[test]
    fn any_other_name_in_any_words_is_confirmed_or_for_the_pregnant_refused(
        name in prop::sample::select(names(|herb| !herb.is_refused_online())),
        before in plain(),
        after in plain(),
        is_pregnant in any::<bool>(),
    ) {
        let pregnancy = if is_pregnant { Pregnancy::Pregnant } else { Pregnancy::No };
        let report = judged(&with(Place::Sheet, &format!("{before}{name}{after}")), &woman(pregnancy));
        let is_forbidden =
            set().herbs().iter().find(|herb| herb.name == name || herb.aliases.contains(&name)).is_some_and(|herb| {
                herb.pregnancy == Some(PregnancyCaution::Forbidden)
            });
        let rule = if is_pregnant && is_forbidden { "TEXT-FORBID" } else { "TEXT-HERB" };
        prop_assert!(found(&report, rule).is_some(), "{rule} {report:?}");
        prop_assert_eq!(report.refused().is_some(), rule == "TEXT-FORBID");
    }

    #[test]
    fn plain_words_change_no_finding(
        lines in prop::collection::vec(any_line(), 0..8),
        words in prop::collection::vec(plain(), 9),
        patient in any_patient(),
    ) {
        let Content::Herbal(before) = sheet(lines) else { unreachable!("it is herbal") };
        let mut after = before.clone();
        after.remark.clone_from(&words[8]);
        for (line, words) in after.lines.iter_mut().zip(&words) {
            line.remark.clone_from(words);
        }
        let findings = |sheet: Herbal| judged(&Content::Herbal(sheet), &patient).findings;
        prop_assert_eq!(findings(before), findings(after));
    }
}
