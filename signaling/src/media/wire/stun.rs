//! Connectivity checks (RFC 8445 §7), as an ICE-lite agent sees them: requests in, successes out.

use super::{u16_at, u32_at};
use std::net::{IpAddr, SocketAddr};

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const COOKIE: u32 = 0x2112_a442;
const HEADER_BYTES: usize = 20;
const TAG_BYTES: usize = 20;

/// An HMAC-SHA1 over the concatenation of these slices.
pub type Sign<'a> = &'a mut dyn FnMut(&[&[u8]]) -> Option<[u8; TAG_BYTES]>;

/// A connectivity check, as far as it can be read without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// Our half of the USERNAME ("ours:theirs", RFC 8445 §7.2.2).
    pub ufrag: &'a str,
    /// It has USE-CANDIDATE: media is to take this path (RFC 8445 §7.3.1.5).
    pub nominates: bool,
    /// Names the request in its answer.
    pub transaction: [u8; 12],
    signed: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Check<'a> {
    /// The check in a datagram, if it is one. Attributes behind the signature are not looked at.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_at(data, 2)?);
        if u16_at(data, 0)? != BINDING_REQUEST
            || u32_at(data, 4)? != COOKIE
            || data.len() != HEADER_BYTES + length
        {
            return None;
        }
        let transaction = data.get(8..HEADER_BYTES)?.try_into().ok()?;
        let (mut ufrag, mut nominates) = (None, false);
        let mut at = HEADER_BYTES;
        loop {
            let (kind, bytes) = (u16_at(data, at)?, usize::from(u16_at(data, at + 2)?));
            let value = data.get(at + 4..at + 4 + bytes)?;
            match kind {
                USERNAME => ufrag = std::str::from_utf8(value).ok()?.split(':').next(),
                USE_CANDIDATE => nominates = true,
                MESSAGE_INTEGRITY if bytes == TAG_BYTES => {
                    let signed = data.get(..at)?;
                    return Some(Self {
                        ufrag: ufrag?,
                        nominates,
                        transaction,
                        signed,
                        tag: value,
                    });
                }
                _ => {}
            }
            at += 4 + bytes.next_multiple_of(4);
        }
    }

    /// Whether whoever sent it has the key.
    pub fn is_authentic(&self, sign: Sign<'_>) -> bool {
        let [kind, rest] = [&self.signed[..2], &self.signed[4..]];
        let length = (self.signed.len() - HEADER_BYTES + 4 + TAG_BYTES) as u16;
        let expected = sign(&[kind, &length.to_be_bytes(), rest]);
        expected.is_some_and(|expected| same(&expected, self.tag))
    }

    /// The answer: "this is how I see you" (RFC 8489 §14.2), signed.
    pub fn success(&self, from: SocketAddr, sign: Sign<'_>) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(80);
        out.extend(BINDING_SUCCESS.to_be_bytes());
        out.extend([0, 0]);
        out.extend(COOKIE.to_be_bytes());
        out.extend(self.transaction);
        let mut mask = COOKIE.to_be_bytes().to_vec();
        mask.extend(self.transaction);
        let (family, ip) = match from.ip() {
            IpAddr::V4(ip) => (1u8, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let port = from.port() ^ (COOKIE >> 16) as u16;
        out.extend(XOR_MAPPED_ADDRESS.to_be_bytes());
        out.extend((4 + ip.len() as u16).to_be_bytes());
        out.extend([0, family]);
        out.extend(port.to_be_bytes());
        out.extend(ip.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        set_length(&mut out, 4 + TAG_BYTES);
        let tag = sign(&[&out])?;
        out.extend(MESSAGE_INTEGRITY.to_be_bytes());
        out.extend((TAG_BYTES as u16).to_be_bytes());
        out.extend(tag);
        set_length(&mut out, 8);
        let sum = crc32fast::hash(&out) ^ 0x5354_554e;
        out.extend(FINGERPRINT.to_be_bytes());
        out.extend([0, 4]);
        out.extend(sum.to_be_bytes());
        Some(out)
    }
}

/// The length field counts the attribute that is about to follow.
fn set_length(out: &mut [u8], following: usize) {
    let length = (out.len() - HEADER_BYTES + following) as u16;
    out[2..4].copy_from_slice(&length.to_be_bytes());
}

/// Compares without telling by its duration where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 §2.1, sample request; its password is known there.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\
        \x87\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\
        \x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\
        \x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\
        \x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    fn sign(key: &'static [u8]) -> impl FnMut(&[&[u8]]) -> Option<[u8; 20]> {
        use rtc::crypto::{HmacAlgorithm, default_provider};
        let provider = default_provider().expect("a provider");
        let mut mac = provider.crypto().new_hmac(HmacAlgorithm::Sha1, key).expect("HMAC-SHA1");
        move |input| {
            let mut tag = [0; 20];
            mac.sign(input, &mut tag).ok().map(|()| tag)
        }
    }

    #[test]
    fn the_sample_of_rfc_5769_is_authentic_under_its_password_only() {
        let check = Check::parse(SAMPLE).expect("a check");
        assert_eq!((check.ufrag, check.nominates), ("evtj", false));
        assert!(check.is_authentic(&mut sign(PASSWORD)));
        assert!(!check.is_authentic(&mut sign(b"another")));
    }

    #[test]
    fn the_answer_says_where_the_check_came_from() {
        use rtc::stun::attributes::ATTR_XORMAPPED_ADDRESS;
        use rtc::stun::message::Message;
        use rtc::stun::xoraddr::XorMappedAddress;
        let check = Check::parse(SAMPLE).expect("a check");
        for from in ["192.0.2.1:32853", "[2001:db8::7]:1"] {
            let from: SocketAddr = from.parse().expect("an address");
            let answer = check.success(from, &mut sign(PASSWORD)).expect("signed");
            let mut message = Message::new();
            message.unmarshal_binary(&answer).expect("STUN");
            let mut mapped = XorMappedAddress::default();
            mapped.get_from_as(&message, ATTR_XORMAPPED_ADDRESS).expect("the address");
            assert_eq!((mapped.ip, mapped.port), (from.ip(), from.port()));
            assert_eq!(message.transaction_id.0, check.transaction);
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            body in proptest::collection::vec(any::<u8>(), 0..120),
            cut in 0usize..120,
        ) {
            let mut data = vec![0, 1, 0, body.len() as u8];
            data.extend(COOKIE.to_be_bytes());
            data.extend([0; 12]);
            data.extend(&body);
            for data in [&data[..], &body, &SAMPLE[..cut.min(SAMPLE.len())]] {
                if let Some(check) = Check::parse(data) {
                    check.is_authentic(&mut |_| Some([0; 20]));
                }
            }
        }
    }
}
