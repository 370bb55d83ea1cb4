//! The whole product's tests in one binary, so that it links once.

mod media;
mod programs;
mod traceability;
mod web;
