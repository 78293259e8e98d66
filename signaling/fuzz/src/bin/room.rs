//! What participants say to a room, line by line.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signaling::room::hostile::read(data));
