//! The opinion of a remote consultation (远程会诊意见) as a sheet. No consultation is asked for in this program yet, so
//! no operation makes this paper; what it will look like is settled here, in the frame of the others.

use super::sheet::{Part, Sheet};

/// What an expert answered, and whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// The institution that asks; it treats the patient.
    pub asked_by: String,
    /// What it wants to know.
    pub question: String,
    /// The case in short.
    pub summary: String,
    /// The expert's answer.
    pub opinion: String,
    /// What the expert would do.
    pub advice: String,
}

/// The paper; nothing where the expert said nothing. `frame` holds institution, head, signatures and code.
pub fn sheet(opinion: &Opinion, frame: Sheet) -> Option<Sheet> {
    if opinion.opinion.trim().is_empty() {
        return None;
    }
    let told = [
        ("邀请机构", &opinion.asked_by),
        ("会诊目的", &opinion.question),
        ("病情摘要", &opinion.summary),
        ("会诊意见", &opinion.opinion),
        ("建议", &opinion.advice),
    ];
    let mut parts: Vec<Part> = told
        .into_iter()
        .filter(|(_, words)| !words.trim().is_empty())
        .map(|(name, words)| Part::Field(name.to_owned(), words.trim().to_owned()))
        .collect();
    // Who answers for what (domain reference, remote consultation): the inviting side decides.
    let responsible = "本意见供邀请机构参考，诊断和治疗由邀请机构决定并负责。";
    parts.push(Part::Field(String::new(), responsible.to_owned()));
    Some(Sheet { title: "远程会诊意见".to_owned(), parts, ..frame })
}
