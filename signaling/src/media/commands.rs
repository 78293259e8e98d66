//! What the rest of the hub asks of a worker. A command waits for no datagram: the worker is woken
//! for it, and carries it out before it looks at the next batch.

use super::offer::Offer;
use super::peer::Peer;
use super::worker::{Room, Worker};
use super::{MediaCounters, MediaError};
use crate::protocol::{ParticipantId, RoomId, Watch};
use crate::room::routes::Routes;
use rtc::sansio::Protocol;
use std::collections::hash_map::Entry;
use std::time::Instant;
use tokio::sync::oneshot::Sender;

pub(super) enum Command {
    /// Answers an offer of a living connection; `None` if the offer is of another one.
    Restart {
        room: RoomId,
        participant: ParticipantId,
        offer: Offer,
        reply: Sender<Option<Result<String, MediaError>>>,
    },
    /// Takes over a new connection.
    Insert {
        peer: Box<Peer>,
        reply: Sender<()>,
    },
    Route {
        room: RoomId,
        routes: Routes,
        reply: Sender<Result<(), MediaError>>,
    },
    Watch {
        room: RoomId,
        participant: ParticipantId,
        video: Vec<Watch>,
    },
    Disconnect {
        room: RoomId,
        participant: ParticipantId,
    },
    Counters {
        room: RoomId,
        reply: Sender<MediaCounters>,
    },
    Close {
        room: RoomId,
    },
    Stop,
}

impl Worker {
    /// Carries out one command. A reply that nobody waits for any more is dropped.
    pub(super) fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Restart { room, participant, offer, reply } => {
                let _ = reply.send(self.restart(room, participant, &offer, now));
            }
            Command::Insert { peer, reply } => {
                self.insert(*peer, now);
                let _ = reply.send(());
            }
            Command::Route { room, routes, reply } => {
                let _ = reply.send(self.route(room, routes, now));
            }
            Command::Watch { room, participant, video } => {
                if let Some(key) = self.key(room, participant) {
                    self.watch(key, &video, now);
                }
            }
            Command::Disconnect { room, participant } => {
                if let Some(key) = self.key(room, participant) {
                    self.remove(key, now);
                }
            }
            Command::Counters { room, reply } => {
                let counters = self.rooms.get(&room).map(|r| r.counters).unwrap_or_default();
                let _ = reply.send(counters);
            }
            Command::Close { room } => {
                if let Some(room) = self.rooms.remove(&room) {
                    room.members.into_values().for_each(|key| self.remove(key, now));
                }
            }
            Command::Stop => {
                let keys: Vec<u64> = self.peers.keys().copied().collect();
                keys.into_iter().for_each(|key| self.remove(key, now));
                self.stopping = true;
            }
        }
    }

    fn restart(
        &mut self,
        room: RoomId,
        participant: ParticipantId,
        offer: &Offer,
        now: Instant,
    ) -> Option<Result<String, MediaError>> {
        let key = self.key(room, participant)?;
        let peer = self.drive(key)?;
        if peer.fingerprint != offer.fingerprint {
            return None;
        }
        let before = peer.ufrag.clone();
        let answer = peer.answer_again(offer, now);
        let after = peer.ufrag.clone();
        self.mark(key);
        self.by_ufrag.remove(&before);
        self.by_ufrag.insert(after, key);
        Some(answer)
    }

    fn insert(&mut self, peer: Peer, now: Instant) {
        if let Some(old) = self.key(peer.room, peer.participant) {
            self.remove(old, now);
        }
        self.next_key += 1;
        let (key, room) = (self.next_key, peer.room);
        self.by_ufrag.insert(peer.ufrag.clone(), key);
        self.rooms.entry(room).or_default().members.insert(peer.participant, key);
        self.peers.insert(key, peer);
        self.rewire(room, now);
    }

    fn route(&mut self, id: RoomId, routes: Routes, now: Instant) -> Result<(), MediaError> {
        match self.rooms.entry(id) {
            Entry::Occupied(room) if routes.epoch < room.get().routes.epoch => {
                return Err(MediaError::StaleEpoch);
            }
            Entry::Occupied(mut room) => room.get_mut().routes = routes,
            Entry::Vacant(room) => {
                room.insert(Room { routes, ..Default::default() });
            }
        }
        self.rewire(id, now);
        Ok(())
    }

    /// Ends a connection and says so to the client, as far as it can be reached.
    pub(super) fn remove(&mut self, key: u64, now: Instant) {
        if let Some(peer) = self.drive(key) {
            // What remains unsaid is found out by the client's own timeout.
            let _ = peer.pc.close();
            self.drain(key, now);
        }
        self.forget(key, now);
    }

    /// Drops a connection without touching its protocol stack again.
    pub(super) fn forget(&mut self, key: u64, now: Instant) {
        let Some(peer) = self.peers.remove(&key) else { return };
        self.by_ufrag.remove(&peer.ufrag);
        for address in &peer.addresses {
            if self.by_address.get(address) == Some(&key) {
                self.by_address.remove(address);
            }
        }
        if let Some(room) = self.rooms.get_mut(&peer.room)
            && room.members.get(&peer.participant) == Some(&key)
        {
            room.members.remove(&peer.participant);
        }
        tracing::debug!(participant = %peer.participant.0, "media connection ended");
        self.rewire(peer.room, now);
    }

    fn key(&self, room: RoomId, participant: ParticipantId) -> Option<u64> {
        self.rooms.get(&room)?.members.get(&participant).copied()
    }
}
