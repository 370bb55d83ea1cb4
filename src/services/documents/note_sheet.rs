//! A signed record as a sheet.

use super::sheet::Part;
use crate::domain::note::NoteContent;
use crate::domain::note::words::sections;

/// The parts of a record, in the order of a Chinese outpatient record; what is empty is left out.
pub(super) fn parts(content: &NoteContent) -> Vec<Part> {
    sections(content).into_iter().map(|section| Part::Field(section.title.zh, section.text.zh)).collect()
}
