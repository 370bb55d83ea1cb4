//! 十八反 and 十九畏: groups that oppose each other, on one sheet or on two of the same days.

use super::{ANSWER, Desk, Elsewhere, SECOND, SHOWN, Source};
use crate::domain::herb::{Herb, Pair, PairBasis, PairSet, PairWeight};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, lines: &[Line], elsewhere: &[Elsewhere]) {
    let set = desk.set;
    for pair in set.pairs() {
        desk.ask(&pair.rule);
    }
    for (place, one) in lines.iter().enumerate() {
        let Some(herb) = one.herb else { continue };
        for other in &lines[place + 1..] {
            let Some(second) = other.herb else { continue };
            for pair in set.pairs_of(herb, second) {
                find(desk, pair, &[one.index, other.index], (herb, second), None);
            }
        }
        for sheet in elsewhere {
            for other in &sheet.likely {
                let Some(second) = other.herb else { continue };
                for pair in set.pairs_of(herb, second) {
                    find(
                        desk,
                        pair,
                        &[one.index],
                        (herb, second),
                        Some((&format!("处方{}", sheet.number), &format!("prescription {}", sheet.number))),
                    );
                }
            }
        }
    }
}

/// The pairs that a herb of a line makes with one that the patient takes already.
pub(super) fn taken(desk: &mut Desk, line: usize, herb: &Herb, taken: &Herb) {
    let set = desk.set;
    for pair in set.pairs_of(herb, taken) {
        find(desk, pair, &[line], (herb, taken), Some(("患者在用", "taken by the patient")));
    }
}

fn find(desk: &mut Desk, pair: &Pair, lines: &[usize], herbs: (&Herb, &Herb), elsewhere: Option<(&str, &str)>) {
    let weight = match pair.severity {
        PairWeight::Block => SECOND,
        PairWeight::Warn => ANSWER,
        PairWeight::Info => SHOWN,
    };
    let source = match pair.basis {
        PairBasis::Stated => Source::Pharmacopoeia,
        PairBasis::Tradition => Source::Tradition,
    };
    let (zh_set, en_set) = match pair.set() {
        PairSet::Fan => ("十八反", "the eighteen oppositions"),
        PairSet::Wei => ("十九畏", "the nineteen fears"),
    };
    let (one, other) = (herbs.0.text(), herbs.1.text());
    let (zh_where, en_where) =
        elsewhere.map_or_else(Default::default, |(zh, en)| (format!("（后者：{zh}）"), format!(" (the latter: {en})")));
    let zh = format!("{zh_set}：{}与{}不宜同用（{}–{}）{zh_where}", one.zh, other.zh, pair.a, pair.b);
    let en = format!("{} and {} should not be used together ({en_set}){en_where}.", one.en, other.en);
    desk.find(&pair.rule, lines, weight, source, Text::new(zh, en));
}
