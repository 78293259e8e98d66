//! What strangers send, read byte by byte: STUN checks, RTP, RTCP, feedback, VP8 descriptors.
//!
//! Pure functions on slices. They never panic and never allocate by a length that a packet claims;
//! each has a property test with hostile bytes, and they are the entry points for fuzzing.

pub mod hello;
pub mod rtcp;
pub mod rtp;
pub mod stun;
pub mod twcc;
pub mod vp8;

/// What a datagram is, by its first bytes (RFC 7983 §7, RFC 5761 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A connectivity check or its answer.
    Stun,
    /// A handshake record.
    Dtls,
    /// Media.
    Rtp,
    /// Reports and feedback on media.
    Rtcp,
}

/// Tells datagrams apart before anything is decrypted.
pub fn protocol(data: &[u8]) -> Option<Protocol> {
    match *data {
        [0..=3, _, ..] if data.len() >= 20 => Some(Protocol::Stun),
        [20..=63, _, ..] if data.len() >= 13 => Some(Protocol::Dtls),
        [128..=191, 192..=223, ..] if data.len() >= 8 => Some(Protocol::Rtcp),
        [128..=191, _, ..] if data.len() >= 12 => Some(Protocol::Rtp),
        _ => None,
    }
}

/// Big-endian 16 bits at an offset.
fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

/// Big-endian 32 bits at an offset.
fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_told_apart() {
        let packet = |first: u8, second: u8| {
            let mut packet = vec![first, second];
            packet.extend([0; 18]);
            packet
        };
        for (first, second, expected) in [
            (0x80, 111, Some(Protocol::Rtp)),
            (0x90, 96 | 0x80, Some(Protocol::Rtp)),
            (0x80, 200, Some(Protocol::Rtcp)),
            (0, 1, Some(Protocol::Stun)),
            (22, 254, Some(Protocol::Dtls)),
            (64, 0, None),
            (255, 0, None),
        ] {
            assert_eq!(protocol(&packet(first, second)), expected, "{first} {second}");
            assert_eq!(protocol(&[first]), None);
        }
    }
}
