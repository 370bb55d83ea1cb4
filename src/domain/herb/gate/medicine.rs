//! Patent and western medicines: little is known of them here, and that is said. A herb is none of them.

use std::sync::LazyLock;

use serde::Deserialize;

use super::allergy::match_words;
use super::{ANSWER, Active, CONFIRM, Desk, NEVER, Patient, Pregnancy, SHOWN, Source, pregnancy};
use crate::domain::herb::reading::{Lexicon, Mention};
use crate::domain::herb::{Named, Toxicity, resolve};
use crate::domain::prescription::{Content, Medicine, MedicineKind, Medicines};
use crate::domain::text::Text;
use crate::domain::written::folded;

#[derive(Deserialize)]
struct MedicineFile {
    controlled: Vec<String>,
    controlled_names: Vec<String>,
    injected: Vec<String>,
}

struct Words {
    controlled: Lexicon<()>,
    controlled_names: Lexicon<()>,
    injected: Lexicon<()>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let file: MedicineFile =
        serde_json::from_str(include_str!("../medicines.json")).expect("the shipped words are checked by a test");
    let all = |words: Vec<String>| Lexicon::new(words.into_iter().map(|word| (word, ())));
    Words {
        controlled: all(file.controlled),
        controlled_names: all(file.controlled_names),
        injected: all(file.injected),
    }
});

/// Whether a name, in any spelling, is that of a narcotic or psychotropic.
pub fn is_controlled_medicine(name: &str) -> bool {
    controlled_in(name).or_else(|| WORDS.controlled_names.first_in(name)).is_some()
}

/// The narcotic or psychotropic that a text names, in any spelling.
pub(super) fn controlled_in(text: &str) -> Option<&'static str> {
    WORDS.controlled.first_in(text)
}

/// The first of its name, its strength and its dose that is such.
fn labelled(item: &Medicine, test: impl Fn(&str) -> bool) -> Option<&str> {
    [&item.name, &item.strength, &item.dose].into_iter().map(|text| text.trim()).find(|text| test(text))
}

pub(super) fn check(desk: &mut Desk, sheet: &Medicines, patient: &Patient, same_days: &[&Active]) {
    for rule in
        ["MED-CONTROLLED", "MED-INJECTED", "MED-IS-HERB", "MED-UNJUDGED", "PREG-FORBID", "DUP-SHEET", "DUP-ACTIVE"]
    {
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
        if let Some(label) = labelled(item, is_controlled_medicine) {
            let fact =
                Text::new(format!("{label}：麻醉、精神药品不得网上开具"), "A narcotic or psychotropic, never online.");
            desk.find("MED-CONTROLLED", &at, NEVER, Source::Online2018, fact);
        }
        if let Some(label) = labelled(item, |label| WORDS.injected.first_in(label).is_some()) {
            let fact =
                Text::new(format!("{label}：注射剂不得网上开具"), "Injections are for inpatients, never online.");
            desk.find("MED-INJECTED", &at, NEVER, Source::House, fact);
        }
        let held = desk.set.held_in_name(name);
        // Written here, a herb would pass by every rule of the herbs.
        if !matches!(resolve(desk.set, name), Named::Unknown) || held.iter().any(Mention::is_refused_online) {
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
        pregnancy::held(desk, &at, name, &held, patient);
        let is_toxic = held.iter().any(|mention| mention.is_any(|herb| herb.toxicity == Some(Toxicity::Toxic)));
        let weight = match item.kind {
            _ if patient.pregnancy == Pregnancy::Pregnant || is_toxic => CONFIRM,
            MedicineKind::Western => ANSWER,
            MedicineKind::Patent => SHOWN,
        };
        let fact = Text::new(
            format!("{name}：系统未做用量与配伍判断，由药师审核"),
            "Dose and interactions are judged by the pharmacist, not here.",
        );
        desk.find("MED-UNJUDGED", &at, weight, Source::House, fact);
    }
    let names: Vec<_> = sheet.items.iter().enumerate().map(|(index, item)| (index, vec![item.name.clone()])).collect();
    match_words(desk, &names, patient);
}
