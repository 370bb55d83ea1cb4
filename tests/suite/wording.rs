//! Chinese texts that people read are punctuated as Chinese is: in full width.

use std::fs;
use std::path::{Path, PathBuf};

/// Files below a folder with an ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("a folder can be read").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
    found
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Whether a half-width sign stands at a Chinese letter.
fn is_half_width(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(2).any(|two| {
        (is_chinese(two[0]) && ",;:?!()".contains(two[1])) || (",;:(".contains(two[0]) && is_chinese(two[1]))
    })
}

/// What stands between quotation marks on a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

#[test]
fn a_half_width_sign_is_found_at_a_chinese_letter_and_nowhere_else() {
    for wrong in ["发热,咳嗽", "多久了?", "(试行)", "部分:证候", "a,咳"] {
        assert!(is_half_width(wrong), "{wrong}");
    }
    for right in ["发热，咳嗽", "多久了？", "（试行）", "10:20", "ChP 2020, part 1", "fever, cough (dry)"]
    {
        assert!(!is_half_width(right), "{right}");
    }
}

#[test]
fn chinese_texts_of_rules_and_answers_are_punctuated_in_full_width() {
    let mut wrong = Vec::new();
    for path in files("src", "json").into_iter().chain(files("src", "rs")) {
        // There such a spelling is read, because people write it.
        if path.ends_with("domain/herb/names.rs") || path.ends_with("gate/tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are UTF-8");
        let own = text.lines().take_while(|line| !line.starts_with("mod tests {"));
        for (at, line) in own.enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            wrong.extend(
                quoted(line)
                    .filter(|text| is_half_width(text))
                    .map(|text| format!("{}:{}: {text}", path.display(), at + 1)),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The sections of a page, each with how many rows its tables have and the addresses and variables that it names.
fn sections(page: &str) -> Vec<(usize, Vec<&str>)> {
    let mut sections = vec![(0, Vec::new())];
    for line in page.lines() {
        if line.starts_with("## ") {
            sections.push((0, Vec::new()));
        }
        let (rows, named) = sections.last_mut().expect("it begins with one");
        *rows += usize::from(line.starts_with('|'));
        let names = line.split('`').skip(1).step_by(2);
        named.extend(names.filter(|name| name.starts_with(['/', 'Y']) && !name.contains(['<', ' '])));
    }
    for (_, named) in &mut sections {
        named.sort_unstable();
        named.dedup();
    }
    sections
}

#[test]
fn the_chinese_readme_has_the_sections_the_rows_and_the_names_of_the_english_one() {
    let page = |name| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("it can be read");
    let (english, chinese) = (page("README.md"), page("README.zh-CN.md"));
    assert!(!is_half_width(&chinese.replace('`', " ")), "punctuated in full width");
    let (english, chinese) = (sections(&english), sections(&chinese));
    assert_eq!(english.len(), chinese.len(), "sections");
    for (at, (english, chinese)) in english.iter().zip(&chinese).enumerate() {
        assert_eq!(english.0, chinese.0, "rows of tables in section {at}");
        let absent: Vec<_> = english.1.iter().filter(|name| !chinese.1.contains(name)).collect();
        assert!(absent.is_empty(), "section {at} names {absent:?} in English alone");
    }
}
