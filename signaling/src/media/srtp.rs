//! SRTP and SRTCP (RFC 3711, RFC 7714) in place: nothing is allocated or copied for a packet.
//!
//! The ciphers are those of `rtc`'s provider (`ring`). Whoever calls [`Sealer::rtp`] keeps the packet
//! index of a stream and never gives one twice.

use super::wire::rtp::Header;
use rtc::crypto::{
    AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CryptoError, HmacAlgorithm, Mac, RTCCrypto,
    StreamCipher, StreamCipherAlgorithm,
};
use std::collections::HashMap;

/// Most streams of one peer whose packets are remembered against replay.
const MAX_STREAMS: usize = 64;
const KEY_BYTES: usize = 16;
const AEAD_TAG_BYTES: usize = 16;
const MAC_TAG_BYTES: usize = 10;
const INDEX_BYTES: usize = 4;
/// Bytes of an RTCP packet that stay readable.
const RTCP_CLEAR_BYTES: usize = 8;
/// The index word says that the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// A negotiated protection profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    AeadAes128Gcm,
    Aes128CmHmacSha1_80,
}

impl Profile {
    fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 12,
            Self::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// Exported key material for both directions (RFC 5764 §4.2).
    pub(super) fn material_bytes(self) -> usize {
        2 * (KEY_BYTES + self.salt_bytes())
    }
}

/// Both directions of a connection on which we are the DTLS server; `None` if the material does not
/// have the profile's length or the provider lacks a cipher.
pub(super) fn keyed(
    crypto: &dyn RTCCrypto,
    profile: Profile,
    material: &[u8],
) -> Option<(Sealer, Opener)> {
    if material.len() != profile.material_bytes() {
        return None;
    }
    let (client_key, rest) = material.split_at(KEY_BYTES);
    let (server_key, salts) = rest.split_at(KEY_BYTES);
    let (client_salt, server_salt) = salts.split_at(profile.salt_bytes());
    let ours = Ciphers::new(crypto, profile, server_key, server_salt).ok()?;
    let theirs = Ciphers::new(crypto, profile, client_key, client_salt).ok()?;
    let sealer = Sealer { ciphers: ours, rtcp_index: 0 };
    Some((sealer, Opener { ciphers: theirs, rtp: HashMap::new(), rtcp: HashMap::new() }))
}

/// Session keys of one direction.
enum Ciphers {
    Aead {
        rtp: Box<dyn AeadCipher>,
        rtcp: Box<dyn AeadCipher>,
        rtp_salt: [u8; 12],
        rtcp_salt: [u8; 12],
    },
    Counter {
        rtp: Box<dyn StreamCipher>,
        rtcp: Box<dyn StreamCipher>,
        rtp_mac: Box<dyn Mac>,
        rtcp_mac: Box<dyn Mac>,
        rtp_salt: [u8; 14],
        rtcp_salt: [u8; 14],
    },
}

impl Ciphers {
    fn new(
        crypto: &dyn RTCCrypto,
        profile: Profile,
        key: &[u8],
        salt: &[u8],
    ) -> Result<Self, CryptoError> {
        let derive = |label, bytes| derive(crypto, key, salt, label, bytes);
        Ok(match profile {
            Profile::AeadAes128Gcm => {
                let cipher = |label| {
                    let key = derive(label, KEY_BYTES)?;
                    crypto.new_aead(AeadAlgorithm::Aes128Gcm, &key)
                };
                Self::Aead {
                    rtp: cipher(0)?,
                    rtcp: cipher(3)?,
                    rtp_salt: sized(&derive(2, 12)?),
                    rtcp_salt: sized(&derive(5, 12)?),
                }
            }
            Profile::Aes128CmHmacSha1_80 => {
                let cipher = |label| {
                    let key = derive(label, KEY_BYTES)?;
                    crypto.new_stream_cipher(StreamCipherAlgorithm::Aes128Ctr, &key)
                };
                let mac = |label| crypto.new_hmac(HmacAlgorithm::Sha1, &derive(label, 20)?);
                Self::Counter {
                    rtp: cipher(0)?,
                    rtcp: cipher(3)?,
                    rtp_mac: mac(1)?,
                    rtcp_mac: mac(4)?,
                    rtp_salt: sized(&derive(2, 14)?),
                    rtcp_salt: sized(&derive(5, 14)?),
                }
            }
        })
    }
}

/// AES-CM key derivation with rate 0 (RFC 3711 §4.3).
fn derive(
    crypto: &dyn RTCCrypto,
    key: &[u8],
    salt: &[u8],
    label: u8,
    bytes: usize,
) -> Result<Vec<u8>, CryptoError> {
    let mut out = vec![];
    for n in 0u16.. {
        if out.len() >= bytes {
            break;
        }
        let mut block = [0; 16];
        block[..salt.len()].copy_from_slice(salt);
        block[7] ^= label;
        block[14..].copy_from_slice(&n.to_be_bytes());
        crypto.block_encrypt(BlockCipherAlgorithm::Aes128, key, &mut block)?;
        out.extend(block);
    }
    out.truncate(bytes);
    Ok(out)
}

fn sized<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("derived with this length")
}

/// RFC 7714 §8.1: SSRC, then a 48-bit packet index, under the salt.
fn aead_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    nonce.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    nonce
}

/// RFC 3711 §4.1.1.
fn counter(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
    iv[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    iv.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    iv
}

/// Rollover counter of a packet index.
fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// Protects what we send.
pub(super) struct Sealer {
    ciphers: Ciphers,
    rtcp_index: u32,
}

impl Sealer {
    /// Encrypts the RTP packet that begins at `start`, and appends its tag. `index` is its sequence
    /// number with the rollovers before it. False if the cipher refused: then nothing may be sent.
    #[must_use]
    pub(super) fn rtp(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> bool {
        match &mut self.ciphers {
            Ciphers::Aead { rtp, rtp_salt, .. } => {
                let mut tag = [0; AEAD_TAG_BYTES];
                let (clear, secret) = out[start..].split_at_mut(header);
                let nonce = aead_nonce(rtp_salt, ssrc, index);
                let sealed = rtp.seal_in_place(&nonce, clear, secret, &mut tag).is_ok();
                out.extend_from_slice(&tag);
                sealed
            }
            Ciphers::Counter { rtp, rtp_mac, rtp_salt, .. } => {
                let iv = counter(rtp_salt, ssrc, index);
                let mut tag = [0; 20];
                let sealed = rtp.apply_keystream(&iv, &mut out[start + header..]).is_ok()
                    && rtp_mac.sign(&[&out[start..], &rollover(index)], &mut tag).is_ok();
                out.extend_from_slice(&tag[..MAC_TAG_BYTES]);
                sealed
            }
        }
    }

    /// Encrypts the RTCP compound that begins at `start`, and appends index and tag.
    #[must_use]
    pub(super) fn rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> bool {
        // 2³¹ compounds under one key are 68 years at one a second.
        self.rtcp_index += 1;
        let word = (self.rtcp_index | ENCRYPTED).to_be_bytes();
        let index = u64::from(self.rtcp_index);
        let Some(ssrc) = rtcp_ssrc(&out[start..]) else { return false };
        match &mut self.ciphers {
            Ciphers::Aead { rtcp, rtcp_salt, .. } => {
                let mut tag = [0; AEAD_TAG_BYTES];
                let (clear, secret) = out[start..].split_at_mut(RTCP_CLEAR_BYTES);
                let aad = rtcp_aad(clear, word);
                let nonce = aead_nonce(rtcp_salt, ssrc, index);
                let sealed = rtcp.seal_in_place(&nonce, &aad, secret, &mut tag).is_ok();
                out.extend_from_slice(&tag);
                out.extend_from_slice(&word);
                sealed
            }
            Ciphers::Counter { rtcp, rtcp_mac, rtcp_salt, .. } => {
                let iv = counter(rtcp_salt, ssrc, index);
                let mut tag = [0; 20];
                let sealed =
                    rtcp.apply_keystream(&iv, &mut out[start + RTCP_CLEAR_BYTES..]).is_ok();
                out.extend_from_slice(&word);
                let signed = rtcp_mac.sign(&[&out[start..]], &mut tag).is_ok();
                out.extend_from_slice(&tag[..MAC_TAG_BYTES]);
                sealed && signed
            }
        }
    }
}

/// Checks and decrypts what a peer sends.
pub(super) struct Opener {
    ciphers: Ciphers,
    rtp: HashMap<u32, Window>,
    rtcp: HashMap<u32, Window>,
}

impl Opener {
    /// An authentic packet of this stream came before.
    pub(super) fn knows(&self, ssrc: u32) -> bool {
        self.rtp.contains_key(&ssrc) || self.rtcp.contains_key(&ssrc)
    }

    /// Decrypts an RTP packet in place; returns its length without the tag. `None` if it is forged,
    /// repeated or too old.
    pub(super) fn rtp(&mut self, data: &mut [u8], header: &Header) -> Option<usize> {
        let window = self.rtp.get(&header.ssrc);
        let index = match window {
            Some(window) => window.guess(header.seq)?,
            None => u64::from(header.seq),
        };
        if window.is_some_and(|window| !window.is_fresh(index)) {
            return None;
        }
        let ssrc = header.ssrc;
        let length = match &mut self.ciphers {
            Ciphers::Aead { rtp, rtp_salt, .. } => {
                let length = data.len().checked_sub(AEAD_TAG_BYTES)?;
                let (packet, tag) = data.split_at_mut(length);
                let (clear, secret) = packet.split_at_mut_checked(header.length)?;
                rtp.open_in_place(&aead_nonce(rtp_salt, ssrc, index), clear, secret, tag).ok()?;
                length
            }
            Ciphers::Counter { rtp, rtp_mac, rtp_salt, .. } => {
                let length = data.len().checked_sub(MAC_TAG_BYTES)?;
                let (packet, tag) = data.split_at_mut(length);
                let mut expected = [0; 20];
                rtp_mac.sign(&[packet, &rollover(index)], &mut expected).ok()?;
                if !rtc::crypto::constant_time_eq(&expected[..MAC_TAG_BYTES], tag) {
                    return None;
                }
                let secret = packet.get_mut(header.length..)?;
                rtp.apply_keystream(&counter(rtp_salt, ssrc, index), secret).ok()?;
                length
            }
        };
        accept(&mut self.rtp, ssrc, index).then_some(length)
    }

    /// Decrypts an RTCP compound in place; returns its length without index and tag.
    pub(super) fn rtcp(&mut self, data: &mut [u8]) -> Option<usize> {
        let ssrc = rtcp_ssrc(data)?;
        let tag_behind_index = match self.ciphers {
            Ciphers::Aead { .. } => 0,
            Ciphers::Counter { .. } => MAC_TAG_BYTES,
        };
        let end = data.len().checked_sub(INDEX_BYTES + tag_behind_index)?;
        let word: [u8; INDEX_BYTES] = data.get(end..end + INDEX_BYTES)?.try_into().ok()?;
        let index = u64::from(u32::from_be_bytes(word) & !ENCRYPTED);
        if self.rtcp.get(&ssrc).is_some_and(|window| !window.is_fresh(index)) {
            return None;
        }
        let length = match &mut self.ciphers {
            Ciphers::Aead { rtcp, rtcp_salt, .. } => {
                let length = end.checked_sub(AEAD_TAG_BYTES)?;
                let (packet, tail) = data.split_at_mut(length);
                let (clear, secret) = packet.split_at_mut_checked(RTCP_CLEAR_BYTES)?;
                let aad = rtcp_aad(clear, word);
                let nonce = aead_nonce(rtcp_salt, ssrc, index);
                rtcp.open_in_place(&nonce, &aad, secret, &tail[..AEAD_TAG_BYTES]).ok()?;
                length
            }
            Ciphers::Counter { rtcp, rtcp_mac, rtcp_salt, .. } => {
                let (signed, tag) = data.split_at_mut(end + INDEX_BYTES);
                let mut expected = [0; 20];
                rtcp_mac.sign(&[signed], &mut expected).ok()?;
                if !rtc::crypto::constant_time_eq(&expected[..MAC_TAG_BYTES], tag) {
                    return None;
                }
                let secret = signed.get_mut(RTCP_CLEAR_BYTES..end)?;
                rtcp.apply_keystream(&counter(rtcp_salt, ssrc, index), secret).ok()?;
                end
            }
        };
        accept(&mut self.rtcp, ssrc, index).then_some(length)
    }
}

/// Who sent a compound; it stays readable.
pub(super) fn rtcp_ssrc(data: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(4..RTCP_CLEAR_BYTES)?.try_into().ok()?))
}

/// RFC 7714 §9.2: the clear header, then the index word.
fn rtcp_aad(clear: &[u8], word: [u8; INDEX_BYTES]) -> [u8; RTCP_CLEAR_BYTES + INDEX_BYTES] {
    let mut aad = [0; RTCP_CLEAR_BYTES + INDEX_BYTES];
    aad[..RTCP_CLEAR_BYTES].copy_from_slice(clear);
    aad[RTCP_CLEAR_BYTES..].copy_from_slice(&word);
    aad
}

/// Notes an authenticated packet; false if its stream is one too many.
fn accept(windows: &mut HashMap<u32, Window>, ssrc: u32, index: u64) -> bool {
    if !windows.contains_key(&ssrc) && windows.len() >= MAX_STREAMS {
        return false;
    }
    windows.entry(ssrc).or_insert_with(|| Window::at(index)).note(index);
    true
}

/// The packets of one stream that were accepted lately (RFC 3711 §3.3.2). As wide as packets are
/// asked for again: without RTX a repeated packet comes late as itself.
struct Window {
    highest: u64,
    /// Bit n of the ring: index ≡ n was seen.
    seen: [u64; Window::WORDS],
}

impl Window {
    const WORDS: usize = 8;
    const PACKETS: u64 = 64 * Self::WORDS as u64;

    fn at(index: u64) -> Self {
        Self { highest: index, seen: [0; Self::WORDS] }
    }

    /// The index nearest to the highest one that has this sequence number (RFC 3711 §3.3.1).
    fn guess(&self, seq: u16) -> Option<u64> {
        let ahead = seq.wrapping_sub(self.highest as u16) as i16;
        self.highest.checked_add_signed(ahead.into())
    }

    fn is_fresh(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        self.highest - index < Self::PACKETS && self.seen[word(index)] & bit(index) == 0
    }

    fn note(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= Self::PACKETS {
                self.seen = [0; Self::WORDS];
            } else {
                for skipped in self.highest + 1..index {
                    self.seen[word(skipped)] &= !bit(skipped);
                }
            }
            self.highest = index;
        }
        self.seen[word(index)] |= bit(index);
    }
}

fn word(index: u64) -> usize {
    (index / 64) as usize % Window::WORDS
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
#[path = "srtp_tests.rs"]
mod tests;
