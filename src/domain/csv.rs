//! Tables as text (RFC 4180), read with the place of every fault, and written so that no program takes a cell for a formula.

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// Its cells.
    pub cells: Vec<String>,
}

/// What is wrong with the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A cell that began with a quotation mark never ended.
    Unclosed,
    /// A quotation mark stands inside of a cell that did not begin with one, or text follows after its end.
    Quote,
}

/// Where a table cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line of the file, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// The records of a table. Empty lines are none; a byte order mark at the beginning is not part of the first cell.
pub fn read(text: &str) -> Result<Vec<Record>, Broken> {
    let mut records = Vec::new();
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    let (mut line, mut began) = (1, 1);
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    // Whether the present cell was quoted and has ended.
    let mut was_quoted = false;
    loop {
        let broken = |line, cells: &[String], fault| Broken { line, column: cells.len() + 1, fault };
        match chars.next() {
            Some('"') if cell.is_empty() && !was_quoted => {
                let opened = line;
                loop {
                    match chars.next() {
                        Some('"') if chars.peek() == Some(&'"') => {
                            chars.next();
                            cell.push('"');
                        }
                        Some('"') => break,
                        Some(c) => {
                            line += usize::from(c == '\n');
                            cell.push(c);
                        }
                        None => return Err(broken(opened, &cells, Fault::Unclosed)),
                    }
                }
                was_quoted = true;
            }
            Some('"') => return Err(broken(line, &cells, Fault::Quote)),
            Some(',') => {
                cells.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            Some('\r') if chars.peek() == Some(&'\n') => {}
            end @ (Some('\n') | None) => {
                if !cells.is_empty() || !cell.is_empty() || was_quoted {
                    cells.push(std::mem::take(&mut cell));
                    records.push(Record { line: began, cells: std::mem::take(&mut cells) });
                }
                was_quoted = false;
                line += 1;
                began = line;
                if end.is_none() {
                    return Ok(records);
                }
            }
            Some(_) if was_quoted => return Err(broken(line, &cells, Fault::Quote)),
            Some(c) => cell.push(c),
        }
    }
}

/// A line of a table, with its end. A cell that a table program would carry out (`=`, `+`, `-`, `@`, a tab or a line's end at its
/// beginning) has an apostrophe before it.
pub fn line(cells: &[String]) -> String {
    let written = cells.iter().map(|cell| {
        let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
        format!("\"{guard}{}\"", cell.replace('"', "\"\""))
    });
    written.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        read(text).unwrap().into_iter().map(|record| record.cells).collect()
    }

    #[test]
    fn a_table_is_read_with_quotes_line_breaks_and_both_line_ends() {
        assert_eq!(
            cells("\u{feff}a,b\r\n\"1,\"\"2\"\"\",\"x\ny\"\n\n,\n"),
            [
                vec!["a".to_owned(), "b".to_owned()],
                vec!["1,\"2\"".to_owned(), "x\ny".to_owned()],
                vec![String::new(), String::new()],
            ]
        );
        let lines: Vec<usize> = read("a\n\"b\n\"\nc").unwrap().into_iter().map(|record| record.line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }

    #[test]
    fn a_fault_is_named_by_line_and_column() {
        assert_eq!(read("a,b\n1,\"x"), Err(Broken { line: 2, column: 2, fault: Fault::Unclosed }));
        assert_eq!(read("a,b\n1\"x,2"), Err(Broken { line: 2, column: 1, fault: Fault::Quote }));
        assert_eq!(read("a\n\"x\"y"), Err(Broken { line: 2, column: 1, fault: Fault::Quote }));
    }

    /// A cell as somebody writes it who quotes what must be quoted.
    fn written(text: &str) -> String {
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(rows in prop::collection::vec(prop::collection::vec("[a-z,\"\n甘 ]{1,6}", 2..4), 1..6)) {
            let line = |row: &Vec<String>| row.iter().map(|cell| written(cell)).collect::<Vec<_>>().join(",");
            let text = rows.iter().map(line).collect::<Vec<_>>().join("\r\n");
            prop_assert_eq!(cells(&text), rows);
        }

        #[test]
        fn a_line_of_ours_is_read_again_and_no_cell_is_a_formula(row in prop::collection::vec("[-=+@\t\r\na-z,\"甘 ]{0,6}", 1..5)) {
            let found = cells(&line(&row));
            prop_assert_eq!(found.len(), 1);
            for (one, cell) in found[0].iter().zip(&row) {
                prop_assert_eq!(one.strip_prefix('\'').unwrap_or(one), cell);
                prop_assert!(!one.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
            }
        }

        #[test]
        fn reading_never_panics(text: String) {
            let _ = read(&text);
        }
    }
}
