//! The safety gate: twenty herbs against five active prescriptions of twenty.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use yunzhen::domain::herb::gate::{Active, Patient, Pregnancy, check};
use yunzhen::domain::herb::{HerbSet, Milligrams};
use yunzhen::domain::people::Sex;
use yunzhen::domain::prescription::{Content, HerbLine, Herbal, Span, Timing};

/// Judgements of one figure.
const RUNS: usize = 2_000;
/// Herbs of a sheet.
const HERBS: usize = 20;

/// A sheet of herbs that many rules have something to say about, with a remark on each line and a long one below.
fn sheet(set: &HerbSet, from: usize) -> Content {
    let lines = set.herbs().iter().skip(from).step_by(7).take(HERBS).map(|herb| HerbLine {
        written: herb.name.clone(),
        herb: None,
        mg: Milligrams(12_000),
        method: None,
        role: None,
        remark: "打碎，先煎30分钟".to_owned(),
    });
    Content::Herbal(Herbal {
        formula: None,
        lines: lines.collect(),
        doses: 3,
        doses_per_day: 1,
        times_per_day: 2,
        ml: 200,
        timing: Timing::Any,
        remark: "与大枣同煎，饭后温服；忌食辛辣生冷，三天后复诊。".repeat(10),
    })
}

/// Prints the middle and the slowest of many judgements.
pub fn run() {
    let set = HerbSet::shipped();
    let span = Span::of(Date::constant(2026, 11, 29), 7);
    let content = sheet(set, 0);
    let active: Vec<Active> =
        (1..6).map(|n| Active { number: format!("R-{n}"), span, content: sheet(set, n * 3) }).collect();
    let patient = Patient {
        sex: Sex::Female,
        age_months: 360,
        pregnancy: Pregnancy::Pregnant,
        allergies: "青霉素、麻黄".to_owned(),
        drugs: String::new(),
        is_urgent: false,
    };
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            let report = check(set, &content, span, &patient, &active);
            assert!(!report.findings.is_empty());
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    let micros = |place: usize| took[place].as_micros();
    println!("\nthe gate, {HERBS} herbs against five active prescriptions (goal 1,000 µs)");
    println!("  p50 {} µs, p99 {} µs, slowest {} µs", micros(RUNS / 2), micros(RUNS * 99 / 100), micros(RUNS - 1));
}
