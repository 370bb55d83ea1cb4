//! What is written in free words is read as well: there a herb would pass by every other rule.

use super::medicine::controlled_in;
use super::{CONFIRM, Desk, NEVER, Needs, Patient, Severity, Source, pregnancy};
use crate::domain::herb::reading::Mention;
use crate::domain::prescription::{Content, Field, Words};
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, content: &Content, patient: &Patient) {
    for rule in ["TEXT-TOXIC", "TEXT-CONTROLLED", "TEXT-FORBID", "TEXT-HERB"] {
        desk.ask(rule);
    }
    let advice = match content {
        Content::Herbal(_) => ("请另写一行，以便检查", "write it on a line of its own, where it is judged"),
        Content::Medicines(_) => ("请写在饮片处方上", "write it on the sheet of herbs"),
    };
    for of_line in content.words().chunk_by(|one, other| one.line == other.line) {
        let at = of_line[0].line;
        line(desk, at.as_slice(), of_line, patient, advice);
    }
}

/// All that was said of one line, or of the whole sheet.
fn line(desk: &mut Desk, at: &[usize], words: &[Words], patient: &Patient, advice: (&str, &str)) {
    let set = desk.set;
    let held =
        words.iter().flat_map(|one| set.held_in_words(one.text).into_iter().map(move |mention| (one.field, mention)));
    let (refused, rest): (Vec<_>, Vec<_>) = held.partition(|(_, mention)| mention.is_refused_online());
    let is_forbidden = |(_, mention): &(Field, Mention)| mention.is_any(|herb| pregnancy::forbids(herb, patient));
    let (forbidden, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_forbidden);
    // A formula is called after its herbs.
    let named: Vec<_> = rest.into_iter().filter(|(field, _)| *field != Field::Formula).collect();
    let mut find = |rule: &str, weight: (Severity, Needs), source, names: &[(Field, Mention)], zh: &str, en: &str| {
        if names.is_empty() {
            return;
        }
        let names = names.iter().map(|(_, mention)| mention.text());
        let (zh_names, mut en_names): (Vec<String>, Vec<String>) = names.map(|name| (name.zh, name.en)).unzip();
        en_names.dedup();
        let zh = format!("文字中写有“{}”：{zh}", zh_names.join("、"));
        let en = format!("The words name {}: {en}.", en_names.join(", "));
        desk.find(rule, at, weight, source, Text::new(zh, en));
    };
    find("TEXT-TOXIC", NEVER, Source::House, &refused, "不得网上开具", "never prescribed online");
    find("TEXT-FORBID", NEVER, Source::Pharmacopoeia, &forbidden, "孕妇禁用", "forbidden in pregnancy");
    find("TEXT-HERB", CONFIRM, Source::House, &named, advice.0, advice.1);
    // What labels a medicine is judged with its name.
    let mut prose = words.iter().filter(|one| one.field != Field::Label);
    if let Some(word) = prose.find_map(|one| controlled_in(one.text)) {
        let zh = format!("文字中写有“{word}”：麻醉、精神药品不得网上开具");
        let en = "The words name a narcotic or psychotropic, never online.";
        desk.find("TEXT-CONTROLLED", at, NEVER, Source::Online2018, Text::new(zh, en));
    }
}
