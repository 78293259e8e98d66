//! Telling datagrams apart before anything is decrypted (RFC 7983). Pure; every byte is a
//! stranger's.

/// RTP, not RTCP: first byte RFC 7983 §7, second byte RFC 5761 §4.
pub(super) fn is_rtp(data: &[u8]) -> bool {
    data.len() >= 12 && (128..192).contains(&data[0]) && !(192..=223).contains(&data[1])
}

/// The SSRC of an RTP packet.
pub(super) fn ssrc(data: &[u8]) -> Option<u32> {
    let bytes = data.get(8..12).filter(|_| is_rtp(data))?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A connectivity check, as far as it can be read without its key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check<'a> {
    /// Our half of the USERNAME ("ours:theirs", RFC 8445 §7.2.2).
    pub(super) ufrag: &'a str,
    /// It has USE-CANDIDATE: media is to take this path (RFC 8445 §7.3.1.5).
    pub(super) nominates: bool,
}

/// The check in a datagram, if it is one.
pub(super) fn check(data: &[u8]) -> Option<Check<'_>> {
    const BINDING_REQUEST: [u8; 2] = [0, 1];
    const USERNAME: [u8; 2] = [0, 6];
    const USE_CANDIDATE: [u8; 2] = [0, 0x25];
    let mut rest = data.get(20..).filter(|_| data[..2] == BINDING_REQUEST)?;
    let (mut ufrag, mut nominates) = (None, false);
    while let Some((head, value)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value_here = value.get(..length)?;
        match [head[0], head[1]] {
            USERNAME => ufrag = std::str::from_utf8(value_here).ok()?.split(':').next(),
            USE_CANDIDATE => nominates = true,
            _ => {}
        }
        rest = value.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Check { ufrag: ufrag?, nominates })
}

/// A check was authenticated and answered with success (RFC 8489 §5).
pub(super) fn is_success(data: &[u8]) -> bool {
    data.starts_with(&[1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_check_behind_other_attributes() {
        let mut packet = vec![0, 1, 0, 0];
        packet.extend([0; 16]);
        packet.extend([0x80, 0x22, 0, 3, 1, 2, 3, 0]);
        packet.extend([0, 6, 0, 5]);
        packet.extend(b"ab:cd\0\0\0");
        assert_eq!(check(&packet), Some(Check { ufrag: "ab", nominates: false }));
        packet.extend([0, 0x25, 0, 0]);
        assert_eq!(check(&packet), Some(Check { ufrag: "ab", nominates: true }));
        packet[1] = 2;
        assert_eq!(check(&packet), None, "not a request");
    }

    #[test]
    fn tells_rtp_from_rtcp_and_stun() {
        let packet = |first: u8, second: u8| {
            let mut packet = vec![first, second];
            packet.extend([0; 10]);
            packet
        };
        for (first, second, expected) in
            [(0x80, 111, true), (0x90, 96 | 0x80, true), (0x80, 200, false), (0, 1, false)]
        {
            assert_eq!(is_rtp(&packet(first, second)), expected, "{first} {second}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (is_rtp(&data), ssrc(&data), check(&data));
            let mut request = vec![0, 1];
            request.extend(&data);
            let _ = check(&request);
        }
    }
}
