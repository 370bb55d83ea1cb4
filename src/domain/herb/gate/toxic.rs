//! What is never prescribed online, and what is poisonous within limits.

use super::{CONFIRM, Desk, NEVER, Source};
use crate::domain::herb::{NeverOnline, Toxicity};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, lines: &[Line]) {
    for rule in ["TOX-STATUTORY", "TOX-CONTROLLED", "TOX-DELISTED", "TOX-GREAT", "TOX-LIMIT"] {
        desk.ask(rule);
    }
    for line in lines {
        let Some(herb) = line.herb else { continue };
        let name = herb.text();
        let mut find = |rule: &str, weight, source, zh: &str, en: &str| {
            let fact = Text::new(format!("{}：{zh}", name.zh), format!("{}: {en}", name.en));
            desk.find(rule, &[line.index], weight, source, fact);
        };
        match herb.never {
            Some(NeverOnline::Statutory) => {
                let (zh, en) = ("法定毒性药品，不得网上开具", "a statutory toxic, never online");
                find("TOX-STATUTORY", NEVER, Source::Toxics1988, zh, en);
            }
            Some(NeverOnline::Controlled) => {
                find("TOX-CONTROLLED", NEVER, Source::Online2018, "麻醉药品，不得网上开具", "a narcotic, never online");
            }
            Some(NeverOnline::Delisted) => {
                let (zh, en) = ("药典已不收载或已禁用，不得开具", "banned, or not in the pharmacopoeia any more");
                find("TOX-DELISTED", NEVER, Source::Pharmacopoeia, zh, en);
            }
            None => {}
        }
        match herb.toxicity {
            Some(Toxicity::Great) => {
                find(
                    "TOX-GREAT",
                    NEVER,
                    Source::Pharmacopoeia,
                    "大毒，不得网上开具",
                    "of great toxicity, never online",
                );
            }
            Some(Toxicity::Toxic | Toxicity::Slight) if !herb.is_refused_online() => {
                let is_slight = herb.toxicity == Some(Toxicity::Slight);
                let (zh, en) = if is_slight { ("小毒", "slightly toxic") } else { ("有毒", "toxic") };
                let (zh, en) = match herb.day_range() {
                    Some((_, most)) => (
                        format!("{zh}，每日不超过{most}，须双签"),
                        format!("{en}; at most {most} a day, and sign twice"),
                    ),
                    None => (
                        format!("{zh}，无每日口服用量可依，须双签"),
                        format!("{en}; no dose of a day is known, sign twice"),
                    ),
                };
                find("TOX-LIMIT", CONFIRM, Source::Pharmacopoeia, &zh, &en);
            }
            Some(Toxicity::Toxic | Toxicity::Slight) | None => {}
        }
    }
}
