//! What is said: REST bodies, WebSocket messages, stable error codes.
//!
//! Every type here derives a schema; together they are `/api/openapi.json`, from which the browser's types are
//! generated. A field is added freely; one is removed or changes its meaning only with [`LIVE_VERSION`] or the
//! path's `v1`.

pub mod adverse;
pub mod alarm;
pub mod amendment;
pub mod auth;
pub mod board;
pub mod booking;
pub mod case_report;
pub mod chat;
pub mod current;
pub mod desk;
pub mod document;
pub mod error;
pub mod formula_template;
pub mod grant;
pub mod herb;
pub mod house;
pub mod intake;
pub mod invitation;
pub mod live;
pub mod note;
pub mod notice;
pub mod opinion;
pub mod parse;
pub mod pharmacy;
pub mod prescription;
pub mod proof;
pub mod queue_day;
pub mod reading;
pub mod recording;
pub mod retention;
pub mod roster;
pub mod sealed;
pub mod staff;
pub mod terms;
pub mod ticket;
pub mod upload;
pub mod visit;
pub mod wish;

/// The version of the live protocol that this server speaks.
pub const LIVE_VERSION: u16 = 1;
