//! The first page, before any identity: eight questions of which no *yes* can wait.
//!
//! Any *yes* shows the call-120 page and alarms nurse and desks at once. The answers are also the first of the
//! declaration, so nobody has to give them twice: a *yes* or *no* stands for an answer of the questionnaire.

use serde::Serialize;

/// One question of the first page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RedFlag {
    /// Stable id; the alarm names it.
    pub id: &'static str,
    /// The question in Chinese.
    pub zh: &'static str,
    /// The question in English.
    pub en: &'static str,
    /// What a *yes* is called in a record, in Chinese and in English: staff read the term, not the question.
    pub term: (&'static str, &'static str),
    /// The questionnaire item that a *yes* answers.
    pub link_id: &'static str,
    /// The option that a *yes* means; without one the item itself is a yes-or-no question.
    ///
    /// A *no* to such a question leaves the item open: whoever is not breathless at rest may be so on the stairs.
    pub option: Option<&'static str>,
    /// The variable of triage that a *yes* sets, with [`RedFlag::option`] as its word, else to true.
    pub variable: &'static str,
}

const fn yes(
    id: &'static str,
    zh: &'static str,
    en: &'static str,
    term: (&'static str, &'static str),
    at: &'static str,
    variable: &'static str,
) -> RedFlag {
    RedFlag { id, zh, en, term, link_id: at, option: None, variable }
}

/// The eight questions in the order of asking.
pub static RED_FLAGS: [RedFlag; 8] = [
    RedFlag {
        id: "breath",
        zh: "坐着不动也喘不上气，或者一句话要分几次才能说完吗？",
        en: "Are you short of breath even at rest, or unable to finish a sentence?",
        term: ("静息气促或不能成句", "breathless at rest or unable to finish a sentence"),
        link_id: "sx.dysp",
        option: Some("rest"),
        variable: "dysp",
    },
    yes(
        "chest",
        "胸口痛，或一直有压迫感吗？",
        "Do you have chest pain, or a pressure that does not go?",
        ("胸痛或持续压迫感", "chest pain or lasting pressure"),
        "sx.chest",
        "chest",
    ),
    yes(
        "lips",
        "嘴唇或脸色发青发紫吗？",
        "Have your lips or your face turned blue?",
        ("口唇或面部发绀", "blue lips or face"),
        "sx.lips",
        "cyan",
    ),
    yes(
        "mind",
        "昏昏沉沉、说胡话，或很难叫醒吗？",
        "Is the patient confused, very drowsy or hard to wake?",
        ("嗜睡、谵妄或难以唤醒", "confusion, drowsiness or being hard to wake"),
        "sx.mind",
        "mind",
    ),
    yes(
        "skin",
        "手脚又湿又冷、皮肤有花斑，或直冒冷汗吗？",
        "Are hands and feet cold and clammy, is the skin mottled, or is there a cold sweat?",
        ("四肢湿冷、皮肤花斑或冷汗", "cold and clammy limbs, mottled skin or cold sweat"),
        "sx.skin",
        "skin",
    ),
    yes(
        "urine",
        "12小时没有小便，或小便非常少吗？",
        "Has there been no urine, or hardly any, for 12 hours?",
        ("12小时无尿或少尿", "no or hardly any urine for 12 hours"),
        "sx.urine",
        "anuria",
    ),
    yes(
        "seizure",
        "这次生病抽搐过吗？",
        "Has there been a seizure in this illness?",
        ("本次病程抽搐", "seizure in this illness"),
        "sx.seiz",
        "seiz",
    ),
    yes(
        "neck",
        "脖子僵硬、剧烈头痛并喷射样呕吐，或有按压不褪色的皮疹吗？",
        "Is the neck stiff, is there a violent headache with vomiting, or a rash that stays when pressed?",
        (
            "颈强直、剧烈头痛伴喷射性呕吐或压之不褪色皮疹",
            "stiff neck, violent headache with vomiting, or a non-blanching rash",
        ),
        "sx.neck",
        "neck",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::questionnaire::fever_intake;
    use crate::domain::triage::{Facts, Level, assess, fever_clinic};
    use serde_json::json;

    #[test]
    fn a_term_is_what_the_record_calls_the_same_question() {
        let items = || fever_intake().pages.iter().flat_map(|page| &page.items);
        for flag in RED_FLAGS.iter().filter(|flag| flag.option.is_none()) {
            let item = items().find(|item| item.link_id == flag.link_id).unwrap();
            let note = item.note.as_ref().unwrap();
            assert_eq!((note.zh.as_str(), note.en.as_str()), flag.term, "{}", flag.id);
        }
    }

    #[test]
    fn every_yes_is_urgent_or_worse_by_the_rules_too() {
        for flag in RED_FLAGS {
            let mut facts = Facts::default();
            facts.set("age_m", &json!(360)).unwrap();
            facts.set(flag.variable, &flag.option.map_or(json!(true), |word| json!(word))).unwrap();
            assert!(assess(fever_clinic(), &facts).level >= Level::Urgent, "{}", flag.id);
        }
    }
}
