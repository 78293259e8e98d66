//! Drives a room as the edge does, and keeps what every socket was told.

use crate::protocol::*;
use crate::room::journal::JournalEntry;
use crate::room::routes::Routes;
use crate::room::*;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

pub const CONCILIATOR: u8 = 0;

/// Seats of the tests: 0 conciliator, 1 client, 2 client's delegate, 3 operator, 4 technical aid.
pub fn seat(n: u8) -> Seat {
    let (role, side) = match n {
        0 => (Role::Conciliator, Side::Neutral),
        1 | 2 => (Role::Party, Side::Activating),
        3 => (Role::Party, Side::Convened),
        _ => (Role::Party, Side::Aid),
    };
    let (name, label) = (format!("Name {n}"), format!("Label {n}"));
    Seat { participant: id(n), name, label, role, side, identified: n == 1 }
}

pub fn id(n: u8) -> ParticipantId {
    ParticipantId(Uuid::from_u128(u128::from(n) + 1))
}

pub fn spec(generation: u32) -> RoomSpec {
    let room = RoomId(Uuid::from_u128(99));
    let (planned_end, phones) = (None, Vec::new());
    let (capacity, grace, standing) = (9, DEFAULT_GRACE, false);
    RoomSpec { room, generation, capacity, grace, planned_end, phones, standing }
}

/// One seat's client: keeps the numbered messages it processed, in order.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub connection: Option<ConnectionId>,
    pub secret: Option<String>,
    pub last_seq: u64,
    pub processed: Vec<ServerMessage>,
    pub unnumbered: Vec<ServerMessage>,
    pub view: Option<View>,
    pub resumes: usize,
    pub fresh: usize,
    /// The next so many messages are lost on the wire, and then the socket breaks.
    pub deaf: bool,
}

pub struct Driver {
    pub room: Room,
    pub now: DateTime<Utc>,
    pub clients: BTreeMap<u8, Client>,
    pub journal: Vec<JournalEntry>,
    pub routes: Routes,
    pub closed: bool,
    /// Files whose content was to be deleted; `cleared`: all of it.
    pub discarded: Vec<FileId>,
    pub cleared: bool,
    /// What was done, in order, by kind: shows that routes go before journal before words.
    pub order: Vec<&'static str>,
    /// What the media edge was told of what is looked at.
    pub watched: Vec<(ParticipantId, Vec<Watch>)>,
    /// What the portal keeps of those on the telephone.
    pub phones: Vec<PhoneSeat>,
    connections: BTreeMap<ConnectionId, u8>,
    next: u64,
}

impl Driver {
    pub fn new(terms: Terms) -> Self {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Self::with(Room::open(spec(1), terms, now), now, Vec::new())
    }

    pub fn with(room: Room, now: DateTime<Utc>, journal: Vec<JournalEntry>) -> Self {
        let mut driver = Self {
            room,
            now,
            clients: BTreeMap::new(),
            journal,
            routes: Routes::default(),
            closed: false,
            discarded: Vec::new(),
            cleared: false,
            order: Vec::new(),
            watched: Vec::new(),
            phones: Vec::new(),
            connections: BTreeMap::new(),
            next: 1,
        };
        driver.drain();
        driver
    }

    /// A meeting that has begun, with all five in plenary.
    pub fn started(terms: Terms) -> Self {
        let mut driver = Self::new(terms);
        for n in 0..5 {
            driver.join(n).unwrap();
        }
        driver.ask(CONCILIATOR, ClientMessage::Start).unwrap();
        driver.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
        driver
    }

    /// The node dies and another one takes over.
    pub fn restart(&self, terms: Terms) -> Self {
        let generation = self.room.spec.generation + 1;
        let spec = RoomSpec { phones: self.phones.clone(), ..spec(generation) };
        let room = Room::restore(spec, terms, &self.journal, self.now);
        let phones = self.phones.clone();
        Self { phones, ..Self::with(room, self.now, self.journal.clone()) }
    }

    pub fn input(&mut self, input: Input) {
        self.room.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Routes(routes) => {
                    self.order.push("routes");
                    self.routes = routes;
                    self.room.handle(Input::Routed, self.now);
                }
                Output::Count => {
                    self.order.push("count");
                    let counted = Input::Counted { forwarded: 12, withheld: 7 };
                    self.room.handle(counted, self.now);
                }
                Output::Journal(entries) => {
                    self.order.push("journal");
                    self.journal.extend(entries);
                }
                Output::Send { connection, envelope } => {
                    self.order.push("send");
                    self.deliver(connection, envelope);
                }
                Output::CloseConnection(connection) => {
                    if let Some(n) = self.connections.remove(&connection) {
                        let client = self.clients.entry(n).or_default();
                        if client.connection == Some(connection) {
                            client.connection = None;
                        }
                    }
                }
                Output::Offer { connection, re, sdp, .. } => {
                    let answer = Ok(format!("answer to {sdp}"));
                    self.room.handle(Input::Answered { connection, re, answer }, self.now);
                }
                Output::AddSeat { connection, re, seat } => {
                    let result = Ok(self.make_seat(&seat));
                    let input = Input::SeatAdded { connection, re, seat, result };
                    self.room.handle(input, self.now);
                }
                Output::DisconnectMedia(_) => {}
                Output::Watch(participant, video) => self.watched.push((participant, video)),
                Output::Discard(files) => {
                    self.order.push("discard");
                    self.discarded.extend(files);
                }
                Output::ClearShelf => self.cleared = true,
                Output::Closed => self.closed = true,
            }
        }
    }

    /// As the portal does: ids from 20 on, numbers of telephones kept.
    fn make_seat(&mut self, seat: &NewSeat) -> AddedSeat {
        let participant = id(20 + self.phones.len() as u8);
        let NewSeat { name, side, way } = seat.clone();
        match way {
            Way::Link { .. } => AddedSeat { participant: id(40), link: Some(personal_link()) },
            Way::Phone { number } => {
                self.phones.push(PhoneSeat { participant, name, number, side });
                AddedSeat { participant, link: None }
            }
        }
    }

    fn deliver(&mut self, connection: ConnectionId, envelope: ServerEnvelope) {
        let Some(n) = self.connections.get(&connection) else { return };
        let client = self.clients.entry(*n).or_default();
        if client.connection != Some(connection) || client.deaf {
            return;
        }
        let ServerEnvelope { seq, message } = envelope;
        if let ServerMessage::Welcome { resume, resumed, .. } = &message {
            client.secret = resume.rsplit('.').next().map(str::to_owned);
            if *resumed {
                client.resumes += 1;
            } else {
                client.fresh += 1;
                client.last_seq = 0;
            }
        }
        if seq == 0 {
            client.unnumbered.push(message);
            return;
        }
        if client.last_seq != 0 {
            assert_eq!(seq, client.last_seq + 1, "lost or doubled for seat {n}");
        }
        client.last_seq = seq;
        if let ServerMessage::View(view) = &message {
            client.view = Some(view.clone());
        }
        client.processed.push(message);
    }

    fn connect(&mut self, n: u8) -> ConnectionId {
        let connection = ConnectionId(self.next);
        self.next += 1;
        self.connections.insert(connection, n);
        let client = self.clients.entry(n).or_default();
        client.connection = Some(connection);
        client.deaf = false;
        connection
    }

    /// Joins with a token.
    pub fn join(&mut self, n: u8) -> Result<(), ErrorCode> {
        let connection = self.connect(n);
        let secret = format!("secret{}", self.next);
        let seen = self.clients[&n].unnumbered.len();
        self.input(Input::Join { seat: seat(n), connection, secret, re: 1 });
        self.verdict(n, seen)
    }

    pub fn resume(&mut self, n: u8) -> Result<(), ErrorCode> {
        let Some(secret) = self.clients.get(&n).and_then(|c| c.secret.clone()) else {
            return Err(ErrorCode::BadToken);
        };
        let last_seq = self.clients[&n].last_seq;
        let connection = self.connect(n);
        let next_secret = format!("secret{}", self.next);
        let seen = self.clients[&n].unnumbered.len();
        let participant = id(n);
        self.input(Input::Resume { participant, connection, secret, next_secret, last_seq, re: 1 });
        self.verdict(n, seen)
    }

    pub fn lose(&mut self, n: u8) {
        if let Some(connection) = self.clients.get_mut(&n).and_then(|c| c.connection.take()) {
            self.connections.remove(&connection);
            self.input(Input::Lost { connection });
        }
    }

    /// Sends a request and returns its answer.
    pub fn ask(&mut self, n: u8, message: ClientMessage) -> Result<(), ErrorCode> {
        let Some(connection) = self.clients.get(&n).and_then(|c| c.connection) else {
            return Err(ErrorCode::WrongState);
        };
        let seen = self.clients[&n].unnumbered.len();
        let envelope = ClientEnvelope { id: 5, message };
        self.input(Input::Message { connection, envelope });
        self.verdict(n, seen)
    }

    fn verdict(&self, n: u8, seen: usize) -> Result<(), ErrorCode> {
        let answers = &self.clients[&n].unnumbered[seen..];
        match answers.iter().find_map(|m| match m {
            ServerMessage::Error { code, .. } => Some(*code),
            _ => None,
        }) {
            Some(code) => Err(code),
            None => Ok(()),
        }
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.input(Input::Tick);
    }

    pub fn epoch(&self) -> Epoch {
        self.room.membership().epoch
    }

    pub fn session(&self, n: u8) -> Option<Session> {
        self.room.membership().session_of(id(n))
    }

    pub fn view(&self, n: u8) -> &View {
        self.clients[&n].view.as_ref().unwrap()
    }

    /// Who is in the last view of a seat.
    pub fn sees(&self, n: u8) -> Vec<u8> {
        (0..50).filter(|m| self.view(n).people.iter().any(|p| p.id == id(*m))).collect()
    }

    pub fn forget(&mut self) {
        self.order.clear();
        for client in self.clients.values_mut() {
            client.processed.clear();
            client.unnumbered.clear();
        }
    }

    pub fn open_breakout(&mut self, side: Side, with_me: bool) -> Session {
        let epoch = self.epoch();
        self.ask(
            CONCILIATOR,
            ClientMessage::OpenBreakout { epoch, side, with_me, minutes: None, telephones: None },
        )
        .unwrap();
        Session::Breakout(self.room.membership().last_breakout)
    }

    pub fn move_to(&mut self, n: u8, to: Session) -> Result<(), ErrorCode> {
        let epoch = self.epoch();
        self.ask(
            CONCILIATOR,
            ClientMessage::Move { epoch, participant: id(n), to, telephones: None },
        )
    }

    pub fn chat(&mut self, n: u8, text: &str) -> Result<(), ErrorCode> {
        let epoch = self.epoch();
        self.ask(n, ClientMessage::Chat { epoch, text: text.into() })
    }

    /// Who was told these words.
    pub fn heard(&self, words: &str) -> Vec<u8> {
        let told = |client: &Client| {
            client
                .processed
                .iter()
                .any(|m| matches!(m, ServerMessage::Chat { text, .. } if text == words))
        };
        self.clients.iter().filter(|(_, client)| told(client)).map(|(n, _)| *n).collect()
    }
}

/// As the portal gives them.
pub fn personal_link() -> PersonalLink {
    PersonalLink {
        link: "https://hub/invito/x".into(),
        code: "ABCD-2345-EFGH".into(),
        address: "https://hub/invito".into(),
    }
}
