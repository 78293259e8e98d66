//! A trusted list, also past its seal.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signing_trust_lists::hostile::list(data));
