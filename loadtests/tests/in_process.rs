//! The participants against real rooms and real media, in one process.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

use async_trait::async_trait;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::any;
use loadtests::clock::now_ms;
use loadtests::isolation::{Arrival, Isolation};
use loadtests::participant::{Entrance, Participant};
use loadtests::room::{Ticket, Tickets};
use loadtests::stamp::Canary;
use rand::SeedableRng as _;
use signaling::SystemClock;
use signaling::edge::{Admission, Door, Journal, JournalError, NoShelf, Rooms, RoomsConfig};
use signaling::media::broken::ignore_epochs;
use signaling::media::{Media, MediaConfig};
use signaling::protocol::*;
use signaling::room::journal::JournalEntry;
use signaling::room::{AddedSeat, DEFAULT_GRACE, NewSeat, Refused, RoomSpec, Seat};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const ROOM: RoomId = RoomId(Uuid::from_u128(1));

/// Tokens are the number of a seat: 0 the conciliator, 1 the client, the others convened.
struct TestDoor;

#[async_trait]
impl Door for TestDoor {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let n: u8 = token.parse().unwrap();
        let (role, side) = match n {
            0 => (Role::Conciliator, Side::Neutral),
            1 => (Role::Party, Side::Activating),
            _ => (Role::Party, Side::Convened),
        };
        let participant = ParticipantId(Uuid::from_u128(u128::from(n) + 10));
        let (name, label) = (format!("Name {n}"), format!("Label {n}"));
        Ok(Admission {
            room: RoomSpec {
                room: ROOM,
                generation: 1,
                capacity: 9,
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
struct TestJournal(Mutex<Vec<JournalEntry>>);

#[async_trait]
impl Journal for TestJournal {
    async fn load(&self, _: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn append(
        &self,
        _: RoomId,
        _: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        self.0.lock().unwrap().extend_from_slice(entries);
        Ok(())
    }

    async fn release(&self, _: RoomId, _: u32) {}
}

async fn serve() -> SocketAddr {
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

async fn enter(hub: SocketAddr, n: u8, canary: Canary, isolation: &Arc<Isolation>) -> Participant {
    let tickets: Tickets = Box::new(move || {
        let address = format!("ws://{hub}/ws/room");
        Box::pin(async move { Ok(Ticket { address, token: n.to_string() }) })
    });
    let entrance = Entrance {
        name: format!("seat {n}"),
        room: ROOM,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        canary,
        isolation: Arc::clone(isolation),
        tickets,
        patience: Duration::from_secs(20),
    };
    Participant::enter(entrance).await.unwrap()
}

/// Everybody in `all` hears voice and picture of all others there.
async fn all_hear(all: &[&Participant], session: Session, epoch: Epoch) {
    for one in all {
        for other in all.iter().filter(|other| other.me() != one.me()) {
            let heard = |ears: &loadtests::media::Ears| ears.both(other.me(), session, epoch);
            one.hears(&format!("{} in {session}", other.name), heard).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_41_a_breakout_leaks_nothing_unless_the_edge_is_broken() {
    let leaks = meet().await;
    assert!(leaks.is_empty(), "{} leaks, such as {:?}", leaks.len(), leaks.first());
    ignore_epochs();
    assert!(!meet().await.is_empty(), "the check finds nothing");
}

/// A meeting with a breakout; the packets that crossed.
async fn meet() -> Vec<Arrival> {
    let hub = serve().await;
    let isolation = Arc::new(Isolation::new(ROOM));
    let canary = Canary::new(&mut rand::rngs::StdRng::seed_from_u64(now_ms()));
    let (conciliator, client, operator) = (
        enter(hub, 0, canary, &isolation).await,
        enter(hub, 1, canary, &isolation).await,
        enter(hub, 2, canary, &isolation).await,
    );
    let all = [&conciliator, &client, &operator];

    let started = |k: &loadtests::room::Known| k.view.as_ref().is_some_and(|v| v.started);
    conciliator.bring_about("start", |_| ClientMessage::Start, started).await.unwrap();
    let together = |k: &loadtests::room::Known| k.others().len() == 2;
    conciliator.bring_about("admit", |_| ClientMessage::AdmitAll, together).await.unwrap();
    all_hear(&all, Session::Plenary, Epoch::default()).await;

    let open = |k: &loadtests::room::Known| ClientMessage::OpenBreakout {
        epoch: k.epoch,
        side: Side::Activating,
        with_me: true,
        minutes: None,
    };
    let aside = Session::Breakout(1);
    let inside = |k: &loadtests::room::Known| k.session == Some(aside) && k.others().len() == 1;
    conciliator.bring_about("breakout", open, inside).await.unwrap();
    let epoch = client.until("breakout", inside).await.unwrap().epoch;
    all_hear(&[&conciliator, &client], aside, epoch).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    // A lost socket keeps its place and its media; what was said meanwhile comes once.
    client.room.cut().await;
    let words = canary.as_str().to_owned();
    let say =
        |k: &loadtests::room::Known| ClientMessage::Chat { epoch: k.epoch, text: words.clone() };
    conciliator.bring_about("chat", say, |k| k.heard(&words) == 1).await.unwrap();
    let back = client.until("return", |k| k.welcomes == 2 && k.heard(&words) > 0).await.unwrap();
    assert!(back.returns[0].resumed, "{back:?}");
    assert_eq!((back.heard(&words), back.out_of_order, back.fresh), (1, 0, 1));

    let recalled = |k: &loadtests::room::Known| k.session == Some(Session::Plenary) && together(k);
    conciliator
        .bring_about("recall", |_| ClientMessage::Recall { at_once: true }, recalled)
        .await
        .unwrap();
    let epoch = client.until("recall", recalled).await.unwrap().epoch;
    operator.until("recall", recalled).await.unwrap();
    all_hear(&all, Session::Plenary, epoch).await;
    assert_eq!(operator.known().heard(&words), 0);

    // A page that is loaded again comes back to the same session with new media.
    client.room.reload().await;
    let again = |k: &loadtests::room::Known| k.fresh == 2 && k.session == Some(Session::Plenary);
    client.until("reload", again).await.unwrap();
    client.hears("a first frame", |ears| ears.first_frame()).await.unwrap();

    let (judged, leaks) = isolation.conclude();
    assert!(judged > 100, "{judged} packets arrived");
    conciliator.bring_about("end", |_| ClientMessage::End, |k| k.ended.is_some()).await.ok();
    let ended = operator.until("the end", |k| k.ended.is_some()).await.unwrap();
    assert_eq!(ended.ended, Some(Ok(LeaveReason::Ended)));
    leaks
}
