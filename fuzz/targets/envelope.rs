#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yunzhen::services::verifying::bad_bytes::envelope(bytes));
