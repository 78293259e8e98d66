//! The link itself: datagrams of many clients, each on a line of its own.

use crate::shaper::{Conditions, Shaper};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Larger than any datagram of a path with an MTU of 1,500.
const DATAGRAM: usize = 2_048;
/// Datagrams on a line at once; more are lost.
const ON_THE_WAY: usize = 4_096;

/// Relays datagrams between clients, who know only the link, and the media edge.
pub struct Link {
    outer: UdpSocket,
    hub: SocketAddr,
    seed: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cut: bool,
    up: Conditions,
    down: Conditions,
    lines: HashMap<SocketAddr, Line>,
}

/// One client's line towards the hub.
struct Line {
    shaper: Shaper,
    way: mpsc::Sender<(Instant, Vec<u8>)>,
    /// How the hub sees the client.
    inner: Arc<UdpSocket>,
}

impl Link {
    /// Listens on this address and carries from now on. Returns where the media edge is to bind: on
    /// loopback, at the same port.
    pub async fn start(address: IpAddr, seed: u64) -> io::Result<(Arc<Self>, SocketAddr)> {
        let outer = UdpSocket::bind((address, 0)).await?;
        let hub = SocketAddr::from((Ipv4Addr::LOCALHOST, outer.local_addr()?.port()));
        let (seed, state) = (AtomicU64::new(seed), Mutex::default());
        let link = Arc::new(Self { outer, hub, seed, state });
        tokio::spawn(Arc::clone(&link).carry());
        Ok((link, hub))
    }

    /// The address to advertise.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.outer.local_addr()
    }

    /// From now on every line is like this: from the clients, and to them.
    pub fn shape(&self, up: Conditions, down: Conditions) {
        let mut state = self.state();
        (state.up, state.down) = (up, down);
    }

    /// Nothing passes any more.
    pub fn cut(&self) {
        self.state().cut = true;
    }

    /// Everything passes again, and comes from new addresses.
    pub fn mend(&self) {
        let mut state = self.state();
        state.lines.clear();
        state.cut = false;
    }

    async fn carry(self: Arc<Self>) {
        let mut buffer = [0; DATAGRAM];
        loop {
            let Ok((length, client)) = self.outer.recv_from(&mut buffer).await else { continue };
            let known = self.state().lines.contains_key(&client);
            if !known && self.open(client).await.is_err() {
                continue;
            }
            let mut state = self.state();
            let State { cut, up, lines, .. } = &mut *state;
            if *cut {
                continue;
            }
            let Some(line) = lines.get_mut(&client) else { continue };
            if let Some(at) = line.shaper.pass(length, clock(), up) {
                let _ = line.way.try_send((at, buffer[..length].to_vec()));
            }
        }
    }

    async fn open(self: &Arc<Self>, client: SocketAddr) -> io::Result<()> {
        // Not from loopback if the link is elsewhere: Firefox believes nobody who sees it there.
        let inner = UdpSocket::bind((self.outer.local_addr()?.ip(), 0)).await?;
        inner.connect(self.hub).await?;
        let inner = Arc::new(inner);
        let (way, queue) = mpsc::channel(ON_THE_WAY);
        let shaper = Shaper::new(self.seed.fetch_add(1, Ordering::Relaxed));
        tokio::spawn(to_hub(queue, Arc::clone(&inner)));
        tokio::spawn(Arc::clone(self).bring_back(client, Arc::clone(&inner)));
        self.state().lines.insert(client, Line { shaper, way, inner });
        Ok(())
    }

    /// What the hub answers on this line, as long as it is the client's.
    async fn bring_back(self: Arc<Self>, client: SocketAddr, inner: Arc<UdpSocket>) {
        let mut shaper = Shaper::new(self.seed.fetch_add(1, Ordering::Relaxed));
        let (way, queue) = mpsc::channel(ON_THE_WAY);
        tokio::spawn(Arc::clone(&self).to_client(queue, client));
        let mut buffer = [0; DATAGRAM];
        loop {
            let received = inner.recv(&mut buffer).await;
            let state = self.state();
            let current = state.lines.get(&client);
            if !current.is_some_and(|line| Arc::ptr_eq(&line.inner, &inner)) {
                return;
            }
            let Ok(length) = received else { continue };
            if state.cut {
                continue;
            }
            if let Some(at) = shaper.pass(length, clock(), &state.down) {
                let _ = way.try_send((at, buffer[..length].to_vec()));
            }
        }
    }

    async fn to_client(
        self: Arc<Self>,
        mut queue: mpsc::Receiver<(Instant, Vec<u8>)>,
        client: SocketAddr,
    ) {
        while let Some((at, datagram)) = queue.recv().await {
            tokio::time::sleep_until(at.into()).await;
            let _ = self.outer.send_to(&datagram, client).await;
        }
    }

    /// Whole between any two statements, whoever panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn to_hub(mut queue: mpsc::Receiver<(Instant, Vec<u8>)>, inner: Arc<UdpSocket>) {
    while let Some((at, datagram)) = queue.recv().await {
        tokio::time::sleep_until(at.into()).await;
        let _ = inner.send(&datagram).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the link owns this clock")]
fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn datagrams_pass_both_ways_late_and_from_new_addresses_after_an_outage() {
        let (link, hub) = Link::start(Ipv4Addr::new(127, 0, 0, 2).into(), 1).await.unwrap();
        let hub = UdpSocket::bind(hub).await.unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(link.address().unwrap()).await.unwrap();
        let mut buffer = [0; 16];
        client.send(b"one").await.unwrap();
        let (length, first) = hub.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"one");
        let late = Conditions { delay_ms: 50, ..Conditions::default() };
        link.shape(Conditions::default(), late);
        let sent = clock();
        hub.send_to(b"two", first).await.unwrap();
        assert_eq!(client.recv(&mut buffer).await.unwrap(), 3);
        assert!(sent.elapsed() >= Duration::from_millis(50));
        link.cut();
        client.send(b"lost").await.unwrap();
        hub.send_to(b"lost", first).await.unwrap();
        assert!(timeout(PATIENCE, hub.recv_from(&mut buffer)).await.is_err());
        assert!(timeout(PATIENCE, client.recv(&mut buffer)).await.is_err());
        link.mend();
        client.send(b"three").await.unwrap();
        let (_, second) = hub.recv_from(&mut buffer).await.unwrap();
        assert_ne!(first, second);
        hub.send_to(b"old way", first).await.unwrap();
        assert!(timeout(PATIENCE, client.recv(&mut buffer)).await.is_err());
    }
}
