//! The whole product's tests in one binary, so that it links once.
#![expect(clippy::unwrap_used, reason = "what does not work fails its test at once")]

mod api;
mod api_document;
mod architecture;
mod backup;
mod bad_input;
mod clinic;
mod demo;
mod doctor;
mod documents;
mod establishing;
mod figures;
mod kill;
mod living;
mod media;
mod plans;
mod programs;
mod proof;
mod proxy;
mod recording;
mod store;
mod support;
mod tls;
mod traceability;
mod web;
mod wording;
