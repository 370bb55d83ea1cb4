//! What is said: REST bodies, WebSocket messages, stable error codes.
//!
//! Every type here derives a schema; together they are `/api/openapi.json`, from which the browser's types are
//! generated. A field is added freely; one is removed or changes its meaning only with [`LIVE_VERSION`] or the
//! path's `v1`.

pub mod adverse;
pub mod amendment;
pub mod auth;
pub mod booking;
pub mod case_report;
pub mod desk;
pub mod error;
pub mod formula_template;
pub mod house;
pub mod intake;
pub mod invitation;
pub mod live;
pub mod notice;
pub mod opinion;
pub mod parse;
pub mod prescription;
pub mod proof;
pub mod reading;
pub mod staff;
pub mod terms;
pub mod ticket;
pub mod visit;

/// The version of the live protocol that this server speaks.
pub const LIVE_VERSION: u16 = 1;
