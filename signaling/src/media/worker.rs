//! The event loop of one worker: commands, datagrams, timers, and what they make us send.

use super::MediaCounters;
use super::allowance::Allowance;
use super::commands::Command;
use super::dtls::{Identity, Progress};
use super::peer::{Keys, Peer};
use super::srtp::rtcp_ssrc;
use super::udp::{Inbox, Outbox, Path, Sockets};
use super::wire::rtp::Header;
use super::wire::stun::Check;
use super::wire::{Protocol, protocol};
use crate::protocol::{ParticipantId, RoomId};
use crate::room::routes::Routes;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How often the timers of the connections are looked at.
const TICK: Duration = Duration::from_millis(10);
/// How often layers and dead peers are looked at.
const SLOW_TICK: Duration = Duration::from_millis(100);
/// While media flow, datagrams gather for so long before they are taken: one wake-up and one system
/// call for all of them instead of one each.
const GATHER: Duration = Duration::from_millis(1);
/// A peer from which nothing came for this long is gone. A living client sends consent checks
/// every few seconds (RFC 7675 §5.1: consent lapses after 30 s).
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Addresses remembered per peer; a client that changes networks uses a handful.
const ADDRESSES_PER_PEER: usize = 16;
/// Datagrams of media from unknown addresses that are looked at, and whose they may be at most.
const STRAYS_PER_SECOND: u32 = 500;
const CLAIMANTS: usize = 4;
/// Batches taken from one socket before timers and commands have their turn.
const BATCHES_IN_A_ROW: usize = 8;

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
    pub(super) out: Outbox,
    pub(super) identity: Arc<Identity>,
    pub(super) candidates: Vec<SocketAddr>,
    strays: Allowance,
    commands: Receiver<Command>,
    sockets: Sockets,
    /// The origin of the clock that goes onto the wire.
    began: Instant,
    /// The peer that is at work, to know whom to drop if its datagram makes us panic.
    driving: Option<u64>,
}

impl Worker {
    pub(super) fn new(
        sockets: Sockets,
        commands: Receiver<Command>,
        identity: Arc<Identity>,
        now: Instant,
    ) -> Self {
        Self {
            rooms: HashMap::new(),
            peers: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            next_key: 0,
            stopping: false,
            out: Outbox::default(),
            identity,
            candidates: sockets.candidates(),
            strays: Allowance::new(STRAYS_PER_SECOND, STRAYS_PER_SECOND, now),
            commands,
            sockets,
            began: now,
            driving: None,
        }
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self, clock: fn() -> Instant) {
        let mut inbox = Inbox::new();
        let mut tick = clock();
        let mut slow_tick = tick;
        while !self.stopping {
            self.sockets.wait(self.patience(tick, clock()));
            let now = clock();
            // Commands come first: a route that was replaced carries no datagram that is waiting.
            while let Ok(command) = self.commands.try_recv() {
                self.contained(now, |worker| worker.command(command, now));
            }
            let came = self.receive(&mut inbox, now);
            if now >= tick {
                tick = now + TICK;
                self.contained(now, |worker| worker.timers(now));
            }
            if now >= slow_tick {
                slow_tick = now + SLOW_TICK;
                self.contained(now, |worker| worker.housekeeping(now));
            }
            self.out.flush(&self.sockets);
            if came && !self.stopping {
                self.sockets.gather(GATHER);
            }
        }
    }

    /// How long to sleep at most; for ever while nobody is connected.
    fn patience(&self, tick: Instant, now: Instant) -> Option<Duration> {
        (!self.peers.is_empty()).then(|| tick.saturating_duration_since(now))
    }

    /// Takes what waits at the sockets; true if something did.
    fn receive(&mut self, inbox: &mut Inbox, now: Instant) -> bool {
        let mut came = false;
        for socket in 0..self.sockets.count() {
            for _ in 0..BATCHES_IN_A_ROW {
                for i in 0..inbox.receive(&self.sockets, socket) {
                    came = true;
                    let (data, remote) = inbox.datagram(i);
                    let path = Path { socket, remote };
                    self.contained(now, |worker| worker.datagram(path, data, now));
                }
                if !inbox.was_full() {
                    break;
                }
            }
        }
        came
    }

    /// A peer whose datagram makes us panic is dropped; the others live on.
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

    /// Microseconds of the clock that goes onto the wire.
    pub(super) fn micros(&self, now: Instant) -> i64 {
        now.saturating_duration_since(self.began).as_micros() as i64
    }

    /// A STUN check names its peer; anything else is known by the address that was proved.
    fn datagram(&mut self, path: Path, data: &mut [u8], now: Instant) {
        let Some(protocol) = protocol(data) else { return };
        if protocol == Protocol::Stun {
            if let Some(check) = Check::parse(data) {
                self.check(path, check, now);
            }
            return;
        }
        let Some(&key) = self.by_address.get(&path.remote) else {
            self.stray(path, protocol, data, now);
            return;
        };
        if protocol != Protocol::Dtls {
            self.media(key, protocol, data, now);
        } else if self.drive(key).is_some_and(|peer| peer.datagrams.take(now)) {
            self.handshake(key, data, now);
        }
    }

    /// Media of a peer, or what claims to be; false if it is forged or repeated.
    fn media(&mut self, key: u64, protocol: Protocol, data: &mut [u8], now: Instant) -> bool {
        let Some(peer) = self.drive(key) else { return false };
        let Some(keys) = peer.keys.as_mut().filter(|_| peer.datagrams.take(now)) else {
            return false;
        };
        let header = if protocol == Protocol::Rtp { Header::parse(data) } else { None };
        let length = match (protocol, &header) {
            (Protocol::Rtp, Some(header)) => keys.opener.rtp(data, header),
            (Protocol::Rtcp, _) => keys.opener.rtcp(data),
            _ => None,
        };
        let Some(length) = length else { return false };
        peer.last_datagram = now;
        match header {
            Some(header) => self.packet(key, &header, &data[..length], now),
            None => self.compound(key, &data[..length], now),
        }
        true
    }

    /// A client's address may change without its knowing: a NAT forgot it, a telephone changed cells.
    /// What it sends then still proves whose it is, seconds before its next connectivity check:
    /// nobody else can make a packet of its stream that did not come before.
    fn stray(&mut self, path: Path, protocol: Protocol, data: &[u8], now: Instant) {
        let ssrc = match protocol {
            Protocol::Rtp => Header::parse(data).map(|header| header.ssrc),
            Protocol::Rtcp => rtcp_ssrc(data),
            Protocol::Stun | Protocol::Dtls => None,
        };
        let Some(ssrc) = ssrc.filter(|_| self.strays.take(now)) else { return };
        let claims = |peer: &Peer| peer.keys.as_ref().is_some_and(|keys| keys.opener.knows(ssrc));
        let claimants = self.peers.iter().filter(|(_, peer)| claims(peer)).map(|(&key, _)| key);
        let claimants: Vec<u64> = claimants.take(CLAIMANTS).collect();
        for key in claimants {
            if self.media(key, protocol, &mut data.to_vec(), now) {
                if let Some(peer) = self.peers.get_mut(&key) {
                    peer.path = Some(path);
                }
                self.claim(key, path.remote);
                return;
            }
        }
    }

    /// Answers a connectivity check, if whoever sent it has the key. The address is its peer's from
    /// now on.
    fn check(&mut self, path: Path, check: Check<'_>, now: Instant) {
        let Some(&key) = self.by_ufrag.get(check.ufrag) else { return };
        let Some(peer) = self.drive(key) else { return };
        if !peer.checks.take(now) {
            return;
        }
        let mut sign = |input: &[&[u8]]| {
            let mut tag = [0; 20];
            peer.mac.sign(input, &mut tag).ok().map(|()| tag)
        };
        if !check.is_authentic(&mut sign) {
            return;
        }
        let Some(answer) = check.success(path.remote, &mut sign) else { return };
        peer.last_datagram = now;
        if check.nominates || peer.path.is_none() {
            peer.path = Some(path);
        }
        self.claim(key, path.remote);
        self.out.push(path, |bytes, _| {
            bytes.extend_from_slice(&answer);
            true
        });
    }

    fn handshake(&mut self, key: u64, data: &[u8], now: Instant) {
        let Some(peer) = self.drive(key) else { return };
        let room = peer.room;
        match peer.dtls.read(data, now) {
            Ok(Progress::Nothing) => {}
            Ok(Progress::Keys(keys)) => {
                let (sealer, opener) = *keys;
                peer.keys = Some(Keys { sealer, opener });
                tracing::debug!(participant = %peer.participant.0, "media connected");
                self.rewire(room, now);
            }
            Ok(Progress::Closed) => peer.failed = true,
            Err(error) => {
                // Before there are keys nothing else can come of it; afterwards a record that is
                // not understood is a stranger's.
                peer.failed |= !peer.is_ready();
                tracing::debug!(%error, "a media handshake went wrong");
            }
        }
        self.drain(key);
    }

    /// Queues what the handshake has to say.
    pub(super) fn drain(&mut self, key: u64) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        while let Some(record) = peer.dtls.poll_transmit() {
            if let Some(path) = peer.path {
                self.out.push(path, |bytes, _| {
                    bytes.extend_from_slice(&record);
                    true
                });
            }
        }
    }

    fn timers(&mut self, now: Instant) {
        let micros = self.micros(now);
        let mut waiting = vec![];
        for (&key, peer) in &mut self.peers {
            if peer.dtls.poll_timeout().is_some_and(|due| due <= now) {
                peer.failed |= peer.dtls.handle_timeout(now).is_err() && !peer.is_ready();
                waiting.push(key);
            }
            peer.give_feedback(&mut self.out, micros, now);
        }
        waiting.into_iter().for_each(|key| self.drain(key));
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
