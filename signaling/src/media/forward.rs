//! The media path, and the one place where a change of routes takes effect.

use super::broken::epochs_ignored;
use super::peer::{Place, Target};
use super::slot::{Input, Kind, Layer, Source, Verdict};
use super::vp8;
use super::worker::{Room, Worker};
use crate::protocol::{ParticipantId, RoomId, Session, VideoKind, Watch};
use crate::room::routes::Slots;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::sansio::Protocol;
use std::collections::HashMap;
use std::time::Instant;

impl Worker {
    /// One packet in, one rewritten packet per slot that shows its sender.
    pub(super) fn forward(&mut self, key: u64, packet: &Packet, now: Instant) {
        let Some(peer) = self.drive(key) else { return };
        let Some(stream) = peer.streams.get_mut(&packet.header.ssrc) else { return };
        let (input, layer) = (stream.input, stream.layer);
        stream.last_packet = now;
        if input.kind() == Kind::Video && starts_keyframe(packet) {
            stream.gate.answer(now);
        }
        let (room, place, strangers) = (peer.room, peer.place, peer.strangers);
        let targets = std::mem::take(&mut peer.targets[input as usize]);
        let (mut forwarded, mut keyframe) = (0, false);
        for &Target { viewer: to, slot } in &targets {
            let Some(viewer) = self.drive(to) else { continue };
            if !together(place, viewer.place) {
                continue;
            }
            let Some(slot) = viewer.slots.get_mut(slot) else { continue };
            match slot.rewrite(packet, layer, now) {
                Verdict::Send(out) => {
                    // Straight into the pipeline: `RTCRtpSender::write_rtp` would check codec,
                    // extensions and SSRC of every packet again.
                    let message = RTCMessage::RtpPacket(String::new(), out);
                    let _ = viewer.pc.handle_write(TaggedRTCMessage { now, message });
                    self.mark(to);
                    forwarded += 1;
                }
                Verdict::NeedKeyframe => keyframe = true,
                Verdict::Drop => {}
            }
        }
        if let Some(peer) = self.drive(key) {
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

    /// A viewer's decoder asks for a key frame in one of its slots.
    pub(super) fn slot_needs_keyframe(&mut self, viewer: u64, slot_ssrc: u32, now: Instant) {
        let Some(peer) = self.peers.get(&viewer) else { return };
        let Some(slot) = peer.slots.iter().find(|s| s.ssrc == slot_ssrc) else { return };
        let (want, source) = (slot.want, slot.source());
        let key = source.and_then(|s| self.rooms.get(&peer.room)?.members.get(&s.participant));
        if let (Some(&key), Some(source)) = (key, source) {
            self.ask_keyframe(key, source.input, want, now);
        }
    }

    fn ask_keyframe(&mut self, key: u64, input: Input, layer: Layer, now: Instant) {
        let Some(peer) = self.drive(key).filter(|peer| peer.ready) else { return };
        let mut streams = peer.streams.iter_mut();
        let Some((&media_ssrc, stream)) =
            streams.find(|(_, s)| (s.input, s.layer) == (input, layer))
        else {
            return;
        };
        if stream.gate.ask(now) {
            let pli = PictureLossIndication { sender_ssrc: 1, media_ssrc };
            let message = RTCMessage::RtcpPacket(String::new(), vec![Box::new(pli)]);
            let _ = peer.pc.handle_write(TaggedRTCMessage { now, message });
            self.mark(key);
        }
    }

    /// Applies the room's routes to its connections. The only thing a join, leave, mute or
    /// breakout does to media.
    pub(super) fn rewire(&mut self, id: RoomId, now: Instant) {
        let Some(room) = self.rooms.get(&id) else { return };
        for (participant, key) in &room.members {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.place = room.place(*participant);
            }
        }
        let mut targets: HashMap<u64, [Vec<Target>; 3]> = HashMap::new();
        let mut fresh = vec![];
        for (participant, &viewer) in &room.members {
            let slots = self.peers.get(&viewer).map_or(0, |peer| peer.slots.len());
            for slot in 0..slots {
                let audio_slots = self.peers[&viewer].audio_slots;
                let source = room.source(*participant, slot, audio_slots);
                let source = if epochs_ignored() {
                    self.peers[&viewer].slots[slot].source().or(source)
                } else {
                    source
                };
                let feeder = source.and_then(|s| Some((*room.members.get(&s.participant)?, s)));
                let layer = feeder
                    .and_then(|(key, s)| Some(self.peers.get(&key)?.best_layer(s.input, now)))
                    .unwrap_or(Layer::Low);
                let Some(peer) = self.peers.get_mut(&viewer) else { continue };
                peer.slots[slot].want = layer;
                let changed = peer.slots[slot].source() != source;
                if changed {
                    peer.slots[slot].assign(source);
                }
                let Some((key, source)) = feeder.filter(|_| peer.ready) else { continue };
                let target = Target { viewer, slot };
                targets.entry(key).or_default()[source.input as usize].push(target);
                if changed && source.input.kind() == Kind::Video {
                    fresh.push((key, source.input, layer));
                }
            }
        }
        let places: Vec<Option<Place>> = room
            .members
            .values()
            .filter_map(|key| self.peers.get(key))
            .filter(|peer| peer.ready)
            .map(|peer| peer.place)
            .collect();
        for key in room.members.values() {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.targets = targets.remove(key).unwrap_or_default();
                peer.strangers = places.iter().filter(|place| **place != peer.place).count() as u64;
            }
        }
        for (key, input, layer) in fresh {
            self.ask_keyframe(key, input, layer, now);
        }
    }

    /// A viewer says what it looks at.
    pub(super) fn watch(&mut self, key: u64, video: &[Watch], now: Instant) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let watched = video.iter().copied().chain(std::iter::repeat(Watch::High));
        let mut uncovered = vec![];
        for (slot, watch) in peer.slots.iter_mut().skip(peer.audio_slots).zip(watched) {
            if std::mem::replace(&mut slot.watch, watch) == Watch::None && watch != Watch::None {
                uncovered.push(slot.ssrc);
            }
        }
        for ssrc in uncovered {
            self.slot_needs_keyframe(key, ssrc, now);
        }
        self.choose_layers(now);
    }

    /// Shows the best layer that is being sent of every camera.
    pub(super) fn choose_layers(&mut self, now: Instant) {
        let mut wanted = vec![];
        for (&key, peer) in &self.peers {
            let targets = &peer.targets[Input::Camera as usize];
            if !targets.is_empty() {
                wanted.push((key, peer.best_layer(Input::Camera, now), targets.clone()));
            }
        }
        for (key, layer, targets) in wanted {
            let mut changed = false;
            for Target { viewer, slot } in targets {
                let slot = self.peers.get_mut(&viewer).and_then(|peer| peer.slots.get_mut(slot));
                let Some(slot) = slot else { continue };
                let layer = if slot.watch == Watch::Low { Layer::Low } else { layer };
                if slot.want != layer {
                    slot.want = layer;
                    changed = true;
                }
            }
            if changed {
                self.ask_keyframe(key, Input::Camera, layer, now);
            }
        }
    }
}

impl Room {
    fn place(&self, participant: ParticipantId) -> Option<Place> {
        let session = *self.routes.sessions.get(&participant)?;
        Some(Place { epoch: self.routes.epoch, session })
    }

    /// What the routes put into a slot, if both ends are in one session.
    fn source(&self, viewer: ParticipantId, slot: usize, audio_slots: usize) -> Option<Source> {
        let Slots { audio, video } = self.routes.viewers.get(&viewer)?;
        let source = match slot.checked_sub(audio_slots) {
            None => {
                let participant = (*audio.get(slot)?)?;
                Source { participant, input: Input::Microphone }
            }
            Some(slot) => {
                let source = (*video.get(slot)?)?;
                let input = match source.kind {
                    VideoKind::Camera => Input::Camera,
                    VideoKind::Screen => Input::Screen,
                };
                Source { participant: source.participant, input }
            }
        };
        together(self.place(source.participant), self.place(viewer)).then_some(source)
    }
}

/// The rule of the house: the same session, outside the lobby, in the same epoch.
fn together(sender: Option<Place>, viewer: Option<Place>) -> bool {
    epochs_ignored()
        || sender.is_some_and(|place| place.session != Session::Lobby && viewer == sender)
}

fn starts_keyframe(packet: &Packet) -> bool {
    vp8::Descriptor::parse(&packet.payload).is_some_and(|vp8| vp8.starts_keyframe)
}
