//! The way of the media between browsers and hub: it can fail, and it comes back as another one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;

/// Larger than any datagram of a path with an MTU of 1,500.
const DATAGRAM: usize = 2_048;

/// Relays datagrams between clients, who know only the relay, and the media edge.
pub struct Network {
    outer: UdpSocket,
    hub: SocketAddr,
    up: AtomicBool,
    /// How each client is seen by the hub.
    paths: Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>,
}

impl Network {
    /// Listens on this address, which is not that of the media edge, at the port that the media
    /// edge is to have.
    pub async fn start(address: IpAddr) -> (Arc<Self>, SocketAddr) {
        let outer = UdpSocket::bind((address, 0)).await.unwrap();
        let hub = SocketAddr::from((Ipv4Addr::LOCALHOST, outer.local_addr().unwrap().port()));
        let paths = Mutex::default();
        let network = Arc::new(Self { outer, hub, up: AtomicBool::new(true), paths });
        tokio::spawn(Arc::clone(&network).carry());
        (network, hub)
    }

    /// The address to advertise.
    pub fn address(&self) -> SocketAddr {
        self.outer.local_addr().unwrap()
    }

    /// Nothing passes any more.
    pub fn cut(&self) {
        self.up.store(false, Ordering::SeqCst);
    }

    /// Everything passes again, and comes from new addresses.
    pub fn mend(&self) {
        self.paths.lock().unwrap().clear();
        self.up.store(true, Ordering::SeqCst);
    }

    async fn carry(self: Arc<Self>) {
        let mut buffer = [0; DATAGRAM];
        loop {
            let Ok((length, client)) = self.outer.recv_from(&mut buffer).await else { continue };
            if !self.up.load(Ordering::SeqCst) {
                continue;
            }
            let known = self.paths.lock().unwrap().get(&client).cloned();
            let path = match known {
                Some(path) => path,
                None => self.open(client).await,
            };
            let _ = path.send(&buffer[..length]).await;
        }
    }

    async fn open(self: &Arc<Self>, client: SocketAddr) -> Arc<UdpSocket> {
        // Not from loopback: Firefox believes nobody who sees it there.
        let path = UdpSocket::bind((self.address().ip(), 0)).await.unwrap();
        path.connect(self.hub).await.unwrap();
        let path = Arc::new(path);
        self.paths.lock().unwrap().insert(client, Arc::clone(&path));
        tokio::spawn(Arc::clone(self).bring_back(client, Arc::clone(&path)));
        path
    }

    /// What the hub answers on this path, as long as it is the client's.
    async fn bring_back(self: Arc<Self>, client: SocketAddr, path: Arc<UdpSocket>) {
        let mut buffer = [0; DATAGRAM];
        while let Ok(length) = path.recv(&mut buffer).await {
            let current =
                self.paths.lock().unwrap().get(&client).is_some_and(|p| Arc::ptr_eq(p, &path));
            if !current {
                return;
            }
            if self.up.load(Ordering::SeqCst) {
                let _ = self.outer.send_to(&buffer[..length], client).await;
            }
        }
    }
}
