//! A client that has an allocation: its socket towards the media edge, and its place in the count.

use super::Shared;
use super::allocation::{Act, Allocation};
use super::door::Wish;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket as Std};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;

/// Larger datagrams do not come from the media edge.
const DATAGRAM_BYTES: usize = 2_048;

/// An allocation with its socket. Dropping it ends both.
pub(super) struct Session {
    allocation: Allocation,
    socket: UdpSocket,
    shared: Arc<Shared>,
    _place: Place,
}

impl Session {
    /// Opens what an authenticated client wishes; the refusal to send otherwise.
    pub(super) fn open(
        shared: &Arc<Shared>,
        wish: Wish,
        client: SocketAddr,
        padded: bool,
    ) -> Result<Self, Vec<u8>> {
        let place = match shared.places.take(&wish.user.seat) {
            Ok(place) => place,
            Err(Full::Seat) => return Err(wish.refuse(486, "Allocation Quota Reached")),
            Err(Full::Relay) => return Err(wish.refuse(508, "Insufficient Capacity")),
        };
        let bound = relay_socket(shared, wish.ipv6);
        let (socket, relayed) = match bound {
            Ok(bound) => bound,
            Err(error) => {
                tracing::warn!(%error, "no port for an allocation");
                return Err(wish.refuse(508, "Insufficient Capacity"));
            }
        };
        let (terms, now) = (Arc::clone(&shared.terms), shared.clock.now());
        let allocation = Allocation::new(terms, wish, (client, relayed), padded, now);
        Ok(Self { allocation, socket, shared: Arc::clone(shared), _place: place })
    }

    /// The answer to the request that opened it.
    pub(super) fn granted(&self) -> Vec<u8> {
        self.allocation.granted()
    }

    /// Takes a packet of the client; returns what to answer.
    pub(super) fn take(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        match self.allocation.handle(packet, self.shared.clock.now()) {
            Act::Silence => None,
            Act::Reply(reply) => Some(reply),
            Act::Forward { to, data } => {
                // What the kernel does not take is lost, as on any network.
                if self.socket.try_send_to(data, to).is_ok() {
                    self.shared.count(data.len());
                }
                None
            }
        }
    }

    /// Waits for a datagram of the media edge and wraps it for the client. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Vec<u8> {
        let mut buffer = [0; DATAGRAM_BYTES];
        loop {
            // An error is an ICMP message about an earlier datagram: nothing that was received.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer).await else { continue };
            let now = self.shared.clock.now();
            if let Some(wrapped) = self.allocation.wrap(from, &buffer[..length], now) {
                self.shared.count(length);
                return wrapped;
            }
        }
    }

    /// How long it lives if nothing happens.
    pub(super) fn left(&self) -> Duration {
        left(self.allocation.until(), self.shared.clock.now())
    }
}

fn left(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (until - now).to_std().unwrap_or(Duration::ZERO)
}

/// A socket from which the media edge is reached, and the address clients are told for it.
fn relay_socket(shared: &Shared, ipv6: bool) -> std::io::Result<(UdpSocket, SocketAddr)> {
    let peers = &shared.terms.peers;
    let peer = peers
        .iter()
        .find(|peer| peer.at.is_ipv6() == ipv6)
        .ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let socket = Std::bind((peer.at.ip(), 0))?;
    socket.set_nonblocking(true)?;
    let relayed = SocketAddr::new(peer.told.ip(), socket.local_addr()?.port());
    Ok((UdpSocket::from_std(socket)?, relayed))
}

/// Counts allocations, so that neither one seat nor all together take more than they may.
#[derive(Debug)]
pub(super) struct Places {
    taken: Mutex<HashMap<String, usize>>,
    per_seat: usize,
    all: usize,
}

/// No place is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// For this seat.
    Seat,
    /// For anybody.
    Relay,
}

/// One allocation's place; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    seat: String,
}

impl Places {
    pub(super) fn new(per_seat: usize, all: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), per_seat, all })
    }

    pub(super) fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    fn take(self: &Arc<Self>, seat: &str) -> Result<Place, Full> {
        let mut taken = self.lock();
        if taken.values().sum::<usize>() >= self.all {
            return Err(Full::Relay);
        }
        let of_seat = taken.entry(seat.to_owned()).or_default();
        if *of_seat >= self.per_seat {
            return Err(Full::Seat);
        }
        *of_seat += 1;
        Ok(Place { places: Arc::clone(self), seat: seat.to_owned() })
    }

    /// Numbers alone: whole even if somebody panicked beside them.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(of_seat) = taken.get_mut(&self.seat) {
            *of_seat -= 1;
            if *of_seat == 0 {
                taken.remove(&self.seat);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_and_the_relay_have_their_limits_and_get_places_back() {
        let places = Places::new(2, 3);
        let first = places.take("a").expect("free");
        let _second = places.take("a").expect("free");
        assert_eq!(places.take("a").expect_err("full"), Full::Seat);
        let _third = places.take("b").expect("free");
        assert_eq!(places.take("c").expect_err("full"), Full::Relay);
        drop(first);
        assert_eq!(places.taken(), 2);
        assert!(places.take("c").is_ok());
    }
}
