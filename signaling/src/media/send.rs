//! Writing packets for a viewer: header, payload with its running numbers, seal. One copy, into the
//! buffer that goes to the kernel.

use super::peer::Peer;
use super::slot::{Incoming, Numbered, Slot};
use super::udp::Outbox;
use super::wire::rtp::Outgoing;
use std::time::Instant;

/// RTP header, tag, UDP and IP: what a packet weighs on the line beside its payload.
const OVERHEAD: usize = 64;
/// Padding of one packet of a probe, itself counted in one byte.
const PADDING: usize = 224;

impl Peer {
    /// Queues a packet in a slot.
    pub(super) fn send(
        &mut self,
        out: &mut Outbox,
        slot: usize,
        packet: &Incoming<'_>,
        numbered: Numbered,
        micros: i64,
    ) {
        let (Some(path), Some(keys)) = (self.path, &mut self.keys) else { return };
        let Some(slot) = self.slots.get(slot) else { return };
        let bytes = packet.payload.len() + OVERHEAD;
        let header = Outgoing {
            marker: packet.marker,
            payload_type: slot.payload_type,
            seq: numbered.index as u16,
            timestamp: numbered.timestamp,
            ssrc: slot.ssrc,
            transport: slot.transport.map(|id| (id, self.downlink.sent(bytes, micros))),
            padded: false,
        };
        out.push(path, |bytes, start| {
            let length = header.write(bytes);
            append(bytes, packet, numbered);
            keys.sealer.rtp(bytes, start, length, slot.ssrc, numbered.index)
        });
    }

    /// Queues a packet that was sent before, in the slot's stream of retransmissions (RFC 4588 §4).
    pub(super) fn send_again(
        &mut self,
        out: &mut Outbox,
        slot: usize,
        packet: &Incoming<'_>,
        numbered: Numbered,
        micros: i64,
    ) {
        let (Some(path), Some(keys)) = (self.path, &mut self.keys) else { return };
        let Some(slot) = self.slots.get_mut(slot) else { return };
        let Some(repair) = slot.repair.as_mut() else { return };
        let bytes = packet.payload.len() + OVERHEAD;
        repair.index += 1;
        let header = Outgoing {
            marker: packet.marker,
            payload_type: repair.payload_type,
            seq: repair.index as u16,
            timestamp: numbered.timestamp,
            ssrc: repair.ssrc,
            transport: slot.transport.map(|id| (id, self.downlink.sent(bytes, micros))),
            padded: false,
        };
        out.push(path, |bytes, start| {
            let length = header.write(bytes);
            bytes.extend_from_slice(&(numbered.index as u16).to_be_bytes());
            append(bytes, packet, numbered);
            keys.sealer.rtp(bytes, start, length, repair.ssrc, repair.index)
        });
    }

    /// Queues padding in a slot's stream of retransmissions, `bytes` of it: a probe of the line.
    pub(super) fn send_padding(
        &mut self,
        out: &mut Outbox,
        bytes: usize,
        micros: i64,
        now: Instant,
    ) {
        let (Some(path), Some(keys)) = (self.path, &mut self.keys) else { return };
        let probed = |slot: &&mut Slot| slot.repair.is_some() && slot.transport.is_some();
        let Some(slot) = self.slots.iter_mut().find(probed) else { return };
        let timestamp = slot.timestamp(now).unwrap_or_default();
        let Some(repair) = slot.repair.as_mut() else { return };
        for _ in 0..bytes.div_ceil(PADDING + OVERHEAD) {
            repair.index += 1;
            let sequence = self.downlink.sent(PADDING + OVERHEAD, micros);
            let header = Outgoing {
                marker: false,
                payload_type: repair.payload_type,
                seq: repair.index as u16,
                timestamp,
                ssrc: repair.ssrc,
                transport: slot.transport.map(|id| (id, sequence)),
                padded: true,
            };
            out.push(path, |bytes, start| {
                let length = header.write(bytes);
                bytes.resize(bytes.len() + PADDING - 1, 0);
                bytes.push(PADDING as u8);
                keys.sealer.rtp(bytes, start, length, repair.ssrc, repair.index)
            });
        }
        self.downlink.probe_sent();
    }
}

/// Appends the payload with its numbers as the slot counts them.
fn append(bytes: &mut Vec<u8>, packet: &Incoming<'_>, numbered: Numbered) {
    let start = bytes.len();
    bytes.extend_from_slice(packet.payload);
    if let (Some(vp8), Some(numbers)) = (packet.vp8, numbered.vp8) {
        vp8.renumber(&mut bytes[start..], numbers);
    }
}
