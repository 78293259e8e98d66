//! The event loop of one worker: commands, datagrams, timers, and what they make us send.

use super::MediaCounters;
use super::commands::Command;
use super::demux;
use super::peer::{Path, Peer};
use super::udp::Udp;
use crate::protocol::{ParticipantId, RoomId};
use crate::room::routes::Routes;
use bytes::BytesMut;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How often the protocol timers of the connections are looked at.
const TICK: Duration = Duration::from_millis(10);
/// How often layers and dead peers are looked at.
const SLOW_TICK: Duration = Duration::from_millis(100);
/// A peer from which nothing came for this long is gone. A living client sends consent checks
/// every few seconds (RFC 7675 §5.1: consent lapses after 30 s).
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Addresses remembered per peer; a client that changes networks uses a handful.
const ADDRESSES_PER_PEER: usize = 16;

#[derive(Default)]
pub(super) struct Room {
    pub(super) routes: Routes,
    pub(super) members: BTreeMap<ParticipantId, u64>,
    pub(super) counters: MediaCounters,
}

pub(super) struct Worker {
    pub(super) rooms: HashMap<RoomId, Room>,
    pub(super) peers: HashMap<u64, Peer>,
    pub(super) by_ufrag: HashMap<String, u64>,
    pub(super) by_address: HashMap<SocketAddr, u64>,
    pub(super) next_key: u64,
    pub(super) stopping: bool,
    commands: Receiver<Command>,
    udp: Udp,
    /// Peers that may have something to send.
    dirty: Vec<u64>,
    /// The peer whose protocol stack is at work, to know whom to drop if it panics.
    driving: Option<u64>,
}

impl Worker {
    pub(super) fn new(udp: Udp, commands: Receiver<Command>) -> Self {
        Self {
            rooms: HashMap::new(),
            peers: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            next_key: 0,
            stopping: false,
            commands,
            udp,
            dirty: vec![],
            driving: None,
        }
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self, clock: fn() -> Instant) {
        let mut tick = clock();
        let mut slow_tick = tick;
        while !self.stopping {
            self.udp.wait(self.patience(tick, clock()));
            let now = clock();
            // Commands come first: a route that was replaced carries no datagram that is waiting.
            while let Ok(command) = self.commands.try_recv() {
                self.contained(now, |worker| worker.command(command, now));
            }
            for socket in 0..self.udp.sockets() {
                for i in 0..self.udp.receive(socket) {
                    self.contained(now, |worker| worker.datagram(socket, i, now));
                }
            }
            if now >= tick {
                tick = now + TICK;
                self.contained(now, |worker| worker.timers(now));
            }
            if now >= slow_tick {
                slow_tick = now + SLOW_TICK;
                self.contained(now, |worker| worker.housekeeping(now));
            }
            self.contained(now, |worker| worker.transmit(now));
            self.udp.flush();
        }
    }

    /// Milliseconds to sleep at most; for ever while nobody is connected.
    fn patience(&self, tick: Instant, now: Instant) -> i32 {
        if self.peers.is_empty() {
            return -1;
        }
        let left = tick.saturating_duration_since(now);
        left.as_micros().div_ceil(1000) as i32
    }

    /// A connection whose protocol stack panics on what a stranger sent is dropped; the others
    /// live on.
    fn contained(&mut self, now: Instant, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_ok() {
            return;
        }
        match self.driving.take() {
            Some(key) => {
                tracing::error!(peer = key, "a media connection broke down and was dropped");
                self.forget(key, now);
            }
            None => tracing::error!("a media worker recovered from a bug of its own"),
        }
    }

    /// The peer, noted as being at work.
    pub(super) fn drive(&mut self, key: u64) -> Option<&mut Peer> {
        self.driving = Some(key);
        self.peers.get_mut(&key)
    }

    /// Notes that a peer may have something to send.
    pub(super) fn mark(&mut self, key: u64) {
        if let Some(peer) = self.peers.get_mut(&key)
            && !std::mem::replace(&mut peer.dirty, true)
        {
            self.dirty.push(key);
        }
    }

    fn datagram(&mut self, socket: usize, i: usize, now: Instant) {
        let local_addr = self.udp.candidate(socket);
        let (data, peer_addr) = self.udp.datagram(i);
        // A STUN check names its peer; anything else is known by the address that a check proved.
        let check = demux::check(data);
        let key = match &check {
            Some(check) => self.by_ufrag.get(check.ufrag),
            None => self.by_address.get(&peer_addr),
        };
        let Some(&key) = key else { return };
        let nominates = check.as_ref().is_some_and(|check| check.nominates);
        let check = check.is_some();
        let ssrc = demux::ssrc(data);
        let message = BytesMut::from(data);
        let Some(peer) = self.drive(key) else { return };
        peer.last_datagram = now;
        peer.nominating = nominates.then_some(Path { local: local_addr, remote: peer_addr });
        let known = ssrc.is_some_and(|ssrc| peer.streams.contains_key(&ssrc));
        let transport = TransportContext {
            local_addr,
            peer_addr,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        };
        // Errors are the sender's: a datagram that does not decrypt or parse is dropped.
        let _ = peer.pc.handle_read(TaggedBytesMut { now, transport, message });
        if !known {
            self.events(key, now);
        }
        self.read(key, now);
        if check {
            // At once, so that the address is known before the next datagram of this batch.
            self.drain(key, now);
        } else if ssrc.is_none() {
            self.mark(key);
        }
    }

    /// Takes what a peer's stack decrypted.
    fn read(&mut self, key: u64, now: Instant) {
        while let Some(message) = self.drive(key).and_then(|peer| peer.pc.poll_media_read()) {
            match message.message {
                RTCMessage::RtpPacket(_, packet) => self.forward(key, &packet, now),
                RTCMessage::RtcpPacket(_, packets) => {
                    for ssrc in packets.iter().flat_map(|p| p.destination_ssrc()) {
                        self.slot_needs_keyframe(key, ssrc, now);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes what a peer's stack noticed.
    fn events(&mut self, key: u64, now: Instant) {
        let Some(peer) = self.drive(key) else { return };
        let (room, was_ready) = (peer.room, peer.ready);
        while let Some(event) = peer.pc.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(track)) => {
                    peer.open(track.receiver_id, track.ssrc, track.rid.as_deref(), now);
                }
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => match state {
                    RTCPeerConnectionState::Connected => peer.ready = true,
                    RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => {
                        peer.failed = true;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        if peer.ready && !was_ready {
            tracing::debug!(participant = %peer.participant.0, "media connected");
            self.rewire(room, now);
        }
    }

    fn timers(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .peers
            .iter_mut()
            .filter_map(|(&key, peer)| peer.pc.poll_timeout().filter(|&at| at <= now).map(|_| key))
            .collect();
        for key in due {
            if let Some(peer) = self.drive(key) {
                let _ = peer.pc.handle_timeout(now);
                self.events(key, now);
                self.mark(key);
            }
        }
    }

    fn housekeeping(&mut self, now: Instant) {
        let gone = |peer: &Peer| {
            peer.failed || now.saturating_duration_since(peer.last_datagram) > DEAD_AFTER
        };
        let dead: Vec<u64> =
            self.peers.iter().filter(|(_, peer)| gone(peer)).map(|(&key, _)| key).collect();
        dead.into_iter().for_each(|key| self.remove(key, now));
        self.choose_layers(now);
    }

    /// Drains every peer that has something to say.
    fn transmit(&mut self, now: Instant) {
        while let Some(key) = self.dirty.pop() {
            self.drain(key, now);
        }
    }

    /// Queues all that one peer has to send.
    pub(super) fn drain(&mut self, key: u64, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.dirty = false;
        }
        while let Some(peer) = self.drive(key)
            && let Some(datagram) = peer.pc.poll_write()
        {
            let TransportContext { local_addr, peer_addr, .. } = datagram.transport;
            let mut path = Path { local: local_addr, remote: peer_addr };
            // STUN is only ever sent in answer to a check that was authenticated.
            if datagram.message.first().is_some_and(|first| *first < 4) {
                if demux::is_success(&datagram.message) && peer.nominating == Some(path) {
                    peer.path = Some(path);
                }
                self.claim(key, peer_addr);
            } else {
                path = peer.path.unwrap_or(path);
            }
            self.udp.send(path.local, path.remote, datagram.message);
        }
        if self.peers.get(&key).is_some_and(|peer| !peer.ready) {
            self.events(key, now);
        }
    }

    /// From now on datagrams of this address belong to this peer.
    fn claim(&mut self, key: u64, address: SocketAddr) {
        if self.by_address.insert(address, key) == Some(key) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.addresses.retain(|known| *known != address);
        peer.addresses.push(address);
        if peer.addresses.len() > ADDRESSES_PER_PEER {
            let oldest = peer.addresses.remove(0);
            if self.by_address.get(&oldest) == Some(&key) {
                self.by_address.remove(&oldest);
            }
        }
    }
}
