//! `docs/traceability.csv` may not claim a test that does not exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How far a requirement is proved, in the order in which it grows.
const STATES: [&str; 3] = ["not yet", "partly", "proved"];

/// The sections of the issues, with the number of requirements in each when it was read. A section may be read more
/// finely later; none may lose a requirement.
const SECTIONS: [(&str, usize); 33] = [
    ("issue 2, two commands", 12),
    ("issue 2, the patient's way 1", 9),
    ("issue 2, the patient's way 2", 7),
    ("issue 2, the patient's way 3", 4),
    ("issue 2, the patient's way 4", 4),
    ("issue 2, the patient's way 5", 5),
    ("issue 2, the patient's way 6", 7),
    ("issue 2, the patient's way 7", 5),
    ("issue 2, the patient's way 8", 9),
    ("issue 2, the patient's way 9", 4),
    ("issue 2, the patient's way 10", 7),
    ("issue 2, the patient's way 11", 2),
    ("issue 2, the nurse's board", 7),
    ("issue 2, the desk", 16),
    ("issue 2, queue truth", 11),
    ("issue 2, signaling and relay", 6),
    ("issue 2, API", 6),
    ("issue 2, how well", 5),
    ("issue 2, bad input and bad days", 8),
    ("issue 2, shown by", 17),
    ("issue 3, always connects", 8),
    ("issue 3, never lost", 11),
    ("issue 3, many in the room", 18),
    ("issue 3, recording", 4),
    ("issue 3, a living demo", 1),
    ("issue 3, how well", 7),
    ("issue 3, bad input", 3),
    ("issue 4, appointments", 16),
    ("issue 4, the record", 17),
    ("issue 4, prescriptions", 21),
    ("issue 4, proof", 16),
    ("issue 4, how well", 5),
    ("issue 4, shown by", 8),
];

/// What a row of the regulations gives as its source, before the topic. The list of them is kept outside of this
/// repository: here are its numbers, and what each asks for in our own words.
const REGULATION: &str = "regulation, ";
/// So many there were when the list was read.
const REGULATIONS: usize = 52;

struct Row {
    id: String,
    source: String,
    requirement: String,
    tests: Vec<String>,
    state: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/traceability.csv")).expect("docs/traceability.csv is there");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,source,requirement,tests,state"), "the header");
    lines
        .map(|line| {
            let cells = cells(line);
            assert_eq!(cells.len(), 5, "five cells in: {line}");
            Row {
                id: cells[0].clone(),
                source: cells[1].clone(),
                requirement: cells[2].clone(),
                tests: cells[3].split(';').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
                state: cells[4].clone(),
            }
        })
        .collect()
}

/// The cells of one line of RFC 4180, without line breaks inside a cell.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("one cell from the start");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells
}

/// Every file below `folder` with one of `endings`: its path there, and its text.
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let top = root().join(folder);
    let mut folders = vec![top.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path: PathBuf = entry.path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path.strip_prefix(&top).expect("it is below").to_owned(), text));
            }
        }
    }
    found
}

/// The texts of them all.
fn sources(folder: &str, endings: &[&str]) -> String {
    files(folder, endings).into_iter().map(|(_, text)| text).collect()
}

/// What is written in Rust: the modules of each file, and its text.
fn modules() -> Vec<(Vec<String>, String)> {
    let of = |path: &Path| {
        let path = path.with_extension("");
        let parts = path.iter().map(|part| part.to_string_lossy().trim_end_matches("_tests").to_owned());
        // A file of tests beside what it tests is that module's own.
        parts.filter(|part| !["mod", "lib", "main", "tests"].contains(&part.as_str())).collect()
    };
    let all = files("src", &[".rs"]).into_iter().chain(files("tests/suite", &[".rs"]));
    all.map(|(path, text)| (of(&path), text)).collect()
}

/// The name of a test, and the text of each file in which its path says that it stands.
fn found<'a>(test: &'a str, rust: &'a [(Vec<String>, String)]) -> (String, Vec<&'a str>) {
    let (path, name) = test.rsplit_once("::").unwrap_or(("", test));
    let path: Vec<&str> =
        path.split("::").map(|part| part.trim_end_matches("_tests")).filter(|p| *p != "tests").collect();
    let head = format!("fn {name}(");
    let is_there = |(modules, text): &&(Vec<String>, String)| *modules == path && text.contains(&head);
    (head.clone(), rust.iter().filter(is_there).map(|(_, text)| text.as_str()).collect())
}

#[test]
fn every_requirement_has_one_row_and_a_known_state() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(seen.insert(row.id.clone()), "{} is there twice", row.id);
        assert!(!row.requirement.is_empty(), "{} says nothing", row.id);
        assert!(STATES.contains(&row.state.as_str()), "{}: no such state: {}", row.id, row.state);
    }
    assert!(seen.len() > 100, "only {} requirements", seen.len());
}

#[test]
fn every_section_of_the_issue_has_its_requirements() {
    let rows = rows();
    for (section, least) in SECTIONS {
        let count = rows.iter().filter(|row| row.source == section).count();
        assert!(count >= least, "{section}: {count} of {least} requirements");
    }
    for row in rows.into_iter().filter(|row| !row.source.starts_with(REGULATION)) {
        let is_known = SECTIONS.iter().any(|(section, _)| *section == row.source);
        assert!(is_known, "{} is from a section that does not exist: {}", row.id, row.source);
    }
}

#[test]
fn each_regulation_has_its_row_in_the_order_of_the_list() {
    let rows = rows();
    let regulations = rows.iter().filter(|row| row.source.starts_with(REGULATION));
    let ids: Vec<&str> = regulations.map(|row| row.id.as_str()).collect();
    let wanted: Vec<String> = (1..=REGULATIONS).map(|number| format!("R{number:02}")).collect();
    assert_eq!(ids, wanted);
}

/// What an id looks like: the number of a regulation, or the word of a section with a number.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    Regulation,
    Requirement,
    Neither,
}

fn id(text: &str) -> Id {
    let is_number = |digits: &str| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|letter| letter.is_ascii_uppercase());
    match text.split_once('-') {
        Some((word, number)) if is_word(word) && is_number(number) => Id::Requirement,
        None if text.strip_prefix('R').is_some_and(is_number) => Id::Regulation,
        _ => Id::Neither,
    }
}

#[test]
fn an_id_is_a_word_with_a_number_and_that_of_a_regulation_its_number() {
    for row in rows() {
        let wanted = if row.source.starts_with(REGULATION) { Id::Regulation } else { Id::Requirement };
        assert_eq!(id(&row.id), wanted, "{} of {}", row.id, row.source);
    }
    for text in ["", "R", "R1", "R123", "R-1", "R-01", "r01", "RX-1", "RX01", "rx-01", "RX-0x", "NET-001"] {
        assert_eq!(id(text), Id::Neither, "{text}");
    }
}

#[test]
fn a_requirement_that_is_proved_or_partly_proved_names_a_test() {
    for row in rows() {
        assert!(row.state == "not yet" || !row.tests.is_empty(), "{} is {} by nothing", row.id, row.state);
    }
}

#[test]
fn every_named_test_exists() {
    let (rust, web) = (modules(), web());
    for row in rows() {
        for test in &row.tests {
            // A Rust path ends in a function's name; a test of the browser is called by its title.
            let exists = if test.contains(' ') {
                titles(test).iter().any(|title| web.contains(title))
            } else {
                !found(test, &rust).1.is_empty()
            };
            assert!(exists, "{}: no such test: {test}", row.id);
        }
    }
}

/// What is tested in the client and in browsers.
fn web() -> String {
    sources("web/src", &[".test.ts"]) + &sources("web/e2e", &[".ts"])
}

/// How a title may be written.
fn titles(test: &str) -> [String; 3] {
    [format!("'{test}'"), format!("\"{test}\""), format!("`{test}`")]
}

/// What stands before a test that is not run with the others.
const ASIDE: [&str; 6] = ["#[ignore", ".skip(", ".fixme(", ".fail(", ".todo(", ".skipIf("];

/// Whether a test is run by `cargo test` alone: its own lines do not put it aside.
fn is_run(test: &str, rust: &[(Vec<String>, String)], web: &str) -> bool {
    let is_aside = |lines: &str| ASIDE.iter().any(|word| lines.contains(word));
    if test.contains(' ') {
        let line = web.lines().find(|line| titles(test).iter().any(|title| line.contains(title)));
        return line.is_some_and(|line| !is_aside(line));
    }
    let (head, texts) = found(test, rust);
    let before =
        |text: &&str| text.split(&head).next().and_then(|text| text.rsplit("\n\n").next()).is_some_and(is_aside);
    !texts.is_empty() && !texts.iter().any(before)
}

#[test]
fn a_proved_requirement_rests_on_tests_that_are_run() {
    let (rust, web) = (modules(), web());
    // The journeys are run by one test; were that one put aside, no title would prove anything.
    for runner in ["web::browser_journeys", "web::client_units"] {
        assert!(is_run(runner, &rust, &web), "{runner} is put aside");
    }
    for row in rows().into_iter().filter(|row| row.state == "proved") {
        for test in &row.tests {
            assert!(is_run(test, &rust, &web), "{} rests on what is not run: {test}", row.id);
        }
    }
}

#[test]
fn a_test_that_is_put_aside_or_stands_elsewhere_is_not_run() {
    let text = "#[test]\nfn one() {}\n\n#[test]\n#[ignore = \"later\"]\nfn two() {}\n\n#[test]\nfn three() {}";
    let rust = [(vec!["a".to_owned()], text.to_owned())];
    let web = "test('goes well', async () => {})\ntest.skip('goes away', async () => {})";
    for (name, runs) in [
        ("a::one", true),
        ("a::tests::one", true),
        ("b::one", false),
        ("a::b::one", false),
        ("a::two", false),
        ("a::three", true),
        ("goes well", true),
        ("goes away", false),
    ] {
        assert_eq!(is_run(name, &rust, web), runs, "{name}");
    }
}

#[test]
fn a_quoted_cell_may_hold_commas_and_quotes() {
    assert_eq!(cells(r#"A-01,"one, two","said ""yes""",,proved"#), ["A-01", "one, two", "said \"yes\"", "", "proved"]);
}
