//! What stands on a document, before anybody knows where.

use crate::domain::prescription::Basis;
pub use crate::protocol::document::PaperSize as Paper;

/// The epidemic's basis by its name, its days and what it allows.
pub(super) fn basis(basis: &Basis) -> Part {
    let days = match &basis.to {
        Some(to) => format!("{} 至 {to}", basis.from),
        None => format!("{} 起", basis.from),
    };
    Part::Field("应急依据".to_owned(), format!("{}（{days}）：{}", basis.name.zh, basis.scope.zh))
}

/// Width and height of a paper in points.
pub const fn size(paper: Paper) -> (f32, f32) {
    match paper {
        Paper::A4 => (595.28, 841.89),
        Paper::A5 => (419.53, 595.28),
    }
}

/// A document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Whose document it is.
    pub institution: String,
    /// What it is, such as 门诊病历.
    pub title: String,
    /// What is above the line on each page: who, when, where; name and value.
    pub head: Vec<(String, String)>,
    /// What it says, from top to bottom.
    pub parts: Vec<Part>,
    /// Who signed what and when; name and value.
    pub signed: Vec<(String, String)>,
    /// What must be said beside the code: what scanning it shows, and the beginning of the hash.
    pub notes: Vec<String>,
    /// The address of the page that says whether it is authentic.
    pub link: Option<String>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A heading.
    Heading(String),
    /// A named paragraph; a name that is empty is left out.
    Field(String, String),
    /// Columns with the share of the width that each takes, and rows.
    Table {
        /// Name and share of each column.
        columns: Vec<(String, u8)>,
        /// As many cells as there are columns.
        rows: Vec<Vec<Cell>>,
    },
}

/// What stands in a row under one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The words.
    pub text: String,
    /// Small words at their upper right.
    pub raised: String,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, raised: String::new() }
    }
}
