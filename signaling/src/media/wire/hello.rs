//! What a client says first of all: the ClientHello of DTLS 1.2, whole or in fragments (RFC 6347 §4.2).
//!
//! Browsers offer keys that do not fit into one datagram, and send their extensions in random order.

use super::u16_at;
use std::collections::BTreeMap;

/// Longer than any that browsers send.
const MOST_BYTES: usize = 8 * 1024;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
/// Protocol version and random bytes.
const FIXED: usize = 34;
const USE_SRTP: u16 = 14;
const AEAD_AES_128_GCM: [u8; 2] = [0, 7];

/// A ClientHello that is being put together.
#[derive(Default)]
pub struct ClientHello {
    bytes: usize,
    /// By their offsets.
    fragments: BTreeMap<usize, Vec<u8>>,
}

impl ClientHello {
    /// Takes what a datagram holds of it. Anything else is passed over.
    pub fn add(&mut self, datagram: &[u8]) {
        let mut rest = datagram;
        while let Some(bytes) = u16_at(rest, RECORD_HEADER - 2) {
            let end = RECORD_HEADER + usize::from(bytes);
            let Some(body) = rest.get(RECORD_HEADER..end) else { return };
            if rest[0] == HANDSHAKE {
                self.add_message(body);
            }
            rest = &rest[end..];
        }
    }

    fn add_message(&mut self, message: &[u8]) {
        let (Some(bytes), Some(offset), Some(part)) =
            (u24_at(message, 1), u24_at(message, 6), u24_at(message, 9))
        else {
            return;
        };
        let other = self.bytes != 0 && self.bytes != bytes;
        if message[0] != CLIENT_HELLO || bytes > MOST_BYTES || offset + part > bytes || other {
            return;
        }
        if let Some(body) = message.get(MESSAGE_HEADER..MESSAGE_HEADER + part) {
            self.bytes = bytes;
            self.fragments.insert(offset, body.to_vec());
        }
    }

    /// Whether it offers AES-128-GCM for media (RFC 7714 §14.2) in its extension `use_srtp` (RFC 5764
    /// §4.1.1). `None` as long as a part of it is missing.
    pub fn offers_aead(&self) -> Option<bool> {
        let hello = self.whole()?;
        let offers = || {
            let session = FIXED + 1 + usize::from(*hello.get(FIXED)?);
            let cookie = session + 1 + usize::from(*hello.get(session)?);
            let ciphers = cookie + 2 + usize::from(u16_at(&hello, cookie)?);
            let compression = ciphers + 1 + usize::from(*hello.get(ciphers)?);
            let mut extensions = hello.get(compression + 2..)?;
            loop {
                let (kind, bytes) = (u16_at(extensions, 0)?, usize::from(u16_at(extensions, 2)?));
                let body = extensions.get(4..4 + bytes)?;
                if kind == USE_SRTP {
                    let profiles = body.get(2..2 + usize::from(u16_at(body, 0)?))?;
                    return Some(profiles.chunks_exact(2).any(|one| one == AEAD_AES_128_GCM));
                }
                extensions = &extensions[4 + bytes..];
            }
        };
        Some(offers().unwrap_or(false))
    }

    fn whole(&self) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        for (&offset, part) in &self.fragments {
            let known = whole.len().checked_sub(offset)?;
            whole.extend_from_slice(part.get(known..).unwrap_or_default());
        }
        (self.bytes > 0 && whole.len() == self.bytes).then_some(whole)
    }
}

/// Big-endian 24 bits at an offset.
fn u24_at(data: &[u8], at: usize) -> Option<usize> {
    let bytes = data.get(at..at + 3)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body with these extensions.
    fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
        let mut list = Vec::new();
        for (kind, body) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend((body.len() as u16).to_be_bytes());
            list.extend(*body);
        }
        hello.extend((list.len() as u16).to_be_bytes());
        hello.extend(list);
        hello
    }

    /// A part of a message, as a record of its own.
    fn record(message: &[u8], part: std::ops::Range<usize>) -> Vec<u8> {
        let u24 = |number: usize| [(number >> 16) as u8, (number >> 8) as u8, number as u8];
        let mut body = vec![CLIENT_HELLO];
        body.extend(u24(message.len()));
        body.extend([0, 0]);
        body.extend(u24(part.start));
        body.extend(u24(part.len()));
        body.extend(&message[part]);
        let mut record = vec![HANDSHAKE, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        record
    }

    fn srtp(profiles: &[u8]) -> Vec<u8> {
        let mut body = vec![0, profiles.len() as u8];
        body.extend(profiles);
        body.push(0);
        body
    }

    #[test]
    fn what_a_hello_offers_is_known_wherever_it_says_so() {
        let share = [0x0e; 1200];
        let (all, slow, none) = (srtp(&[0, 1, 0, 8, 0, 7]), srtp(&[0, 1]), srtp(&[]));
        for (extensions, expected) in [
            (&[(14, &all[..]), (51, &share)][..], true),
            (&[(51, &share), (14, &all)], true),
            (&[(51, &share), (14, &slow)], false),
            (&[(14, &none)], false),
            (&[(51, &share)], false),
            (&[], false),
        ] {
            let hello = hello(extensions);
            let mut at_once = ClientHello::default();
            at_once.add(&record(&hello, 0..hello.len()));
            assert_eq!(at_once.offers_aead(), Some(expected), "{extensions:?}");

            let cut = hello.len() - 10;
            let mut parts = [record(&hello, 0..cut), record(&hello, cut..hello.len())];
            for _ in 0..2 {
                parts.reverse();
                let mut in_parts = ClientHello::default();
                in_parts.add(&parts[0]);
                assert_eq!(in_parts.offers_aead(), None, "half of it");
                in_parts.add(&parts[0]);
                assert_eq!(in_parts.offers_aead(), None, "the same half again");
                in_parts.add(&parts[1]);
                assert_eq!(in_parts.offers_aead(), Some(expected));
                let mut packed = ClientHello::default();
                packed.add(&parts.concat());
                assert_eq!(packed.offers_aead(), Some(expected), "both in one datagram");
            }
        }
    }

    #[test]
    fn lies_about_lengths_are_passed_over() {
        let whole = hello(&[(14, &srtp(&[0, 7]))]);
        let good = record(&whole, 0..whole.len());
        for cut in 0..good.len() {
            let mut hello = ClientHello::default();
            hello.add(&good[..cut]);
            assert_eq!(hello.offers_aead(), None, "{cut} bytes");
        }
        for at in RECORD_HEADER..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let mut hello = ClientHello::default();
                hello.add(&bad);
                hello.add(&good);
                let _ = hello.offers_aead();
            }
        }
        // Another length than before is another message.
        let mut hello = ClientHello::default();
        hello.add(&record(&[1; 40], 0..20));
        hello.add(&good);
        assert_eq!(hello.offers_aead(), None);
    }
}
