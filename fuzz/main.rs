//! libFuzzer, on the reader of strangers' bytes that the variable `FUZZ` names.
//!
//! The files of the library are a program here: what no reader reaches is not compiled to code, and what is costs the
//! counters that guide the fuzzer once. So it stands on no more than these layers, and of the services on those below.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the library is looked at whole where it is a library")]

#[path = "../src/clock.rs"]
mod clock;
#[path = "../src/config/network.rs"]
mod config;
#[path = "../src/domain/mod.rs"]
mod domain;
#[path = "../src/media/mod.rs"]
mod media;
#[path = "../src/protocol/mod.rs"]
mod protocol;
mod services;

use std::sync::LazyLock;

use media::bad_bytes::{mux, offer, rtp, stun};
use services::verifying::bad_bytes::envelope;

/// Who reads, by what `fuzz/run` calls them.
const READERS: [(&str, fn(&[u8])); 6] =
    [("stun", stun), ("mux", mux), ("offer", offer), ("signaling", signaling), ("rtp", rtp), ("envelope", envelope)];

static READER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var_os("FUZZ").unwrap_or_default();
    let reader = READERS.iter().find(|(known, _)| name == **known);
    reader.unwrap_or_else(|| panic!("FUZZ names one of {:?}", READERS.map(|(known, _)| known))).1
});

fn signaling(bytes: &[u8]) {
    drop(protocol::parse::parse::<protocol::live::ClientMessage>(bytes));
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| READER(bytes));
