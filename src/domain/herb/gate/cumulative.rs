//! The same herb in several prescriptions of the same days.

use super::dose::{OfHerb, by_herb};
use super::{ANSWER, CONFIRM, Desk, Elsewhere, Source};
use crate::domain::prescription::{Herbal, Line};
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, sheet: &Herbal, lines: &[Line], elsewhere: &[Elsewhere]) {
    desk.ask("CUM-DOSE");
    desk.ask("DUP-ACTIVE");
    let mine = by_herb(sheet, lines);
    let others: Vec<(&str, Vec<OfHerb>)> =
        elsewhere.iter().map(|other| (other.number, by_herb(other.sheet, &other.lines))).collect();
    for OfHerb { herb, lines, of_a_day } in &mine {
        let same = others.iter().flat_map(|(_, sums)| sums).filter(|sum| sum.herb.name == herb.name);
        let (count, total) = same.fold((0, *of_a_day), |(count, total), sum| (count + 1, total.plus(sum.of_a_day)));
        let Some((_, most)) = herb.day_range().filter(|(_, most)| count > 0 && total > *most) else { continue };
        let name = herb.text();
        let zh = format!("{}与同期处方合计每日{total}，上限{most}", name.zh);
        let en = format!("{}: {total} a day with the other prescriptions, at most {most}.", name.en);
        desk.find("CUM-DOSE", lines, CONFIRM, Source::Pharmacopoeia, Text::new(zh, en));
    }
    for (number, sums) in &others {
        let is_there = |one: &&OfHerb| sums.iter().any(|sum| sum.herb.name == one.herb.name);
        let again: Vec<&OfHerb> = mine.iter().filter(is_there).collect();
        if again.is_empty() {
            continue;
        }
        let mut at: Vec<usize> = again.iter().flat_map(|one| one.lines.iter().copied()).collect();
        at.sort_unstable();
        let names: Vec<&str> = again.iter().map(|one| one.herb.name.as_str()).collect();
        let zh = format!("与同期处方{number}重复：{}", names.join("、"));
        let en = format!("Also in prescription {number} of the same days: {} herbs.", names.len());
        desk.find("DUP-ACTIVE", &at, ANSWER, Source::House, Text::new(zh, en));
    }
}
