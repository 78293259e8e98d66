//! The media edge: a selective forwarding unit. One thread and one UDP port per worker, a room
//! always on one worker.
//!
//! Each client offers once: what it sends, and receive slots. Who is in which slot is a table
//! ([`Routes`]); joins, leaves and breakouts replace the table and never touch SDP. A packet passes
//! only if the table points a viewer's slot at its sender **and** both are in the same session of
//! the table's epoch.
//!
//! Deliberately absent: decoding, mixing, recording. Payloads are forwarded from memory to the
//! network and kept nowhere but in the short resend rings.

mod allowance;
mod answer;
pub mod broken;
mod budget;
mod commands;
mod downlink;
mod dtls;
mod feedback;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod keyframes;
mod offer;
mod peer;
mod resend;
mod routing;
mod send;
mod slot;
mod srtp;
mod stream;
mod tracker;
mod trend;
mod udp;
pub mod wire;
mod worker;

use crate::protocol::{ParticipantId, RoomId, Watch};
use crate::room::routes::Routes;
use commands::Command;
use dtls::Identity;
use offer::Offer;
use peer::Peer;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// How the media edge is reached, and how much of it there is.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// UDP addresses of the first worker; the n-th worker takes the port n higher (port 0: any).
    /// IPv4 and IPv6 are bound apart from each other, so a dual-stack host names both.
    pub bind: Vec<SocketAddr>,
    /// Addresses told to clients in place of the bound ones (needed for a wildcard or behind NAT):
    /// the n-th of a family stands for the n-th bound address of that family.
    pub advertise: Vec<IpAddr>,
    /// Threads; one per core that media may use.
    pub workers: usize,
    /// Most audio receive slots a client may offer.
    pub audio_slots: usize,
    /// Most video receive slots a client may offer.
    pub video_slots: usize,
}

/// One UDP address of the media edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaAddress {
    /// As clients are told.
    pub told: SocketAddr,
    /// As it is bound on this machine; may be a wildcard.
    pub bound: SocketAddr,
}

/// Packets of one room since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounters {
    /// Packets sent to viewers.
    pub forwarded: u64,
    /// Pairs of an incoming packet and a connected peer of another session that did not get it.
    pub withheld: u64,
}

/// Why the media edge refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// A UDP address could not be bound.
    #[error("cannot bind UDP {address}: {source}")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A wildcard is bound and no address of its family is advertised.
    #[error("{0} is bound but no address of that family is advertised to clients")]
    NoAddress(SocketAddr),
    /// A worker thread could not start.
    #[error("cannot start a media worker: {0}")]
    Thread(std::io::Error),
    /// Nothing to bind, or no workers.
    #[error("the media edge needs at least one address and one worker")]
    Nothing,
    /// The offer does not have the shape that the protocol demands.
    #[error("offer refused: {0}")]
    BadOffer(&'static str),
    /// A certificate or a handshake could not be made.
    #[error("media keys: {0}")]
    Handshake(#[from] rtc::shared::error::Error),
    /// The worker of this room carries as many connections as it can carry well.
    #[error("the media edge is full")]
    Full,
    /// Routes older than those in force.
    #[error("routes of an older epoch")]
    StaleEpoch,
    /// The connection broke down while it was being made, or the media edge is stopping.
    #[error("media connection is gone")]
    Gone,
}

/// Handle to the media edge. Cheap to clone; the workers end with the last clone.
#[derive(Clone, Debug)]
pub struct Media(Arc<Workers>);

struct Workers {
    workers: Vec<Handle>,
    identity: Arc<Identity>,
    audio_slots: usize,
    video_slots: usize,
}

struct Handle {
    commands: mpsc::Sender<Command>,
    waker: udp::Waker,
    candidates: Vec<SocketAddr>,
    addresses: Vec<MediaAddress>,
    /// Origin of the worker's clock.
    began: Instant,
    thread: Option<JoinHandle<()>>,
}

impl Media {
    /// Binds the sockets and starts the workers.
    pub fn start(config: MediaConfig) -> Result<Self, MediaError> {
        let MediaConfig { bind, advertise, workers, audio_slots, video_slots } = config;
        if bind.is_empty() || workers == 0 {
            return Err(MediaError::Nothing);
        }
        let identity = Arc::new(Identity::generate()?);
        let workers = (0..workers)
            .map(|n| {
                let shift = |mut address: SocketAddr| {
                    if address.port() != 0 {
                        address.set_port(address.port().saturating_add(n as u16));
                    }
                    address
                };
                let bind: Vec<_> = bind.iter().copied().map(shift).collect();
                Handle::start(n, udp::Sockets::bind(&bind, &advertise)?, &identity)
            })
            .collect::<Result<_, MediaError>>()?;
        Ok(Self(Arc::new(Workers { workers, identity, audio_slots, video_slots })))
    }

    /// Every address on which media are taken, and nothing else is.
    pub fn addresses(&self) -> Vec<MediaAddress> {
        self.0.workers.iter().flat_map(|worker| worker.addresses.iter().copied()).collect()
    }

    /// Answers a participant's offer. A further offer of a living connection restarts its ICE; an
    /// offer of a new one (a reloaded page) replaces the connection before.
    pub async fn connect(
        &self,
        room: RoomId,
        participant: ParticipantId,
        offer_sdp: &str,
    ) -> Result<String, MediaError> {
        let offer = Offer::parse(offer_sdp, self.0.audio_slots, self.0.video_slots)?;
        let worker = self.0.of(room);
        let living = offer.clone();
        let restarted = worker
            .ask(|reply| Command::Restart { room, participant, offer: living, reply })
            .await?;
        if let Some(answer) = restarted {
            return answer;
        }
        let (peer, answer) = {
            let mut rng: rand::rngs::StdRng = rand::make_rng();
            let edge = (&*self.0.identity, &worker.candidates[..]);
            let now = clock();
            let micros = now.saturating_duration_since(worker.began).as_micros() as i64;
            Peer::answer(room, participant, &offer, edge, &mut rng, (now, micros))?
        };
        worker.ask(|reply| Command::Insert { peer: Box::new(peer), reply }).await??;
        Ok(answer)
    }

    /// Replaces the room's forwarding set. Once this resolves, no packet leaves along an older one.
    pub async fn route(&self, room: RoomId, routes: Routes) -> Result<(), MediaError> {
        self.0.of(room).ask(|reply| Command::Route { room, routes, reply }).await?
    }

    /// How much of each of its video slots a participant looks at, until a slot's source changes.
    pub fn watch(&self, room: RoomId, participant: ParticipantId, video: Vec<Watch>) {
        self.0.of(room).tell(Command::Watch { room, participant, video });
    }

    /// Ends a participant's connection, if there is one.
    pub fn disconnect(&self, room: RoomId, participant: ParticipantId) {
        self.0.of(room).tell(Command::Disconnect { room, participant });
    }

    /// What the room forwarded and withheld so far.
    pub async fn counters(&self, room: RoomId) -> Result<MediaCounters, MediaError> {
        self.0.of(room).ask(|reply| Command::Counters { room, reply }).await
    }

    /// Ends all connections of a room and forgets it.
    pub fn close(&self, room: RoomId) {
        self.0.of(room).tell(Command::Close { room });
    }
}

impl Workers {
    fn of(&self, room: RoomId) -> &Handle {
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        &self.workers[(hasher.finish() % self.workers.len() as u64) as usize]
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.tell(Command::Stop);
        }
        for thread in self.workers.iter_mut().filter_map(|w| w.thread.take()) {
            // A worker that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Handle {
    fn start(
        n: usize,
        sockets: udp::Sockets,
        identity: &Arc<Identity>,
    ) -> Result<Self, MediaError> {
        let (sender, commands) = mpsc::channel();
        let (waker, candidates) = (sockets.waker(), sockets.candidates());
        let (addresses, began) = (sockets.addresses(), clock());
        let worker = worker::Worker::new(sockets, commands, Arc::clone(identity), began);
        let thread = std::thread::Builder::new()
            .name(format!("media-{n}"))
            .spawn(move || worker.run(clock))
            .map_err(MediaError::Thread)?;
        Ok(Self { commands: sender, waker, candidates, addresses, began, thread: Some(thread) })
    }

    fn tell(&self, command: Command) {
        // Fails only after `Stop`, and then nothing is left to be told.
        let _ = self.commands.send(command);
        self.waker.wake();
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, MediaError> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply));
        answer.await.map_err(|_| MediaError::Gone)
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}

/// The media threads' clock: packets are timed where they arrive.
#[expect(clippy::disallowed_methods, reason = "the media edge owns this clock")]
fn clock() -> Instant {
    Instant::now()
}
