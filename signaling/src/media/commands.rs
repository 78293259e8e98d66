//! What the rest of the hub asks of a worker. A command waits for no datagram: the worker is woken
//! for it, and carries it out before it looks at the next batch.

use super::offer::Offer;
use super::peer::Peer;
use super::worker::{Room, Worker};
use super::{MediaCounters, MediaError};
use crate::protocol::{ParticipantId, RoomId, Watch};
use crate::room::routes::Routes;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot::Sender;

/// Connections of one worker, whatever is in the rooms: a core forwards some 150,000 packets a second,
/// and a participant in a room of four makes 525 of them (50 + 125 to each of three others). What the
/// door lets in stays well below; behind it those who are inside are served well.
const MAX_PEERS: usize = 500;

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
        reply: Sender<Result<(), MediaError>>,
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
                let mut rng: rand::rngs::StdRng = rand::make_rng();
                let _ = reply.send(self.restart(room, participant, &offer, &mut rng, now));
            }
            Command::Insert { peer, reply } => {
                let _ = reply.send(self.insert(*peer, now));
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
        rng: &mut impl rand::Rng,
        now: Instant,
    ) -> Option<Result<String, MediaError>> {
        let key = self.key(room, participant)?;
        let (identity, candidates) = (Arc::clone(&self.identity), self.candidates.clone());
        let peer = self.peers.get_mut(&key).filter(|p| p.fingerprint == offer.fingerprint)?;
        let before = peer.credentials.ufrag.clone();
        let answer = peer.answer_again(offer, (&identity, &candidates), rng, now);
        let after = peer.credentials.ufrag.clone();
        self.by_ufrag.remove(&before);
        self.by_ufrag.insert(after, key);
        Some(answer)
    }

    fn insert(&mut self, peer: Peer, now: Instant) -> Result<(), MediaError> {
        if let Some(old) = self.key(peer.room, peer.participant) {
            self.remove(old, now);
        }
        // Those who are inside are served well; one more would be at their cost.
        if self.peers.len() >= MAX_PEERS {
            return Err(MediaError::Full);
        }
        self.next_key += 1;
        let (key, room) = (self.next_key, peer.room);
        self.by_ufrag.insert(peer.credentials.ufrag.clone(), key);
        self.rooms.entry(room).or_default().members.insert(peer.participant, key);
        self.peers.insert(key, peer);
        self.rewire(room, now);
        Ok(())
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
        if let Some(peer) = self.peers.get_mut(&key) {
            // What remains unsaid is found out by the client's own timeout.
            peer.dtls.close(now);
            self.drain(key);
        }
        self.forget(key, now);
    }

    /// Drops a connection without touching its protocol stack again.
    pub(super) fn forget(&mut self, key: u64, now: Instant) {
        let Some(peer) = self.peers.remove(&key) else { return };
        self.by_ufrag.remove(&peer.credentials.ufrag);
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
