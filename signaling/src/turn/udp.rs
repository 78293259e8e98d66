//! Clients over UDP: one socket for all, a task for each allocation.

use super::Shared;
use super::door::{MAX_FRAME, Verdict};
use super::session::Session;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Datagrams of one client that wait for its task; more are lost, as on any network.
const QUEUE: usize = 128;
/// Between two looks for clients that are gone.
const SWEEP: Duration = Duration::from_secs(30);

pub(super) async fn serve(shared: Arc<Shared>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut clients: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut sweep = tokio::time::interval(SWEEP);
    let mut buffer = vec![0; MAX_FRAME];
    loop {
        let received = tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = sweep.tick() => {
                clients.retain(|_, packets| !packets.is_closed());
                continue;
            }
            received = socket.recv_from(&mut buffer) => received,
        };
        // An error is an ICMP message about an earlier datagram.
        let Ok((length, client)) = received else { continue };
        let packet = &buffer[..length];
        if let Some(packets) = clients.get(&client) {
            match packets.try_send(packet.to_vec()) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => continue,
                Err(mpsc::error::TrySendError::Closed(_)) => clients.remove(&client),
            };
        }
        let reply = match shared.terms.judge(packet, client, shared.clock.now()) {
            Verdict::Silence => continue,
            Verdict::Reply(reply) => reply,
            Verdict::Allocate(wish) => match Session::open(&shared, wish, client, false) {
                Ok(session) => {
                    let (packets, queued) = mpsc::channel(QUEUE);
                    clients.insert(client, packets);
                    let granted = session.granted();
                    let (of_client, socket) = (Arc::clone(&shared), Arc::clone(&socket));
                    shared.tasks.spawn(relay(of_client, session, client, socket, queued));
                    granted
                }
                Err(refusal) => refusal,
            },
        };
        // A client that is not reached asks again.
        let _ = socket.try_send_to(&reply, client);
    }
}

/// Carries one client's packets until its allocation ends.
async fn relay(
    shared: Arc<Shared>,
    mut session: Session,
    client: SocketAddr,
    socket: Arc<UdpSocket>,
    mut queued: mpsc::Receiver<Vec<u8>>,
) {
    loop {
        let left = session.left();
        let out = tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(left) => return,
            packet = queued.recv() => match packet {
                Some(packet) => session.take(&packet),
                None => return,
            },
            wrapped = session.receive() => Some(wrapped),
        };
        if let Some(out) = out {
            let _ = socket.try_send_to(&out, client);
        }
    }
}
