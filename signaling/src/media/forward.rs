//! The media path: one packet in, one rewritten packet per slot that shows its sender.

use super::broken::epochs_ignored;
use super::feedback::SELF;
use super::peer::{Peer, Place, Target};
use super::resend::Ring;
use super::slot::{Incoming, Input, Kind, Layer, Verdict};
use super::udp::Outbox;
use super::wire::rtp::Header;
use super::wire::{rtcp, twcc, vp8};
use super::worker::Worker;
use crate::protocol::Session;
use std::time::Instant;

impl Worker {
    /// A decrypted packet of a peer: media, or media sent again.
    pub(super) fn packet(&mut self, key: u64, header: &Header, data: &[u8], now: Instant) {
        let micros = self.micros(now);
        let Some(peer) = self.drive(key) else { return };
        if let Some(id) = peer.extensions.transport
            && let Some(seq) = header.transport_sequence(data, id)
        {
            peer.arrivals.note(header.ssrc, seq, micros, now);
        }
        let known = peer.stream(header.ssrc);
        let Some((stream, again)) = known.or_else(|| peer.discover(header, data, now)) else {
            return;
        };
        let Some(mut payload) = header.payload(data) else { return };
        let mut seq = header.seq;
        if again {
            // The number it had at first goes before the payload; without one it is a probe.
            let Some((original, rest)) = payload.split_first_chunk() else { return };
            (seq, payload) = (u16::from_be_bytes(*original), rest);
        } else {
            peer.time(stream, header.timestamp, micros);
        }
        let stream = &mut peer.streams[stream];
        if !stream.arrive(seq, payload.len(), now) {
            return;
        }
        let vp8 = match stream.input.kind() {
            Kind::Video => vp8::Descriptor::parse(payload),
            Kind::Audio => None,
        };
        let packet = Incoming {
            ssrc: stream.ssrc,
            seq,
            timestamp: header.timestamp,
            marker: header.marker,
            payload,
            vp8,
        };
        if stream.is_repaired() {
            stream.ring.keep(&packet);
        }
        if vp8.is_some_and(|vp8| vp8.starts_keyframe) {
            stream.gate.answer(now);
        }
        let (input, layer) = (stream.input, stream.layer);
        self.forward(key, &packet, input, layer, now);
    }

    fn forward(
        &mut self,
        key: u64,
        packet: &Incoming<'_>,
        input: Input,
        layer: Layer,
        now: Instant,
    ) {
        let micros = self.micros(now);
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let (room, place, strangers) = (peer.room, peer.place, peer.strangers);
        let targets = std::mem::take(&mut peer.targets[input as usize]);
        let (mut forwarded, mut keyframe) = (0, false);
        for &Target { viewer, slot } in &targets {
            let Some(viewer) = self.peers.get_mut(&viewer) else { continue };
            if !together(place, viewer.place) {
                continue;
            }
            match viewer.slots.get_mut(slot).map(|slot| slot.rewrite(packet, layer, now)) {
                Some(Verdict::Send(numbered)) => {
                    viewer.send(&mut self.out, slot, packet, numbered, micros);
                    forwarded += 1;
                }
                Some(Verdict::NeedKeyframe) => keyframe = true,
                Some(Verdict::Drop) | None => {}
            }
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.targets[input as usize] = targets;
        }
        if let Some(room) = self.rooms.get_mut(&room) {
            room.counters.forwarded += forwarded;
            room.counters.withheld += strangers;
        }
        if keyframe {
            self.ask_keyframe(key, input, layer, now);
        }
    }

    /// A decrypted compound of a peer.
    pub(super) fn compound(&mut self, key: u64, data: &[u8], now: Instant) {
        let micros = self.micros(now);
        for packet in rtcp::packets(data) {
            let Some(peer) = self.drive(key) else { return };
            match packet {
                rtcp::Packet::SenderReport { ssrc, ntp, blocks } => {
                    if let Some((stream, false)) = peer.stream(ssrc) {
                        peer.streams[stream].reported = Some((ntp, now));
                    }
                    blocks.iter().for_each(|block| peer.heard_back(block, micros));
                }
                rtcp::Packet::ReceiverReport(blocks) => {
                    blocks.iter().for_each(|block| peer.heard_back(block, micros));
                }
                rtcp::Packet::Missing { ssrc, pairs } => self.send_again(key, ssrc, pairs, now),
                rtcp::Packet::KeyframeWanted(wanted) => {
                    for ssrc in wanted.ssrcs() {
                        self.slot_needs_keyframe(key, ssrc, now);
                    }
                }
                rtcp::Packet::Arrivals(body) => {
                    if let Some(arrivals) = twcc::parse(body) {
                        let round_trip = peer.round_trip.as_micros() as i64;
                        peer.downlink.feedback(&arrivals, micros, round_trip);
                    }
                }
            }
        }
    }

    /// A viewer missed packets in one of its slots.
    fn send_again(&mut self, key: u64, slot_ssrc: u32, pairs: &[u8], now: Instant) {
        let Some(viewer) = self.peers.get(&key) else { return };
        let slot = viewer.slots.iter().position(|slot| slot.ssrc == slot_ssrc);
        let Some(slot) = slot else { return };
        let micros = self.micros(now);
        self.with_ring(key, slot, |viewer, ring, ssrc, out| {
            for seq in rtcp::missing(pairs) {
                let packet = viewer.slots[slot].origin(seq).and_then(|seq| ring.get(ssrc, seq));
                let Some(packet) = packet else { continue };
                let Some(numbered) = viewer.slots[slot].renumbered(&packet) else { continue };
                if !viewer.repairs.take(now) {
                    break;
                }
                viewer.send_again(out, slot, &packet, numbered, micros);
            }
        });
    }

    /// Gives the kept packets of what flows in a viewer's slot, if it may have them, and its SSRC.
    fn with_ring(
        &mut self,
        key: u64,
        slot: usize,
        work: impl FnOnce(&mut Peer, &Ring, u32, &mut Outbox),
    ) {
        let Some(viewer) = self.peers.get(&key) else { return };
        let Some(shown) = viewer.slots.get(slot) else { return };
        let (Some(ssrc), Some(source)) = (shown.feeding(), shown.source()) else { return };
        let (place, members) = (viewer.place, self.rooms.get(&viewer.room).map(|r| &r.members));
        let Some(&sender) = members.and_then(|m| m.get(&source.participant)) else { return };
        let Some(sending) = self.peers.get_mut(&sender) else { return };
        if !together(sending.place, place) {
            return;
        }
        let Some(stream) = sending.streams.iter_mut().find(|s| s.ssrc == ssrc) else { return };
        let ring = std::mem::take(&mut stream.ring);
        if let Some(viewer) = self.peers.get_mut(&key) {
            work(viewer, &ring, ssrc, &mut self.out);
        }
        let streams = self.peers.get_mut(&sender).map(|sender| sender.streams.iter_mut());
        if let Some(stream) = streams.and_then(|mut streams| streams.find(|s| s.ssrc == ssrc)) {
            stream.ring = ring;
        }
    }

    /// A viewer's decoder asks for a key frame in one of its slots.
    pub(super) fn slot_needs_keyframe(&mut self, viewer: u64, slot_ssrc: u32, now: Instant) {
        let Some(peer) = self.peers.get(&viewer) else { return };
        let Some(slot) = peer.slots.iter().find(|s| s.ssrc == slot_ssrc) else { return };
        let (Some(want), Some(source)) = (slot.want, slot.source()) else { return };
        let key = self.rooms.get(&peer.room).and_then(|room| room.members.get(&source.participant));
        if let Some(&key) = key {
            self.ask_keyframe(key, source.input, want, now);
        }
    }

    /// Asks a sender for a key frame, unless one was asked for just now.
    pub(super) fn ask_keyframe(&mut self, key: u64, input: Input, layer: Layer, now: Instant) {
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.is_ready()) else { return };
        let round_trip = peer.round_trip;
        let mut streams = peer.streams.iter_mut();
        let Some(stream) = streams.find(|s| (s.input, s.layer) == (input, layer)) else { return };
        if stream.gate.ask(now, round_trip) {
            let mut compound = vec![];
            rtcp::picture_loss(&mut compound, SELF, stream.ssrc);
            peer.send_rtcp(&mut self.out, &compound);
        }
    }
}

/// The rule of the house: the same session, outside the lobby, in the same epoch.
pub(super) fn together(sender: Option<Place>, viewer: Option<Place>) -> bool {
    epochs_ignored()
        || sender.is_some_and(|place| place.session != Session::Lobby && viewer == sender)
}
