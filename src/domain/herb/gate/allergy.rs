//! What the patient said about allergies, word by word against the names of what is prescribed.

use super::{CONFIRM, Desk, Patient, SHOWN, Source};
use crate::domain::prescription::Line;
use crate::domain::text::Text;
use crate::domain::written::folded;

pub(super) fn check(desk: &mut Desk, lines: &[Line], patient: &Patient) {
    let names = lines.iter().map(|line| {
        let mut names = vec![line.line.written.clone()];
        if let Some(herb) = line.herb {
            names.push(herb.name.clone());
            names.extend(herb.aliases.iter().cloned());
        }
        (line.index, names)
    });
    match_words(desk, &names.collect::<Vec<_>>(), patient);
}

/// Finds the words of the patient in the names of the lines, and says what was told where none is found.
pub(super) fn match_words(desk: &mut Desk, names: &[(usize, Vec<String>)], patient: &Patient) {
    desk.ask("ALLERGY");
    desk.ask("ALLERGY-TOLD");
    let words = words(&patient.allergies);
    let compared: Vec<(&str, String)> = words.iter().map(|word| (*word, folded(word))).collect();
    let mut is_matched = false;
    for (index, names) in names {
        let names: Vec<String> = names.iter().map(|name| folded(name)).collect();
        let hit = compared.iter().find(|(_, word)| names.iter().any(|name| names_each_other(name, word)));
        if let Some((word, _)) = hit {
            is_matched = true;
            let zh = format!("患者自述对“{word}”过敏");
            let en = format!("The patient reports an allergy to “{word}”.");
            desk.find("ALLERGY", &[*index], CONFIRM, Source::House, Text::new(zh, en));
        }
    }
    if !words.is_empty() && !is_matched {
        let told = words.join("、");
        let zh = format!("患者自述过敏：{told}；与本方药名无直接相同");
        let en = format!("The patient told of allergies ({told}); no name on this sheet is the same.");
        desk.find("ALLERGY-TOLD", &[], SHOWN, Source::House, Text::new(zh, en));
    }
}

/// The words of an answer, without those that say that there is nothing.
pub(super) fn words(told: &str) -> Vec<&str> {
    const NOTHING: [&str; 9] = ["无", "没有", "否", "不", "不详", "无过敏史", "no", "none", "unknown"];
    // 姜 and 虾 are words; a single letter of another script is a slip.
    let is_word = |word: &&str| word.chars().count() >= 2 || !word.is_ascii();
    told.split(|letter: char| letter.is_whitespace() || ",，、;；/。.".contains(letter))
        .map(|word| word.trim_end_matches("过敏").trim_start_matches("对"))
        .filter(|word| is_word(word) && !NOTHING.contains(&word.to_lowercase().as_str()))
        .collect()
}

/// Whether a name stands in a word or the word in the name, both folded.
fn names_each_other(name: &str, word: &str) -> bool {
    name.chars().count() >= 2 && !word.is_empty() && (name.contains(word) || word.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_answer_are_its_nouns() {
        assert_eq!(words("青霉素过敏,对麻黄过敏"), ["青霉素", "麻黄"]);
        assert_eq!(words("姜、虾 x"), ["姜", "虾"], "one letter is a word where words are of one letter");
        assert!(
            words("无").is_empty() && words("没有").is_empty() && words("None.").is_empty() && words("").is_empty()
        );
    }
}
