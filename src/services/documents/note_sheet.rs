//! A signed record as a sheet.

use super::sheet::{Part, basis};
use crate::domain::note::NoteContent;
use crate::domain::note::words::sections;
use crate::domain::prescription::Basis;

/// The parts of a record, in the order of a Chinese outpatient record; what is empty is left out. The epidemic's basis comes
/// first, where the visit stood on it.
pub(super) fn parts(content: &NoteContent, epidemic: Option<&Basis>) -> Vec<Part> {
    let said = sections(content).into_iter().map(|section| Part::Field(section.title.zh, section.text.zh));
    epidemic.map(basis).into_iter().chain(said).collect()
}
