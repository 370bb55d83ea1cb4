//! Yunzhen (云诊): the server of a hospital's online consulting rooms.
//!
//! The modules stand in the order of the layer table of `docs/ARCHITECTURE.md`: a layer may name only layers above it
//! there. `tests/suite/architecture.rs` holds the same table and fails on a violation.

pub mod domain;

pub mod protocol;

pub mod config;

pub mod clock;

pub mod store;

pub mod bus;

pub mod media;

pub mod services;

pub mod jobs;

pub mod http;

pub mod ws;

pub mod telemetry;

pub mod load;

pub mod doctor;

pub mod app;
