//! axum: every route on one page ([`router`]), what handlers are handed ([`extract`]), how refusals look ([`error`]).

pub mod error;
pub mod extract;
