//! Prescriptions: what they hold, whether one may exist, and what becomes of it.

mod attention;
mod content;
mod formula_template;
mod keeping;
mod label;
mod pane;
mod quantity;
mod state;
mod stated;
mod suitability;

pub use attention::{Place, attention, place};
pub use content::{
    Content, HerbLine, Herbal, Line, Medicine, MedicineKind, Medicines, Misfit, Role, Span, Timing, canonical, hash_of,
};
pub use formula_template::KEPT_LIMIT;
pub use keeping::class_of;
pub use label::{Label, Step, label};
pub use pane::{Basis, ClosedReason, EPIDEMIC, LegalFlags, Pane, VisitBasis, VisitKind, legal_basis, may_exist};
pub use quantity::{Quantity, quantity};
pub use state::{Answers, Phase, Second, State, Verdict, Wrong, unanswered};
pub use stated::{Longer, MOST_VALID_DAYS, Stated};
pub use suitability::{SUITABILITY, Suitability};
