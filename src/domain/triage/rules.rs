//! A rule set: data in the project's own format, checked as a whole before it can be used.
//!
//! The file says what it is (`name`, `version`, `status`, `signatures`), how values follow from facts (`derived`), the
//! `rules` in the order in which they are explained, the `fallback` for whom nothing matched, and the `modifiers`.
//! Conditions are text; see [`super::expr`] for their language. A set that is not a draft carries the signatures of two
//! people.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

use super::disposition::Disposition;
use super::expr::{Expr, Name};
use super::level::Level;
use super::variables::{CIRCUMSTANCES, Kind, VARIABLES};

/// Whether people have put their names to a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleSetStatus {
    /// Nobody has signed it: for demonstration and test.
    Draft,
    /// Two people have signed it.
    Signed,
}

impl RuleSetStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Draft, Self::Signed];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signed => "signed",
        }
    }
}

/// One rule as its author wrote it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id, shown beside the reason.
    pub id: String,
    /// The level that the rule asks for.
    pub level: Level,
    /// The condition, in the language of conditions.
    #[serde(rename = "if")]
    pub condition: String,
    /// What is to be done.
    #[serde(rename = "do")]
    pub disposition: Disposition,
    /// The reason for staff, in a few words.
    pub why: Text,
    /// The reason for the patient, in plain words.
    pub tell: Text,
    /// Where the rule comes from.
    pub source: String,
    /// How certain that source is: found, recall, judgement.
    pub evidence: String,
}

/// Why a text is not a usable rule set.
#[derive(Debug, thiserror::Error)]
pub enum RuleSetError {
    /// Not JSON, or not of the format.
    #[error("the file does not have the format of a rule set: {0}")]
    Format(#[from] serde_json::Error),
    /// Two parts share an id or a name.
    #[error("`{0}` is there twice")]
    Duplicate(String),
    /// A condition cannot be read.
    #[error("the condition of `{id}` is wrong: {reason}")]
    Condition {
        /// The rule, derived value or modifier.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A reason is missing in one of the languages.
    #[error("`{0}` does not say its reason in both languages")]
    Silent(String),
    /// A part names a rule that is not in the set.
    #[error("`{id}` names the rule `{rule}`, which is not in the set")]
    UnknownRule {
        /// The modifier or fallback.
        id: String,
        /// The missing rule.
        rule: String,
    },
    /// The set calls itself signed without the signatures of two people.
    #[error("a signed rule set needs the signatures of two people")]
    Unsigned,
}

/// A checked rule set; having one means that every condition can run.
#[derive(Clone, Debug)]
pub struct RuleSet {
    name: Text,
    pub(super) version: String,
    pub(super) status: RuleSetStatus,
    pub(super) derived: Vec<Derivation>,
    pub(super) rules: Vec<(Rule, Expr)>,
    pub(super) fallback: Fallback,
    pub(super) symptomatic: Expr,
    pub(super) modifiers: Vec<(Modifier, Expr)>,
}

/// How one derived value follows from what is before it.
#[derive(Clone, Debug)]
pub(super) enum Derivation {
    Truth(Expr),
    Count(Vec<Expr>),
    /// The value of a slot, else the number if the condition holds, else unknown.
    Number(usize, f64, Expr, Assumption),
}

/// A value that was assumed because nobody measured it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assumption {
    pub id: String,
    pub value: f64,
    #[serde(rename = "if")]
    pub condition: String,
    pub why: Text,
    pub tell: Text,
}

/// What applies when nothing else does, and when a patient with symptoms would fall below its level.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fallback {
    pub id: String,
    /// The floor holds for whom this condition is true …
    pub floor_for: String,
    /// … unless one of these rules matched.
    pub floor_unless: Vec<String>,
}

/// An instruction beside the disposition.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Modifier {
    pub id: String,
    /// Any level when empty.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Any disposition when empty.
    #[serde(default)]
    pub dispositions: Vec<Disposition>,
    /// Any rule when empty, else at least one of these matched.
    #[serde(default)]
    pub matched: Vec<String>,
    #[serde(rename = "if")]
    pub condition: String,
    #[serde(default)]
    pub nurse_call: bool,
    pub why: Text,
    pub tell: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Text,
    version: String,
    status: RuleSetStatus,
    signatures: Vec<String>,
    derived: Vec<DerivedItem>,
    rules: Vec<Rule>,
    fallback: Fallback,
    modifiers: Vec<Modifier>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum DerivedItem {
    Truth { name: String, when: String },
    Count { name: String, count: Vec<String> },
    Number { name: String, value_of: String, else_assume: Assumption },
}

/// The rule set of the fever clinic that this build carries.
pub fn fever_clinic() -> &'static RuleSet {
    static SET: LazyLock<RuleSet> = LazyLock::new(|| {
        RuleSet::from_json(include_str!("fever_clinic.json")).expect("a test loads the rule set of this build")
    });
    &SET
}

/// The rule set of the three questions that those who wait are asked again and again.
pub fn waiting_room() -> &'static RuleSet {
    static SET: LazyLock<RuleSet> = LazyLock::new(|| {
        RuleSet::from_json(include_str!("waiting_room.json")).expect("a test loads the rule set of this build")
    });
    &SET
}

/// A rule by its id, from whichever rule set of this build it is: no two share one.
pub fn rule(id: &str) -> Option<&'static Rule> {
    fever_clinic().rules().chain(waiting_room().rules()).find(|rule| rule.id == id)
}

impl RuleSet {
    /// Reads and checks a rule set.
    pub fn from_json(text: &str) -> Result<Self, RuleSetError> {
        let file: File = serde_json::from_str(text)?;
        let signers: HashSet<_> =
            file.signatures.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        if file.status == RuleSetStatus::Signed && signers.len() < 2 {
            return Err(RuleSetError::Unsigned);
        }

        let mut scope = Scope::of_facts();
        let mut derived = Vec::new();
        for item in file.derived {
            let (name, kind, derivation) = scope.derivation(item)?;
            scope.declare(name, kind)?;
            derived.push(derivation);
        }

        let mut ids = HashSet::new();
        let mut rules = Vec::new();
        for rule in file.rules {
            check(&mut ids, &rule.id, [&rule.why, &rule.tell])?;
            let condition = scope.condition(&rule.id, &rule.condition)?;
            rules.push((rule, condition));
        }

        let known: HashSet<String> = ids.clone();
        let all_known = |id: &str, named: &[String]| match named.iter().find(|rule| !known.contains(*rule)) {
            Some(rule) => Err(RuleSetError::UnknownRule { id: id.into(), rule: rule.clone() }),
            None => Ok(()),
        };
        let fallback = file.fallback;
        all_known("fallback", std::slice::from_ref(&fallback.id))?;
        all_known(&fallback.id, &fallback.floor_unless)?;
        let symptomatic = scope.condition(&fallback.id, &fallback.floor_for)?;

        scope.admit_circumstances()?;
        let mut modifiers = Vec::new();
        for modifier in file.modifiers {
            check(&mut ids, &modifier.id, [&modifier.why, &modifier.tell])?;
            all_known(&modifier.id, &modifier.matched)?;
            let condition = scope.condition(&modifier.id, &modifier.condition)?;
            modifiers.push((modifier, condition));
        }
        Ok(Self {
            name: file.name,
            version: file.version,
            status: file.status,
            derived,
            rules,
            fallback,
            symptomatic,
            modifiers,
        })
    }

    /// What the set is for.
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The version, stored with every assessment.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the set is signed.
    pub fn status(&self) -> RuleSetStatus {
        self.status
    }

    /// Whether this rule is the one that applies when no other does.
    pub fn is_fallback(&self, id: &str) -> bool {
        self.fallback.id == id
    }

    /// The rules in file order, for people to read.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(rule, _)| rule)
    }
}

fn check(ids: &mut HashSet<String>, id: &str, texts: [&Text; 2]) -> Result<(), RuleSetError> {
    if !ids.insert(id.to_owned()) {
        return Err(RuleSetError::Duplicate(id.into()));
    }
    if texts.iter().any(|text| text.is_incomplete()) {
        return Err(RuleSetError::Silent(id.into()));
    }
    Ok(())
}

/// The names that a condition may use at one place of the file.
struct Scope {
    /// Name, type and slot.
    names: Vec<(String, Kind, usize)>,
    next_slot: usize,
}

impl Scope {
    fn of_facts() -> Self {
        let names = VARIABLES.iter().enumerate().map(|(slot, var)| (var.name.to_owned(), var.kind, slot)).collect();
        // The circumstances have their slots from the start, and their names only for modifiers.
        Self { names, next_slot: VARIABLES.len() + CIRCUMSTANCES.len() }
    }

    fn declare(&mut self, name: String, kind: Kind) -> Result<(), RuleSetError> {
        if self.find(&name).is_some() {
            return Err(RuleSetError::Duplicate(name));
        }
        self.names.push((name, kind, self.next_slot));
        self.next_slot += 1;
        Ok(())
    }

    fn admit_circumstances(&mut self) -> Result<(), RuleSetError> {
        for (at, var) in CIRCUMSTANCES.iter().enumerate() {
            if self.find(var.name).is_some() {
                return Err(RuleSetError::Duplicate(var.name.into()));
            }
            self.names.push((var.name.to_owned(), var.kind, VARIABLES.len() + at));
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<Name> {
        self.names.iter().find(|known| known.0 == name).map(|(_, kind, slot)| Name { slot: *slot, kind: *kind })
    }

    fn condition(&self, id: &str, text: &str) -> Result<Expr, RuleSetError> {
        Expr::parse(text, |name| self.find(name)).map_err(|reason| RuleSetError::Condition { id: id.into(), reason })
    }

    fn derivation(&self, item: DerivedItem) -> Result<(String, Kind, Derivation), RuleSetError> {
        Ok(match item {
            DerivedItem::Truth { name, when } => {
                let condition = self.condition(&name, &when)?;
                (name, Kind::Flag, Derivation::Truth(condition))
            }
            DerivedItem::Count { name, count } => {
                let parts = count.iter().map(|text| self.condition(&name, text)).collect::<Result<_, _>>()?;
                (name, Kind::Integer(0, i64::MAX), Derivation::Count(parts))
            }
            DerivedItem::Number { name, value_of, else_assume } => {
                let wrong = |reason: &str| RuleSetError::Condition { id: name.clone(), reason: reason.into() };
                let source = self.find(&value_of).ok_or_else(|| wrong("`value_of` is not declared"))?;
                if !matches!(source.kind, Kind::Integer(..) | Kind::Number(..)) {
                    return Err(wrong("`value_of` is not a number"));
                }
                check(&mut HashSet::new(), &else_assume.id, [&else_assume.why, &else_assume.tell])?;
                let condition = self.condition(&else_assume.id, &else_assume.condition)?;
                let derivation = Derivation::Number(source.slot, else_assume.value, condition, else_assume);
                (name, source.kind, derivation)
            }
        })
    }
}
