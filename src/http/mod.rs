//! axum: every route on one page ([`router`]), what handlers are handed ([`extract`]), how refusals look ([`error`]); then
//! one file per resource.

pub mod alarms;
pub mod assets;
pub mod auth;
mod bodies;
pub mod clinics;
pub mod codes;
pub mod consents;
pub mod declarations;
pub mod desks;
pub mod error;
pub mod extract;
pub mod health;
pub mod invitations;
pub mod limits;
pub mod links;
pub mod patients;
pub mod recordings;
pub mod router;
mod seated;
pub mod serve;
pub mod tickets;
pub mod tls;
pub mod triage;
pub mod uploads;
pub mod visits;
