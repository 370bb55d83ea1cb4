//! Patent and western medicines: little is known of them here, and that is said. A herb is none of them.

use std::sync::LazyLock;

use serde::Deserialize;

use super::allergy::match_words;
use super::{ANSWER, Active, Desk, NEVER, Patient, SHOWN, Source};
use crate::domain::herb::{Named, resolve};
use crate::domain::prescription::{Content, Medicines};
use crate::domain::text::Text;
use crate::domain::written::folded;

#[derive(Deserialize)]
struct MedicineFile {
    controlled: Vec<String>,
    injected: Vec<String>,
}

/// Folded once: each name that is judged is compared with all of them.
static WORDS: LazyLock<MedicineFile> = LazyLock::new(|| {
    let file: MedicineFile =
        serde_json::from_str(include_str!("../medicines.json")).expect("the shipped words are checked by a test");
    let all = |words: Vec<String>| words.iter().map(|word| folded(word)).collect();
    MedicineFile { controlled: all(file.controlled), injected: all(file.injected) }
});

/// Whether a name, in any spelling, is that of a narcotic or psychotropic.
pub fn is_controlled_medicine(name: &str) -> bool {
    holds(name, &WORDS.controlled)
}

/// Whether one of the folded words stands in a name, in any spelling.
fn holds(name: &str, words: &[String]) -> bool {
    let name = folded(name);
    words.iter().any(|word| name.contains(word.as_str()))
}

pub(super) fn check(desk: &mut Desk, sheet: &Medicines, patient: &Patient, same_days: &[&Active]) {
    for rule in ["MED-CONTROLLED", "MED-INJECTED", "MED-IS-HERB", "MED-UNJUDGED", "DUP-SHEET", "DUP-ACTIVE"] {
        desk.ask(rule);
    }
    let taken: Vec<(&str, &str)> = same_days
        .iter()
        .filter_map(|other| match &other.content {
            Content::Medicines(sheet) => Some((other.number.as_str(), sheet)),
            Content::Herbal(_) => None,
        })
        .flat_map(|(number, sheet)| sheet.items.iter().map(move |item| (number, item.name.trim())))
        .collect();
    for (index, item) in sheet.items.iter().enumerate() {
        let (at, name) = ([index], item.name.trim());
        if is_controlled_medicine(name) {
            let fact =
                Text::new(format!("{name}：麻醉、精神药品不得网上开具"), "A narcotic or psychotropic, never online.");
            desk.find("MED-CONTROLLED", &at, NEVER, Source::Online2018, fact);
        }
        if holds(name, &WORDS.injected) {
            let fact = Text::new(format!("{name}：注射剂不得网上开具"), "Injections are for inpatients, never online.");
            desk.find("MED-INJECTED", &at, NEVER, Source::House, fact);
        }
        // Written here, a herb would pass by every rule of the herbs.
        if !matches!(resolve(desk.set, name), Named::Unknown) || desk.set.refused_in(name).is_some() {
            let fact =
                Text::new(format!("{name}是中药饮片，请写在饮片处方上"), "A herb; write it on the sheet of herbs.");
            desk.find("MED-IS-HERB", &at, NEVER, Source::House, fact);
        }
        if sheet.items.iter().take(index).any(|before| folded(&before.name) == folded(name)) {
            desk.find(
                "DUP-SHEET",
                &at,
                ANSWER,
                Source::House,
                Text::new(format!("{name}写了两次"), "It is there twice."),
            );
        }
        if let Some((number, _)) = taken.iter().find(|(_, taken)| folded(taken) == folded(name)) {
            let zh = format!("同期处方{number}已有{name}");
            let en = format!("Prescription {number} of the same days holds it as well.");
            desk.find("DUP-ACTIVE", &at, ANSWER, Source::House, Text::new(zh, en));
        }
        let fact = Text::new(
            format!("{name}：系统未做用量与配伍判断，由药师审核"),
            "Dose and interactions are judged by the pharmacist, not here.",
        );
        desk.find("MED-UNJUDGED", &at, SHOWN, Source::House, fact);
    }
    let names: Vec<_> = sheet.items.iter().enumerate().map(|(index, item)| (index, vec![item.name.clone()])).collect();
    match_words(desk, &names, patient);
}
