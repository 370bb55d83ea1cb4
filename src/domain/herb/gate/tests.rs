//! Every rule once with it and once without it, generated over the data.

use jiff::civil::Date;
use proptest::prelude::*;

use super::{Active, Finding, Needs, Patient, Pregnancy, Report, Severity, check};
use crate::domain::herb::{
    Herb, HerbSet, Method, Milligrams, Named, NeverOnline, PairWeight, Pills, PregnancyCaution, Toxicity, formulas,
    resolve,
};
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

fn found<'report>(report: &'report Report, rule: &str) -> Option<&'report Finding> {
    report.findings.iter().find(|finding| finding.rule == rule)
}

fn herb(name: &str) -> &'static Herb {
    set().herb(name).unwrap_or_else(|| panic!("no herb {name}"))
}

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
fn an_unknown_herb_is_a_finding() {
    let report = judged(vec![line("不存在草", 9000), line("茯苓", 12000)], &man());
    let finding = found(&report, "NAME-UNKNOWN").unwrap();
    assert_eq!((finding.lines.as_slice(), finding.needs), (&[0][..], Needs::Confirm));
    assert_eq!(found(&judged(vec![line("茯苓", 12000)], &man()), "NAME-UNKNOWN"), None);
}

#[test]
fn a_name_that_holds_what_is_never_online_is_refused_and_no_chosen_herb_hides_it() {
    for written in ["砒霜粉", "生马钱子末", "生白附", "白砒", "曼陀罗花", "生川乌片"] {
        let report = judged(vec![line(written, 1000)], &man());
        assert!(report.refused().is_some(), "{written}: {report:?}");
        for chosen in ["茯苓", "陈皮"] {
            let content = sheet(vec![HerbLine { herb: Some(chosen.into()), ..line(written, 1000) }]);
            assert_eq!(content.check(set()).unwrap_err().field, "herbal.lines[0].herb", "{written} is not {chosen}");
        }
    }
    let report = judged(vec![HerbLine { herb: Some("茯苓".into()), ..line("不存在草", 1000) }], &man());
    assert!(found(&report, "NAME-UNKNOWN").is_some(), "whatever was chosen for it");
}

#[test]
fn no_herb_passes_as_a_medicine() {
    let medicine = |name: &str| {
        let item = Medicine {
            name: name.into(),
            kind: MedicineKind::Patent,
            strength: "1".into(),
            dose: "1".into(),
            times_per_day: 3,
            days: 3,
            remark: String::new(),
        };
        check(set(), &Content::Medicines(Medicines { items: vec![item] }), span(), &man(), &[])
    };
    let names = set().herbs().iter().flat_map(|herb| std::iter::once(&herb.name).chain(&herb.aliases));
    for name in names.map(String::as_str).chain(["贝母", "生川乌片", " 半夏 "]) {
        assert_eq!(found(&medicine(name), "MED-IS-HERB").map(|one| one.needs), Some(Needs::Never), "{name}");
    }
    for name in ["连花清瘟胶囊", "阿莫西林胶囊", "藿香正气水", "板蓝根颗粒"] {
        assert!(found(&medicine(name), "MED-IS-HERB").is_none(), "{name}");
    }
}

#[test]
fn a_trap_is_asked_until_the_doctor_chooses() {
    for written in ["贝母", "沙参", "芍药", "牛膝", "防己", "木通", "贯众", "关白附"] {
        let report = judged(vec![line(written, 6000)], &man());
        assert_eq!(found(&report, "NAME-ASK").unwrap().needs, Needs::Ask, "{written}");
        if let Named::Ask { candidates, .. } = resolve(set(), written) {
            for candidate in candidates {
                let chosen = HerbLine { herb: Some(candidate.name.clone()), ..line(written, 6000) };
                assert_eq!(found(&judged(vec![chosen], &man()), "NAME-ASK"), None, "{written}");
            }
        }
    }
    assert!(found(&judged(vec![line("焦三仙", 30_000)], &man()), "NAME-EXPAND").is_some());
    for written in ["白附子", "木鳖子", "五加皮", "京大戟"] {
        assert_eq!(found(&judged(vec![line(written, 3000)], &man()), "NAME-ALIKE").unwrap().needs, Needs::Answer);
    }
    let plain = judged(vec![line("茯苓", 12000)], &man());
    assert!(["NAME-ASK", "NAME-EXPAND", "NAME-ALIKE"].iter().all(|rule| found(&plain, rule).is_none()));
}

#[test]
fn an_allergy_is_found_by_any_name_and_told_where_none_is_found() {
    let allergic = |told: &str| Patient { allergies: told.into(), ..man() };
    let report = judged(vec![line("生麻黄", 6000)], &allergic("青霉素、麻黄"));
    assert_eq!(found(&report, "ALLERGY").unwrap().needs, Needs::Confirm);
    assert!(found(&judged(vec![line("黑顺片", 6000)], &allergic("附子")), "ALLERGY").is_some());
    let told = judged(vec![line("茯苓", 12000)], &allergic("青霉素"));
    assert_eq!(found(&told, "ALLERGY"), None);
    assert_eq!(found(&told, "ALLERGY-TOLD").unwrap().needs, Needs::Nothing);
    let nothing = judged(vec![line("茯苓", 12000)], &allergic("无"));
    assert!(found(&nothing, "ALLERGY-TOLD").is_none() && nothing.passed.contains(&"ALLERGY".to_owned()));
}

#[test]
fn an_allergy_of_one_letter_is_no_silence() {
    let report = judged(vec![line("生姜", 9000), line("茯苓", 9000)], &Patient { allergies: "姜".into(), ..man() });
    assert_eq!(found(&report, "ALLERGY").unwrap().lines, [0]);
    let report = judged(vec![line("茯苓", 9000)], &Patient { allergies: "虾".into(), ..man() });
    assert!(found(&report, "ALLERGY-TOLD").is_some());
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
fn of_medicines_what_is_not_judged_is_said_and_the_controlled_are_refused() {
    let item = |name: &str| Medicine {
        name: name.into(),
        kind: MedicineKind::Western,
        strength: "1".into(),
        dose: "1 片".into(),
        times_per_day: 3,
        days: 3,
        remark: String::new(),
    };
    let judged = |names: &[&str], told: &str, active: &[Active]| {
        let content = Content::Medicines(Medicines { items: names.iter().map(|name| item(name)).collect() });
        check(set(), &content, span(), &Patient { allergies: told.into(), ..man() }, active)
    };
    let plain = judged(&["连花清瘟胶囊"], "", &[]);
    assert_eq!(plain.findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["MED-UNJUDGED"]);
    let medicines_only = ["MED-CONTROLLED", "MED-INJECTED"];
    assert!(
        medicines_only.iter().all(|rule| plain.passed.iter().any(|passed| passed == rule)),
        "asked, and found nothing"
    );
    let herbs = self::judged(vec![line("茯苓", 12_000)], &man());
    assert!(herbs.findings.iter().map(|f| &f.rule).chain(&herbs.passed).all(|rule| !rule.starts_with("MED-")));
    for spelling in ["盐酸曲马多片", "盐酸曲 马多片", "盐酸曲\u{200b}马多片", "鹽酸曲馬多片", "Ｔramadol Hydrochloride"]
    {
        let refused = judged(&[spelling], "", &[]);
        assert_eq!(found(&refused, "MED-CONTROLLED").map(|one| one.needs), Some(Needs::Never), "{spelling:?}");
    }
    assert_eq!(found(&judged(&["血必净注射液"], "", &[]), "MED-INJECTED").unwrap().needs, Needs::Never);
    assert!(found(&judged(&["阿莫西林", "阿莫 西林"], "", &[]), "DUP-SHEET").is_some());
    assert!(found(&judged(&["生川烏"], "", &[]), "MED-IS-HERB").is_some());
    assert!(found(&judged(&["阿莫西林胶囊"], "阿莫西林过敏", &[]), "ALLERGY").is_some());
    let content = Content::Medicines(Medicines { items: vec![item("阿莫西林")] });
    let other = Active { number: "R-2".into(), span: span(), content };
    assert!(found(&judged(&["阿莫西林"], "", &[other]), "DUP-ACTIVE").is_some());
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

/// Every rule has a positive and a negative test above: this one keeps the list whole.
#[test]
fn the_gate_is_total_and_its_report_names_every_rule_it_asked() {
    let empty = check(set(), &sheet(Vec::new()), span(), &man(), &[]);
    assert!(empty.findings.is_empty());
    let rules = [
        "ALLERGY",
        "ALLERGY-TOLD",
        "CAUTION-OTHER",
        "CUM-DOSE",
        "DOSE-CHILD",
        "DOSE-HIGH",
        "DOSE-LOW",
        "DOSE-NONE",
        "DRUGS-TOLD",
        "DUP-ACTIVE",
        "DUP-SHEET",
        "LACTATION",
        "METHOD-ADVICE",
        "METHOD-MISSING",
        "NAME-ALIKE",
        "NAME-ASK",
        "NAME-EXPAND",
        "NAME-TOXIC",
        "NAME-UNKNOWN",
        "PREG-CAUTION",
        "PREG-FORBID",
        "PREG-UNKNOWN",
        "QTY-DAYS",
        "ROUTE-EXTERNAL",
        "ROUTE-PILLS",
        "ROUTE-PILLS-MOSTLY",
        "TOX-CONTROLLED",
        "TOX-DELISTED",
        "TOX-GREAT",
        "TOX-LIMIT",
        "TOX-STATUTORY",
    ];
    let pairs = set().pairs().iter().map(|pair| pair.rule.as_str());
    let mut expected: Vec<&str> = rules.into_iter().chain(pairs).collect();
    expected.sort_unstable();
    assert_eq!(empty.passed, expected);
    assert_eq!(empty.data_version, set().version());
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
