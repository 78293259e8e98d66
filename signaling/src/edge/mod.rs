//! The rooms of one node: a task for each room, a WebSocket for each participant.
//!
//! For every change the order is: media forward by it, the journal holds it, people hear of it. A
//! room whose journal or media refuse stops here, and its people join again where the lease is.

mod files;
mod ports;
mod room_task;
mod socket;
mod status;

pub use ports::{Admission, Door, Journal, JournalError, MediaPlane, NoShelf, Shelf};
pub use status::{Presence, RoomStatus, SeatStatus};

use crate::clock::Clock;
use crate::protocol::{
    ErrorCode, LeaveReason, MAX_MESSAGE_BYTES, Retry, RoomId, SUBPROTOCOL, Topic,
};
use crate::room::{ConnectionId, Input, Refused, RoomSpec, Seat, Terms};
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rand::TryRng;
use room_task::{Letter, Mailbox, RoomTask};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Letters a room may have waiting before its sockets wait too.
const MAILBOX: usize = 256;
/// Read buffer of a socket; the library's default of 128 KiB is too much for thousands of them.
const READ_BUFFER_BYTES: usize = 1024;

/// How long a full node asks people to wait.
const FULL_RETRY_MS: u64 = 30_000;

/// How long the edge waits for whom, and how much it takes on.
#[derive(Clone, Debug)]
pub struct RoomsConfig {
    /// What every room offers and allows.
    pub terms: Terms,
    /// From the open socket to its `hello`.
    pub hello_within: Duration,
    /// Between two pings.
    pub ping_every: Duration,
    /// A socket that is silent for so long, pongs included, is dead.
    pub silence: Duration,
    /// Messages waiting for one socket; more means that it does not read.
    pub queue: usize,
    /// One write to a socket.
    pub write_within: Duration,
    /// Rooms served at once.
    pub max_rooms: usize,
    /// Seats of all open rooms together, every seat that a room may have counted, so that nobody is
    /// turned away from a meeting that has begun.
    pub max_seats: usize,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        let terms = Terms::default();
        // A whole replay fits, and what happens meanwhile.
        let queue = terms.ring + 64;
        Self {
            terms,
            hello_within: Duration::from_secs(10),
            ping_every: Duration::from_secs(15),
            silence: Duration::from_secs(45),
            queue,
            write_within: Duration::from_secs(10),
            max_rooms: 2_500,
            max_seats: 25_000,
        }
    }
}

/// The rooms that this node serves. Cheap to clone.
#[derive(Clone)]
pub struct Rooms(Arc<Inner>);

struct Inner {
    config: RoomsConfig,
    ports: Ports,
    directory: DashMap<RoomId, Served>,
    connections: AtomicU64,
    /// Seats promised to the rooms in the directory.
    seats: AtomicUsize,
}

/// Everything a room task reaches outside itself.
#[derive(Clone)]
struct Ports {
    media: Arc<dyn MediaPlane>,
    door: Arc<dyn Door>,
    journal: Arc<dyn Journal>,
    shelf: Arc<dyn Shelf>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Served {
    generation: u32,
    mailbox: Mailbox,
    /// Seats it may fill, the conciliator's included.
    seats: usize,
}

impl Rooms {
    /// Serves nothing yet: rooms open with their first participant.
    pub fn start(
        config: RoomsConfig,
        media: Arc<dyn MediaPlane>,
        door: Arc<dyn Door>,
        journal: Arc<dyn Journal>,
        shelf: Arc<dyn Shelf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            config,
            ports: Ports { media, door, journal, shelf, clock },
            directory: DashMap::new(),
            connections: AtomicU64::new(1),
            seats: AtomicUsize::new(0),
        }))
    }

    /// Upgrades a request for the room socket; 400 if the client does not speak `accordo.v1`.
    pub fn upgrade(&self, request: WebSocketUpgrade) -> Response {
        let request = request
            .protocols([SUBPROTOCOL])
            .max_message_size(MAX_MESSAGE_BYTES)
            .max_frame_size(MAX_MESSAGE_BYTES)
            .read_buffer_size(READ_BUFFER_BYTES);
        if request.selected_protocol().is_none() {
            let hint = format!("ask for the WebSocket subprotocol {SUBPROTOCOL}");
            return (StatusCode::BAD_REQUEST, hint).into_response();
        }
        let rooms = self.clone();
        request.on_upgrade(move |socket| async move { rooms.serve(socket).await })
    }

    /// Serves one participant's socket until it closes.
    pub async fn serve(&self, socket: WebSocket) {
        socket::serve(self, socket).await;
    }

    /// Something outside the room changed that its people look at.
    pub async fn changed(&self, room: RoomId, topic: Topic) {
        self.input(room, Input::Changed(topic)).await;
    }

    /// Closes a room: `Ended` for good, anything else on this node only. Resolves when it is closed.
    pub async fn close(&self, room: RoomId, reason: LeaveReason) {
        if let Some(served) = self.served(room) {
            close(&served, reason).await;
        }
    }

    /// Whether the room would let a seat in at this moment: asked before anybody prepares for it. A
    /// room that is not open here says so when it is entered.
    pub async fn knock(&self, room: RoomId, seat: Seat) -> Result<(), Refused> {
        self.ask(room, move |room, now| room.knock(&seat, now)).await.unwrap_or(Ok(()))
    }

    /// What goes on in a room, or `None` if this node does not serve it.
    pub async fn status(&self, room: RoomId) -> Option<RoomStatus> {
        let (reply, status) = oneshot::channel();
        self.served(room)?.mailbox.send(Box::new(Letter::Status(reply))).await.ok()?;
        status.await.ok()
    }

    /// What goes on in all rooms served here, for the live board (R-MEET-09). A room that closes at
    /// this moment is not in it.
    pub async fn board(&self) -> Vec<(RoomId, RoomStatus)> {
        let open = self
            .open()
            .into_iter()
            .map(|(room, _)| async move { self.status(room).await.map(|status| (room, status)) });
        futures::future::join_all(open).await.into_iter().flatten().collect()
    }

    /// The rooms served here and the generation of each one's lease.
    pub fn open(&self) -> Vec<(RoomId, u32)> {
        self.0.directory.iter().map(|served| (*served.key(), served.generation)).collect()
    }

    /// Closes all rooms on this node; their people come back where the rooms are served next.
    pub async fn shutdown(&self) {
        let all: Vec<_> = self.0.directory.iter().map(|served| served.value().clone()).collect();
        futures::future::join_all(all.iter().map(|s| close(s, LeaveReason::Closing))).await;
    }

    async fn input(&self, room: RoomId, input: Input) {
        if let Some(served) = self.served(room) {
            // A room that closes at this moment has nobody to tell.
            let _ = served.mailbox.send(Box::new(Letter::Input(input))).await;
        }
    }

    /// Not held across an await: the directory's locks are short.
    fn served(&self, room: RoomId) -> Option<Served> {
        self.0.directory.get(&room).map(|served| served.value().clone())
    }

    /// The mailbox of a room, opened if this node does not serve it yet. A room that is served
    /// under an older lease closes first. Refused if that would be more than the node takes on.
    async fn mailbox(&self, spec: &RoomSpec) -> Result<Mailbox, Refused> {
        loop {
            if let Some(served) = self.served(spec.room) {
                if served.generation >= spec.generation && !served.mailbox.is_closed() {
                    return Ok(served.mailbox);
                }
                close(&served, LeaveReason::Closing).await;
                self.forget(spec.room, &served.mailbox);
            }
            let seats = self.promise(spec.capacity + 1)?;
            if let Entry::Vacant(vacant) = self.0.directory.entry(spec.room) {
                let (mailbox, letters) = mpsc::channel(MAILBOX);
                let generation = spec.generation;
                vacant.insert(Served { generation, mailbox: mailbox.clone(), seats });
                let task = RoomTask::new(self.clone(), spec.clone(), mailbox.downgrade());
                tokio::spawn(task.run(letters));
                return Ok(mailbox);
            }
            // Somebody else opened it meanwhile.
            self.0.seats.fetch_sub(seats, Ordering::Relaxed);
        }
    }

    /// Sets seats aside for a room that opens.
    fn promise(&self, seats: usize) -> Result<usize, Refused> {
        let RoomsConfig { max_rooms, max_seats, .. } = self.0.config;
        let taken = |taken: usize| taken.checked_add(seats).filter(|all| *all <= max_seats);
        if self.0.directory.len() < max_rooms
            && self.0.seats.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
        {
            return Ok(seats);
        }
        tracing::warn!(max_rooms, max_seats, "no further room: this node is full");
        let full = Refused::new(ErrorCode::Full, "this node serves as many people as it can");
        Err(full.retry(Retry::AfterMs(FULL_RETRY_MS)))
    }

    fn forget(&self, room: RoomId, mailbox: &Mailbox) {
        let removed =
            self.0.directory.remove_if(&room, |_, served| served.mailbox.same_channel(mailbox));
        if let Some((_, served)) = removed {
            self.0.seats.fetch_sub(served.seats, Ordering::Relaxed);
        }
    }

    fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.0.connections.fetch_add(1, Ordering::Relaxed))
    }
}

async fn close(served: &Served, reason: LeaveReason) {
    let _ = served.mailbox.send(Box::new(Letter::Input(Input::Close(reason)))).await;
    served.mailbox.closed().await;
}

/// 128 random bits: a resume secret.
fn secret() -> String {
    let mut bits = [0u8; 16];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bits)
        .expect("without the system's randomness nothing here is safe");
    bits.iter().map(|byte| format!("{byte:02x}")).collect()
}
