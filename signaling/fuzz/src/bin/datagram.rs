//! What comes to a port of the media edge: STUN, RTP, RTCP, VP8.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signaling::media::hostile::datagram(data));
