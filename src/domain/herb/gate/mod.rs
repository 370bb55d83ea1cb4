//! The safety gate: what a prescription must answer before it is signed.
//!
//! Pure code over the tables of [`HerbSet`]. Each finding names its rule, its source, its edition and how severe it is;
//! each rule that was asked and found nothing is in the report as well, with the version of the data. A dose is never
//! refused: the state's own formulas exceed the pharmacopoeia in 42 of their 137 lines.

mod allergy;
mod cumulative;
mod dose;
mod drugs;
mod facts;
mod medicine;
mod name;
mod pairs;
mod pregnancy;
mod preparation;
#[cfg(test)]
mod tests;
mod text;
mod toxic;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::HerbSet;
use crate::domain::prescription::{Content, Herbal, Line, Span};
use crate::domain::text::Text;
use crate::domain::triage::RuleSetStatus;

pub use facts::{Active, Patient, Pregnancy};
pub use medicine::is_controlled_medicine;

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Shown.
    Info,
    /// Somebody has to think and say why.
    Warn,
    /// Not without more people than the prescriber.
    Block,
    /// Never online.
    BlockOnline,
}

/// What opens a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A reason in words.
    Answer,
    /// A reason, and the prescriber's second signature (处方管理办法 Art. 6(9)).
    Confirm,
    /// A reason, and the signature of a second doctor; the pharmacist sees both.
    SecondDoctor,
    /// A fact or a choice that is missing: no reason opens it.
    Ask,
    /// Nothing opens it online.
    Never,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = GateFinding)]
pub struct Finding {
    /// Rule and lines in one word: what an answer is given to.
    pub key: String,
    /// The rule.
    pub rule: String,
    /// The lines that it is about; none for the whole sheet.
    pub lines: Vec<usize>,
    /// How severe.
    pub severity: Severity,
    /// What opens it.
    pub needs: Needs,
    /// What was found, in words.
    pub fact: Text,
    /// On whose word.
    pub source: Text,
    /// Of which edition.
    pub edition: String,
}

/// What the gate says of a prescription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = GateReport)]
pub struct Report {
    /// The most severe first, then in the order of the lines.
    pub findings: Vec<Finding>,
    /// The rules that were asked and found nothing.
    pub passed: Vec<String>,
    /// The version of the data.
    pub data_version: String,
    /// Whether a pharmacist has signed the data.
    pub data_status: RuleSetStatus,
}

impl Report {
    /// Whether a second doctor has to sign.
    pub fn needs_second_doctor(&self) -> bool {
        self.findings.iter().any(|finding| finding.needs == Needs::SecondDoctor)
    }

    /// Whether the prescriber signs a second time.
    pub fn needs_confirmation(&self) -> bool {
        self.findings.iter().any(|finding| finding.needs == Needs::Confirm)
    }

    /// The first finding that nothing opens online.
    pub fn refused(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.needs == Needs::Never)
    }
}

/// On whose word a rule stands.
#[derive(Clone, Copy, Debug)]
enum Source {
    Pharmacopoeia,
    Toxics1988,
    Online2018,
    Textbook,
    House,
    Tradition,
    Rules2007,
}

impl Source {
    fn text(self) -> Text {
        match self {
            Self::Pharmacopoeia => Text::new("中国药典一部", "Chinese Pharmacopoeia, part 1"),
            Self::Toxics1988 => Text::new("医疗用毒性药品管理办法", "Regulation on toxic medicines"),
            Self::Online2018 => Text::new("互联网诊疗管理办法（试行）", "Rules of internet diagnosis and treatment"),
            Self::Textbook => Text::new("中药学教材", "Textbook of Chinese materia medica"),
            Self::House => Text::new("本院规则（草案）", "This hospital's rule (draft)"),
            Self::Tradition => Text::new("传统十八反、十九畏", "The traditional oppositions"),
            Self::Rules2007 => Text::new("处方管理办法", "Rules of prescriptions"),
        }
    }

    fn edition(self, set: &HerbSet) -> String {
        match self {
            Self::Pharmacopoeia => set.edition().to_owned(),
            Self::Toxics1988 => "1988".to_owned(),
            Self::Online2018 => "国卫医发〔2018〕25号".to_owned(),
            Self::Textbook => "7th ed.".to_owned(),
            Self::House => set.version().to_owned(),
            Self::Tradition => "—".to_owned(),
            Self::Rules2007 => "卫生部令第53号（2007）".to_owned(),
        }
    }
}

/// What the rules write their findings into; knows which rules were asked.
struct Desk<'a> {
    set: &'a HerbSet,
    findings: Vec<Finding>,
    asked: BTreeSet<String>,
}

impl Desk<'_> {
    fn ask(&mut self, rule: &str) {
        self.asked.insert(rule.to_owned());
    }

    fn find(&mut self, rule: &str, lines: &[usize], weight: (Severity, Needs), source: Source, fact: Text) {
        self.ask(rule);
        let places: Vec<String> = lines.iter().map(usize::to_string).collect();
        let key = if places.is_empty() { rule.to_owned() } else { format!("{rule}@{}", places.join(",")) };
        let (severity, needs) = weight;
        // Two other prescriptions may find the same of one line: the second answer is one of its own.
        let same = self.findings.iter().filter(|one| one.rule == rule && one.lines == lines).count();
        let key = if same == 0 { key } else { format!("{key}#{}", same + 1) };
        self.findings.push(Finding {
            key,
            rule: rule.to_owned(),
            lines: lines.to_vec(),
            severity,
            needs,
            fact,
            source: source.text(),
            edition: source.edition(self.set),
        });
    }
}

const SHOWN: (Severity, Needs) = (Severity::Info, Needs::Nothing);
const ANSWER: (Severity, Needs) = (Severity::Warn, Needs::Answer);
const CONFIRM: (Severity, Needs) = (Severity::Warn, Needs::Confirm);
const SECOND: (Severity, Needs) = (Severity::Block, Needs::SecondDoctor);
const MISSING: (Severity, Needs) = (Severity::Block, Needs::Ask);
const NEVER: (Severity, Needs) = (Severity::BlockOnline, Needs::Never);

/// A herb of another prescription of the same days.
struct Elsewhere<'a> {
    number: &'a str,
    sheet: &'a Herbal,
    lines: Vec<Line<'a>>,
    /// The same as [`name::likely`] says.
    likely: Vec<Line<'a>>,
}

/// Judges a prescription for `patient` on the days `span`, beside the prescriptions that are `active` on them.
pub fn check(set: &HerbSet, content: &Content, span: Span, patient: &Patient, active: &[Active]) -> Report {
    let mut desk = Desk { set, findings: Vec::new(), asked: BTreeSet::new() };
    let same_days: Vec<&Active> = active.iter().filter(|other| other.span.meets(span)).collect();
    let elsewhere: Vec<Elsewhere> = same_days
        .iter()
        .filter_map(|other| match &other.content {
            Content::Herbal(sheet) => {
                let lines = sheet.read(set);
                let likely = name::likely(set, &lines);
                Some(Elsewhere { number: &other.number, sheet, lines, likely })
            }
            Content::Medicines(_) => None,
        })
        .collect();
    pregnancy::unknown(&mut desk, patient);
    dose::days(&mut desk, content, patient);
    text::check(&mut desk, content, patient);
    match content {
        Content::Herbal(sheet) => {
            let lines = sheet.read(set);
            let likely = name::likely(set, &lines);
            name::check(&mut desk, &likely, patient);
            pairs::check(&mut desk, &likely, &elsewhere);
            pregnancy::check(&mut desk, &likely, patient);
            dose::check(&mut desk, sheet, &lines, patient);
            toxic::check(&mut desk, &lines);
            preparation::check(&mut desk, &lines);
            cumulative::check(&mut desk, sheet, &lines, &elsewhere);
            allergy::check(&mut desk, &likely, patient);
            drugs::check(&mut desk, &likely, patient);
        }
        Content::Medicines(sheet) => {
            medicine::check(&mut desk, sheet, patient, &same_days);
            drugs::check(&mut desk, &[], patient);
        }
    }
    let Desk { mut findings, asked, .. } = desk;
    findings.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| one.lines.cmp(&other.lines))
            .then_with(|| one.key.cmp(&other.key))
    });
    let found: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let passed = asked.into_iter().filter(|rule| !found.contains(rule.as_str())).collect();
    Report { findings, passed, data_version: set.version().to_owned(), data_status: set.status() }
}
