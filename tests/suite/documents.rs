//! Tables in `docs/` that repeat the code are held against it: `YUNZHEN_WRITE_DOCS=1` writes them, any other run compares.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use yunzhen::protocol::error::ErrorCode;

use crate::support::binary;

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

#[test]
fn the_figures_stand_with_their_commands_goals_and_baselines() {
    let text = text("docs/BENCHMARKS.md");
    for command in
        ["cargo bench -- queue", "cargo bench -- server", "clinic -- gate booking record", "npm --prefix web run bench"]
    {
        assert!(text.lines().any(|line| line.ends_with(command)), "no command {command}");
    }
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let row = |word: &str| *rows.iter().find(|row| row.contains(word)).unwrap_or_else(|| panic!("no figure of {word}"));
    for (what, goal) in [
        ("first decoded remote frame", "0.5 s"),
        ("idle memory", "40 MB"),
        ("each connected waiting patient", "30 kB"),
        ("cold start", "0.5 s"),
        ("autosave at 200 desks", "50 ms"),
        ("the safety gate", "1 ms"),
        ("bookings a second on SQLite", "500"),
        ("each forwarded packet", "0.5 of Janus"),
        ("delay that forwarding adds", "0.1 ms"),
        ("calls of two a core", "2 × Janus"),
        ("each idle participant", "200 kB"),
        ("200 viewers", "0.1 %"),
        ("10 % loss each hop", "2 %"),
        ("from an empty clone", "1800 s"),
    ] {
        let cells: Vec<_> = row(what).split('|').map(str::trim).collect();
        assert!(cells[2].contains(goal) && cells[3].contains(|c: char| c.is_ascii_digit()), "{what}: {cells:?}");
    }
    for database in ["| SQLite, one desk", "| PostgreSQL, one desk"] {
        // Calls, bare commits, and the ratio of the two.
        assert_eq!(row(database).matches('(').count(), 3, "{database}");
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The targets of a page's links and pictures that are files beside it.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).map(str::to_owned).collect()
}

#[test]
fn both_readmes_name_the_two_commands_and_each_other() {
    for (page, twin) in [("README.md", "README.zh-CN.md"), ("README.zh-CN.md", "README.md")] {
        let text = text(page);
        for command in ["cargo run -- demo", "cargo test"] {
            let is_line = text.lines().any(|line| line.starts_with(command));
            assert!(is_line, "{page} does not say `{command}`");
        }
        assert!(text.contains(&format!("({twin})")), "{page} does not lead to {twin}");
    }
}

#[test]
fn both_readmes_lead_to_pages_that_are_there() {
    for page in ["README.md", "README.zh-CN.md", "docs/ARCHITECTURE.md", "docs/PROTOCOL.md"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let folder = folder.parent().expect("a file is in a folder");
        let links = links(&text(page));
        for link in &links {
            assert!(folder.join(link).exists(), "{page} leads to {link}, which is not there");
        }
    }
    let english = links(&text("README.md"));
    let below = |links: &[String]| links.iter().filter(|link| link.starts_with("docs/")).cloned().collect::<Vec<_>>();
    assert_eq!(below(&english), below(&links(&text("README.zh-CN.md"))), "the two pages lead to the same");
    let shown = below(&english);
    for (picture, what) in [
        ("patient-waiting", "the waiting room"),
        ("patient-call", "the call"),
        ("desk-visit", "the desk"),
        ("record-exams", "the record"),
        ("record-rx", "the prescription pane"),
    ] {
        assert!(shown.contains(&format!("docs/screens/{picture}.png")), "{what} is shown");
    }
}

#[test]
fn the_walkthroughs_and_the_changelog_are_there() {
    let page = text("docs/ARCHITECTURE.md");
    for title in ["## A patient is called", "## A record is signed"] {
        let (_, rest) = page.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("no {title:?}"));
        let walk = rest.split("\n## ").next().unwrap_or_default();
        let steps = walk.lines().filter(|line| line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok()));
        assert!(steps.count() >= 5, "{title} is walked through step by step");
    }
    let changes = text("CHANGELOG.md");
    let (_, newest) = changes.split_once("\n## ").expect("a version");
    assert!(newest.lines().any(|line| line.starts_with("- ")), "its newest version says what changed");
}

/// The messages of a side, with their fields and what they are.
fn messages(side: &str) -> String {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    let forms = schemas[side]["oneOf"].as_array().expect("messages have forms");
    let mut table = String::from("| type | with | means |\n|---|---|---|\n");
    for form in forms {
        let joined = form["allOf"].as_array().into_iter().flatten();
        let behind = |part: &Value| part["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
        let parts: Vec<&Value> = [form].into_iter().chain(joined).collect();
        let parts = parts.into_iter().map(|part| behind(part).map_or(part, |name| &schemas[name.as_str()]));
        let (mut name, mut with) = ("", Vec::new());
        for part in parts {
            name = part["properties"]["type"]["enum"][0].as_str().unwrap_or(name);
            let fields = part["properties"].as_object().into_iter().flatten().map(|(field, _)| field.as_str());
            let is_required =
                |field: &str| part["required"].as_array().is_some_and(|all| all.iter().any(|one| one == field));
            let told = fields.filter(|field| *field != "type" && !(side == "ClientMessage" && *field == "id"));
            with.extend(told.map(|field| format!("`{field}{}`", if is_required(field) { "" } else { "?" })));
        }
        let means = form["description"].as_str().expect("it says what it is").replace('\n', " ");
        writeln!(table, "| `{name}` | {} | {means} |", with.join(", ")).expect("a string takes any text");
    }
    table
}

#[test]
fn the_protocol_page_names_every_message() {
    hold("docs/PROTOCOL.md", "browser", &messages("ClientMessage"));
    hold("docs/PROTOCOL.md", "server", &messages("ServerMessage"));
}

#[test]
fn the_image_is_built_in_stages_runs_as_nobody_and_asks_for_its_own_health() {
    let file = text("Dockerfile");
    let stages = file.lines().filter(|line| line.starts_with("FROM ")).count();
    assert!(stages >= 2, "the compiler stays out of the image");
    let last = file.rsplit("\nFROM ").next().expect("a last stage");
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).expect("the last stage names its user");
    assert!(!["root", "0"].contains(&user.split(':').next().unwrap_or_default()), "not as {user}");
    let health = last.lines().find(|line| line.starts_with("HEALTHCHECK ")).expect("a health check");
    let (_, command) = health.split_once(" CMD ").expect("it is a command");
    let command: Vec<String> = serde_json::from_str(command).expect("a command without a shell");
    let asked = binary::bare(&[&command[1], "--help"]).output().expect("the binary runs");
    assert!(asked.status.success() && command[0].ends_with("/yunzhen"), "{command:?} is a command of the binary");
    let started = last.lines().find_map(|line| line.strip_prefix("CMD ")).expect("it starts something");
    let started: Vec<String> = serde_json::from_str(started).expect("without a shell");
    assert!(binary::bare(&[&started[0], "--help"]).output().expect("the binary runs").status.success());
}

#[test]
fn one_script_installs_what_is_missing_and_runs_every_check() {
    let script = text(".ci/run");
    let steps: Vec<&str> =
        script.lines().filter(|line| line.starts_with("step ") || line.contains("|| step ")).collect();
    let has = |words: &[&str]| steps.iter().any(|step| words.iter().all(|word| step.contains(word)));
    assert!(script.contains("\nset -euo pipefail\n"), "the first failure ends it");
    assert!(script.contains("\nexport YUNZHEN_REQUIRE_ALL=1\n"), "a test that cannot run is a failure");
    for package in
        ["chromium", "firefox-esr", "fonts-noto-cjk", "postgresql", "nats-server", "iproute2", "nftables", "openssl"]
    {
        assert!(script.contains(&format!("    {package}) ")), "{package} is installed where it is missing");
    }
    assert!(script.contains("step 'Debian packages' install_missing"));
    assert!(has(&["cargo fmt", "--all", "--check"]));
    assert!(script.contains("\nexport RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/compiler\n"), "what is built is linted");
    assert!(text(".ci/compiler").ends_with("\nexec clippy-driver \"$@\"\n"), "by clippy");
    assert!(script.contains("\nexport RUSTFLAGS='-D warnings'\n"), "warnings are errors");
    assert!(has(&["cargo build", "--workspace", "--all-targets"]), "everywhere");
    assert!(
        has(&["'cargo test' tests"]) && script.contains("\ntests() { cargo test --no-fail-fast --workspace 2>&1"),
        "every test of every package"
    );
}

#[test]
fn the_gate_fuzzes_every_reader_from_its_corpus_and_says_so() {
    let (script, run) = (text(".ci/run"), text("fuzz/run"));
    assert!(script.contains("\nstep 'fuzz' fuzzing\n"), "it is a step, whose failure is the gate's");
    assert!(script.contains("\nfuzzing() { fuzz/run 5 2>&1 | tee -a \"$log\"; }\n"), "of all, for seconds");
    assert!(script.contains("|fuzz:|"), "its closing lines are printed");
    assert!(script.contains("    g++) "), "what compiles libFuzzer is installed where it is missing");
    let names =
        run.lines().find_map(|line| line.strip_prefix("all=(")?.strip_suffix(')')).expect("fuzz/run has a list");
    let program = text("fuzz/main.rs");
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let corpora: BTreeSet<String> =
        corpora.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), corpora, "each has a corpus");
    assert!(corpora.iter().all(|name| program.contains(&format!("(\"{name}\", {name})"))), "and is read by itself");
    let compiler = text(".ci/compiler");
    for counters in ["inline-8bit-counters", "pc-table", "trace-compares"] {
        assert!(compiler.contains(&format!("-sanitizer-coverage-{counters}")), "it is guided by {counters}");
    }
}

#[cfg(unix)]
#[test]
fn a_broken_promise_fails_the_fuzzing_and_the_others_have_their_time() {
    // A compiler and a fuzzer of paper: the compiler has nothing to do, the fuzzer finds what is wrong with `mux` alone.
    let folder = tempfile::tempdir().unwrap();
    let examples = folder.path().join("debug/examples");
    fs::create_dir_all(&examples).unwrap();
    let fuzzer = "echo \"INFO: $*\"\necho '#9 DONE cov: 3 ft: 4 corp: 1'\necho 'Done 9 runs in 1 second(s)'";
    for (path, says) in [
        (folder.path().join("cargo"), "exit 0".to_owned()),
        (
            examples.join("fuzz"),
            format!("{fuzzer}\n[ \"$FUZZ\" != mux ] || {{ echo 'panicked at: a stranger'; exit 77; }}"),
        ),
    ] {
        fs::write(&path, format!("#!/bin/sh\n{says}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = std::env::join_paths(
        std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let run = |targets: &[&str]| {
        let mut fuzz = std::process::Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/run"));
        fuzz.arg("1").args(targets).env("CARGO_TARGET_DIR", folder.path()).env("PATH", path.as_ref().unwrap());
        let ended = fuzz.output().unwrap();
        (ended.status.success(), String::from_utf8(ended.stdout).unwrap())
    };
    let (holds, said) = run(&[]);
    assert!(!holds && said.contains("panicked at: a stranger") && said.contains("fuzz: mux FAILED\n"), "{said}");
    for target in ["stun", "offer", "signaling", "rtp", "envelope"] {
        let line = format!("fuzz: {target:<9} Done 9 runs in 1 second(s), cov: 3 ft: 4\n");
        assert!(said.contains(&line), "{target}: {said}");
    }
    assert!(run(&["stun", "rtp"]).0, "without it nothing is broken");
}
