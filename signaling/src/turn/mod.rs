//! A relay for networks that let no UDP through, or not directly (TURN, RFC 8656; R-MEET-38,
//! R-MEET-45). Over UDP, TCP and TLS.
//!
//! **Invariant:** a packet passes only between a client who showed a credential of its seat and an
//! address of the media edge. There is no other peer, so the relay is of use to reach the rooms and
//! for nothing else.
//!
//! What a packet means is decided in `stun`, `door` and `allocation`, which know no socket and no
//! clock; `udp` and `stream` carry it. Deliberately absent: relaying between clients, TCP towards
//! the media edge, fixed and reserved ports.

mod allocation;
mod credentials;
mod door;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod session;
mod stream;
mod stun;
#[cfg(test)]
mod tests;
mod udp;

pub use credentials::{CREDENTIAL_LIFE, Relay, Secret};

use crate::clock::Clock;
use crate::media::MediaAddress;
use door::{Peer, Terms};
use openssl::ssl::SslAcceptor;
use session::Places;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Std};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Allocations of one seat: a browser makes one for every way and every network card, and again at
/// every new connection, and the old ones take a while to go.
const ALLOCATIONS_PER_SEAT: usize = 24;

/// How the relay is reached, and by whom.
pub struct TurnConfig {
    /// Shown to clients; part of what they sign with.
    pub realm: String,
    /// Shared with whoever hands out credentials.
    pub secret: Secret,
    /// The media edge ([`crate::media::Media::addresses`]).
    pub media: Vec<MediaAddress>,
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Allocations at once; as many connections may be open.
    pub allocations: usize,
}

/// One way to the relay.
pub enum Listen {
    /// Datagrams.
    Udp(SocketAddr),
    /// A stream in the clear. What it carries is encrypted by the peers (DTLS-SRTP).
    Tcp(SocketAddr),
    /// A stream that looks like HTTPS from outside.
    Tls(SocketAddr, SslAcceptor),
}

/// Why the relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// An address could not be bound.
    #[error("cannot bind {address} for the relay: {source}")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The media edge has no address that this machine can reach.
    #[error("the relay needs a media edge")]
    NoMedia,
}

/// The relay. It ends with [`Turn::stop`].
pub struct Turn {
    shared: Arc<Shared>,
    ways: Vec<(&'static str, &'static str, SocketAddr)>,
}

struct Shared {
    terms: Arc<Terms>,
    places: Arc<Places>,
    streams: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    tasks: TaskTracker,
    bytes: AtomicU64,
}

impl Shared {
    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Turn {
    /// Binds the sockets and serves.
    pub async fn start(config: TurnConfig, clock: Arc<dyn Clock>) -> Result<Self, TurnError> {
        let TurnConfig { realm, secret, media, listen, allocations } = config;
        let peers: Vec<Peer> = media.into_iter().map(reach).collect();
        if peers.is_empty() {
            return Err(TurnError::NoMedia);
        }
        let terms = Arc::new(Terms { realm, secret, nonce_key: nonce_key(), peers });
        let shared = Arc::new(Shared {
            terms,
            places: Places::new(ALLOCATIONS_PER_SEAT, allocations),
            streams: Arc::new(Semaphore::new(allocations)),
            clock,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            bytes: AtomicU64::new(0),
        });
        let mut turn = Self { shared, ways: vec![] };
        for way in listen {
            if let Err(error) = turn.listen(way).await {
                turn.stop().await;
                return Err(error);
            }
        }
        Ok(turn)
    }

    async fn listen(&mut self, way: Listen) -> Result<(), TurnError> {
        let (scheme, transport, address, tls) = match way {
            Listen::Udp(address) => {
                let failed = |source| TurnError::Bind { address, source };
                let socket = UdpSocket::bind(address).await.map_err(failed)?;
                self.ways.push(("turn", "udp", socket.local_addr().map_err(failed)?));
                self.shared.tasks.spawn(udp::serve(Arc::clone(&self.shared), socket));
                return Ok(());
            }
            Listen::Tcp(address) => ("turn", "tcp", address, None),
            Listen::Tls(address, tls) => ("turns", "tcp", address, Some(tls)),
        };
        let failed = |source| TurnError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        self.ways.push((scheme, transport, listener.local_addr().map_err(failed)?));
        self.shared.tasks.spawn(stream::serve(Arc::clone(&self.shared), listener, tls));
        Ok(())
    }

    /// What clients are told: the ways in, under this name or address.
    pub fn urls(&self, host: &str) -> Vec<String> {
        let url = |(scheme, transport, address): &(&str, &str, SocketAddr)| {
            format!("{scheme}:{host}:{}?transport={transport}", address.port())
        };
        self.ways.iter().map(url).collect()
    }

    /// Allocations at this moment.
    pub fn allocations(&self) -> usize {
        self.shared.places.taken()
    }

    /// Payload bytes carried since the start, both ways together.
    pub fn relayed_bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Ends all allocations and connections, and resolves when they have ended.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("ways", &self.ways).finish_non_exhaustive()
    }
}

/// How this machine reaches an address of the media edge: as clients do if the address is its own,
/// else (behind NAT) where the media edge is bound.
fn reach(MediaAddress { told, bound }: MediaAddress) -> Peer {
    let at = if Std::bind((told.ip(), 0)).is_ok() {
        told
    } else if bound.ip().is_unspecified() {
        let loopback = match bound {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(loopback, bound.port())
    } else {
        bound
    };
    Peer { told, at }
}

fn nonce_key() -> [u8; 20] {
    let mut key = [0; 20];
    openssl::rand::rand_bytes(&mut key).expect("without randomness nothing here is safe");
    key
}
