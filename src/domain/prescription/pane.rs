//! Whether a prescription may exist at all: a function of visit, day, legal flags, age and guardian, and nothing else.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

/// Under this age a guardian and a doctor of paediatrics are there (互联网诊疗管理办法 Art. 19).
const GUARDED_MONTHS: u32 = 72;

/// What kind of visit it is for the law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisitKind {
    /// 咨询: nothing is prescribed.
    #[default]
    Consult,
    /// 复诊: the same disease was diagnosed face to face before.
    Return,
    /// 应急发热: on the epidemic's basis.
    Epidemic,
}

impl VisitKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Consult, Self::Return, Self::Epidemic];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consult => "consult",
            Self::Return => "return",
            Self::Epidemic => "epidemic",
        }
    }
}

/// What the doctor has ticked for a visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitBasis {
    /// What kind of visit.
    pub kind: VisitKind,
    /// The doctor has seen the proof of the diagnosis that was made face to face.
    #[serde(default)]
    pub proof_seen: bool,
    /// A guardian is in the call.
    #[serde(default)]
    pub guardian_present: bool,
    /// The doctor is qualified for children.
    #[serde(default)]
    pub paediatric: bool,
}

/// What the hospital has switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegalFlags {
    /// The epidemic's basis is used.
    pub epidemic: bool,
}

/// On which word of the law a prescription stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = LegalBasis)]
pub struct Basis {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// What it allows.
    pub scope: Text,
    /// The first day on which it is in force, `YYYY-MM-DD`.
    pub from: String,
    /// The last; nothing where none is set.
    pub to: Option<String>,
}

/// The code of the epidemic's basis.
pub const EPIDEMIC: &str = "epidemic_prescription";

impl Basis {
    /// Whether it is the epidemic's.
    pub fn is_epidemic(&self) -> bool {
        self.code == EPIDEMIC
    }
}

/// Why there is no prescription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosedReason {
    /// A consultation prescribes nothing.
    Consult,
    /// The doctor has not seen the proof of the earlier diagnosis.
    ProofMissing,
    /// The law allows no prescription on this day.
    NotInForce,
    /// The hospital does not use the epidemic's basis.
    SwitchedOff,
    /// A child under six without a guardian in the call.
    GuardianMissing,
    /// A child under six without a doctor of paediatrics.
    PaediatricianMissing,
    /// The record of the visit is archived: nothing is prescribed in it any more.
    Archived,
}

impl ClosedReason {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consult => "consult",
            Self::ProofMissing => "proof_missing",
            Self::NotInForce => "not_in_force",
            Self::SwitchedOff => "switched_off",
            Self::GuardianMissing => "guardian_missing",
            Self::PaediatricianMissing => "paediatrician_missing",
            Self::Archived => "archived",
        }
    }
}

/// Whether a prescription may exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pane {
    /// It may, on this basis.
    Open(Basis),
    /// It may not.
    Closed(ClosedReason),
}

#[derive(Deserialize)]
struct LegalFile {
    bases: Vec<DatedBasis>,
}

#[derive(Clone, Deserialize)]
struct DatedBasis {
    code: String,
    from: String,
    #[serde(default)]
    to: Option<String>,
    prescribes: bool,
    name: Text,
    scope: Text,
}

static LAW: LazyLock<LegalFile> = LazyLock::new(|| {
    serde_json::from_str(include_str!("legal.json")).expect("the shipped bases are checked by a test")
});

/// The basis of this code that allows a prescription on this day.
pub fn legal_basis(code: &str, day: Date) -> Option<Basis> {
    // Days as ISO 8601 writes them sort as text.
    let day = day.to_string();
    let is_in_force = |basis: &&DatedBasis| basis.from <= day && basis.to.as_ref().is_none_or(|to| day <= *to);
    let found = LAW.bases.iter().filter(|basis| basis.code == code && basis.prescribes).find(is_in_force)?;
    let DatedBasis { code, name, scope, from, to, .. } = found.clone();
    Some(Basis { code, name, scope, from, to })
}

/// Decides for one visit.
pub fn may_exist(visit: VisitBasis, day: Date, flags: LegalFlags, age_months: u32) -> Pane {
    let code = match visit.kind {
        VisitKind::Consult => return Pane::Closed(ClosedReason::Consult),
        VisitKind::Return if !visit.proof_seen => return Pane::Closed(ClosedReason::ProofMissing),
        VisitKind::Return => "return_visit",
        VisitKind::Epidemic if !flags.epidemic => return Pane::Closed(ClosedReason::SwitchedOff),
        VisitKind::Epidemic => EPIDEMIC,
    };
    let Some(basis) = legal_basis(code, day) else { return Pane::Closed(ClosedReason::NotInForce) };
    if age_months < GUARDED_MONTHS && !visit.guardian_present {
        return Pane::Closed(ClosedReason::GuardianMissing);
    }
    if age_months < GUARDED_MONTHS && !visit.paediatric {
        return Pane::Closed(ClosedReason::PaediatricianMissing);
    }
    Pane::Open(basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: VisitKind, ticks: [bool; 3], day: Date, epidemic: bool, years: u32) -> &'static str {
        let [proof_seen, guardian_present, paediatric] = ticks;
        let visit = VisitBasis { kind, proof_seen, guardian_present, paediatric };
        match may_exist(visit, day, LegalFlags { epidemic }, years * 12) {
            Pane::Open(basis) if basis.code == "return_visit" => "open: return",
            Pane::Open(basis) if basis.code == "epidemic_prescription" => "open: epidemic",
            Pane::Open(_) => "open: ?",
            Pane::Closed(reason) => reason.as_str(),
        }
    }

    #[test]
    fn the_pane_opens_as_the_truth_table_says() {
        use VisitKind::{Consult, Epidemic, Return};
        let [early, gap, late] =
            [(2018, 7, 16), (2022, 12, 10), (2022, 12, 11)].map(|(y, m, d)| Date::constant(y, m, d));
        let (all, none) = ([true; 3], [false; 3]);
        // Visit, ticks (proof, guardian, paediatric), day, flag, age: what follows.
        let table = [
            (Consult, all, late, true, 40, "consult"),
            (Consult, none, gap, false, 3, "consult"),
            (Return, none, late, true, 40, "proof_missing"),
            (Return, [false, true, true], late, true, 3, "proof_missing"),
            (Return, [true, false, false], early, true, 40, "not_in_force"),
            (Return, [true, false, false], gap, false, 40, "open: return"),
            (Return, [true, false, false], late, true, 40, "open: return"),
            (Return, [true, false, false], late, true, 6, "open: return"),
            (Return, [true, false, false], late, true, 5, "guardian_missing"),
            (Return, [true, false, true], late, true, 5, "guardian_missing"),
            (Return, [true, true, false], late, true, 5, "paediatrician_missing"),
            (Return, all, late, true, 5, "open: return"),
            (Epidemic, none, late, false, 40, "switched_off"),
            (Epidemic, none, gap, true, 40, "not_in_force"),
            (Epidemic, none, gap, false, 40, "switched_off"),
            (Epidemic, none, late, true, 40, "open: epidemic"),
            (Epidemic, none, late, true, 5, "guardian_missing"),
            (Epidemic, [false, true, false], late, true, 5, "paediatrician_missing"),
            (Epidemic, [false, true, true], late, true, 5, "open: epidemic"),
        ];
        for (kind, ticks, day, flag, years, expected) in table {
            assert_eq!(answer(kind, ticks, day, flag, years), expected, "{kind:?} {ticks:?} {day} {flag} {years}");
        }
    }

    #[test]
    fn every_combination_of_the_table_has_one_answer_and_no_consultation_prescribes() {
        for kind in VisitKind::ALL {
            for bits in 0..16_u8 {
                let ticks = [0, 1, 2].map(|bit| bits & (1 << bit) != 0);
                for years in [0, 5, 6, 17, 18, 90] {
                    for day in [Date::constant(2010, 1, 1), Date::constant(2021, 1, 1), Date::constant(2030, 1, 1)] {
                        let said = answer(kind, ticks, day, bits & 8 != 0, years);
                        assert!(said != "open: ?" && !(kind == VisitKind::Consult && said.starts_with("open")));
                        assert!(years >= 6 || ticks[1] || !said.starts_with("open"), "a child without a guardian");
                    }
                }
            }
        }
    }

    #[test]
    fn every_basis_says_itself_in_both_languages() {
        assert!(LAW.bases.iter().all(|basis| !basis.name.is_incomplete() && !basis.scope.is_incomplete()));
        assert_eq!(legal_basis("epidemic_consult", Date::constant(2021, 1, 1)), None, "it allows no prescription");
    }
}
