//! One incoming stream of a peer: which input it carries, and what is known of its packets.

use super::keyframes::Gate;
use super::resend::Ring;
use super::slot::{Input, Kind, Layer};
use super::tracker::Tracker;
use std::time::{Duration, Instant};

/// A layer without a packet for this long is not shown (its sender ran out of bandwidth).
const STALE: Duration = Duration::from_millis(500);
/// Over so long the rate of a stream is measured.
const RATE_SPAN: Duration = Duration::from_millis(500);

pub(super) struct Stream {
    pub(super) ssrc: u32,
    /// Stream of its retransmissions, if it has one.
    pub(super) repair: Option<u32>,
    pub(super) input: Input,
    pub(super) layer: Layer,
    pub(super) tracker: Tracker,
    pub(super) ring: Ring,
    pub(super) gate: Gate,
    /// Middle 32 bits of the last sender report's NTP time, and when it came.
    pub(super) reported: Option<(u32, Instant)>,
    last_packet: Instant,
    rate: Rate,
}

impl Stream {
    pub(super) fn new(ssrc: u32, input: Input, layer: Layer, now: Instant) -> Self {
        Self {
            ssrc,
            repair: None,
            input,
            layer,
            tracker: Tracker::default(),
            ring: Ring::default(),
            gate: Gate::default(),
            reported: None,
            last_packet: now,
            rate: Rate { since: now, bytes: 0, bits_per_s: 0 },
        }
    }

    /// A packet of so many bytes came; false if it is of no use.
    pub(super) fn arrive(&mut self, seq: u16, bytes: usize, now: Instant) -> bool {
        self.last_packet = now;
        self.rate.add(bytes, now);
        self.tracker.arrive(seq, now)
    }

    /// Its sender still sends it.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last_packet) < STALE
    }

    /// Bits a second lately.
    pub(super) fn rate(&self) -> u64 {
        self.rate.bits_per_s
    }

    /// Lost packets of it are asked for: those of pictures. A voice goes on without.
    pub(super) fn is_repaired(&self) -> bool {
        self.input.kind() == Kind::Video
    }
}

struct Rate {
    since: Instant,
    bytes: usize,
    bits_per_s: u64,
}

impl Rate {
    fn add(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        let span = now.saturating_duration_since(self.since);
        if span >= RATE_SPAN {
            let measured = (self.bytes as u64 * 8_000) / (span.as_millis() as u64).max(1);
            // A key frame is no reason to doubt what the stream needs.
            self.bits_per_s = match self.bits_per_s {
                0 => measured,
                before => (3 * before + measured) / 4,
            };
            (self.since, self.bytes) = (now, 0);
        }
    }
}
