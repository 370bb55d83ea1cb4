//! The journeys of people in real browsers. Why they are here and not in [`web`]: see there.

use std::path::Path;

use crate::{programs, web};

/// Firefox by any of its names.
const FIREFOX: &[&str] = &[
    "firefox-esr",
    "firefox",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    "C:/Program Files/Mozilla Firefox/firefox.exe",
];

#[test]
fn journeys() {
    let Some(chromium) = programs::find("CHROMIUM", web::CHROMIUM) else {
        return programs::skip("browser journeys", "no Chromium (set CHROMIUM to its path)");
    };
    let mut variables =
        vec![("CHROMIUM", chromium.as_path()), ("YUNZHEN_BIN", Path::new(env!("CARGO_BIN_EXE_yunzhen")))];
    let firefox = programs::find("FIREFOX", FIREFOX);
    match &firefox {
        Some(firefox) => variables.push(("FIREFOX", firefox)),
        None => programs::skip("the journey of a Firefox patient", "no Firefox (set FIREFOX to its path)"),
    }
    let _turn = web::browsers();
    web::run("e2e", &variables);
}
