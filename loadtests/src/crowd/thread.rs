//! The crowd's thread: a beat for sending, a slower one for reading.

use super::net::Batch;
use super::peer::Peer;
use super::{Command, CrowdError, Made, Tally};
use crate::clock::now_us;
use crate::namespace::Namespace;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Packets leave within this time of their due moment.
const BEAT: Duration = Duration::from_millis(1);
/// Between two rounds of reading: long enough for batches, short enough for handshakes.
const READS_EVERY: Duration = Duration::from_millis(8);

pub(super) fn start(inbox: Receiver<Command>, namespace: Option<Namespace>) -> io::Result<()> {
    std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
        if let Some(Err(error)) = namespace.map(|namespace| namespace.enter()) {
            tracing::error!(%error, "the crowd's namespace");
            return;
        }
        Thread {
            peers: BTreeMap::new(),
            next_key: 0,
            tally: Tally::new(now_us()),
            batch: Batch::new(),
        }
        .run(&inbox);
    })?;
    Ok(())
}

struct Thread {
    peers: BTreeMap<u64, Peer>,
    next_key: u64,
    tally: Tally,
    batch: Batch,
}

impl Thread {
    fn run(mut self, inbox: &Receiver<Command>) {
        let mut beat = clock();
        let mut reads = beat;
        loop {
            let wait = if self.peers.is_empty() {
                match inbox.recv() {
                    Ok(command) => self.carry_out(command),
                    Err(_) => return,
                }
                Duration::ZERO
            } else {
                beat.saturating_duration_since(clock())
            };
            match inbox.recv_timeout(wait) {
                Ok(command) => self.carry_out(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock();
            if now < beat {
                continue;
            }
            // A machine that fell behind goes on; it does not send a burst.
            beat = (beat + BEAT).max(now);
            let us = now_us();
            for peer in self.peers.values_mut() {
                peer.send(us, now, &mut self.tally);
            }
            if now >= reads {
                reads = now + READS_EVERY;
                for peer in self.peers.values_mut() {
                    peer.receive(now, &mut self.batch, &mut self.tally);
                    peer.pass_time(now);
                }
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = clock();
        match command {
            Command::Offer { from, part, place, reply } => {
                let made = Peer::offering(from, part, place, now);
                // Whoever asked may have gone.
                let _ = reply.send(made.map(|(peer, sdp)| self.keep(peer, sdp)));
            }
            Command::Answer { from, offer, place, reply } => {
                let made = Peer::answering(from, offer, place, now);
                let _ = reply.send(made.map(|(peer, sdp)| self.keep(peer, sdp)));
            }
            Command::Accept { key, answer, reply } => {
                let peer = self.peers.get_mut(&key).ok_or(CrowdError::Gone);
                let _ = reply.send(peer.and_then(|peer| peer.accept(answer, now)));
            }
            Command::Drop { key } => drop(self.peers.remove(&key)),
            Command::Tally { reply } => {
                let new = Tally::new(now_us());
                let _ = reply.send(std::mem::replace(&mut self.tally, new));
            }
        }
    }

    fn keep(&mut self, peer: Peer, sdp: String) -> Made {
        let key = self.next_key;
        self.next_key += 1;
        let connected = peer.connected();
        self.peers.insert(key, peer);
        Made { key, connected, sdp }
    }
}

#[expect(clippy::disallowed_methods, reason = "this program is an edge")]
fn clock() -> Instant {
    Instant::now()
}
