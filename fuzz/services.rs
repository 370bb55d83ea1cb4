//! Of the services those that verify a stranger's file, and what they verify by.

#[path = "../src/services/signing/scheme/mod.rs"]
pub mod signing;
#[path = "../src/services/verifying/mod.rs"]
pub mod verifying;
