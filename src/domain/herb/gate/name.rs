//! Names: what is unknown or ambiguous is a finding, not silence.

use super::medicine::is_controlled_medicine;
use super::{ANSWER, CONFIRM, Desk, MISSING, NEVER, Patient, Source, pregnancy};
use crate::domain::herb::reading::Mention;
use crate::domain::herb::{Herb, HerbSet, Named, resolve};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

/// The lines as they are most likely meant: a name that nobody knows and that holds exactly one herb's is judged as that
/// herb where two herbs or herb and patient do not fit. It stays an unknown name.
pub(super) fn likely<'a>(set: &'a HerbSet, lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let of = |line: &Line<'a>| {
        if line.herb.is_some() || !matches!(resolve(set, &line.line.written), Named::Unknown) {
            return *line;
        }
        let held = set.held_apart_in_name(&line.line.written);
        let first = held.first().and_then(Mention::herb);
        let is_one = held.iter().all(|mention| mention.herb().map(|herb| &herb.name) == first.map(|herb| &herb.name));
        Line { herb: first.filter(|_| is_one), ..*line }
    };
    lines.iter().map(of).collect()
}

pub(super) fn check(desk: &mut Desk, lines: &[Line], patient: &Patient) {
    let set = desk.set;
    for rule in ["NAME-UNKNOWN", "NAME-TOXIC", "NAME-ASK", "NAME-ALIKE", "NAME-EXPAND"] {
        desk.ask(rule);
    }
    for line in lines {
        let (at, written) = ([line.index], &line.line.written);
        match resolve(set, written) {
            Named::Alike { why, .. } => desk.find("NAME-ALIKE", &at, ANSWER, Source::House, why.clone()),
            Named::Ask { why, .. } if line.herb.is_none() => {
                desk.find("NAME-ASK", &at, MISSING, Source::House, why.clone());
            }
            Named::Expands(herbs) if line.herb.is_none() => {
                let names: Vec<&str> = herbs.iter().map(|herb| herb.name.as_str()).collect();
                let zh = format!("“{written}”须分写为{}行：{}", names.len(), names.join("、"));
                let en = format!("This name is {} herbs; write each on a line of its own.", names.len());
                desk.find("NAME-EXPAND", &at, MISSING, Source::House, Text::new(zh, en));
            }
            Named::Unknown => {
                let held = set.held_in_name(written);
                if let Some(herb) = held.iter().find(|mention| mention.is_refused_online()).map(Mention::text) {
                    let zh = format!("“{written}”含不得网上开具的“{}”", herb.zh);
                    let en = format!("This name holds {}, which is never prescribed online.", herb.en);
                    desk.find("NAME-TOXIC", &at, NEVER, Source::House, Text::new(zh, en));
                } else if is_controlled_medicine(written) {
                    let zh = format!("“{written}”：麻醉、精神药品不得网上开具");
                    let fact = Text::new(zh, "A narcotic or psychotropic, never online.");
                    desk.find("NAME-TOXIC", &at, NEVER, Source::Online2018, fact);
                } else {
                    desk.find("NAME-UNKNOWN", &at, CONFIRM, Source::House, unknown(line));
                }
                // Of one that holds a single herb, that herb is judged.
                if line.herb.is_none() {
                    pregnancy::held(desk, &at, written, &held, patient);
                }
            }
            Named::Herb(_) | Named::Ask { .. } | Named::Expands(_) => {}
        }
    }
}

fn unknown(line: &Line) -> Text {
    let written = &line.line.written;
    match line.herb.map(Herb::text) {
        Some(herb) => Text::new(
            format!("资料中没有“{written}”，仅按“{}”核对妊娠与配伍", herb.zh),
            format!("The tables do not know this name; as {}, pregnancy and oppositions alone were checked.", herb.en),
        ),
        None => Text::new(
            format!("资料中没有“{written}”，未做任何检查"),
            "The tables do not know this name; nothing was checked.",
        ),
    }
}
