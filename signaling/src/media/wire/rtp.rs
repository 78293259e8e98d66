//! The RTP header (RFC 3550 §5.1) and its extensions (RFC 8285).

use super::{u16_at, u32_at};
use std::ops::Range;

/// Bytes of a header without extensions.
pub const HEADER_BYTES: usize = 12;
/// Bytes that the transport-wide sequence number adds to a header that has no other extension.
pub const SEQUENCE_BYTES: usize = 8;

/// A parsed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// End of a picture, or start of a talk spurt.
    pub marker: bool,
    /// By SDP.
    pub payload_type: u8,
    /// Sequence number.
    pub seq: u16,
    /// Timestamp in units of the codec's clock.
    pub timestamp: u32,
    /// Stream.
    pub ssrc: u32,
    /// Bytes before the payload.
    pub length: usize,
    /// The payload ends with padding.
    pub padded: bool,
    extension: Option<(bool, Range<usize>)>,
}

impl Header {
    /// `None` if the packet is not RTP or too short for what its header promises.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (first, second) = (*data.first()?, *data.get(1)?);
        if first >> 6 != 2 {
            return None;
        }
        let (seq, timestamp, ssrc) = (u16_at(data, 2)?, u32_at(data, 4)?, u32_at(data, 8)?);
        let mut length = HEADER_BYTES + 4 * usize::from(first & 0x0f);
        let mut extension = None;
        if first & 0x10 != 0 {
            let profile = u16_at(data, length)?;
            let bytes = 4 * usize::from(u16_at(data, length + 2)?);
            let range = length + 4..length + 4 + bytes;
            length = range.end;
            extension = match profile {
                0xbede => Some((true, range)),
                0x1000..=0x100f => Some((false, range)),
                _ => None,
            };
        }
        if data.len() < length {
            return None;
        }
        let (marker, payload_type) = (second & 0x80 != 0, second & 0x7f);
        let padded = first & 0x20 != 0;
        Some(Self { marker, payload_type, seq, timestamp, ssrc, length, padded, extension })
    }

    /// The value of the header extension with this id.
    pub fn extension<'a>(&self, data: &'a [u8], id: u8) -> Option<&'a [u8]> {
        let (short, range) = self.extension.as_ref()?;
        let mut rest = data.get(range.clone())?;
        while let Some((&first, tail)) = rest.split_first() {
            if first == 0 {
                rest = tail;
                continue;
            }
            let (here, bytes, tail) = if *short {
                (first >> 4, usize::from(first & 0x0f) + 1, tail)
            } else {
                let (&bytes, tail) = tail.split_first()?;
                (first, usize::from(bytes), tail)
            };
            if *short && here == 15 {
                return None;
            }
            let value = tail.get(..bytes)?;
            if here == id {
                return Some(value);
            }
            rest = &tail[bytes..];
        }
        None
    }

    /// The transport-wide sequence number, if the extension of this id carries it.
    pub fn transport_sequence(&self, data: &[u8], id: u8) -> Option<u16> {
        self.extension(data, id).and_then(|value| u16_at(value, 0))
    }

    /// The payload of a decrypted packet, without padding.
    pub fn payload<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        let payload = data.get(self.length..)?;
        if !self.padded {
            return Some(payload);
        }
        let padding = usize::from(*payload.last()?);
        payload.get(..payload.len().checked_sub(padding)?)
    }
}

/// What the header of an outgoing packet says.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// End of a picture, or start of a talk spurt.
    pub marker: bool,
    /// By SDP.
    pub payload_type: u8,
    /// Sequence number.
    pub seq: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Stream.
    pub ssrc: u32,
    /// Extension id and value of the transport-wide sequence number.
    pub transport: Option<(u8, u16)>,
    /// The payload ends with padding.
    pub padded: bool,
}

impl Outgoing {
    /// Appends the header; returns its length.
    pub fn write(&self, out: &mut Vec<u8>) -> usize {
        let mut header = [0; HEADER_BYTES + SEQUENCE_BYTES];
        header[0] = 0x80 | u8::from(self.padded) << 5 | u8::from(self.transport.is_some()) << 4;
        header[1] = self.payload_type | u8::from(self.marker) << 7;
        header[2..4].copy_from_slice(&self.seq.to_be_bytes());
        header[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        let Some((id, sequence)) = self.transport else {
            out.extend_from_slice(&header[..HEADER_BYTES]);
            return HEADER_BYTES;
        };
        header[12..16].copy_from_slice(&[0xbe, 0xde, 0, 1]);
        header[16] = id << 4 | 1;
        header[17..19].copy_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&header);
        header.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_it_writes() {
        for transport in [None, Some((3, 0xabcd))] {
            let mut packet = vec![];
            let out = Outgoing {
                marker: true,
                payload_type: 96,
                seq: 65_535,
                timestamp: 7,
                ssrc: 9,
                transport,
                padded: false,
            };
            let length = out.write(&mut packet);
            packet.extend(b"payload");
            let header = Header::parse(&packet).expect("a header");
            assert_eq!((header.length, header.marker, header.seq), (length, true, 65_535));
            assert_eq!((header.payload_type, header.timestamp, header.ssrc), (96, 7, 9));
            assert_eq!(header.transport_sequence(&packet, 3), transport.map(|(_, seq)| seq));
            assert_eq!(header.transport_sequence(&packet, 4), None);
            assert_eq!(header.payload(&packet), Some(&b"payload"[..]));
        }
    }

    #[test]
    fn reads_both_forms_of_extensions_and_takes_padding_off() {
        let short = [0x10, 0xaa, 0, 0x21, 1, 2, 0, 0];
        let long = [1, 1, 0xaa, 2, 2, 1, 2, 0];
        for (profile, extensions) in [([0xbe, 0xde], short), ([0x10, 0], long)] {
            let mut packet = vec![0xb0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
            packet.extend(profile);
            packet.extend([0, 2]);
            packet.extend(extensions);
            packet.extend([5, 6, 0, 0, 3]);
            let header = Header::parse(&packet).expect("a header");
            assert_eq!(header.extension(&packet, 1), Some(&[0xaa][..]));
            assert_eq!(header.transport_sequence(&packet, 2), Some(0x0102));
            assert_eq!(header.extension(&packet, 3), None);
            assert_eq!(header.payload(&packet), Some(&[5, 6][..]));
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(mut data in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(first) = data.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            if let Some(header) = Header::parse(&data) {
                let _ = header.payload(&data);
                for id in 0..=16 {
                    let _ = header.extension(&data, id);
                }
            }
        }
    }
}
