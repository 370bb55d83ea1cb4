//! How a sealed visit ends: as its doctor signed, and as the entries of the audit beside it say last.

use crate::domain::audit::Kept;
use crate::domain::signature::{Purpose, outcome_hash, outcome_subject, signs_outcomes};
use crate::protocol::sealed::SealedOutcome;

/// What the audit says of it.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// The hash that was signed last, and by whom; nothing since the visit began anew.
    signed: Option<(String, String)>,
    /// Whether the visit has no outcome but one that is signed.
    is_asked: bool,
}

impl Ending {
    /// Reads the next entry.
    pub(super) fn hear(&mut self, visit: &str, entry: &Kept) {
        if entry.subject != visit {
            return;
        }
        match entry.action.as_str() {
            "visit.identity_confirmed" => *self = Self { signed: None, is_asked: signs_outcomes(&entry.detail) },
            "outcome.sign" => {
                let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap_or_default();
                let hash = detail["hash"].as_str().unwrap_or_default().to_owned();
                *self = Self { signed: Some((hash, entry.actor.clone())), is_asked: true };
            }
            _ => {}
        }
    }

    /// How many signatures a line has, where all hold and it says what was signed last and by whom.
    pub(super) fn holds(&self, visit: &str, line: &SealedOutcome) -> Option<usize> {
        let subject = outcome_subject(visit);
        let all = line.signatures.iter().all(|one| one.holds_for(Purpose::Outcome, &subject, &one.hash));
        let SealedOutcome { outcome, reason, hash, signed_by, .. } = line;
        let is_so = match (outcome, hash, signed_by, &self.signed) {
            (Some(outcome), Some(hash), Some(by), Some((last, actor))) => {
                let is_own = line.signatures.iter().any(|one| one.hash == *hash && one.owner == *by);
                let said = outcome_hash(visit, outcome.as_str(), reason.as_deref());
                is_own && said == *hash && hash == last && by == actor
            }
            (Some(_), None, None, None) => !self.is_asked,
            (None, None, None, None) => reason.is_none(),
            _ => false,
        };
        (all && is_so).then_some(line.signatures.len())
    }
}

/// What is said of a line that holds.
pub(super) fn words(line: &SealedOutcome) -> String {
    let Some(outcome) = line.outcome else { return "no outcome".to_owned() };
    let name = outcome.name();
    let by = line.signed_by.as_ref().map_or_else(|| "signed by nobody".to_owned(), |by| format!("signed by {by}"));
    format!("outcome {} ({}), {by}", name.zh, name.en)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::visit::Outcome;
    use crate::protocol::proof::ExportSignature;
    use crate::services::verifying::samples::signature_of;

    const VISIT: &str = "visit_1";
    const DOCTOR: &str = "account_1";

    fn signature(owner: &str, hash: &str) -> ExportSignature {
        signature_of(&outcome_subject(VISIT), owner, Purpose::Outcome, hash)
    }

    fn signed(outcome: Outcome, reason: Option<&str>) -> SealedOutcome {
        let hash = outcome_hash(VISIT, outcome.as_str(), reason);
        SealedOutcome {
            outcome: Some(outcome),
            words: Some(outcome.name()),
            reason: reason.map(str::to_owned),
            signatures: vec![signature(DOCTOR, &hash)],
            hash: Some(hash),
            signed_by: Some(DOCTOR.to_owned()),
        }
    }

    fn entry(action: &str, detail: &serde_json::Value) -> Kept {
        let entry = json!({ "seq": 1, "at": 1, "actor": DOCTOR, "action": action, "subject": VISIT, "purpose": null,
                            "detail": detail.to_string(), "previous_hash": "", "hash": "" });
        serde_json::from_value(entry).unwrap()
    }

    fn ending(entries: &[Kept]) -> Ending {
        let mut ending = Ending::default();
        for entry in entries {
            ending.hear(VISIT, entry);
        }
        ending
    }

    #[test]
    fn an_outcome_is_what_its_doctor_signed_last_or_is_not_authentic() {
        let line = signed(Outcome::GoToHospital, Some("需面诊"));
        let sign = |line: &SealedOutcome| entry("outcome.sign", &json!({ "hash": line.hash }));
        let begun = || entry("visit.identity_confirmed", &json!({ "outcome": "signed" }));
        let last = ending(&[begun(), sign(&line)]);
        assert_eq!(last.holds(VISIT, &line), Some(1));
        assert!(words(&line).contains("转线下就诊 (go to the hospital), signed by account_1"), "{}", words(&line));
        let other = signed(Outcome::HomeCare, None);
        for wrong in [
            SealedOutcome { reason: Some("无".into()), ..line.clone() },
            SealedOutcome { outcome: Some(Outcome::HomeCare), ..line.clone() },
            SealedOutcome { signed_by: Some("account_2".into()), ..line.clone() },
            SealedOutcome { signatures: vec![signature("account_2", line.hash.as_ref().unwrap())], ..line.clone() },
            SealedOutcome { hash: None, signed_by: None, signatures: Vec::new(), ..line.clone() },
            other.clone(),
        ] {
            assert_eq!(last.holds(VISIT, &wrong), None, "{wrong:?}");
        }
        // Chosen anew: the signature of before stays, and is no more what the visit ends with.
        let both = vec![signature(DOCTOR, line.hash.as_ref().unwrap()), other.signatures[0].clone()];
        let anew = ending(&[begun(), sign(&line), sign(&other)]);
        assert_eq!(anew.holds(VISIT, &SealedOutcome { signatures: both, ..other }), Some(2));
        assert_eq!(anew.holds(VISIT, &line), None);
    }

    #[test]
    fn a_visit_without_an_outcome_and_one_of_before_outcomes_were_signed_say_so() {
        let none =
            SealedOutcome { outcome: None, words: None, reason: None, hash: None, signed_by: None, signatures: vec![] };
        let unsigned = SealedOutcome { outcome: Some(Outcome::HomeCare), ..none.clone() };
        let (before, since) = (json!({}), json!({ "outcome": "signed" }));
        let begun = |detail| ending(&[entry("visit.identity_confirmed", detail)]);
        assert_eq!(begun(&before).holds(VISIT, &none), Some(0));
        assert_eq!(begun(&before).holds(VISIT, &unsigned), Some(0));
        assert_eq!(begun(&since).holds(VISIT, &none), Some(0));
        assert_eq!(begun(&since).holds(VISIT, &unsigned), None);
        assert!(words(&unsigned).ends_with("signed by nobody") && words(&none) == "no outcome");
    }
}
