//! Many participants' media on one thread, for little: what a generator burns is missing to the hub
//! beside it.
//!
//! Every peer has a socket of its own, as every browser has; they are read in turns, in batches. The
//! kernel says when each packet arrived, so reading late does not make a packet late.

mod ears;
mod net;
mod peer;
mod tally;
mod thread;

pub use tally::Tally;

use crate::media::{Place, SlotCount};
use crate::namespace::Namespace;
use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// Between an accepted answer and a path with keys.
const CONNECTS_WITHIN: Duration = Duration::from_secs(90);

/// Why a peer of the crowd has no media.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// The WebRTC stack refused.
    #[error("rtc: {0}")]
    Rtc(#[from] rtc::shared::error::Error),
    /// Sockets, threads.
    #[error("the crowd's sockets: {0}")]
    Io(#[from] std::io::Error),
    /// No path with keys in time.
    #[error("a peer did not connect within {} s", CONNECTS_WITHIN.as_secs())]
    Unconnected,
    /// The thread is gone.
    #[error("the crowd's thread is gone")]
    Gone,
}

/// What a peer does.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Sends microphone and camera, offers a screen, and receives in these slots: a participant of
    /// our rooms.
    Member(SlotCount),
    /// Sends microphone and camera, receives nothing: Janus' publisher.
    Publisher,
}

/// One peer's handle. The peer lives until it is dropped.
pub struct Peer {
    key: u64,
    commands: mpsc::Sender<Command>,
    connected: watch::Receiver<bool>,
    /// Its offer, or its answer.
    pub sdp: String,
}

/// A thread with peers. Ends with its last handle.
#[derive(Clone)]
pub struct Crowd {
    commands: mpsc::Sender<Command>,
}

struct Made {
    key: u64,
    connected: watch::Receiver<bool>,
    sdp: String,
}

enum Command {
    Offer {
        from: IpAddr,
        part: Part,
        place: watch::Receiver<Place>,
        reply: oneshot::Sender<Result<Made, CrowdError>>,
    },
    Answer {
        from: IpAddr,
        offer: String,
        place: watch::Receiver<Place>,
        reply: oneshot::Sender<Result<Made, CrowdError>>,
    },
    Accept {
        key: u64,
        answer: String,
        reply: oneshot::Sender<Result<(), CrowdError>>,
    },
    Drop {
        key: u64,
    },
    /// Begins a new tally; the one so far.
    Tally {
        reply: oneshot::Sender<Tally>,
    },
}

impl Crowd {
    /// Starts the thread, in `namespace` if one is given.
    ///
    /// # Errors
    /// [`CrowdError::Io`] when there is no thread or no way into the namespace.
    pub fn start(namespace: Option<Namespace>) -> Result<Self, CrowdError> {
        let (commands, inbox) = mpsc::channel();
        thread::start(inbox, namespace)?;
        Ok(Self { commands })
    }

    /// A peer that offers; its stamps follow `place`.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn offer(
        &self,
        from: IpAddr,
        part: Part,
        place: watch::Receiver<Place>,
    ) -> Result<Peer, CrowdError> {
        let made = self.ask(|reply| Command::Offer { from, part, place, reply }).await??;
        Ok(self.peer(made))
    }

    /// A peer that answers an offer and only receives: Janus' subscriber. `place` says which room's
    /// stamps it should hear.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn answer(
        &self,
        from: IpAddr,
        offer: String,
        place: watch::Receiver<Place>,
    ) -> Result<Peer, CrowdError> {
        let made = self.ask(|reply| Command::Answer { from, offer, place, reply }).await??;
        Ok(self.peer(made))
    }

    /// What was sent and heard since this was asked last; from now on it is counted anew.
    ///
    /// # Errors
    /// [`CrowdError::Gone`].
    pub async fn tally(&self) -> Result<Tally, CrowdError> {
        self.ask(|reply| Command::Tally { reply }).await
    }

    fn peer(&self, Made { key, connected, sdp }: Made) -> Peer {
        Peer { key, commands: self.commands.clone(), connected, sdp }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, CrowdError> {
        ask(&self.commands, command).await
    }
}

impl Peer {
    /// Takes the answer to its offer and waits for a path with keys.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn accept(&self, answer: String) -> Result<(), CrowdError> {
        let key = self.key;
        ask(&self.commands, |reply| Command::Accept { key, answer, reply }).await??;
        self.connected().await
    }

    /// Waits for a path with keys.
    ///
    /// # Errors
    /// [`CrowdError::Unconnected`] when it does not come.
    pub async fn connected(&self) -> Result<(), CrowdError> {
        let mut connected = self.connected.clone();
        let waiting = timeout(CONNECTS_WITHIN, connected.wait_for(|connected| *connected)).await;
        waiting.ok().and_then(Result::ok).map(drop).ok_or(CrowdError::Unconnected)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // A thread that is gone has no peers.
        let _ = self.commands.send(Command::Drop { key: self.key });
    }
}

async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    command: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Result<T, CrowdError> {
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).map_err(|_| CrowdError::Gone)?;
    answer.await.map_err(|_| CrowdError::Gone)
}
