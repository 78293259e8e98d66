//! Real rooms and real media behind a door that knows no people: a token is a meeting and the
//! number of a seat there, 0 the conciliator's, 1 the client's, the others the convened side's.

use async_trait::async_trait;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::any;
use loadtests::room::{Ticket, Tickets};
use signaling::SystemClock;
use signaling::edge::{Admission, Door, Journal, JournalError, NoShelf, Rooms, RoomsConfig};
use signaling::media::{Media, MediaConfig};
use signaling::protocol::*;
use signaling::room::journal::JournalEntry;
use signaling::room::{AddedSeat, DEFAULT_GRACE, NewSeat, Refused, RoomSpec, Seat};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

struct TestDoor;

#[async_trait]
impl Door for TestDoor {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let (room, n) = token.split_once(' ').unwrap();
        let (room, n): (Uuid, u8) = (room.parse().unwrap(), n.parse().unwrap());
        let (role, side) = match n {
            0 => (Role::Conciliator, Side::Neutral),
            1 => (Role::Party, Side::Activating),
            _ => (Role::Party, Side::Convened),
        };
        let participant = ParticipantId(Uuid::from_u128(room.as_u128() * 100 + u128::from(n) + 10));
        let (name, label) = (format!("Name {n}"), format!("Label {n}"));
        Ok(Admission {
            room: RoomSpec {
                room: RoomId(room),
                generation: 1,
                capacity: 10,
                grace: DEFAULT_GRACE,
                planned_end: None,
                phones: Vec::new(),
                standing: false,
            },
            seat: Seat { participant, name, label, role, side, identified: false },
        })
    }

    async fn add_seat(&self, _: RoomId, _: &NewSeat) -> Result<AddedSeat, Refused> {
        Err(Refused::new(ErrorCode::NotAllowed, "nobody is added here"))
    }
}

#[derive(Default)]
struct TestJournal(Mutex<HashMap<RoomId, Vec<JournalEntry>>>);

#[async_trait]
impl Journal for TestJournal {
    async fn load(&self, room: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.0.lock().unwrap().get(&room).cloned().unwrap_or_default())
    }

    async fn append(
        &self,
        room: RoomId,
        _: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        self.0.lock().unwrap().entry(room).or_default().extend_from_slice(entries);
        Ok(())
    }

    async fn release(&self, _: RoomId, _: u32) {}
}

/// Rooms with media on loopback.
pub async fn serve() -> SocketAddr {
    let media = Media::start(MediaConfig {
        bind: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        advertise: vec![],
        workers: 1,
        audio_slots: 9,
        video_slots: 10,
    })
    .unwrap();
    let (door, journal) = (Arc::new(TestDoor), Arc::new(TestJournal::default()));
    let clock = Arc::new(SystemClock);
    let rooms = Rooms::start(
        RoomsConfig::default(),
        Arc::new(media),
        door,
        journal,
        Arc::new(NoShelf),
        clock,
    );
    let upgrade = |State(rooms): State<Rooms>, request: WebSocketUpgrade| async move {
        rooms.upgrade(request)
    };
    let app = axum::Router::new().route("/ws/room", any(upgrade)).with_state(rooms);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// The way of seat `n` into a meeting.
pub fn tickets(hub: SocketAddr, meeting: Uuid, n: usize) -> Tickets {
    Box::new(move || {
        let address = format!("ws://{hub}/ws/room");
        Box::pin(async move { Ok(Ticket { address, token: format!("{meeting} {n}") }) })
    })
}
