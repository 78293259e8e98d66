//! What strangers send, read byte by byte: STUN checks, RTP, RTCP, feedback, VP8 descriptors.
//!
//! Pure functions on slices. They never panic and never allocate by a length that a packet claims;
//! each has a property test with hostile bytes, and they are the entry points for fuzzing.

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

/// Whether the ClientHello in a datagram offers AES-128-GCM for media: the extension `use_srtp`
/// (RFC 5764 §4.1.1) is looked for, with a list of profiles that names it.
pub fn offers_aead(record: &[u8]) -> bool {
    const USE_SRTP: [u8; 2] = [0, 14];
    const AEAD_AES_128_GCM: [u8; 2] = [0, 7];
    (0..record.len()).any(|at| {
        let (Some(extension), Some(bytes)) = (u16_at(record, at + 2), u16_at(record, at + 4))
        else {
            return false;
        };
        // The list of profiles, its own length, and an empty key identifier make up the extension.
        record[at..].starts_with(&USE_SRTP)
            && extension.checked_sub(3) == Some(bytes)
            && bytes.is_multiple_of(2)
            && record
                .get(at + 6..at + 6 + usize::from(bytes))
                .is_some_and(|list| list.chunks_exact(2).any(|profile| profile == AEAD_AES_128_GCM))
    })
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
    fn a_hello_that_offers_aead_is_known() {
        let hello = |profiles: &[u8]| {
            let mut hello = vec![22, 254, 253, 0, 14, 0, 9, 0, 14];
            hello.extend([0, profiles.len() as u8 + 3, 0, profiles.len() as u8]);
            hello.extend(profiles);
            hello.extend([0, 0, 7]);
            hello
        };
        for (profiles, expected) in
            [(&[0, 1, 0, 8, 0, 7][..], true), (&[0, 7], true), (&[0, 1], false), (&[], false)]
        {
            assert_eq!(offers_aead(&hello(profiles)), expected, "{profiles:?}");
        }
        for cut in 0..20 {
            offers_aead(&hello(&[0, 7])[..cut.min(18)]);
        }
        assert!(!offers_aead(&[0, 14, 255, 255, 255, 252]));
    }

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
