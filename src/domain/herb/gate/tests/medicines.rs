//! Medicines, of which little is known here.

use super::{found, item, line, man, medicines, set, span};
use crate::domain::herb::gate::{Active, Needs, Patient, check};
use crate::domain::prescription::{Medicine, MedicineKind};

#[test]
fn no_herb_passes_as_a_medicine() {
    let medicine = |name: &str| check(set(), &medicines(vec![item(name)]), span(), &man(), &[]);
    let names = set().herbs().iter().flat_map(|herb| std::iter::once(&herb.name).chain(&herb.aliases));
    for name in names.map(String::as_str).chain(["贝母", "生川乌片", " 半夏 "]) {
        assert_eq!(found(&medicine(name), "MED-IS-HERB").map(|one| one.needs), Some(Needs::Never), "{name}");
    }
    for name in ["连花清瘟胶囊", "阿莫西林胶囊", "藿香正气水", "板蓝根颗粒"] {
        assert!(found(&medicine(name), "MED-IS-HERB").is_none(), "{name}");
    }
}

#[test]
fn of_medicines_what_is_not_judged_is_said_and_the_controlled_are_refused() {
    let judged = |names: &[&str], told: &str, active: &[Active]| {
        let content = medicines(names.iter().map(|name| item(name)).collect());
        check(set(), &content, span(), &Patient { allergies: told.into(), ..man() }, active)
    };
    let plain = judged(&["连花清瘟胶囊"], "", &[]);
    assert_eq!(plain.findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["MED-UNJUDGED"]);
    let medicines_only = ["MED-CONTROLLED", "MED-INJECTED"];
    assert!(
        medicines_only.iter().all(|rule| plain.passed.iter().any(|passed| passed == rule)),
        "asked, and found nothing"
    );
    let herbs = super::judged(vec![line("茯苓", 12_000)], &man());
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
    let content = medicines(vec![item("阿莫西林")]);
    let other = Active { number: "R-2".into(), span: span(), content };
    assert!(found(&judged(&["阿莫西林"], "", &[other]), "DUP-ACTIVE").is_some());
}

#[test]
fn what_is_named_injected_or_measured_as_a_narcotic_is_refused() {
    let rule = |item: Medicine| {
        let report = check(set(), &medicines(vec![item]), span(), &man(), &[]);
        report.refused().map(|finding| finding.rule.clone())
    };
    for name in [
        "安定片",
        "安定",
        "氯硝安定",
        "舒乐安定",
        "杜冷丁",
        "思诺思",
        "硝西泮",
        "氟西泮",
        "地西泮片",
        "γ-羟丁酸",
        "依托咪酯",
        "三唑仑",
        "苯巴比妥片",
        "Lorazepam",
        "Midazolam",
        "Phenobarbital",
    ] {
        assert_eq!(rule(item(name)).as_deref(), Some("MED-CONTROLLED"), "{name}");
    }
    for name in ["生理盐水 静脉滴注", "注射用青霉素", "5%葡萄糖 静滴", "静注人免疫球蛋白"] {
        assert_eq!(rule(item(name)).as_deref(), Some("MED-INJECTED"), "{name}");
    }
    for (strength, dose, expected) in [
        ("100 ml", "静脉滴注", "MED-INJECTED"),
        ("注射用 1 g", "1 支", "MED-INJECTED"),
        ("1 片", "安定 2 片", "MED-CONTROLLED"),
        ("吗啡 10 mg", "1 片", "MED-CONTROLLED"),
    ] {
        let item = Medicine { strength: strength.into(), dose: dose.into(), ..item("生理盐水") };
        assert_eq!(rule(item).as_deref(), Some(expected), "{strength} {dose}");
    }
    for name in ["阿莫西林胶囊", "静脉曲张片", "藿香正气水", "安神补脑液", "人参再造丸", "定心丸", "Nizatidine"]
    {
        assert_eq!(rule(item(name)), None, "{name}");
    }
}

#[test]
fn a_western_medicine_wants_a_reason_and_one_with_a_toxic_herb_is_confirmed() {
    let needs = |kind, name: &str| {
        let report = check(set(), &medicines(vec![Medicine { kind, ..item(name) }]), span(), &man(), &[]);
        found(&report, "MED-UNJUDGED").unwrap().needs
    };
    assert_eq!(needs(MedicineKind::Western, "阿莫西林胶囊"), Needs::Answer);
    assert_eq!(needs(MedicineKind::Patent, "连花清瘟胶囊"), Needs::Nothing);
    assert_eq!(needs(MedicineKind::Patent, "附子理中丸"), Needs::Confirm);
    assert_eq!(needs(MedicineKind::Patent, "制川乌片"), Needs::Confirm);
}
