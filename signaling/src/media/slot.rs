//! One outgoing stream ("slot"). Its SSRC never changes; what feeds it does.
//!
//! On every change of source the sequence numbers, timestamps and VP8 picture ids go on from where
//! the source before left off, so the receiver sees one unbroken stream.

use super::wire::vp8::{Descriptor, Numbers};
use crate::protocol::{ParticipantId, Watch};
use rand::{Rng, RngExt};
use std::time::Instant;

/// What a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// Opus.
    Audio,
    /// VP8.
    Video,
}

impl Kind {
    /// Ticks a second of its RTP clock.
    pub(super) fn clock(self) -> u64 {
        match self {
            Self::Audio => 48_000,
            Self::Video => 90_000,
        }
    }

    /// Ticks of one frame, or of a picture at 30 a second.
    fn frame(self) -> u32 {
        match self {
            Self::Audio => 960,
            Self::Video => 3_000,
        }
    }
}

/// The three things a participant can send.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Input {
    Microphone = 0,
    Camera = 1,
    Screen = 2,
}

impl Input {
    /// In the order of the m-lines of an offer.
    pub(super) const ALL: [Input; 3] = [Input::Microphone, Input::Camera, Input::Screen];

    pub(super) fn kind(self) -> Kind {
        match self {
            Input::Microphone => Kind::Audio,
            Input::Camera | Input::Screen => Kind::Video,
        }
    }
}

/// Simulcast layer of a camera. Everything that is not simulcast is `Low`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Layer {
    /// `q`.
    Low,
    /// `h`.
    High,
}

/// Who feeds a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Source {
    pub(super) participant: ParticipantId,
    pub(super) input: Input,
}

/// One decrypted packet of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) ssrc: u32,
    pub(super) seq: u16,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: &'a [u8],
    /// Its descriptor, if it is a picture.
    pub(super) vp8: Option<Descriptor>,
}

/// What becomes of one incoming packet in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Goes out with these numbers.
    Send(Numbered),
    /// Not for this slot.
    Drop,
    /// The wanted layer is arriving, but a decoder cannot start on this packet.
    NeedKeyframe,
}

/// The numbers of an outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// Sequence number with the rollovers before it. A slot never gives one twice.
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) vp8: Option<Numbers>,
}

/// The stream flowing at present, and the offsets that turn its numbers into the slot's.
#[derive(Clone, Copy)]
struct Feed {
    ssrc: u32,
    seq: u16,
    ts: u32,
    numbers: Numbers,
    /// Outgoing index of its first packet. A packet before it belongs to the time before the
    /// switch.
    first: u64,
}

impl Feed {
    fn numbered(&self, packet: &Incoming<'_>, index: u64) -> Numbered {
        Numbered {
            index,
            timestamp: packet.timestamp.wrapping_add(self.ts),
            vp8: packet.vp8.and_then(|vp8| vp8.shifted(self.numbers)),
        }
    }
}

/// The highest numbers sent so far.
struct Last {
    index: u64,
    ts: u32,
    at: Option<Instant>,
    numbers: Numbers,
}

/// A receive slot of a viewer, seen from the sending side.
pub(super) struct Slot {
    pub(super) kind: Kind,
    pub(super) ssrc: u32,
    pub(super) payload_type: u8,
    /// Stream and payload type of what is sent again, if the viewer understands that.
    pub(super) repair: Option<Repair>,
    /// The viewer takes transport-wide sequence numbers on it.
    pub(super) transport: Option<u8>,
    /// Layer to show as soon as it can start; nothing is sent without one.
    pub(super) want: Option<Layer>,
    /// What its viewer looks at.
    pub(super) watch: Watch,
    /// Packets and payload bytes sent.
    pub(super) sent: (u32, u32),
    source: Option<Source>,
    feed: Option<Feed>,
    last: Last,
}

/// The retransmission stream of a slot (RFC 4588).
pub(super) struct Repair {
    pub(super) ssrc: u32,
    pub(super) payload_type: u8,
    /// Index of its last packet.
    pub(super) index: u64,
}

impl Slot {
    /// An empty slot. Its numbers begin at random (RFC 3550 §5.1), below 2^15, so that the first
    /// packets cannot seem to be before the start of the SRTP index (RFC 3711 §3.3.1).
    pub(super) fn new(kind: Kind, rng: &mut impl Rng) -> Self {
        Self {
            kind,
            ssrc: rng.random(),
            payload_type: 0,
            repair: None,
            transport: None,
            want: Some(Layer::Low),
            watch: Watch::High,
            sent: (0, 0),
            source: None,
            feed: None,
            last: Last {
                index: (rng.random::<u16>() >> 1).into(),
                ts: rng.random(),
                at: None,
                numbers: Numbers { picture: rng.random::<u16>() & 0x7fff, tl0: rng.random() },
            },
        }
    }

    /// Lets what is missing be sent again with this payload type.
    pub(super) fn repair_with(&mut self, payload_type: u8, rng: &mut impl Rng) {
        let index = (rng.random::<u16>() >> 1).into();
        self.repair = Some(Repair { ssrc: rng.random(), payload_type, index });
    }

    /// Who feeds the slot.
    pub(super) fn source(&self) -> Option<Source> {
        self.source
    }

    /// The incoming stream that flows at present.
    pub(super) fn feeding(&self) -> Option<u32> {
        self.feed.map(|feed| feed.ssrc)
    }

    /// Points the slot at another source, or at nobody; what flowed before stops here.
    pub(super) fn assign(&mut self, source: Option<Source>) {
        self.source = source;
        self.feed = None;
        self.watch = Watch::High;
    }

    /// Nothing flows until the next key frame.
    pub(super) fn pause(&mut self) {
        self.feed = None;
    }

    /// One packet of the source's `layer`.
    pub(super) fn rewrite(&mut self, packet: &Incoming<'_>, layer: Layer, now: Instant) -> Verdict {
        let feed = match self.feed {
            Some(feed) if feed.ssrc == packet.ssrc => feed,
            _ => {
                if self.kind == Kind::Video {
                    if self.want != Some(layer) {
                        return Verdict::Drop;
                    }
                    if !packet.vp8.is_some_and(|vp8| vp8.starts_keyframe) {
                        return Verdict::NeedKeyframe;
                    }
                }
                let feed = self.join(packet, now);
                self.feed = Some(feed);
                feed
            }
        };
        let seq = packet.seq.wrapping_add(feed.seq);
        let index = self.index(seq);
        if index < feed.first {
            return Verdict::Drop;
        }
        let numbered = feed.numbered(packet, index);
        if index > self.last.index {
            self.last.index = index;
            if numbered.timestamp != self.last.ts {
                self.last.ts = numbered.timestamp;
                self.last.at = Some(now);
            }
            if let Some(numbers) = numbered.vp8 {
                self.last.numbers = numbers;
            }
        }
        self.sent.0 = self.sent.0.wrapping_add(1);
        self.sent.1 = self.sent.1.wrapping_add(packet.payload.len() as u32);
        Verdict::Send(numbered)
    }

    /// The index nearest to the last one that has this sequence number.
    fn index(&self, seq: u16) -> u64 {
        let ahead = seq.wrapping_sub(self.last.index as u16) as i16;
        self.last.index.saturating_add_signed(ahead.into())
    }

    /// The incoming sequence number behind an outgoing one, if what flows at present had it.
    pub(super) fn origin(&self, seq: u16) -> Option<u16> {
        let feed = self.feed?;
        let index = self.index(seq);
        (feed.first..=self.last.index).contains(&index).then(|| seq.wrapping_sub(feed.seq))
    }

    /// The numbers that a packet of what flows at present was sent with.
    pub(super) fn renumbered(&self, packet: &Incoming<'_>) -> Option<Numbered> {
        let feed = self.feed?;
        Some(feed.numbered(packet, self.index(packet.seq.wrapping_add(feed.seq))))
    }

    /// Continues the outgoing stream with a new source.
    fn join(&self, packet: &Incoming<'_>, now: Instant) -> Feed {
        let ts = match self.timestamp(now) {
            // A frame later at least.
            Some(ts) if ts.wrapping_sub(self.last.ts) > self.kind.frame() => ts,
            _ => self.last.ts.wrapping_add(self.kind.frame()),
        };
        let first = self.last.index + 1;
        let theirs = packet.vp8.map(|vp8| vp8.numbers()).unwrap_or_default();
        Feed {
            ssrc: packet.ssrc,
            seq: (first as u16).wrapping_sub(packet.seq),
            ts: ts.wrapping_sub(packet.timestamp),
            numbers: Numbers {
                picture: self.last.numbers.picture.wrapping_add(1).wrapping_sub(theirs.picture),
                tl0: self.last.numbers.tl0.wrapping_add(1).wrapping_sub(theirs.tl0),
            },
            first,
        }
    }

    /// The slot's RTP time at this moment; `None` before its first packet.
    pub(super) fn timestamp(&self, now: Instant) -> Option<u32> {
        let since = now.saturating_duration_since(self.last.at?).as_micros() as u64;
        Some(self.last.ts.wrapping_add((since * self.kind.clock() / 1_000_000) as u32))
    }
}

#[cfg(test)]
#[path = "slot_tests.rs"]
mod tests;
