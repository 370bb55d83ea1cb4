//! Programs that a test needs and a visitor's machine may lack: found, or said loudly to be missing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The first of `variable` (when set) and `names` that is a file, or a program of the `PATH`.
pub fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let chosen = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    chosen.into_iter().chain(names.iter().map(PathBuf::from)).find_map(|name| locate(&name))
}

fn locate(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Says that `what` is not proved here; fails where everything must be proved (`YUNZHEN_REQUIRE_ALL=1`).
pub fn skip(what: &str, missing: &str) {
    say(&format!("SKIPPED: {what}: {missing}"));
    assert!(!everything_is_required(), "{what}: {missing}, and YUNZHEN_REQUIRE_ALL is set");
}

/// Whether a test that cannot run must fail.
pub fn everything_is_required() -> bool {
    std::env::var_os("YUNZHEN_REQUIRE_ALL").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Writes past the test harness, which keeps the output of a passing test to itself.
pub fn say(line: &str) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "{line}").expect("stderr is open");
}

#[test]
fn a_missing_program_is_said_loudly_and_fails_where_everything_is_required() {
    // This test runs itself once more, in a process whose variables it chooses.
    const ITSELF: &str = "programs::a_missing_program_is_said_loudly_and_fails_where_everything_is_required";
    const INNER: &str = "SUITE_LACKS_A_PROGRAM";
    if std::env::var_os(INNER).is_some() {
        return skip("a proof", "no such program");
    }
    for (required, passes) in [(None, true), (Some("0"), true), (Some("1"), false)] {
        let mut again = std::process::Command::new(std::env::current_exe().expect("a test is a program"));
        again.args(["--exact", ITSELF]).env(INNER, "1").env_remove("YUNZHEN_REQUIRE_ALL");
        if let Some(value) = required {
            again.env("YUNZHEN_REQUIRE_ALL", value);
        }
        let ended = again.output().expect("this program runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("SKIPPED: a proof: no such program"), "{said}");
        assert_eq!(ended.status.success(), passes, "YUNZHEN_REQUIRE_ALL={required:?}");
    }
}
