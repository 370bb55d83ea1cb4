//! Herbs and formulas for what somebody typed; a name that must not be guessed says so.

use crate::domain::herb::{Herb, HerbSet, Named, find_formulas, find_herbs, formulas, resolve};
use crate::protocol::herb::{AskedName, FormulasFound, HerbView, HerbsFound};

/// Herbs that are offered at once.
const OFFERED: usize = 10;

/// The herbs for what was typed.
pub fn herbs_found(typed: &str) -> HerbsFound {
    let set = HerbSet::shipped();
    let asked = match resolve(set, typed) {
        Named::Ask { candidates, why } => {
            Some(AskedName { why: why.clone(), candidates: candidates.iter().map(|herb| herb.name.clone()).collect() })
        }
        _ => None,
    };
    let mut herbs = find_herbs(set, typed, OFFERED);
    // A prepared form has no entry of its own: the herb that it is made of is offered.
    if let (true, Named::Herb(herb)) = (herbs.is_empty(), resolve(set, typed)) {
        herbs.push(herb);
    }
    HerbsFound {
        herbs: herbs.into_iter().map(view).collect(),
        asked,
        edition: set.edition().to_owned(),
        status: set.status(),
    }
}

fn view(herb: &Herb) -> HerbView {
    let range = herb.day_range();
    HerbView {
        name: herb.name.clone(),
        latin: herb.text().en,
        english: herb.en.clone(),
        least_mg: range.map(|(least, _)| least),
        most_mg: range.map(|(_, most)| most),
        toxicity: herb.toxicity,
        pregnancy: herb.pregnancy,
        method: herb.methods.iter().find(|asked| asked.binding).map(|asked| asked.method),
        refused_online: herb.is_refused_online(),
    }
}

/// The formulas for what was typed.
pub fn formulas_found(typed: &str) -> FormulasFound {
    let (version, status, _) = formulas();
    FormulasFound { formulas: find_formulas(typed).into_iter().cloned().collect(), version: version.to_owned(), status }
}
