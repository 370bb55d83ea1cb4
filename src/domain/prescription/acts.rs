//! Which acts on a prescription leave an entry in the audit, and in which state each leaves it.

use crate::domain::prescription::Phase;

/// The acts, as the audit writes them. Reading is none; that its time is over is nobody's act, and in no entry.
pub const ACTS: [&str; 10] = [
    "rx.begin",
    "rx.withdrawn",
    "rx.sign",
    "rx.countersign",
    "rx.declined",
    "rx.approved",
    "rx.returned",
    "rx.refused",
    "rx.dispense",
    "rx.stop",
];

/// Whether a prescription may be in this state where that was the last act on it. Whoever sets a state by hand writes no
/// entry.
pub fn is_left_in(act: &str, phase: Phase) -> bool {
    match act {
        "rx.begin" | "rx.withdrawn" => phase == Phase::Draft,
        "rx.sign" | "rx.countersign" => matches!(phase, Phase::Signed | Phase::Expired),
        "rx.approved" => matches!(phase, Phase::Approved | Phase::Expired),
        "rx.declined" | "rx.returned" => phase == Phase::Returned,
        "rx.refused" => phase == Phase::Refused,
        "rx.dispense" => phase == Phase::Dispensed,
        "rx.stop" => phase == Phase::Stopped,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_left_by_an_act_and_nothing_handed_out_or_stopped_is_in_force_again() {
        for phase in Phase::ALL {
            let by: Vec<&str> = ACTS.into_iter().filter(|act| is_left_in(act, phase)).collect();
            assert!(!by.is_empty(), "{phase:?}");
            assert!(!is_left_in("rx.read", phase) && !is_left_in("rx.saved", phase));
            if phase == Phase::Approved {
                assert_eq!(by, ["rx.approved"]);
            }
            if phase == Phase::Signed {
                assert_eq!(by, ["rx.sign", "rx.countersign"]);
            }
        }
        assert!(ACTS.into_iter().all(|act| Phase::ALL.into_iter().any(|phase| is_left_in(act, phase))));
    }
}
