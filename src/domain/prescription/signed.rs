//! What a signature of a prescription covers, and whose signatures there have to be.

use crate::domain::herb::gate::{Finding, Needs, Report};
use crate::domain::signature::{Purpose, signed_hash};

/// A signed version of a prescription by its words, wherever they are kept.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The prescription.
    pub id: &'a str,
    /// Its version.
    pub version: i64,
    /// The canonical content.
    pub content: &'a str,
    /// What the gate said of it.
    pub report: &'a str,
    /// The doctor's reasons.
    pub answers: &'a str,
    /// What stands on the paper beside them; earlier versions of this program signed without it.
    pub stated: Option<&'a str>,
}

impl Signed<'_> {
    /// What the doctors sign, as SHA-256 in hexadecimal.
    pub fn hash(&self) -> String {
        let version = self.version.to_string();
        let mut parts = vec![
            ("prescription", self.id),
            ("version", &version),
            ("content", self.content),
            ("report", self.report),
            ("answers", self.answers),
        ];
        parts.extend(self.stated.map(|stated| ("stated", stated)));
        signed_hash(&parts)
    }
}

/// The first signature that a sheet of this report lacks before it may be approved: its doctor's, the same doctor's second
/// one where the gate wants it, another doctor's where it wants that. `purposes` are those that there are by whoever they
/// have to be of.
pub fn lacks(report: &Report, purposes: &[Purpose]) -> Option<Purpose> {
    let wanted = [
        (Purpose::Prescription, true),
        (Purpose::Confirmation, report.needs_confirmation()),
        (Purpose::Countersignature, report.needs_second_doctor()),
    ];
    let missing = wanted.into_iter().find(|(purpose, is_wanted)| *is_wanted && !purposes.contains(purpose));
    missing.map(|(purpose, _)| purpose)
}

/// The first finding of today that wants more than was given for it when the sheet was signed.
pub fn unforeseen<'a>(today: &'a Report, signed: &Report) -> Option<&'a Finding> {
    let was_known =
        |one: &Finding| signed.findings.iter().any(|known| known.key == one.key && known.needs >= one.needs);
    today.findings.iter().find(|one| one.needs != Needs::Nothing && !was_known(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::herb::gate::Severity;
    use crate::domain::text::Text;
    use crate::domain::triage::RuleSetStatus;

    const SHEET: Signed<'_> =
        Signed { id: "rx", version: 1, content: "a", report: "b", answers: "", stated: Some("{}") };

    fn report(needs: &[Needs]) -> Report {
        let finding = |needs: &Needs| Finding {
            key: format!("{needs:?}"),
            rule: String::new(),
            lines: Vec::new(),
            severity: Severity::Warn,
            needs: *needs,
            fact: Text::new("甲", "a"),
            source: Text::new("乙", "b"),
            edition: String::new(),
        };
        Report {
            findings: needs.iter().map(finding).collect(),
            passed: Vec::new(),
            data_version: "1".into(),
            data_status: RuleSetStatus::Draft,
        }
    }

    #[test]
    fn another_word_of_any_part_is_another_hash() {
        let others = [
            Signed { id: "ry", ..SHEET },
            Signed { version: 2, ..SHEET },
            Signed { content: "b", ..SHEET },
            Signed { report: "a", ..SHEET },
            Signed { report: "", answers: "b", ..SHEET },
            Signed { stated: None, ..SHEET },
            Signed { stated: Some(""), ..SHEET },
        ];
        assert!(others.iter().all(|other| other.hash() != SHEET.hash()));
    }

    #[test]
    fn a_finding_that_was_answered_is_unforeseen_again_where_it_wants_more() {
        let all = [Needs::Nothing, Needs::Answer, Needs::Confirm, Needs::SecondDoctor, Needs::Ask, Needs::Never];
        let one = |needs: Needs, key: &str| {
            let mut report = report(&[needs]);
            key.clone_into(&mut report.findings[0].key);
            report
        };
        for (given, was) in all.into_iter().enumerate() {
            assert_eq!(unforeseen(&report(&[]), &one(was, "a")), None, "what was found is found no more");
            for (wanted, is) in all.into_iter().enumerate() {
                let today = one(is, "a");
                let found = unforeseen(&today, &one(was, "a"));
                assert_eq!(found.is_some(), wanted > given, "{was:?} was given, and {is:?} is wanted");
                let other = unforeseen(&today, &one(was, "b"));
                assert_eq!(other.is_some(), is != Needs::Nothing, "nobody was asked");
            }
        }
    }

    #[test]
    fn a_sheet_lacks_whatever_its_report_wants_and_nobody_gave() {
        use Purpose::{Confirmation, Countersignature, Prescription, Review};
        let table: [(&[Needs], &[Purpose], Option<Purpose>); 9] = [
            (&[], &[], Some(Prescription)),
            (&[], &[Review], Some(Prescription)),
            (&[Needs::Answer], &[Prescription], None),
            (&[Needs::Confirm], &[Prescription], Some(Confirmation)),
            (&[Needs::Confirm], &[Prescription, Confirmation], None),
            (&[Needs::SecondDoctor], &[Prescription, Confirmation], Some(Countersignature)),
            (&[Needs::SecondDoctor], &[Countersignature], Some(Prescription)),
            (&[Needs::SecondDoctor, Needs::Confirm], &[Prescription, Countersignature], Some(Confirmation)),
            (&[Needs::SecondDoctor, Needs::Confirm], &[Prescription, Confirmation, Countersignature], None),
        ];
        for (needs, purposes, missing) in table {
            assert_eq!(lacks(&report(needs), purposes), missing, "{needs:?} {purposes:?}");
        }
    }
}
