//! A client's SDP offer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signaling::media::hostile::offer(data));
