//! A referral slip as a sheet: what whoever receives the patient must know, and a place for their own signature.

use super::sheet::Part;
use crate::domain::note::NoteContent;
use crate::domain::note::words::sections;
use crate::domain::text::Text;

/// What of the record goes along; the four examinations stay in the record.
const TOLD: [&str; 7] = ["complaint", "history", "background", "vitals", "examination", "diagnosis", "advice"];

/// Where to and why, what was found and done, what the patient is to do, and who received them.
pub(super) fn parts(content: &NoteContent, to: &Text, reason: Option<&str>, next: &Text) -> Vec<Part> {
    let mut parts = vec![Part::Field("转往".to_owned(), to.zh.clone())];
    parts.extend(reason.map(|reason| Part::Field("转诊原因".to_owned(), reason.to_owned())));
    parts.push(Part::Heading("病情摘要".to_owned()));
    let told = sections(content).into_iter().filter(|section| TOLD.contains(&section.id.as_str()));
    parts.extend(told.map(|section| Part::Field(section.title.zh, section.text.zh)));
    parts.push(Part::Heading("请患者注意".to_owned()));
    parts.push(Part::Field(String::new(), format!("{}就诊时请出示本单和身份证件。", next.zh)));
    parts.push(Part::Heading("接诊回执".to_owned()));
    let columns = ["接诊单位", "接诊医师", "接诊时间"].map(|name| (name.to_owned(), 1)).to_vec();
    // A row to write in.
    parts.push(Part::Table { columns, rows: vec![["　", "", ""].map(|cell| cell.to_owned().into()).to_vec()] });
    parts
}
