//! Tables in `docs/` that repeat the code are held against it: `YUNZHEN_WRITE_DOCS=1` writes them, any other run compares.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use yunzhen::protocol::error::ErrorCode;

/// Compares the text between `<!-- name:begin -->` and `<!-- name:end -->` with `wanted`, or writes it.
fn hold(file: &str, name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).expect("the document is there");
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let from = text.find(&begin).expect("the table's beginning is marked") + begin.len();
    let to = text.find(&end).expect("the table's end is marked");
    if std::env::var_os("YUNZHEN_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{}{wanted}{}", &text[..from], &text[to..])).expect("the document can be written");
    } else {
        assert_eq!(&text[from..to], wanted, "{file} is behind the code: run this test with YUNZHEN_WRITE_DOCS=1");
    }
}

/// The documentation comment above each code, as one line.
fn meanings() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol/error.rs");
    let text = fs::read_to_string(path).expect("the codes are there");
    let mut meaning = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            if !meaning.is_empty() {
                meaning.push(' ');
            }
            meaning.push_str(words.trim());
        } else {
            if let Some((_, rest)) = line.split_once(" = \"") {
                let code = rest.split('"').next().unwrap_or_default();
                found.push((code.to_owned(), std::mem::take(&mut meaning)));
            }
            meaning.clear();
        }
    }
    found
}

#[test]
fn the_protocol_page_lists_every_error_code() {
    let meanings = meanings();
    let mut table = String::from("| code | status | means |\n|---|---|---|\n");
    for code in ErrorCode::ALL {
        let meaning = meanings.iter().find(|(name, _)| name == code.as_str());
        let (_, meaning) = meaning.expect("every code has a comment");
        writeln!(table, "| `{}` | {} | {meaning} |", code.as_str(), code.status()).expect("a string takes any text");
    }
    hold("docs/PROTOCOL.md", "codes", &table);
}

/// Each variable of `src/config/`, with what its comment says.
fn variables() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/mod.rs");
    let text = fs::read_to_string(path).expect("the configuration is there");
    let comments = text.lines().filter_map(|line| line.trim().strip_prefix("/// `YUNZHEN_"));
    comments
        .filter_map(|line| line.split_once("`: "))
        .map(|(name, means)| (format!("YUNZHEN_{name}"), means.to_owned()))
        .collect()
}

#[test]
fn the_readme_lists_every_variable() {
    let mut table = String::from("| variable | means |\n|---|---|\n");
    for (name, means) in variables() {
        writeln!(table, "| `{name}` | {means} |").expect("a string takes any text");
    }
    hold("README.md", "variables", &table);
}

#[test]
fn the_chinese_readme_knows_every_variable_too() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.zh-CN.md");
    let text = fs::read_to_string(path).expect("the Chinese README is there");
    for (name, _) in variables() {
        assert!(text.contains(&format!("`{name}`")), "README.zh-CN.md does not name {name}");
    }
}
