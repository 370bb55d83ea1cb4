//! What is true. No tokio, no sqlx, no axum, no clock, no I/O, no randomness: time and chance are arguments.

pub mod alarm;
pub mod audit;
pub mod codes;
pub mod consent;
pub mod date;
pub mod desk;
pub mod eta;
pub mod identity;
pub mod ids;
pub mod people;
pub mod permission;
pub mod picture;
pub mod place;
pub mod questionnaire;
pub mod record;
pub mod room;
pub mod text;
pub mod ticket;
pub mod time;
pub mod triage;
pub mod turn;
pub mod visit;
