//! A signed record as a sheet.

use super::sheet::{Part, Sheet};
use crate::protocol::visit::{NoteContent, Vitals};

/// The parts of a record, in the order of a Chinese outpatient record; what is empty is left out.
pub(super) fn parts(content: &NoteContent) -> Vec<Part> {
    let vitals = vitals(&content.vitals);
    let fields = [
        ("主诉", &content.complaint),
        ("现病史", &content.history),
        ("既往史、过敏史", &content.background),
        ("生命体征", &vitals),
        ("检查（望闻问切）", &content.examination),
        ("诊断", &content.diagnosis),
        ("医嘱与建议", &content.advice),
    ];
    let said = fields.into_iter().filter(|(_, words)| !words.trim().is_empty());
    said.map(|(name, words)| Part::Field(name.to_owned(), words.trim().to_owned())).collect()
}

fn vitals(vitals: &Vitals) -> String {
    let of = |name: &str, value: Option<f64>, unit: &str| value.map(|value| format!("{name} {value} {unit}"));
    let pressure = match (vitals.systolic, vitals.diastolic) {
        (Some(high), Some(low)) => Some(format!("血压 {high}/{low} mmHg")),
        (high, low) => of("收缩压", high, "mmHg").or(of("舒张压", low, "mmHg")),
    };
    let all = [
        of("体温", vitals.temperature, "°C"),
        of("脉搏", vitals.heart_rate, "次/分"),
        of("呼吸", vitals.respiratory_rate, "次/分"),
        of("血氧饱和度", vitals.oxygen_saturation, "%"),
        pressure,
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join("，")
}

/// Nothing but the frame that every document of the hospital has.
pub(super) fn frame(institution: &str, title: &str, head: Vec<(String, String)>) -> Sheet {
    Sheet { institution: institution.to_owned(), title: title.to_owned(), head, ..Sheet::default() }
}
