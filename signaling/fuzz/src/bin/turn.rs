//! What comes to the relay, as a stream of frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signaling::turn::hostile::read(data));
