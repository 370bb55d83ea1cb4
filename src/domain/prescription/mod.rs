//! Prescriptions: what they hold, whether one may exist, and what becomes of it.

mod acts;
mod attention;
mod content;
mod formula_template;
mod keeping;
mod label;
mod pane;
mod quantity;
mod signed;
mod state;
mod stated;
mod suitability;

pub use acts::{ACTS, is_left_in};
pub use attention::{Place, attention, place};
pub use content::{
    Content, Field, HerbLine, Herbal, Line, Medicine, MedicineKind, Medicines, Misfit, Role, Span, Timing, Words,
    canonical,
};
pub use formula_template::KEPT_LIMIT;
pub use keeping::class_of;
pub use label::{Label, Step, label};
pub use pane::{Basis, ClosedReason, EPIDEMIC, LegalFlags, Pane, VisitBasis, VisitKind, legal_basis, may_exist};
pub use quantity::{Quantity, quantity};
pub use signed::{Signed, lacks, unforeseen};
pub use state::{Answers, Phase, Second, State, Verdict, Wrong, unanswered};
pub use stated::{Face, Longer, MOST_VALID_DAYS, Stated, face_in, identity_in};
pub use suitability::{SUITABILITY, Suitability};
