//! The last packets of one incoming video stream, for viewers who miss one. A ring of bytes: as
//! deep as losses are noticed, kept in memory only, overwritten within a second or two.

use super::slot::Incoming;
use super::wire::vp8::Descriptor;
use std::collections::VecDeque;

/// Bytes kept of one stream: 0.75 s of the upper layer.
const BYTES: usize = 64 << 10;

struct Entry {
    seq: u16,
    timestamp: u32,
    marker: bool,
    vp8: Option<Descriptor>,
    start: usize,
    end: usize,
}

/// Payloads by sequence number.
#[derive(Default)]
pub(super) struct Ring {
    bytes: Vec<u8>,
    /// Oldest first.
    entries: VecDeque<Entry>,
    head: usize,
}

impl Ring {
    pub(super) fn keep(&mut self, packet: &Incoming<'_>) {
        let length = packet.payload.len();
        // An empty packet only keeps a path open.
        if length == 0 || length > BYTES {
            return;
        }
        if self.head + length > BYTES {
            while self.entries.front().is_some_and(|oldest| oldest.start >= self.head) {
                self.entries.pop_front();
            }
            self.head = 0;
        }
        let (start, end) = (self.head, self.head + length);
        while self.entries.front().is_some_and(|oldest| oldest.start < end && oldest.end > start) {
            self.entries.pop_front();
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(packet.payload);
        self.head = end;
        let &Incoming { seq, timestamp, marker, vp8, .. } = packet;
        self.entries.push_back(Entry { seq, timestamp, marker, vp8, start, end });
    }

    /// A packet of the stream `ssrc`, if it is still there.
    pub(super) fn get(&self, ssrc: u32, seq: u16) -> Option<Incoming<'_>> {
        let entry = self.entries.iter().rev().find(|entry| entry.seq == seq)?;
        let &Entry { timestamp, marker, vp8, start, end, .. } = entry;
        let payload = self.bytes.get(start..end)?;
        Some(Incoming { ssrc, seq, timestamp, marker, payload, vp8 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_still_there_is_unchanged_and_the_newest_are_there(
            lengths in proptest::collection::vec(1usize..1_500, 1..300),
        ) {
            let mut ring = Ring::default();
            let payload = |n: usize| vec![n as u8; lengths[n]];
            for n in 0..lengths.len() {
                let payload = payload(n);
                ring.keep(&Incoming {
                    ssrc: 1, seq: n as u16, timestamp: n as u32, marker: false, payload: &payload,
                    vp8: None,
                });
            }
            prop_assert!(ring.bytes.len() <= BYTES);
            let mut behind = 0;
            for n in (0..lengths.len()).rev() {
                behind += lengths[n];
                match ring.get(1, n as u16) {
                    Some(packet) => prop_assert_eq!(packet.payload, &payload(n)[..]),
                    None => prop_assert!(behind + 2 * 1_500 > BYTES),
                }
            }
        }
    }
}
