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

/// Our half of the USERNAME ("ours:theirs") of a STUN binding request (RFC 8445 §7.2.2).
pub(super) fn stun_ufrag(data: &[u8]) -> Option<&str> {
    const BINDING_REQUEST: [u8; 2] = [0, 1];
    const USERNAME: [u8; 2] = [0, 6];
    let mut rest = data.get(20..).filter(|_| data[..2] == BINDING_REQUEST)?;
    loop {
        let (head, value) = rest.split_at_checked(4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[..2] == USERNAME {
            return std::str::from_utf8(value.get(..length)?).ok()?.split(':').next();
        }
        rest = value.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_ufrag_behind_other_attributes() {
        let mut packet = vec![0, 1, 0, 0];
        packet.extend([0; 16]);
        packet.extend([0x80, 0x22, 0, 3, 1, 2, 3, 0]);
        packet.extend([0, 6, 0, 5]);
        packet.extend(b"ab:cd\0\0\0");
        assert_eq!(stun_ufrag(&packet), Some("ab"));
        packet[1] = 2;
        assert_eq!(stun_ufrag(&packet), None, "not a request");
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
            let _ = (is_rtp(&data), ssrc(&data), stun_ufrag(&data));
            let mut request = vec![0, 1];
            request.extend(&data);
            let _ = stun_ufrag(&request);
        }
    }
}
