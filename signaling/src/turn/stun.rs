//! STUN messages as TURN uses them (RFC 8489, RFC 8656): read where they lie, written in one piece.
//! Every byte that is read is a stranger's.

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes before the attributes (RFC 8489 §5).
pub(super) const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// HMAC-SHA1 (RFC 8489 §14.5).
const INTEGRITY_BYTES: usize = 20;

/// Message types: method and class in one number (RFC 8489 §5, RFC 8656 §17).
pub(super) mod kind {
    pub(in super::super) const BINDING: u16 = 0x0001;
    pub(in super::super) const ALLOCATE: u16 = 0x0003;
    pub(in super::super) const REFRESH: u16 = 0x0004;
    pub(in super::super) const CREATE_PERMISSION: u16 = 0x0008;
    pub(in super::super) const CHANNEL_BIND: u16 = 0x0009;
    pub(in super::super) const SEND_INDICATION: u16 = 0x0016;
    pub(in super::super) const DATA_INDICATION: u16 = 0x0017;
    /// Added to a request's type.
    pub(in super::super) const SUCCESS: u16 = 0x0100;
    /// Added to a request's type.
    pub(in super::super) const ERROR: u16 = 0x0110;

    /// It is a request, not an indication or an answer.
    pub(in super::super) fn is_request(kind: u16) -> bool {
        kind & 0x0110 == 0
    }
}

/// Attribute types (RFC 8489 §18.3, RFC 8656 §18).
pub(super) mod attribute {
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(in super::super) const CHANNEL_NUMBER: u16 = 0x000c;
    pub(in super::super) const LIFETIME: u16 = 0x000d;
    pub(in super::super) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(in super::super) const DATA: u16 = 0x0013;
    pub(in super::super) const REALM: u16 = 0x0014;
    pub(in super::super) const NONCE: u16 = 0x0015;
    pub(in super::super) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(in super::super) const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub(in super::super) const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub(in super::super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;

    /// Those that a request may carry here. Of the others, a client that cannot live without them
    /// (below 0x8000) is told so (RFC 8489 §6.3.1). Even ports, reserved ports and
    /// DONT-FRAGMENT are not offered: nobody needs them to reach the rooms.
    pub(in super::super) fn is_known(kind: u16) -> bool {
        const PRIORITY: u16 = 0x0024;
        kind >= 0x8000
            || matches!(
                kind,
                USERNAME
                    | MESSAGE_INTEGRITY
                    | CHANNEL_NUMBER
                    | LIFETIME
                    | XOR_PEER_ADDRESS
                    | DATA
                    | REALM
                    | NONCE
                    | REQUESTED_ADDRESS_FAMILY
                    | REQUESTED_TRANSPORT
                    | PRIORITY
            )
    }
}

/// Identifies a request and its answer.
pub(super) type Transaction = [u8; 12];

/// A well-formed message: its attributes fill exactly what its header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    raw: &'a [u8],
    pub(super) kind: u16,
    pub(super) transaction: Transaction,
}

impl<'a> Message<'a> {
    pub(super) fn parse(raw: &'a [u8]) -> Option<Self> {
        let (header, rest) = raw.split_at_checked(HEADER)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] > 3 || header[4..8] != COOKIE || length != rest.len() || length % 4 != 0 {
            return None;
        }
        let mut walk = Attributes { rest, over: false };
        while walk.next().is_some() {}
        if !walk.rest.is_empty() && !walk.over {
            return None;
        }
        let kind = u16::from_be_bytes([header[0], header[1]]);
        Some(Self { raw, kind, transaction: header[8..].try_into().ok()? })
    }

    /// The attributes up to MESSAGE-INTEGRITY. What follows it is not signed and is not read.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: &self.raw[HEADER..], over: false }
    }

    /// The first attribute of this type.
    pub(super) fn get(&self, wanted: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
    }

    pub(super) fn text(&self, wanted: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(wanted)?).ok()
    }

    pub(super) fn number(&self, wanted: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(wanted)?.try_into().ok()?))
    }

    /// All addresses of this type; `None` if one of them cannot be read.
    pub(super) fn addresses(&self, wanted: u16) -> Option<Vec<SocketAddr>> {
        self.attributes()
            .filter(|(kind, _)| *kind == wanted)
            .map(|(_, value)| unmask(value, &self.transaction))
            .collect()
    }

    /// Types of the attributes that nothing here understands, though the sender insists.
    pub(super) fn unknown(&self) -> Vec<u16> {
        self.attributes().map(|(kind, _)| kind).filter(|kind| !attribute::is_known(*kind)).collect()
    }

    /// MESSAGE-INTEGRITY was made with this key (RFC 8489 §14.5).
    pub(super) fn is_signed_with(&self, key: &[u8]) -> bool {
        let mut end = HEADER;
        for (kind, value) in self.attributes() {
            if kind == attribute::MESSAGE_INTEGRITY {
                let length = end - HEADER + 4 + INTEGRITY_BYTES;
                let signed = [&self.raw[..2], &(length as u16).to_be_bytes(), &self.raw[4..end]];
                let expected = hmac_sha1(key, &signed);
                return value.len() == INTEGRITY_BYTES && openssl::memcmp::eq(&expected, value);
            }
            end += 4 + value.len().next_multiple_of(4);
        }
        false
    }
}

/// Walks over type and value of each attribute.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a> {
    rest: &'a [u8],
    /// MESSAGE-INTEGRITY was met.
    over: bool,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let (head, after) = self.rest.split_at_checked(4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = after.get(..length)?;
        self.rest = after.get(length.next_multiple_of(4)..)?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        self.over = kind == attribute::MESSAGE_INTEGRITY;
        Some((kind, value))
    }
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    transaction: Transaction,
}

impl Writer {
    pub(super) fn new(kind: u16, transaction: Transaction) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self { bytes, transaction }
    }

    /// `value` has at most 65,535 bytes.
    pub(super) fn put(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn put_address(self, kind: u16, address: SocketAddr) -> Self {
        let value = mask(address, &self.transaction);
        self.put(kind, &value)
    }

    /// RFC 8489 §14.8.
    pub(super) fn put_error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend(reason.as_bytes());
        self.put(attribute::ERROR_CODE, &value)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = (self.bytes.len() - HEADER) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }

    pub(super) fn sign(mut self, key: &[u8]) -> Vec<u8> {
        let length = (self.bytes.len() - HEADER + 4 + INTEGRITY_BYTES) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let integrity = hmac_sha1(key, &[&self.bytes]);
        self.put(attribute::MESSAGE_INTEGRITY, &integrity).finish()
    }
}

/// HMAC-SHA1 over the parts, one after the other.
pub(super) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = PKey::hmac(key).expect("any bytes are an HMAC key");
    let mut signer =
        Signer::new(MessageDigest::sha1(), &key).expect("OpenSSL knows HMAC with SHA-1");
    for part in parts {
        signer.update(part).expect("hashing memory does not fail");
    }
    signer.sign_to_vec().expect("hashing memory does not fail")
}

/// RFC 8489 §14.2.
fn mask(address: SocketAddr, transaction: &Transaction) -> Vec<u8> {
    let port = address.port() ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    let mut value = vec![0, if address.is_ipv4() { 1 } else { 2 }];
    value.extend(port.to_be_bytes());
    let octets = match address.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    value.extend(octets.iter().zip(pad(transaction)).map(|(byte, pad)| byte ^ pad));
    value
}

fn unmask(value: &[u8], transaction: &Transaction) -> Option<SocketAddr> {
    let (head, ip) = value.split_at_checked(4)?;
    let port = u16::from_be_bytes([head[2], head[3]]) ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    let mut octets = [0; 16];
    for ((to, byte), pad) in octets.iter_mut().zip(ip).zip(pad(transaction)) {
        *to = byte ^ pad;
    }
    let ip: IpAddr = match (head[1], ip.len()) {
        (1, 4) => Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(),
        (2, 16) => Ipv6Addr::from(octets).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn pad(transaction: &Transaction) -> impl Iterator<Item = u8> {
    COOKIE.into_iter().chain(*transaction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 §2.1: sample request with the short-term password of its text.
    const SAMPLE: &[u8] = &[
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
        0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74,
        0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e,
        0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
        0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20,
        0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
        0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5,
        0x7a, 0x3b, 0xcf,
    ];

    #[test]
    fn the_rfc_s_sample_is_read_and_its_signature_holds() {
        let message = Message::parse(SAMPLE).expect("well-formed");
        assert_eq!(message.kind, kind::BINDING);
        assert_eq!(message.text(attribute::USERNAME), Some("evtj:h6vY"));
        assert!(message.is_signed_with(b"VOkJxbRl1RmTxUk/WvJxBt"));
        assert!(!message.is_signed_with(b"another"));
        let mut forged = SAMPLE.to_vec();
        forged[64] ^= 1;
        let forged = Message::parse(&forged).expect("well-formed");
        assert!(!forged.is_signed_with(b"VOkJxbRl1RmTxUk/WvJxBt"));
    }

    #[test]
    fn what_follows_the_signature_is_not_read() {
        let signed = Writer::new(kind::REFRESH, [7; 12]).put(attribute::NONCE, b"n").sign(b"k");
        let mut more = Writer { bytes: signed, transaction: [7; 12] };
        more = more.put(attribute::LIFETIME, &[0; 4]);
        let bytes = more.finish();
        let message = Message::parse(&bytes).expect("well-formed");
        assert!(message.is_signed_with(b"k"));
        assert_eq!(message.number(attribute::LIFETIME), None);
    }

    #[test]
    fn malformed_messages_are_refused() {
        let good = Writer::new(kind::BINDING, [1; 12]).put(attribute::NONCE, b"abcd").finish();
        assert!(Message::parse(&good).is_some());
        let mut table = vec![good[..good.len() - 1].to_vec(), [&good[..], &[0; 4]].concat()];
        for (at, value) in [(0, 0x40), (4, 0), (23, 9), (3, 3)] {
            let mut bad = good.clone();
            bad[at] = value;
            table.push(bad);
        }
        for bad in table {
            assert!(Message::parse(&bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn addresses_come_back_as_they_were(v4: [u8; 4], v6: [u8; 16], port: u16, id: [u8; 12]) {
            for ip in [IpAddr::from(v4), IpAddr::from(v6)] {
                let address = SocketAddr::new(ip, port);
                let bytes = Writer::new(kind::BINDING, id)
                    .put_address(attribute::XOR_PEER_ADDRESS, address)
                    .finish();
                let message = Message::parse(&bytes).expect("well-formed");
                prop_assert_eq!(message.addresses(attribute::XOR_PEER_ADDRESS), Some(vec![address]));
            }
        }
    }
}
