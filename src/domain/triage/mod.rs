//! Fever-clinic triage: from what is known of a patient to a level, a disposition and the reasons.
//!
//! Three parts that meet nowhere else: the *vocabulary* ([`variables`]) that says what can be known, the *facts*
//! ([`Facts`]) of one patient, and the *rules* ([`RuleSet`]), which are data, so that a clinician can read, change and
//! sign them. [`assess`] joins them; it is total and deterministic, and reads no clock.
//!
//! Laws (each has a test):
//! - A comparison with an unknown value is false, `!=` included; `not` negates that two-valued truth.
//! - Every matched rule is a reason, in the order of the rule file. The level is the highest among them, the
//!   disposition that of the first rule inside the winning level.
//! - A patient with symptoms never falls below STANDARD, except by the rule that says so (A02).
//! - Modifiers add instructions and replace nothing.

mod assess;
mod disposition;
mod expr;
mod facts;
mod level;
mod red_flags;
mod rules;
pub mod variables;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod loading;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod waiting;

pub use assess::{Assessment, Reason, RuleId, RuleSetRef, assess};
pub use disposition::{Disposition, DispositionCard, TargetTime};
pub use facts::{Circumstances, FactError, Facts};
pub use level::{Level, LevelChange};
pub use red_flags::{RED_FLAGS, RedFlag};
pub use rules::{Rule, RuleSet, RuleSetError, RuleSetStatus, fever_clinic, rule, waiting_room};
