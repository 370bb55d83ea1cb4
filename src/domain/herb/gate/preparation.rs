//! How a herb is decocted, and which are for pills or for the skin.

use super::{ANSWER, Desk, NEVER, SHOWN, Source};
use crate::domain::herb::{Herb, Method, Pills};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, lines: &[Line]) {
    for rule in ["METHOD-MISSING", "METHOD-ADVICE", "ROUTE-PILLS", "ROUTE-PILLS-MOSTLY", "ROUTE-EXTERNAL"] {
        desk.ask(rule);
    }
    for line in lines {
        let Some(herb) = line.herb else { continue };
        let (at, name) = ([line.index], herb.text());
        method(desk, line.index, herb, line.line.method);
        let is_boiled = !line.line.method.is_some_and(Method::is_unboiled);
        let mut find = |rule: &str, weight, zh: &str, en: &str| {
            let fact = Text::new(format!("{}{zh}", name.zh), format!("{} {en}", name.en));
            desk.find(rule, &at, weight, Source::Pharmacopoeia, fact);
        };
        if herb.external_only {
            find(
                "ROUTE-EXTERNAL",
                NEVER,
                "只供外用或未经炮制，不得内服煎煮",
                "is for the skin alone, or unprocessed: not to be taken.",
            );
        }
        match herb.pills {
            Some(Pills::Only) if is_boiled => {
                find("ROUTE-PILLS", NEVER, "入丸散，不入煎剂", "is for pills, never boiled.");
            }
            Some(Pills::Mostly) if is_boiled => {
                find(
                    "ROUTE-PILLS-MOSTLY",
                    ANSWER,
                    "多入丸散，入煎请说明",
                    "is mostly for pills; say why it is boiled.",
                );
            }
            Some(Pills::Only | Pills::Mostly) | None => {}
        }
    }
}

fn method(desk: &mut Desk, index: usize, herb: &Herb, chosen: Option<Method>) {
    if herb.methods.is_empty() || herb.methods.iter().any(|asked| Some(asked.method) == chosen) {
        return;
    }
    let is_binding = herb.methods.iter().any(|asked| asked.binding);
    let asked = herb.methods.iter().filter(|asked| asked.binding == is_binding);
    let (zh, en): (Vec<_>, Vec<_>) = asked.map(|asked| asked.method.name()).map(|name| (name.zh, name.en)).unzip();
    let name = herb.text();
    let (zh, en) = (zh.join("或"), en.join(", or "));
    if is_binding {
        let fact = Text::new(format!("{}须{zh}", name.zh), format!("{}: {en}.", name.en));
        desk.find("METHOD-MISSING", &[index], ANSWER, Source::Pharmacopoeia, fact);
    } else {
        let fact = Text::new(format!("{}可{zh}", name.zh), format!("{}: it is advised to {en}.", name.en));
        desk.find("METHOD-ADVICE", &[index], SHOWN, Source::Textbook, fact);
    }
}
