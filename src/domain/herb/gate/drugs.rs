//! What the patient says to take: shown, and held against the oppositions where a word of it is a herb.

use super::allergy::words;
use super::{Desk, Patient, SHOWN, Source, pairs};
use crate::domain::herb::{Named, resolve};
use crate::domain::prescription::Line;
use crate::domain::text::Text;

pub(super) fn check(desk: &mut Desk, lines: &[Line], patient: &Patient) {
    desk.ask("DRUGS-TOLD");
    let words = words(&patient.drugs);
    if words.is_empty() {
        return;
    }
    let told = words.join("、");
    let zh = format!("患者自述在用：{told}；请核对相互作用");
    let en = format!("The patient says to take: {told}. Check for interactions.");
    desk.find("DRUGS-TOLD", &[], SHOWN, Source::House, Text::new(zh, en));
    let set = desk.set;
    for word in words {
        let (Named::Herb(taken) | Named::Alike { herb: taken, .. }) = resolve(set, word) else { continue };
        for line in lines {
            let Some(herb) = line.herb else { continue };
            pairs::taken(desk, line.index, herb, taken);
        }
    }
}
