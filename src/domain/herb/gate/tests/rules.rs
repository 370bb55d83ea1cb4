//! Every rule with a sheet that breaks it and one that keeps it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{found, herb, item, line, man, medicines, of, said, set, sheet, span, woman};
use crate::domain::herb::Method;
use crate::domain::herb::gate::{Active, Patient, Pregnancy, Report, check};
use crate::domain::prescription::{Content, HerbLine, Herbal, Medicine};

/// What the gate is asked.
struct Given {
    content: Content,
    patient: Patient,
    active: Vec<Active>,
}

impl Given {
    fn report(&self) -> Report {
        check(set(), &self.content, span(), &self.patient, &self.active)
    }

    fn to(self, patient: Patient) -> Self {
        Self { patient, ..self }
    }

    /// Beside another sheet of the same days.
    fn beside(self, line: HerbLine) -> Self {
        let other = Active { number: "R-1".into(), span: span(), content: sheet(vec![line]) };
        Self { active: vec![other], ..self }
    }
}

fn given(content: Content) -> Given {
    Given { content, patient: man(), active: Vec::new() }
}

/// A sheet of one herb, written so; one gram, boiled with the others.
fn one(written: &str) -> Given {
    herbs(vec![line(written, 1000)])
}

fn herbs(lines: Vec<HerbLine>) -> Given {
    given(sheet(lines))
}

fn prepared(written: &str, method: Method) -> Given {
    herbs(vec![HerbLine { method: Some(method), ..line(written, 1000) }])
}

fn saying(remark: &str) -> Given {
    herbs(vec![HerbLine { remark: remark.into(), ..of(herb("茯苓")) }])
}

fn medicine(name: &str) -> Given {
    given(medicines(vec![item(name)]))
}

fn lasting(doses: u8) -> Given {
    let Content::Herbal(one) = sheet(vec![of(herb("茯苓"))]) else { unreachable!("it is herbal") };
    given(Content::Herbal(Herbal { doses, ..one }))
}

fn allergic(told: &str) -> Patient {
    Patient { allergies: told.into(), ..man() }
}

fn taking(drugs: &str) -> Patient {
    Patient { drugs: drugs.into(), ..man() }
}

/// Rule, a sheet that breaks it, a sheet that keeps it. Without its row here a rule fails the tests below.
fn cases() -> Vec<(String, Given, Given)> {
    use Pregnancy::{Lactating, No, Pregnant, Unknown};
    let child = Patient { age_months: 60, ..man() };
    let rows = [
        ("ALLERGY", one("麻黄").to(allergic("麻黄")), one("麻黄").to(allergic("青霉素"))),
        ("ALLERGY-TOLD", one("麻黄").to(allergic("青霉素")), one("麻黄").to(allergic("无"))),
        ("CAUTION-OTHER", one("天仙子"), one("茯苓")),
        (
            "CUM-DOSE",
            herbs(vec![line("麻黄", 6000)]).beside(line("麻黄", 6000)),
            herbs(vec![line("麻黄", 6000)]).beside(line("麻黄", 4000)),
        ),
        ("DOSE-CHILD", one("茯苓").to(child), one("茯苓")),
        ("DOSE-HIGH", herbs(vec![line("麻黄", 10_001)]), herbs(vec![line("麻黄", 10_000)])),
        ("DOSE-LOW", herbs(vec![line("麻黄", 1999)]), herbs(vec![line("麻黄", 2000)])),
        ("DOSE-NONE", one("人工牛黄"), one("茯苓")),
        ("DRUGS-TOLD", one("茯苓").to(taking("二甲双胍")), one("茯苓").to(taking("无"))),
        ("DUP-ACTIVE", one("麻黄").beside(line("麻黄", 1000)), one("麻黄").beside(line("茯苓", 1000))),
        ("DUP-SHEET", herbs(vec![line("麻黄", 9), line("生麻黄", 9)]), herbs(vec![line("麻黄", 9), line("茯苓", 9)])),
        ("LACTATION", one("大黄").to(woman(Lactating)), one("大黄").to(woman(No))),
        ("MED-CONTROLLED", medicine("盐酸吗啡片"), medicine("阿莫西林胶囊")),
        ("MED-INJECTED", medicine("血必净注射液"), medicine("阿莫西林胶囊")),
        ("MED-IS-HERB", medicine("半夏"), medicine("藿香正气水")),
        ("MED-UNJUDGED", medicine("阿莫西林胶囊"), given(medicines(Vec::<Medicine>::new()))),
        ("METHOD-ADVICE", one("大黄"), prepared("大黄", Method::Late)),
        ("METHOD-MISSING", one("附子"), prepared("附子", Method::First)),
        ("NAME-ALIKE", one("白附子"), one("附子")),
        ("NAME-ASK", one("贝母"), one("浙贝母")),
        ("NAME-EXPAND", one("焦三仙"), one("山楂")),
        ("NAME-TOXIC", one("砒霜粉"), one("制川乌饮片")),
        ("NAME-UNKNOWN", one("不存在草"), one("茯苓")),
        ("PREG-CAUTION", one("大黄").to(woman(Pregnant)), one("大黄").to(woman(No))),
        ("PREG-FORBID", one("莪术").to(woman(Pregnant)), one("莪术").to(woman(No))),
        ("PREG-UNKNOWN", one("茯苓").to(woman(Unknown)), one("茯苓").to(woman(No))),
        ("QTY-DAYS", lasting(8), lasting(7)),
        ("ROUTE-EXTERNAL", one("天南星"), one("制天南星")),
        ("ROUTE-PILLS", one("马钱子"), prepared("马钱子", Method::Drenched)),
        ("ROUTE-PILLS-MOSTLY", one("儿茶"), prepared("儿茶", Method::Drenched)),
        ("TEXT-CONTROLLED", saying("另服吗啡片"), saying("另服糖浆")),
        ("TEXT-FORBID", saying("另加甘遂").to(woman(Pregnant)), saying("另加甘遂").to(woman(No))),
        ("TEXT-HERB", saying("与甘草同煎"), saying("饭后服")),
        ("TEXT-TOXIC", saying("另加生川乌10g同煎"), saying("另加制川乌10g同煎")),
        ("TOX-CONTROLLED", one("罂粟壳"), one("砒霜")),
        ("TOX-DELISTED", one("马兜铃"), one("砒霜")),
        ("TOX-GREAT", one("川乌"), one("制川乌")),
        ("TOX-LIMIT", one("制川乌"), one("川乌")),
        ("TOX-STATUTORY", one("砒霜"), one("川乌")),
    ];
    let pairs = set().pairs().iter().map(|pair| {
        let both = vec![of(herb(&pair.herbs_a[0])), of(herb(&pair.herbs_b[0]))];
        (pair.rule.clone(), herbs(both), herbs(vec![of(herb(&pair.herbs_a[0])), of(herb("茯苓"))]))
    });
    rows.map(|(rule, breaks, keeps)| (rule.to_owned(), breaks, keeps)).into_iter().chain(pairs).collect()
}

/// The rules that have cases.
pub(super) fn listed() -> &'static BTreeSet<String> {
    static LISTED: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| cases().into_iter().map(|(rule, _, _)| rule).collect());
    &LISTED
}

#[test]
fn every_rule_has_a_sheet_that_breaks_it_and_one_that_keeps_it() {
    for (rule, breaks, keeps) in cases() {
        let (broken, kept) = (breaks.report(), keeps.report());
        assert!(found(&broken, &rule).is_some(), "{rule} is not found in {broken:?}");
        assert_eq!(found(&kept, &rule), None, "{rule}");
        assert!(kept.passed.contains(&rule), "{rule} was not asked");
        for other in said(&broken).chain(said(&kept)) {
            assert!(listed().contains(other), "{other} has no cases");
        }
    }
}

#[test]
fn the_gate_is_total_and_its_report_names_every_rule_it_asked() {
    let asked = |content: Content| {
        let report = given(content).report();
        assert!(report.findings.is_empty());
        assert_eq!(report.data_version, set().version());
        report.passed.into_iter().collect::<BTreeSet<_>>()
    };
    let (herbs, medicines) = (asked(sheet(Vec::new())), asked(medicines(Vec::new())));
    assert_eq!(&herbs | &medicines, *listed(), "a rule is asked of an empty sheet, and it has cases");
    let of_medicines = ["MED-CONTROLLED", "MED-INJECTED", "MED-IS-HERB", "MED-UNJUDGED"];
    assert_eq!((&medicines - &herbs).iter().map(String::as_str).collect::<Vec<_>>(), of_medicines);
}
