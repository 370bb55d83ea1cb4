//! A signed prescription as a sheet.

use super::sheet::{Cell, Part, basis};
use crate::domain::prescription::{Content, Label, Phase, Stated};
use crate::protocol::prescription::PrescriptionView;

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

/// The front of the paper (处方管理办法, annex 1): the diagnosis, the epidemic's basis where it stands on that, and why it is
/// good for longer than its day. Then what is prescribed.
pub(super) fn parts(view: &PrescriptionView, stated: Option<&Stated>) -> Vec<Part> {
    let said = stated.and_then(Stated::diagnosis_line);
    let mut parts = vec![Part::Field("临床诊断".to_owned(), said.unwrap_or_else(|| "病历未写诊断".to_owned()))];
    parts.extend(view.basis.as_ref().filter(|one| one.is_epidemic()).map(basis));
    if let Some(longer) = &view.longer {
        parts.push(Part::Field("延长有效期".to_owned(), format!("{} 天，{}", longer.days, longer.reason)));
    }
    parts.push(Part::Heading("R.".to_owned()));
    parts.extend(body(&view.content, view.label.as_ref()));
    parts
}

/// Herbs or medicines as a table, and how they are prepared and taken. A special decoction stands in brackets at the upper
/// right of its herb.
fn body(content: &Content, label: Option<&Label>) -> Vec<Part> {
    let columns = |names: &[(&str, u8)]| names.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
    match content {
        Content::Herbal(sheet) => {
            let rows = sheet.lines.iter().map(|line| {
                // Where the doctor wrote another name than the pharmacopoeia's, the paper says both.
                let text = match &line.herb {
                    Some(herb) if *herb != line.written => format!("{}（{herb}）", line.written),
                    _ => line.written.clone(),
                };
                let raised = line.method.map(|method| format!("（{}）", method.name().zh)).unwrap_or_default();
                vec![Cell { text, raised }, line.mg.to_string().into(), line.remark.clone().into()]
            });
            let table = Part::Table {
                columns: columns(&[("药名", 5), ("每剂用量", 2), ("备注", 5)]),
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
            let mut parts = vec![table, Part::Field("用法".to_owned(), use_of)];
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
                [item.name.clone(), item.strength.clone(), taking, item.remark.clone()].map(Cell::from).to_vec()
            });
            let table = Part::Table {
                columns: columns(&[("药名", 4), ("规格", 3), ("用法用量", 5), ("备注", 3)]),
                rows: rows.collect(),
            };
            vec![table]
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
