//! A PDF, read to be verified and read to be signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signing::hostile::pdf(data));
