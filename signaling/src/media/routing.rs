//! The one place where a change of routes takes effect, and the choice of layers.

use super::broken::epochs_ignored;
use super::budget::{self, Picture};
use super::forward::together;
use super::peer::{Place, Target};
use super::slot::{Input, Kind, Layer, Slot, Source};
use super::worker::{Room, Worker};
use crate::protocol::{ParticipantId, RoomId, VideoKind, Watch};
use crate::room::routes::Slots;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between two steps up of one viewer.
const BETTER_AFTER: Duration = Duration::from_millis(500);

impl Worker {
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
            let Some(peer) = self.peers.get_mut(&viewer) else { continue };
            for slot in 0..peer.slots.len() {
                let source = room.source(*participant, slot, peer.audio_slots);
                let shown = peer.slots[slot].source();
                let source = if epochs_ignored() { shown.or(source) } else { source };
                if shown != source {
                    peer.slots[slot].assign(source);
                    fresh.push((viewer, slot));
                }
                let feeder = source.and_then(|s| Some((*room.members.get(&s.participant)?, s)));
                if let Some((key, source)) = feeder.filter(|_| peer.is_ready()) {
                    let target = Target { viewer, slot };
                    targets.entry(key).or_default()[source.input as usize].push(target);
                }
            }
        }
        let places: Vec<Option<Place>> = room
            .members
            .values()
            .filter_map(|key| self.peers.get(key))
            .filter(|peer| peer.is_ready())
            .map(|peer| peer.place)
            .collect();
        let members: Vec<u64> = room.members.values().copied().collect();
        for key in members {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.targets = targets.remove(&key).unwrap_or_default();
                peer.strangers = places.iter().filter(|place| **place != peer.place).count() as u64;
                self.choose(key, now);
            }
        }
        for (viewer, slot) in fresh {
            let ssrc = self.peers.get(&viewer).map(|peer| peer.slots[slot].ssrc);
            if let Some(ssrc) = ssrc.filter(|_| self.peers[&viewer].slots[slot].kind == Kind::Video)
            {
                self.slot_needs_keyframe(viewer, ssrc, now);
            }
        }
    }

    /// A viewer says what it looks at.
    pub(super) fn watch(&mut self, key: u64, video: &[Watch], now: Instant) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let watched = video.iter().copied().chain(std::iter::repeat(Watch::High));
        for (slot, watch) in peer.slots.iter_mut().skip(peer.audio_slots).zip(watched) {
            slot.watch = watch;
        }
        self.choose(key, now);
    }

    /// Looks for every viewer at what could be shown, and whether the way to it takes more.
    pub(super) fn choose_layers(&mut self, now: Instant) {
        let micros = self.micros(now);
        let viewers: Vec<u64> = self.peers.keys().copied().collect();
        for viewer in viewers {
            if let Some(peer) = self.peers.get_mut(&viewer) {
                peer.downlink.tick(micros);
            }
            let Some(wanted) = self.choose(viewer, now) else { continue };
            let Some(peer) = self.peers.get_mut(&viewer) else { continue };
            if let Some(bytes) = peer.downlink.probe(wanted, micros) {
                peer.send_padding(&mut self.out, bytes, micros, now);
            }
        }
    }

    /// Chooses a layer for each video slot of a viewer, and asks for the key frames that the choice
    /// needs. Returns the bits a second that everything it looks at would take.
    fn choose(&mut self, viewer: u64, now: Instant) -> Option<u64> {
        let peer = self.peers.get(&viewer).filter(|peer| peer.is_ready())?;
        let room = self.rooms.get(&peer.room)?;
        let sender = |slot: &Slot| {
            let source = slot.source()?;
            Some((self.peers.get(room.members.get(&source.participant)?)?, source.input))
        };
        let rate =
            |slot: &Slot, layer| sender(slot).and_then(|(s, input)| s.rate_of(input, layer, now));
        let (voices, faces) = peer.slots.split_at(peer.audio_slots);
        let voices: u64 = voices.iter().filter_map(|slot| rate(slot, Layer::Low)).sum();
        let pictures: Vec<Picture> = faces
            .iter()
            .map(|slot| Picture {
                screen: slot.source().is_some_and(|source| source.input == Input::Screen),
                most: slot.source().and(match slot.watch {
                    Watch::None => None,
                    Watch::Low => Some(Layer::Low),
                    Watch::High => Some(Layer::High),
                }),
                low: rate(slot, Layer::Low),
                high: rate(slot, Layer::High),
                shown: slot.want.filter(|_| slot.feeding().is_some()),
            })
            .collect();
        let budget = peer.downlink.estimate().map(|estimate| estimate.saturating_sub(voices));
        let chosen = budget::choose(budget, &pictures);
        let patient = now < peer.next_better;
        let mut changes = vec![];
        for (n, (slot, chosen)) in faces.iter().zip(chosen).enumerate() {
            // Better ones one look after the other, worse ones at once, nothing for nobody.
            let better = slot.source().is_some() && chosen > slot.want && budget.is_some();
            if chosen != slot.want && !(better && patient && slot.want.is_some()) {
                changes.push((peer.audio_slots + n, chosen, better));
            }
        }
        for (n, chosen, better) in changes {
            let peer = self.peers.get_mut(&viewer)?;
            if better {
                peer.next_better = now + BETTER_AFTER;
            }
            let slot = peer.slots.get_mut(n)?;
            slot.want = chosen;
            let ssrc = slot.ssrc;
            match chosen {
                None => slot.pause(),
                Some(_) => self.slot_needs_keyframe(viewer, ssrc, now),
            }
        }
        Some(voices + budget::wanted(&pictures))
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
