#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yunzhen::media::bad_bytes::mux(bytes));
