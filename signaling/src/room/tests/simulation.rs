//! One room and its clients over a network that delays, stalls and breaks, from a seed.
//!
//! `ROOM_SCHEDULES` says how many seeds are played (10,000 unless told otherwise), `ROOM_SEED` plays
//! one alone.

mod acting;

use super::driver::{CONCILIATOR, id, seat, spec};
use super::network::{Arrival, Network};
use crate::protocol::*;
use crate::room::journal::JournalEntry;
use crate::room::membership::Place;
use crate::room::*;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

const SEATS: u8 = 4;
/// How long people do things, in milliseconds.
const PLAYED: u64 = 60_000;
/// Then the network is good: everything under way arrives, everybody comes back.
const SETTLED: u64 = 400_000;
const ID_OF_HELLO: u64 = 1;

/// A participant's program, as docs/PROTOCOL.md tells to write one.
#[derive(Debug, Default)]
struct Client {
    connection: Option<ConnectionId>,
    welcomed: bool,
    secret: Option<String>,
    last_seq: u64,
    epoch: Epoch,
    session: Option<Session>,
    view: Option<View>,
    slots: Option<ServerMessage>,
    /// Numbers of the chat lines processed since the last fresh start.
    lines: Vec<u64>,
}

/// A chat line that the room accepted.
struct Line {
    session: Session,
    readers: BTreeSet<ParticipantId>,
}

struct Play {
    network: Network,
    room: Room,
    terms: Terms,
    journal: Vec<JournalEntry>,
    clients: Vec<Client>,
    /// Seat of every connection ever made, and the connections the hub has open.
    seats: BTreeMap<ConnectionId, u8>,
    open: BTreeSet<ConnectionId>,
    lines: BTreeMap<u64, Line>,
    /// What each seat must have read, in order, since its last fresh start.
    due: BTreeMap<u8, Vec<u64>>,
    highest: Epoch,
    next_line: u64,
    next_secret: u64,
    resumed: u64,
}

fn number(who: ParticipantId) -> Option<u8> {
    (0..SEATS).find(|n| id(*n) == who)
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        let ring = [4, 32, 256][network.dice.below(3) as usize];
        let terms = Terms { ring, burst: 100_000, idle: TimeDelta::days(1), ..Terms::default() };
        let mut play = Self {
            room: Room::open(spec(1), terms.clone(), time(0)),
            terms,
            journal: Vec::new(),
            clients: (0..SEATS).map(|_| Client::default()).collect(),
            seats: BTreeMap::new(),
            open: BTreeSet::new(),
            lines: BTreeMap::new(),
            due: BTreeMap::new(),
            highest: Epoch::default(),
            next_line: 0,
            next_secret: 0,
            resumed: 0,
            network,
        };
        play.carry_out();
        for n in 0..SEATS {
            play.network.after(2_000, Arrival::Retry(n));
            play.network.after(5_000, Arrival::Act(n));
        }
        play
    }

    fn run(&mut self) {
        while self.step(PLAYED) {}
        self.network.healed = true;
        while self.step(SETTLED) {}
        self.network.now = SETTLED;
        self.tick();
        while self.step(2 * SETTLED) {}
    }

    fn step(&mut self, until: u64) -> bool {
        let Some(arrival) = self.network.next(until) else { return false };
        self.tick();
        match arrival {
            Arrival::Up(connection, id, message) => self.at_hub(connection, id, message),
            Arrival::HubLoses(connection) => {
                if self.open.remove(&connection) {
                    self.input(Input::Lost { connection });
                }
            }
            Arrival::Down(connection, envelope) => self.at_client(connection, envelope),
            Arrival::ClientLoses(connection) => {
                let n = self.seats[&connection];
                if self.clients[usize::from(n)].connection == Some(connection) {
                    self.disconnected(n);
                }
            }
            Arrival::Retry(n) => self.connect(n),
            Arrival::Act(n) => {
                if !self.network.healed {
                    self.act(n);
                    self.network.after(1_500, Arrival::Act(n));
                }
            }
            Arrival::Later(input) => self.input(*input),
        }
        true
    }

    /// What the clock brings about comes before what arrives.
    fn tick(&mut self) {
        while let Some(due) = self.room.poll_timeout().filter(|due| *due <= self.time()) {
            self.room.handle(Input::Tick, self.time());
            self.carry_out();
            assert_ne!(self.room.poll_timeout(), Some(due), "a timer that never goes off");
        }
    }

    fn time(&self) -> DateTime<Utc> {
        time(self.network.now)
    }

    fn input(&mut self, input: Input) {
        self.room.handle(input, self.time());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Routes(routes) => {
                    for (viewer, slots) in &routes.viewers {
                        let session = &routes.sessions[viewer];
                        let pictures = slots.video.iter().flatten().map(|v| v.participant);
                        for source in slots.audio.iter().flatten().copied().chain(pictures) {
                            assert_eq!(routes.sessions.get(&source), Some(session), "media cross");
                            assert!(source != *viewer && *session != Session::Lobby);
                        }
                    }
                    self.room.handle(Input::Routed, self.time());
                }
                Output::Count => {
                    let counted = Input::Counted { forwarded: 0, withheld: 0 };
                    self.room.handle(counted, self.time());
                }
                Output::Journal(entries) => self.journal.extend(entries),
                Output::Send { connection, envelope } => {
                    if let ServerMessage::Welcome { resumed: false, me, .. } = &envelope.message
                        && let Some(n) = number(*me)
                    {
                        self.due.insert(n, Vec::new());
                    }
                    self.network.down(connection, envelope);
                }
                Output::CloseConnection(connection) => {
                    self.open.remove(&connection);
                    self.network.hang_up(connection);
                }
                Output::Offer { connection, re, sdp, .. } => {
                    let answered = Input::Answered { connection, re, answer: Ok(sdp) };
                    self.network.after(200, Arrival::Later(Box::new(answered)));
                }
                Output::AddSeat { connection, re, seat } => {
                    self.next_secret += 1;
                    let participant = id(100 + (self.next_secret % 100) as u8);
                    let result = Ok(AddedSeat { participant, link: None });
                    let added = Input::SeatAdded { connection, re, seat, result };
                    self.network.after(200, Arrival::Later(Box::new(added)));
                }
                Output::Watch(..)
                | Output::Discard(_)
                | Output::ClearShelf
                | Output::DisconnectMedia(_)
                | Output::Closed => {}
            }
        }
        let membership = self.room.membership();
        for (_, place) in membership.present().filter(|(_, place)| place.phone) {
            assert_eq!(place.session, self.room.telephone_session(), "a telephone on its own");
        }
        let epoch = membership.epoch;
        assert!(epoch >= self.highest, "the epoch fell");
        self.highest = epoch;
    }

    fn at_hub(&mut self, connection: ConnectionId, re: u64, message: ClientMessage) {
        let n = self.seats[&connection];
        self.next_secret += 1;
        let fresh = format!("secret{}", self.next_secret);
        let input = match message {
            ClientMessage::Hello { resume: Some(resume), last_seq, .. } => {
                self.open.insert(connection);
                let secret = resume.rsplit('.').next().unwrap_or_default().to_owned();
                let participant = id(n);
                Input::Resume { participant, connection, secret, next_secret: fresh, last_seq, re }
            }
            ClientMessage::Hello { .. } => {
                self.open.insert(connection);
                Input::Join { seat: seat(n), connection, secret: fresh, re }
            }
            message => {
                if !self.open.contains(&connection) {
                    return;
                }
                if let ClientMessage::Chat { epoch, text } = &message {
                    self.expect(connection, *epoch, text);
                }
                Input::Message { connection, envelope: ClientEnvelope { id: re, message } }
            }
        };
        let before = self.room.membership().clone();
        self.input(input);
        let sessions = |m: &membership::Membership| {
            m.present().map(|(id, place)| (id, place.session)).collect::<Vec<_>>()
        };
        let after = self.room.membership();
        if sessions(&before) != sessions(after) {
            assert!(after.epoch > before.epoch, "a membership without an epoch of its own");
        }
    }

    /// Notes who must read a line, if the room will accept it.
    fn expect(&mut self, connection: ConnectionId, epoch: Epoch, text: &str) {
        let Some(from) = self.room.connections.get(&connection).copied() else { return };
        let membership = self.room.membership();
        let Some(session) = membership.session_of(from) else { return };
        if session == Session::Lobby || epoch != membership.epoch {
            return;
        }
        let line: u64 = text.parse().unwrap();
        let readers: BTreeSet<_> = membership.members(session).collect();
        for n in readers.iter().filter_map(|who| number(*who)) {
            self.due.entry(n).or_default().push(line);
        }
        self.lines.insert(line, Line { session, readers });
    }

    fn at_client(
        &mut self,
        connection: ConnectionId,
        ServerEnvelope { seq, message }: ServerEnvelope,
    ) {
        let n = self.seats[&connection];
        let client = &mut self.clients[usize::from(n)];
        if client.connection != Some(connection) {
            return;
        }
        if seq > 0 {
            let next = client.last_seq == 0 || seq == client.last_seq + 1;
            assert!(next, "seat {n}: {seq} after {}", client.last_seq);
            client.last_seq = seq;
        }
        match message {
            ServerMessage::Welcome { resume, resumed, .. } => {
                client.welcomed = true;
                client.secret = Some(resume);
                if resumed {
                    self.resumed += 1;
                } else {
                    client.last_seq = 0;
                    client.lines.clear();
                    (client.session, client.view, client.slots) = (None, None, None);
                }
            }
            ServerMessage::View(view) => {
                assert!(view.epoch >= client.epoch, "seat {n} goes back in time");
                if n != CONCILIATOR {
                    let strangers = view.people.iter().any(|p| {
                        p.session != view.session
                            && !(view.session == Session::Lobby && p.role == Role::Conciliator)
                    });
                    assert!(!strangers, "seat {n} sees somebody of another session");
                }
                client.epoch = view.epoch;
                client.session = Some(view.session);
                client.view = Some(view);
            }
            ServerMessage::Moved { epoch, session, .. } => {
                assert!(epoch >= client.epoch, "seat {n} moves back in time");
                (client.epoch, client.session) = (epoch, Some(session));
            }
            slots @ ServerMessage::Slots { .. } => client.slots = Some(slots),
            ServerMessage::Chat { text, .. } => {
                let number: u64 = text.parse().unwrap();
                let line = &self.lines[&number];
                assert!(line.readers.contains(&id(n)), "seat {n} reads what others wrote");
                assert_eq!(client.session, Some(line.session), "seat {n} reads it elsewhere");
                client.lines.push(number);
            }
            ServerMessage::Error { re: ID_OF_HELLO, .. } if !client.welcomed => {
                client.secret = None;
            }
            ServerMessage::Leave { action, .. } if action != LeaveAction::Resume => {
                client.secret = None;
            }
            _ => {}
        }
        if seq > 0 && self.network.dice.one_in(4) {
            self.say(n, ClientMessage::Ack { seq });
        }
    }

    fn disconnected(&mut self, n: u8) {
        let client = &mut self.clients[usize::from(n)];
        (client.connection, client.welcomed) = (None, false);
        // Most come back soon, some after the grace time.
        let wait = if self.network.dice.one_in(10) { 90_000 } else { 3_000 };
        self.network.after(wait, Arrival::Retry(n));
    }

    fn connect(&mut self, n: u8) {
        if self.clients[usize::from(n)].connection.is_some() {
            return;
        }
        let connection = self.network.connect();
        self.seats.insert(connection, n);
        let client = &mut self.clients[usize::from(n)];
        client.connection = Some(connection);
        let last_seq = client.last_seq;
        let resume = client.secret.clone();
        let token = resume.is_none().then(|| "token".to_owned());
        self.network.up(connection, ID_OF_HELLO, ClientMessage::Hello { token, resume, last_seq });
    }

    fn say(&mut self, n: u8, message: ClientMessage) {
        let client = &self.clients[usize::from(n)];
        if let (Some(connection), true) = (client.connection, client.welcomed) {
            self.network.up(connection, 2, message);
        }
    }

    /// After everything arrived: everybody knows what the room knows, and read what was due.
    fn check(&self) {
        let mut inside = 0;
        for (n, client) in (0..SEATS).zip(&self.clients) {
            let Some(connection) = client.connection.filter(|_| client.welcomed) else { continue };
            inside += 1;
            assert_eq!(self.room.connections.get(&connection), Some(&id(n)));
            assert_eq!(client.view, self.room.view(id(n)), "seat {n} sees another room");
            let slots = &self.room.routes.viewers[&id(n)];
            let Some(ServerMessage::Slots { audio, video, .. }) = &client.slots else {
                panic!("seat {n} knows no slots")
            };
            assert_eq!((audio, video), (&slots.audio, &slots.video), "seat {n}'s slots");
            assert_eq!(Some(&client.lines), self.due.get(&n), "seat {n} lost or doubled a line");
        }
        let away = self.room.membership().places.values().filter(|p| p.removed).count();
        assert!(inside + away >= usize::from(SEATS), "somebody did not come back");
        let generation = self.room.spec.generation + 1;
        let again = RoomSpec { generation, ..spec(0) };
        let again = Room::restore(again, self.terms.clone(), &self.journal, self.time());
        let places = |room: &Room| -> BTreeMap<ParticipantId, Place> {
            let places = room.membership().places.iter();
            places.map(|(id, place)| (*id, Place { present: false, ..*place })).collect()
        };
        assert_eq!(places(&again), places(&self.room), "the journal tells of another room");
        assert_eq!(again.membership().breakouts, self.room.membership().breakouts);
        assert!(again.membership().epoch > self.room.membership().epoch);
    }
}

fn time(ms: u64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(ms as i64)
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn r_meet_27_over_any_network_everybody_ends_up_with_the_same_room() {
    let seeds = match setting("ROOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("ROOM_SCHEDULES").unwrap_or(10_000),
    };
    let (mut lines, mut resumed) = (0, 0);
    for seed in seeds.clone() {
        let played = std::panic::catch_unwind(|| {
            let mut play = Play::new(seed);
            play.run();
            play.check();
            (play.lines.len() as u64, play.resumed)
        });
        let (said, back) = played.unwrap_or_else(|_| panic!("ROOM_SEED={seed} plays this again"));
        (lines, resumed) = (lines + said, resumed + back);
    }
    // The game is worth playing: people talk and come back in it.
    let played = seeds.count() as u64;
    assert!(lines > 3 * played && resumed > played / 2, "{lines} lines, {resumed} resumes");
}
