//! How signatures are made.

use super::Finding;
use crate::domain::signature::Algorithm;
use crate::services::signing::works;

/// Says which algorithm is in force, after a signature on trial.
pub fn look(chosen: Algorithm) -> Finding {
    let (name, word) = (chosen.name(), chosen.as_str());
    let in_force = format!("new signatures are made by {name} (YUNZHEN_SIGNING={word})");
    if works(chosen) {
        Finding::good("signing", format!("{in_force}; one on trial holds"))
    } else {
        Finding::bad("signing", format!("{in_force}, and one on trial does not hold: nobody can sign. Tell the makers"))
    }
}
