//! The web client's own checks, and the journeys in real browsers.
//!
//! Each test runs one script of `web/package.json`. The packages are there: `web/build.rs` installed them before this
//! binary could be built. By their names the client's own checks run beside the journeys, which mostly wait, and the
//! cages after both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::programs;

/// Chromium by any of its names.
const CHROMIUM: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
];
/// Firefox by any of its names.
const FIREFOX: &[&str] = &[
    "firefox-esr",
    "firefox",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    "C:/Program Files/Mozilla Firefox/firefox.exe",
];

/// Journeys and cages together would measure the machine, not the product: one script with browsers at a time.
static BROWSERS: Mutex<()> = Mutex::new(());
/// And one without beside it: each of those can fill a core.
static CHECKS: Mutex<()> = Mutex::new(());

/// The turn of a script.
fn turn(of: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// Runs `npm run <script>` in `web/`; prints its output when it fails, its last words when it passes.
fn run(script: &str, variables: &[(&str, &Path)]) {
    let web = web();
    if !web.join("node_modules").is_dir() {
        return programs::skip(script, "web/node_modules is not there (was the client built elsewhere?)");
    }
    wait_for_a_running_build(&web);
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut command = Command::new(npm);
    command.args(["run", "--silent", script]).current_dir(&web).env("CI", "1").env("NO_COLOR", "1");
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.output().expect("npm runs, since it built the client");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "`npm run {script}` failed ({}):\n{text}", output.status);
    for line in text.lines().filter(|line| is_closing_line(line)) {
        programs::say(&format!("web: {script}: {}", line.trim()));
    }
}

/// The build script of `web/` holds this lock while npm rewrites `node_modules`.
fn wait_for_a_running_build(web: &Path) {
    let lock = std::fs::File::create(web.join(".build.lock")).expect("web/ is writable");
    lock.lock().expect("a lock file can be locked");
}

/// What Vitest and Playwright say last: how many passed, failed, were skipped; which journey needed a second try; and
/// what could not be proved here.
fn is_closing_line(line: &str) -> bool {
    let line = line.trim_start();
    let counted = line.starts_with(|c: char| c.is_ascii_digit())
        && [" passed", " failed", " skipped", " flaky", " did not run"].iter().any(|word| line.contains(word));
    let named = line.starts_with("e2e/");
    counted || named || line.starts_with("SKIPPED") || line.starts_with("Tests ") || line.starts_with("Test Files ")
}

#[test]
fn client_lint() {
    let _turn = turn(&CHECKS);
    run("lint", &[]);
}

#[test]
fn client_types() {
    let _turn = turn(&CHECKS);
    run("check", &[]);
}

#[test]
fn client_units() {
    let _turn = turn(&CHECKS);
    run("test", &[]);
}

#[test]
fn browser_journeys() {
    let Some(chromium) = programs::find("CHROMIUM", CHROMIUM) else {
        return programs::skip("browser journeys", "no Chromium (set CHROMIUM to its path)");
    };
    let mut variables =
        vec![("CHROMIUM", chromium.as_path()), ("YUNZHEN_BIN", Path::new(env!("CARGO_BIN_EXE_yunzhen")))];
    let firefox = programs::find("FIREFOX", FIREFOX);
    match &firefox {
        Some(firefox) => variables.push(("FIREFOX", firefox)),
        None => programs::skip("the journey of a Firefox patient", "no Firefox (set FIREFOX to its path)"),
    }
    let _turn = turn(&BROWSERS);
    run("e2e", &variables);
}

/// All twelve, some eight seconds each; `npm run cages -- --all` takes those along that watch for minutes. Without root, or
/// without namespaces, the script says SKIPPED and that is no failure: no installation of ours could give those.
#[test]
fn network_cages() {
    let Some(chromium) = programs::find("CHROMIUM", CHROMIUM) else {
        return programs::skip("network cages", "no Chromium (set CHROMIUM to its path)");
    };
    let _turn = turn(&BROWSERS);
    run("cages", &[("CHROMIUM", chromium.as_path()), ("YUNZHEN_BIN", Path::new(env!("CARGO_BIN_EXE_yunzhen")))]);
}
