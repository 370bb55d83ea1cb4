//! An opinion (会诊意见) as a sheet, in the frame of the others.

use super::sheet::Part;
use crate::domain::opinion::{Answer, Question};
use crate::domain::text::Text;

/// Who asked, what, and what was answered; nothing where the asked doctor said nothing.
pub(super) fn parts(asked_by: &Text, asked_at: &str, question: &Question, answer: &Answer) -> Option<Vec<Part>> {
    if answer.ready().is_err() {
        return None;
    }
    let asked = format!("{}　{asked_at}", asked_by.zh);
    let told = [
        ("邀请医师", &asked),
        ("会诊目的", &question.question),
        ("病情摘要", &question.summary),
        ("会诊意见", &answer.opinion),
        ("建议", &answer.advice),
    ];
    let told = told.into_iter().filter(|(_, words)| !words.trim().is_empty());
    let mut parts: Vec<Part> = told.map(|(name, words)| Part::Field(name.to_owned(), words.clone())).collect();
    // Who answers for what (domain reference, remote consultation): the inviting side decides.
    let responsible = "本意见供邀请医师参考，诊断和治疗由邀请医师决定并负责。";
    parts.push(Part::Field(String::new(), responsible.to_owned()));
    Some(parts)
}
