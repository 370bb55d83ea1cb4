//! Names: what is unknown or ambiguous is a finding, not silence.

use super::{ANSWER, CONFIRM, Desk, MISSING, NEVER, Source};
use crate::domain::herb::{Named, resolve};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, lines: &[Line]) {
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
                if let Some(herb) = set.refused_in(written) {
                    let zh = format!("“{written}”含不得网上开具的“{}”", herb.name);
                    let en = format!("This name holds {}, which is never prescribed online.", herb.text().en);
                    desk.find("NAME-TOXIC", &at, NEVER, Source::House, Text::new(zh, en));
                } else {
                    let zh = format!("资料中没有“{written}”，未做任何检查");
                    let fact = Text::new(zh, "The tables do not know this name; nothing was checked.");
                    desk.find("NAME-UNKNOWN", &at, CONFIRM, Source::House, fact);
                }
            }
            Named::Herb(_) | Named::Ask { .. } | Named::Expands(_) => {}
        }
    }
}
