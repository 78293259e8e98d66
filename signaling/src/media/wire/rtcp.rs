//! RTCP: the reports and requests that a forwarder reads and writes (RFC 3550 §6, RFC 4585,
//! RFC 5104).

use super::{u16_at, u32_at};

/// Payload types.
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
/// Most blocks of one report (five bits).
pub const MAX_BLOCKS: usize = 31;

/// One packet of a compound, as far as it concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A sender's clock: its stream, and the middle 32 bits of its NTP time.
    SenderReport {
        /// Stream.
        ssrc: u32,
        /// Middle 32 bits of the NTP timestamp.
        ntp: u32,
        /// How its own reception goes.
        blocks: Blocks<'a>,
    },
    /// How a receiver does.
    ReceiverReport(Blocks<'a>),
    /// Packets a receiver misses.
    Missing {
        /// Stream.
        ssrc: u32,
        /// Pairs of a sequence number and a bit mask of those after it.
        pairs: &'a [u8],
    },
    /// A decoder needs a key frame of these streams.
    KeyframeWanted(Wanted<'a>),
    /// Transport-wide feedback (see [`super::twcc`]): everything behind the two SSRCs.
    Arrivals(&'a [u8]),
}

/// Report blocks of 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

/// One report block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Stream reported on.
    pub ssrc: u32,
    /// Lost since the report before, of 256.
    pub lost: u8,
    /// Middle 32 bits of the NTP time of the last sender report, 0 for none.
    pub last_report: u32,
    /// Time since then, in 1/65,536 s.
    pub delay: u32,
}

impl Blocks<'_> {
    /// The blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = Block> {
        self.0.chunks_exact(24).filter_map(|block| {
            let (ssrc, lost) = (u32_at(block, 0)?, *block.get(4)?);
            Some(Block { ssrc, lost, last_report: u32_at(block, 16)?, delay: u32_at(block, 20)? })
        })
    }
}

/// The streams of a picture loss indication or a full intra request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Of one stream (PLI).
    One(u32),
    /// Entries of eight bytes, SSRC first (FIR).
    Several(&'a [u8]),
}

impl Wanted<'_> {
    /// The streams.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> {
        let (one, several) = match self {
            Self::One(ssrc) => (Some(*ssrc), &[][..]),
            Self::Several(entries) => (None, *entries),
        };
        one.into_iter().chain(several.chunks_exact(8).filter_map(|entry| u32_at(entry, 0)))
    }
}

/// The packets of a decrypted compound. Stops at the first one that is malformed.
pub fn packets(mut data: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    std::iter::from_fn(move || {
        loop {
            let (head, kind) = (*data.first()?, *data.get(1)?);
            let bytes = 4 * (usize::from(u16_at(data, 2)?) + 1);
            if head >> 6 != 2 {
                return None;
            }
            let (packet, rest) = data.split_at_checked(bytes)?;
            data = rest;
            if let Some(packet) = packet_of(head & 0x1f, kind, packet) {
                return Some(packet);
            }
        }
    })
}

fn packet_of(count: u8, kind: u8, packet: &[u8]) -> Option<Packet<'_>> {
    let blocks = |at: usize| {
        let bytes = packet.get(at..)?;
        Some(Blocks(&bytes[..bytes.len().min(24 * usize::from(count))]))
    };
    match (kind, count) {
        (SENDER_REPORT, _) => Some(Packet::SenderReport {
            ssrc: u32_at(packet, 4)?,
            ntp: u32_at(packet, 10)?,
            blocks: blocks(28)?,
        }),
        (RECEIVER_REPORT, _) => Some(Packet::ReceiverReport(blocks(8)?)),
        (TRANSPORT_FEEDBACK, 1) => {
            Some(Packet::Missing { ssrc: u32_at(packet, 8)?, pairs: packet.get(12..)? })
        }
        (TRANSPORT_FEEDBACK, 15) => Some(Packet::Arrivals(packet.get(12..)?)),
        (PAYLOAD_FEEDBACK, 1) => Some(Packet::KeyframeWanted(Wanted::One(u32_at(packet, 8)?))),
        (PAYLOAD_FEEDBACK, 4) => Some(Packet::KeyframeWanted(Wanted::Several(packet.get(12..)?))),
        _ => None,
    }
}

/// The sequence numbers in the pairs of [`Packet::Missing`].
pub fn missing(pairs: &[u8]) -> impl Iterator<Item = u16> {
    pairs.chunks_exact(4).flat_map(|pair| {
        let first = u16::from_be_bytes([pair[0], pair[1]]);
        let mask = u16::from_be_bytes([pair[2], pair[3]]);
        let after = (0..16).filter(move |bit| mask >> bit & 1 == 1);
        std::iter::once(first).chain(after.map(move |bit| first.wrapping_add(bit + 1)))
    })
}

fn head(out: &mut Vec<u8>, count: u8, kind: u8, bytes: usize) {
    out.extend([0x80 | count, kind]);
    out.extend((bytes as u16 / 4 - 1).to_be_bytes());
}

/// A sender's clock and what it sent (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug)]
pub struct SenderReport {
    /// Stream.
    pub ssrc: u32,
    /// NTP format: seconds and their fraction.
    pub ntp: u64,
    /// RTP time of the same instant.
    pub timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Payload bytes so far.
    pub bytes: u32,
}

impl SenderReport {
    /// Appends the report.
    pub fn write(&self, out: &mut Vec<u8>) {
        head(out, 0, SENDER_REPORT, 28);
        out.extend(self.ssrc.to_be_bytes());
        out.extend(self.ntp.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.packets.to_be_bytes());
        out.extend(self.bytes.to_be_bytes());
    }
}

/// What we say of one incoming stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Stream.
    pub ssrc: u32,
    /// Lost since the report before, of 256.
    pub lost: u8,
    /// Lost so far, 24 bits.
    pub lost_ever: u32,
    /// Highest sequence number with its cycles.
    pub highest: u32,
    /// In the codec's clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report, 0 for none.
    pub last_report: u32,
    /// Time since then, in 1/65,536 s.
    pub delay: u32,
}

/// Appends a report on at most [`MAX_BLOCKS`] streams.
pub fn receiver_report(out: &mut Vec<u8>, from: u32, receptions: &[Reception]) {
    let receptions = &receptions[..receptions.len().min(MAX_BLOCKS)];
    head(out, receptions.len() as u8, RECEIVER_REPORT, 8 + 24 * receptions.len());
    out.extend(from.to_be_bytes());
    for reception in receptions {
        out.extend(reception.ssrc.to_be_bytes());
        out.extend(
            (u32::from(reception.lost) << 24 | reception.lost_ever & 0xff_ffff).to_be_bytes(),
        );
        out.extend(reception.highest.to_be_bytes());
        out.extend(reception.jitter.to_be_bytes());
        out.extend(reception.last_report.to_be_bytes());
        out.extend(reception.delay.to_be_bytes());
    }
}

/// Appends the CNAME that every compound names (RFC 3550 §6.5).
pub fn description(out: &mut Vec<u8>, from: u32, name: &[u8]) {
    let text = (2 + name.len() + 1).next_multiple_of(4);
    head(out, 1, DESCRIPTION, 8 + text);
    out.extend(from.to_be_bytes());
    out.extend([1, name.len() as u8]);
    out.extend(name);
    out.extend(std::iter::repeat_n(0, text - 2 - name.len()));
}

/// Appends a request for these packets of a stream; `seqs` in rising order.
pub fn nack(out: &mut Vec<u8>, from: u32, ssrc: u32, seqs: &[u16]) {
    let mut pairs: Vec<(u16, u16)> = vec![];
    for &seq in seqs {
        match pairs.last_mut() {
            Some((first, mask)) if (1..=16).contains(&seq.wrapping_sub(*first)) => {
                *mask |= 1 << (seq.wrapping_sub(*first) - 1);
            }
            _ => pairs.push((seq, 0)),
        }
    }
    head(out, 1, TRANSPORT_FEEDBACK, 12 + 4 * pairs.len());
    out.extend(from.to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    for (first, mask) in pairs {
        out.extend(first.to_be_bytes());
        out.extend(mask.to_be_bytes());
    }
}

/// Appends a request for a key frame.
pub fn picture_loss(out: &mut Vec<u8>, from: u32, ssrc: u32) {
    head(out, 1, PAYLOAD_FEEDBACK, 12);
    out.extend(from.to_be_bytes());
    out.extend(ssrc.to_be_bytes());
}

/// Appends transport-wide feedback around a body of [`super::twcc`].
pub fn arrivals(out: &mut Vec<u8>, from: u32, ssrc: u32, body: &[u8]) {
    head(out, 15, TRANSPORT_FEEDBACK, 12 + body.len());
    out.extend(from.to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.extend(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_compound_is_read_as_it_was_written() {
        let mut out = vec![];
        SenderReport { ssrc: 5, ntp: 0x1234_5678_9abc_def0, timestamp: 7, packets: 8, bytes: 9 }
            .write(&mut out);
        let reception =
            Reception { ssrc: 6, lost: 3, last_report: 4, delay: 2, ..Default::default() };
        receiver_report(&mut out, 1, &[reception]);
        description(&mut out, 1, b"accordo");
        nack(&mut out, 1, 6, &[65_535, 0, 3, 40]);
        picture_loss(&mut out, 1, 6);
        let read: Vec<_> = packets(&out).collect();
        let [Packet::SenderReport { ssrc: 5, ntp, .. }, report, nacked, pli] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!(*ntp, 0x5678_9abc);
        let Packet::ReceiverReport(blocks) = report else { panic!("{report:?}") };
        let block = Block { ssrc: 6, lost: 3, last_report: 4, delay: 2 };
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [block]);
        let Packet::Missing { ssrc: 6, pairs } = nacked else { panic!("{nacked:?}") };
        assert_eq!(missing(pairs).collect::<Vec<_>>(), [65_535, 0, 3, 40]);
        let Packet::KeyframeWanted(wanted) = pli else { panic!("{pli:?}") };
        assert_eq!(wanted.ssrcs().collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn others_can_read_what_is_written() {
        let mut out = vec![];
        receiver_report(&mut out, 1, &[Reception { ssrc: 6, ..Default::default() }]);
        description(&mut out, 1, b"accordo");
        nack(&mut out, 1, 6, &[1, 2, 30]);
        let read = rtc::rtcp::packet::unmarshal(&mut bytes::Bytes::from(out)).expect("RTCP");
        assert_eq!(read.len(), 3);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            kind in 198u8..208, count in 0u8..32,
            body in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut data = vec![0x80 | count, kind, 0, (body.len() / 4) as u8];
            data.extend(&body);
            for data in [&data[..], &body] {
                for packet in packets(data) {
                    match packet {
                        Packet::SenderReport { blocks, .. } | Packet::ReceiverReport(blocks) => {
                            prop_assert!(blocks.iter().count() <= MAX_BLOCKS);
                        }
                        Packet::Missing { pairs, .. } => assert!(missing(pairs).count() <= 17 * 32),
                        Packet::KeyframeWanted(wanted) => assert!(wanted.ssrcs().count() <= 32),
                        Packet::Arrivals(_) => {}
                    }
                }
            }
        }
    }
}
