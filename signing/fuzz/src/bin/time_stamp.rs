//! A time stamp token.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signing::hostile::time_stamp(data));
