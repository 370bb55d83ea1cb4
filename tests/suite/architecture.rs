//! The table of `docs/ARCHITECTURE.md`, held against the code: a layer names only the layers beside it there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Layer → what it may use, as the table says.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page is there");
    rows(&text).collect()
}

/// The rows of the table, top to bottom.
fn rows(text: &str) -> impl Iterator<Item = (String, BTreeSet<String>)> {
    let rows = text.lines().skip_while(|line| !line.starts_with("| layer |")).skip(2);
    rows.take_while(|line| line.starts_with('|')).map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
        let layer = names(cells[0]).pop_first().expect("a row begins with a layer");
        (layer, names(cells.last().expect("a row has cells")))
    })
}

/// Every Rust file of a layer, be it a folder, a single file, or both.
fn files(layer: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join("src").join(layer), root().join("src").join(layer).with_extension("rs")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("a folder can be read").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") && path.is_file() {
            found.push(path);
        }
    }
    found
}

/// The first words after every `crate::`, also inside `crate::{a, b::{c, d}}`; comments do not count.
fn named(source: &str) -> BTreeSet<String> {
    let code: String = source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let mut heads = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            heads.extend(members(group));
        } else {
            heads.insert(word(rest));
        }
    }
    heads
}

/// The first word of each member of a group whose opening brace was read.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut start = 0;
    let mut found = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                found.push(word(group[start..at].trim()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|head| !head.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_layer_names_only_the_layers_beside_it_in_the_table() {
    let table = table();
    let library = fs::read_to_string(root().join("src/lib.rs")).expect("the library is there");
    let mut broken = Vec::new();
    for (layer, allowed) in &table {
        let files = files(layer);
        // A layer that is planned has no file yet; one that the library names must have.
        let is_planned = !library.contains(&format!("mod {layer};"));
        assert!(is_planned || !files.is_empty(), "the table names a layer that is not there: {layer}");
        for file in files {
            let source = fs::read_to_string(&file).expect("sources are UTF-8");
            for other in named(&source) {
                let is_above = matches!(other.as_str(), "app" | "main");
                if other != *layer && (is_above || table.contains_key(&other)) && !allowed.contains(&other) {
                    broken.push(format!("{}: {layer} may not use {other}", file.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_library_lists_the_layers_of_the_table_in_its_order() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page is there");
    let mut order = rows(&text).map(|(layer, _)| layer).collect::<Vec<_>>();
    order.push("app".to_owned());
    let library = fs::read_to_string(root().join("src/lib.rs")).expect("the library is there");
    let modules = library.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    let places = modules.map(|rest| {
        let module = rest.trim_end_matches(';');
        order.iter().position(|layer| layer == module).unwrap_or_else(|| panic!("the table does not know {module}"))
    });
    assert!(places.is_sorted_by(|one, next| one < next), "src/lib.rs names its modules in the order of the table");
}

#[test]
fn each_migration_stands_in_both_folders_under_one_comment() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join("migrations").join(folder)).expect("the folder is there");
        entries.map(|entry| entry.expect("it can be read").file_name().into_string().expect("UTF-8")).collect()
    };
    let head = |folder: &str, name: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join("migrations").join(folder).join(name)).expect("it can be read");
        // This word is for the migrator, which wants it on the first line.
        let lines = text.lines().filter(|line| *line != "-- no-transaction");
        lines.take_while(|line| line.starts_with("--")).map(str::to_owned).collect()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"), "the two folders hold the same names");
    let mut numbers = BTreeSet::new();
    for name in &sqlite {
        let comment = head("sqlite", name);
        assert!(!comment.is_empty(), "{name} opens with what it is for");
        assert_eq!(comment, head("postgres", name), "{name} says the same of itself in both folders");
        assert!(numbers.insert(name.split('_').next()), "{name} has a number of its own");
    }
}

#[test]
fn the_domain_knows_no_clock_no_database_and_no_network() {
    for file in files("domain") {
        let source = fs::read_to_string(&file).expect("sources are UTF-8");
        for foreign in ["tokio::", "sqlx::", "axum::", "rand::", "std::net", "std::fs", "std::env", "SystemTime"] {
            assert!(!source.contains(foreign), "{} names {foreign}", file.display());
        }
    }
}

#[test]
fn the_store_alone_speaks_to_the_database() {
    let mut open = vec![root().join("src")];
    while let Some(path) = open.pop() {
        if path == root().join("src/store") {
            continue;
        }
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("a folder can be read").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = fs::read_to_string(&path).expect("sources are UTF-8");
            assert!(!source.contains("sqlx::"), "{} names sqlx", path.display());
        }
    }
}

/// What a state is in its columns is one question with one answer.
#[test]
fn a_prescriptions_state_is_written_in_one_place() {
    let one = root().join("src/services/prescriptions/row.rs");
    let elsewhere = files("services/prescriptions").into_iter().chain(files("services/pharmacy"));
    let columns =
        ["state", "signed_at", "valid_until", "countersigned_by", "reviewed_by", "dispensed_by", "stop_reason"];
    for file in elsewhere.filter(|file| *file != one) {
        let source = fs::read_to_string(&file).expect("sources are UTF-8");
        for column in columns {
            assert!(!source.contains(&format!("row.{column} = ")), "{} writes {column}", file.display());
        }
    }
    let source = fs::read_to_string(&one).expect("it is there");
    assert!(columns.iter().all(|column| source.contains(&format!("row.{column}"))), "row.rs writes them all");
}

#[test]
fn no_module_reaches_over_its_grandparent() {
    for layer in table().keys() {
        for file in files(layer) {
            let source = fs::read_to_string(&file).expect("sources are UTF-8");
            assert!(!source.contains("super::super"), "{} says super::super", file.display());
        }
    }
}

#[test]
fn names_are_found_in_every_spelling() {
    let source =
        "use crate::{\n  store::{A, B},\n  http, // crate::comment\n}; fn f() { crate::domain::g() } use crate::jobs;";
    assert_eq!(named(source).into_iter().collect::<Vec<_>>(), ["domain", "http", "jobs", "store"]);
}
