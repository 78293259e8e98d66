//! A signed file (P7M).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signing::hostile::signed_file(data));
