//! A node with real sockets on loopback; door, journal and media are the test's own.

use async_trait::async_trait;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, State};
use axum::routing::any;
use futures::{SinkExt, StreamExt};
use signaling::edge::*;
use signaling::media::MediaError;
use signaling::protocol::*;
use signaling::room::journal::JournalEntry;
use signaling::room::routes::Routes;
use signaling::room::{AddedSeat, DEFAULT_GRACE, NewSeat, PersonalLink, Refused, RoomSpec, Seat};
use signaling::{Clock, SystemClock};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

pub const ROOM: RoomId = RoomId(Uuid::from_u128(1));
/// Another room of the same node, for tokens `other-N`.
pub const OTHER: RoomId = RoomId(Uuid::from_u128(2));
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn id(n: u8) -> ParticipantId {
    ParticipantId(Uuid::from_u128(u128::from(n) + 10))
}

/// What outlives a node: the journal, the lease's generation, and a log of what was done in which
/// order.
#[derive(Default)]
pub struct World {
    pub generation: AtomicU32,
    pub entries: Mutex<Vec<JournalEntry>>,
    pub done: Mutex<Vec<&'static str>>,
    pub released: AtomicBool,
    /// Offers are never answered.
    pub media_hangs: AtomicBool,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { generation: AtomicU32::new(1), ..Self::default() })
    }

    fn note(&self, what: &'static str) {
        self.done.lock().unwrap().push(what);
    }
}

/// Tokens are `seat-N`; the door knows the room and gives it the world's generation.
struct TestDoor(Arc<World>);

#[async_trait]
impl Door for TestDoor {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let (room, n) = match token.strip_prefix("other-") {
            Some(n) => (OTHER, n.parse::<u8>().ok()),
            None => (ROOM, token.strip_prefix("seat-").and_then(|n| n.parse::<u8>().ok())),
        };
        let n = n.ok_or_else(|| Refused::new(ErrorCode::BadToken, "unknown token"))?;
        let (role, side) = match n {
            0 => (Role::Conciliator, Side::Neutral),
            1 => (Role::Party, Side::Activating),
            _ => (Role::Party, Side::Convened),
        };
        let (name, label) = (format!("Name {n}"), String::new());
        let generation = self.0.generation.load(Ordering::SeqCst);
        Ok(Admission {
            room: RoomSpec {
                room,
                generation,
                capacity: 9,
                grace: DEFAULT_GRACE,
                planned_end: None,
                phones: Vec::new(),
                standing: false,
            },
            seat: Seat { participant: id(n), name, label, role, side, identified: false },
        })
    }

    async fn add_seat(&self, _: RoomId, _: &NewSeat) -> Result<AddedSeat, Refused> {
        let link = Some(PersonalLink { link: "https://hub/invito/x".into(), ..Default::default() });
        Ok(AddedSeat { participant: id(50), link })
    }
}

struct TestJournal(Arc<World>);

#[async_trait]
impl Journal for TestJournal {
    async fn load(&self, room: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        if room != ROOM {
            return Ok(Vec::new());
        }
        Ok(self.0.entries.lock().unwrap().clone())
    }

    async fn append(
        &self,
        room: RoomId,
        generation: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        if room != ROOM {
            return Ok(());
        }
        if generation != self.0.generation.load(Ordering::SeqCst) {
            return Err(JournalError::LeaseLost);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.entries.lock().unwrap().extend_from_slice(entries);
        self.0.note("journal");
        Ok(())
    }

    async fn release(&self, _: RoomId, _: u32) {
        self.0.released.store(true, Ordering::SeqCst);
    }
}

struct TestMedia(Arc<World>);

#[async_trait]
impl MediaPlane for TestMedia {
    async fn connect(&self, _: RoomId, _: ParticipantId, offer: &str) -> Result<String, Refused> {
        if self.0.media_hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if offer.starts_with("v=0") {
            return Ok("v=0 answer".into());
        }
        Err(Refused::new(ErrorCode::BadOffer, "not SDP"))
    }

    async fn route(&self, _: RoomId, _: Routes) -> Result<(), MediaError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.note("routes");
        Ok(())
    }

    fn watch(&self, _: RoomId, _: ParticipantId, _: Vec<Watch>) {}

    fn disconnect(&self, _: RoomId, _: ParticipantId) {}

    async fn count(&self, _: RoomId) -> Result<(u64, u64), MediaError> {
        Ok((100, 50))
    }

    fn close(&self, _: RoomId) {}
}

/// One running node.
pub struct Node {
    pub rooms: Rooms,
    pub address: SocketAddr,
    pub world: Arc<World>,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    pub async fn start(world: Arc<World>, config: RoomsConfig) -> Self {
        let media = Arc::new(TestMedia(world.clone()));
        Self::with_media(world, config, media).await
    }

    pub async fn with_media(
        world: Arc<World>,
        config: RoomsConfig,
        media: Arc<dyn MediaPlane>,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let door = Arc::new(TestDoor(world.clone()));
        let journal = Arc::new(TestJournal(world.clone()));
        let rooms = Rooms::start(config, media, door, journal, Arc::new(NoShelf), clock);
        let app = axum::Router::new().route("/ws/room", any(upgrade)).with_state(rooms.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { rooms, address, world, server }
    }

    /// The node dies: nobody is told anything.
    pub fn kill(self) -> Arc<World> {
        self.server.abort();
        self.world
    }

    pub async fn join(&self, n: u8) -> Client {
        let mut client = Client::connect(self.address).await;
        client.token(n).await;
        client
    }

    /// A meeting that has begun, with seats 0, 1 and 2 in plenary.
    pub async fn started(&self) -> [Client; 3] {
        let mut all = [self.join(0).await, self.join(1).await, self.join(2).await];
        all[0].ask(ClientMessage::Start).await.unwrap();
        all[0].ask(ClientMessage::AdmitAll).await.unwrap();
        for client in &mut all {
            client.until(|m| matches!(m, ServerMessage::View(v) if v.people.len() == 3)).await;
        }
        all
    }
}

async fn upgrade(
    State(rooms): State<Rooms>,
    Query(_): Query<HashMap<String, String>>,
    request: WebSocketUpgrade,
) -> axum::response::Response {
    rooms.upgrade(request)
}

/// A participant's client, as simple as can be.
pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    pub secret: String,
    pub resumed: bool,
    pub last_seq: u64,
    pub epoch: Epoch,
    pub session: Option<Session>,
    pub processed: Vec<ServerMessage>,
    next: u64,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address, Some(SUBPROTOCOL)).await.unwrap()
    }

    pub async fn try_connect(
        address: SocketAddr,
        protocol: Option<&'static str>,
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let mut request = format!("ws://{address}/ws/room").into_client_request()?;
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let tcp = TcpSocket::new_v4()?;
        // Small, so that a reader that stops is noticed soon.
        tcp.set_recv_buffer_size(8 * 1024)?;
        let tcp = tcp.connect(address).await?;
        let (socket, _) = tokio_tungstenite::client_async(request, tcp).await?;
        Ok(Self {
            socket,
            secret: String::new(),
            resumed: false,
            last_seq: 0,
            epoch: Epoch::default(),
            session: None,
            processed: Vec::new(),
            next: 1,
        })
    }

    pub async fn token(&mut self, n: u8) {
        let token = Some(format!("seat-{n}"));
        self.say(ClientMessage::Hello { token, resume: None, last_seq: 0 }).await;
        self.until(|m| matches!(m, ServerMessage::View(_))).await;
    }

    pub async fn resume(&mut self, secret: &str, last_seq: u64) {
        let resume = Some(secret.to_owned());
        self.say(ClientMessage::Hello { token: None, resume, last_seq }).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    pub async fn say(&mut self, message: ClientMessage) -> u64 {
        let id = self.next;
        self.next += 1;
        let json = serde_json::to_string(&ClientEnvelope { id, message }).unwrap();
        self.text(&json).await;
        id
    }

    /// The next message; `None` when the socket closes.
    pub async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            let text = match next.await.expect("the room says nothing") {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => continue,
            };
            let ServerEnvelope { seq, message } = serde_json::from_str(&text).unwrap();
            match &message {
                ServerMessage::Welcome { resume, resumed, .. } => {
                    self.secret = resume.clone();
                    self.resumed = *resumed;
                    if !resumed {
                        self.last_seq = 0;
                    }
                }
                ServerMessage::View(view) => {
                    (self.epoch, self.session) = (view.epoch, Some(view.session));
                }
                ServerMessage::Moved { epoch, session, .. } => {
                    (self.epoch, self.session) = (*epoch, Some(*session));
                }
                _ => {}
            }
            if seq > 0 {
                assert!(self.last_seq == 0 || seq == self.last_seq + 1, "lost or doubled");
                self.last_seq = seq;
                self.processed.push(message.clone());
            }
            return Some(message);
        }
    }

    /// Reads until this message comes.
    pub async fn until(&mut self, wanted: impl Fn(&ServerMessage) -> bool) -> ServerMessage {
        loop {
            let message = self.next().await.expect("the socket closed too early");
            if wanted(&message) {
                return message;
            }
        }
    }

    /// Reads until the socket closes; the last message.
    pub async fn last_words(&mut self) -> Option<ServerMessage> {
        let mut last = None;
        while let Some(message) = self.next().await {
            last = Some(message);
        }
        last
    }

    pub async fn ask(&mut self, message: ClientMessage) -> Result<ServerMessage, ErrorCode> {
        let id = self.say(message).await;
        let answer = self
            .until(|m| {
                matches!(m, ServerMessage::Ok { re } | ServerMessage::Answer { re, .. }
                    | ServerMessage::Error { re, .. } if *re == id)
            })
            .await;
        match answer {
            ServerMessage::Error { code, .. } => Err(code),
            other => Ok(other),
        }
    }

    /// Chats in the present epoch, and again if the membership changed meanwhile.
    pub async fn chat(&mut self, text: &str) {
        loop {
            let (epoch, text) = (self.epoch, text.to_owned());
            match self.ask(ClientMessage::Chat { epoch, text }).await {
                // The view of the new epoch came before this answer.
                Err(ErrorCode::StaleEpoch) => {}
                other => {
                    other.unwrap();
                    return;
                }
            }
        }
    }
}

pub fn is_chat(message: &ServerMessage, words: &str) -> bool {
    matches!(message, ServerMessage::Chat { text, .. } if text == words)
}
