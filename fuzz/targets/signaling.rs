#![no_main]

use yunzhen::protocol::live::ClientMessage;
use yunzhen::protocol::parse::parse;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(parse::<ClientMessage>(bytes)));
