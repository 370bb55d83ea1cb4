//! A signed prescription as a sheet.

use super::sheet::Part;
use crate::domain::prescription::{Content, Label, Phase};

/// What stands above all of it, on every page: what the paper is, and what keeps anybody from handing out what it says.
pub(super) fn title(is_herbal: bool, state: Phase) -> String {
    let name = if is_herbal { "中药处方笺" } else { "处方笺" };
    match state {
        Phase::Approved => name.to_owned(),
        Phase::Dispensed => format!("{name}（已调配，不得再次调配）"),
        Phase::Signed => format!("{name}（未经药师审核，不得调配）"),
        Phase::Draft | Phase::Returned | Phase::Refused | Phase::Stopped | Phase::Expired => {
            format!("{name}（无效，不得调配）")
        }
    }
}

/// Herbs or medicines as a table, and how they are prepared and taken.
pub(super) fn parts(content: &Content, label: Option<&Label>) -> Vec<Part> {
    let columns = |names: &[(&str, u8)]| names.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
    match content {
        Content::Herbal(sheet) => {
            let rows = sheet.lines.iter().map(|line| {
                let method = line.method.map(|method| method.name().zh).unwrap_or_default();
                // Where the doctor wrote another name than the pharmacopoeia's, the paper says both.
                let name = match &line.herb {
                    Some(herb) if *herb != line.written => format!("{}（{herb}）", line.written),
                    _ => line.written.clone(),
                };
                vec![name, line.mg.to_string(), method, line.remark.clone()]
            });
            let table = Part::Table {
                columns: columns(&[("药名", 4), ("每剂用量", 2), ("煎法", 2), ("备注", 4)]),
                rows: rows.collect(),
            };
            let use_of = format!(
                "共 {} 剂，每日 {} 剂，分 {} 次，每次 {} mL，{}",
                sheet.doses,
                sheet.doses_per_day,
                sheet.times_per_day,
                sheet.ml,
                sheet.timing.name().zh
            );
            let mut parts = vec![Part::Heading("R.".to_owned()), table];
            parts.push(Part::Field("用法".to_owned(), use_of));
            if let Some(label) = label {
                let steps = label.steps.iter().zip(1..).map(|(step, number)| format!("{number}. {}", step.text.zh));
                parts.push(Part::Field("煎煮".to_owned(), steps.collect::<Vec<_>>().join("　")));
            }
            if !sheet.remark.is_empty() {
                parts.push(Part::Field("备注".to_owned(), sheet.remark.clone()));
            }
            parts
        }
        Content::Medicines(sheet) => {
            let rows = sheet.items.iter().map(|item| {
                let taking = format!("每次 {}，每日 {} 次，{} 天", item.dose, item.times_per_day, item.days);
                vec![item.name.clone(), item.strength.clone(), taking, item.remark.clone()]
            });
            let table = Part::Table {
                columns: columns(&[("药名", 4), ("规格", 3), ("用法用量", 5), ("备注", 3)]),
                rows: rows.collect(),
            };
            vec![Part::Heading("R.".to_owned()), table]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_approved_prescription_has_a_face_without_a_warning() {
        for is_herbal in [true, false] {
            for state in Phase::ALL {
                let is_plain = title(is_herbal, state).ends_with('笺');
                assert_eq!(is_plain, state == Phase::Approved, "{state:?}");
                assert!(is_plain || title(is_herbal, state).contains("不得"), "{state:?}");
            }
        }
        assert!(title(true, Phase::Signed).contains("未经药师审核"));
    }
}
