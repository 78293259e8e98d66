//! A bad line between a client and the media edge: what it loses, how much it takes, and whose
//! address it has.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// Datagrams pass through this address to the media edge, whoever sends them; answers go to whoever
/// sent last.
pub struct Line {
    pub address: SocketAddr,
    terms: Arc<Terms>,
}

#[derive(Default)]
struct Terms {
    /// One of so many datagrams is lost, both ways; 0 for none.
    loses: AtomicU64,
    /// Bits a second towards the client; 0 for no limit.
    rate: AtomicU64,
    cut: AtomicBool,
    /// The address towards the edge is another one after every change; from then on only media pass.
    moves: AtomicU64,
    /// Somebody on the way sends every datagram once more from an own address.
    echoed: AtomicBool,
    /// What the edge sent to that address.
    strayed: AtomicU64,
}

/// Least first byte of RTP and RTCP; connectivity checks and handshakes have less (RFC 7983 §7).
const FIRST_OF_MEDIA: u8 = 128;
/// What a datagram may wait at most in the queue towards the client.
const QUEUE: Duration = Duration::from_millis(300);

impl Line {
    pub async fn to(edge: SocketAddr) -> Self {
        let (client_side, edge_side) = (here().await, here().await);
        let address = client_side.local_addr().unwrap();
        let terms = Arc::new(Terms::default());
        tokio::spawn(carry(client_side, edge_side, edge, Arc::clone(&terms)));
        Self { address, terms }
    }

    pub fn loses_one_of(&self, n: u64) {
        self.terms.loses.store(n, Ordering::Relaxed);
    }

    pub fn takes(&self, bits_per_s: u64) {
        self.terms.rate.store(bits_per_s, Ordering::Relaxed);
    }

    /// Another address towards the edge, of which the client knows nothing; no connectivity check
    /// gets through any more.
    pub fn moves(&self) {
        self.terms.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody sends all that passes once more, from elsewhere.
    pub fn is_echoed(&self) {
        self.terms.echoed.store(true, Ordering::Relaxed);
    }

    /// Datagrams that the edge sent to whoever does that.
    pub fn strayed(&self) -> u64 {
        self.terms.strayed.load(Ordering::Relaxed)
    }

    pub fn cut(&self) {
        self.terms.cut.store(true, Ordering::Relaxed);
    }
}

async fn here() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

async fn carry(
    client_side: UdpSocket,
    mut edge_side: UdpSocket,
    edge: SocketAddr,
    terms: Arc<Terms>,
) {
    let (mut up, mut down, mut stray) = ([0; 2048], [0; 2048], [0; 2048]);
    let (client_side, mut client, mut count) = (Arc::new(client_side), None, 0u64);
    let (mut moved, elsewhere) = (0, here().await);
    let mut free_at = Instant::now();
    while !terms.cut.load(Ordering::Relaxed) {
        if moved != terms.moves.load(Ordering::Relaxed) {
            moved += 1;
            edge_side = here().await;
        }
        let (length, downwards) = tokio::select! {
            Ok((length, from)) = client_side.recv_from(&mut up) => {
                client = Some(from);
                (length, false)
            }
            Ok((length, _)) = edge_side.recv_from(&mut down) => (length, true),
            Ok(_) = elsewhere.recv_from(&mut stray) => {
                terms.strayed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            () = tokio::time::sleep(Duration::from_millis(100)) => continue,
        };
        count += 1;
        let loses = terms.loses.load(Ordering::Relaxed);
        if loses > 0 && (count * 7919) % loses == 0 {
            continue;
        }
        if !downwards {
            let is_media = up[0] >= FIRST_OF_MEDIA;
            if moved == 0 || is_media {
                let _ = edge_side.send_to(&up[..length], edge).await;
            }
            if is_media && terms.echoed.load(Ordering::Relaxed) {
                let _ = elsewhere.send_to(&up[..length], edge).await;
            }
            continue;
        }
        let Some(client) = client else { continue };
        let rate = terms.rate.load(Ordering::Relaxed);
        if rate == 0 {
            let _ = client_side.send_to(&down[..length], client).await;
            continue;
        }
        let now = Instant::now();
        if free_at > now + QUEUE {
            continue;
        }
        free_at = free_at.max(now) + Duration::from_micros(length as u64 * 8_000_000 / rate);
        let (socket, data, due) = (Arc::clone(&client_side), down[..length].to_vec(), free_at);
        tokio::spawn(async move {
            tokio::time::sleep_until(due).await;
            let _ = socket.send_to(&data, client).await;
        });
    }
}

/// Waits until something is so.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(began.elapsed() < within, "{what}: {seen}"),
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
