//! One outgoing stream ("slot"). Its SSRC never changes; what feeds it does.
//!
//! On every change of source the sequence numbers, timestamps and VP8 picture ids go on from where
//! the source before left off, so the receiver sees one unbroken stream.

use super::vp8::{Descriptor, Numbers};
use crate::protocol::{ParticipantId, Watch};
use rand::{Rng, RngExt};
use rtc::rtp::{Header, Packet};
use std::time::Instant;

/// What a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// Opus.
    Audio,
    /// VP8.
    Video,
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

/// What becomes of one incoming packet in one slot.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Goes out like this.
    Send(Packet),
    /// Not for this slot.
    Drop,
    /// The wanted layer is arriving, but a decoder cannot start on this packet.
    NeedKeyframe,
}

/// The stream flowing at present, and the offsets that turn its numbers into the slot's.
struct Feed {
    ssrc: u32,
    seq: u16,
    ts: u32,
    numbers: Numbers,
    /// Outgoing number of its first packet. A packet before it belongs to the time before the
    /// switch; `settled` once so many followed that "before" can only mean reordering.
    first: u16,
    settled: bool,
}

/// The highest numbers sent so far.
struct Last {
    seq: u16,
    ts: u32,
    at: Option<Instant>,
    numbers: Numbers,
}

/// A receive slot of a viewer, seen from the sending side.
pub(super) struct Slot {
    pub(super) kind: Kind,
    pub(super) ssrc: u32,
    pub(super) payload_type: u8,
    /// Layer to show as soon as it can start.
    pub(super) want: Layer,
    /// What its viewer looks at.
    pub(super) watch: Watch,
    source: Option<Source>,
    feed: Option<Feed>,
    last: Last,
}

impl Slot {
    /// An empty slot. Its numbers begin at random (RFC 3550 §5.1).
    pub(super) fn new(kind: Kind, rng: &mut impl Rng) -> Self {
        Self {
            kind,
            ssrc: rng.random(),
            payload_type: 0,
            want: Layer::Low,
            watch: Watch::High,
            source: None,
            feed: None,
            last: Last {
                // Below 2^15, so that the first packets cannot seem to be before the start of the
                // SRTP index (RFC 3711 §3.3.1).
                seq: rng.random::<u16>() >> 1,
                ts: rng.random(),
                at: None,
                numbers: Numbers { picture: rng.random::<u16>() & 0x7fff, tl0: rng.random() },
            },
        }
    }

    /// Who feeds the slot.
    pub(super) fn source(&self) -> Option<Source> {
        self.source
    }

    /// Points the slot at another source, or at nobody; what flowed before stops here.
    pub(super) fn assign(&mut self, source: Option<Source>) {
        self.source = source;
        self.feed = None;
        self.watch = Watch::High;
    }

    /// One packet of the source's `layer`.
    pub(super) fn rewrite(&mut self, packet: &Packet, layer: Layer, now: Instant) -> Verdict {
        if self.watch == Watch::None {
            self.feed = None;
            return Verdict::Drop;
        }
        let vp8 = match self.kind {
            Kind::Video => Descriptor::parse(&packet.payload),
            Kind::Audio => None,
        };
        if self.feed.as_ref().is_none_or(|feed| feed.ssrc != packet.header.ssrc) {
            if layer != self.want {
                return Verdict::Drop;
            }
            if self.kind == Kind::Video && !vp8.is_some_and(|v| v.starts_keyframe) {
                return Verdict::NeedKeyframe;
            }
            self.feed = Some(self.join(packet, vp8, now));
        }
        self.forward(packet, vp8, now)
    }

    /// Continues the outgoing stream with a new source.
    fn join(&self, packet: &Packet, vp8: Option<Descriptor>, now: Instant) -> Feed {
        let (rate, frame) = match self.kind {
            Kind::Audio => (48_000, 960),
            Kind::Video => (90_000, 3_000),
        };
        let pause = self.last.at.map_or(0, |at| {
            (now.saturating_duration_since(at).as_micros() as u64 * rate / 1_000_000) as u32
        });
        let ts = self.last.ts.wrapping_add(pause.max(frame));
        let first = self.last.seq.wrapping_add(1);
        let theirs = vp8.map(|v| v.numbers()).unwrap_or_default();
        Feed {
            ssrc: packet.header.ssrc,
            seq: first.wrapping_sub(packet.header.sequence_number),
            ts: ts.wrapping_sub(packet.header.timestamp),
            numbers: Numbers {
                picture: self.last.numbers.picture.wrapping_add(1).wrapping_sub(theirs.picture),
                tl0: self.last.numbers.tl0.wrapping_add(1).wrapping_sub(theirs.tl0),
            },
            first,
            settled: false,
        }
    }

    fn forward(&mut self, packet: &Packet, vp8: Option<Descriptor>, now: Instant) -> Verdict {
        let Some(feed) = &mut self.feed else { return Verdict::Drop };
        let seq = packet.header.sequence_number.wrapping_add(feed.seq);
        let since_first = seq.wrapping_sub(feed.first);
        if !feed.settled && since_first >= 0x8000 {
            return Verdict::Drop;
        }
        feed.settled |= since_first >= 0x4000;
        let ts = packet.header.timestamp.wrapping_add(feed.ts);
        let (payload, numbers) = match vp8 {
            Some(vp8) => vp8.renumber(&packet.payload, feed.numbers),
            None => (packet.payload.clone(), None),
        };
        if seq.wrapping_sub(self.last.seq) < 0x8000 {
            self.last.seq = seq;
            if ts != self.last.ts {
                self.last.ts = ts;
                self.last.at = Some(now);
            }
            if let Some(numbers) = numbers {
                self.last.numbers = numbers;
            }
        }
        let header = Header {
            version: 2,
            marker: packet.header.marker,
            payload_type: self.payload_type,
            sequence_number: seq,
            timestamp: ts,
            ssrc: self.ssrc,
            ..Default::default()
        };
        Verdict::Send(Packet { header, payload })
    }
}

#[cfg(test)]
#[path = "slot_tests.rs"]
mod tests;
