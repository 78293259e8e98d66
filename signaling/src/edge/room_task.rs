//! The task that owns one room.

use super::files::Question;
use super::status::RoomStatus;
use super::{JournalError, Rooms, secret};
use crate::media::MediaError;
use crate::protocol::{
    ErrorCode, LeaveAction, LeaveReason, ParticipantId, Retry, RoomId, ServerEnvelope,
    ServerMessage,
};
use crate::room::{AddedSeat, ConnectionId, Input, NewSeat, Output, Refused, Room, RoomSpec, Seat};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

/// How long answering an offer or making a seat may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where a room's letters go. Boxed, because a channel keeps room for 32 of what it carries even when
/// it is empty.
pub(super) type Mailbox = mpsc::Sender<Box<Letter>>;

/// What sockets and the hub tell a room.
pub(super) enum Letter {
    /// A socket with an accepted join token.
    Join { seat: Seat, connection: ConnectionId, outgoing: Outgoing, re: u64 },
    /// A socket with a resume secret.
    Resume {
        participant: ParticipantId,
        secret: String,
        last_seq: u64,
        connection: ConnectionId,
        outgoing: Outgoing,
        re: u64,
    },
    /// The media edge's answer to an offer.
    Answered {
        participant: ParticipantId,
        connection: ConnectionId,
        re: u64,
        answer: Result<String, Refused>,
    },
    /// The door's answer to a seat that was asked for.
    SeatAdded {
        connection: ConnectionId,
        re: u64,
        seat: NewSeat,
        result: Result<AddedSeat, Refused>,
    },
    /// Anything else that the pure room understands.
    Input(Input),
    /// About shared files.
    Question(Question),
    /// A question.
    Status(oneshot::Sender<RoomStatus>),
}

/// The room's end of a socket. Dropping it closes the socket after what is queued.
pub(super) struct Outgoing {
    /// Boxed as the [`Mailbox`]'s letters are: there is one for each socket.
    pub(super) queue: mpsc::Sender<Box<ServerEnvelope>>,
    /// Closes the socket at once: it does not read.
    pub(super) stalled: Arc<Notify>,
}

pub(super) struct RoomTask {
    rooms: Rooms,
    spec: RoomSpec,
    mailbox: mpsc::WeakSender<Box<Letter>>,
    sockets: HashMap<ConnectionId, Outgoing>,
}

/// Why a room cannot go on here.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{0}")]
    Journal(#[from] JournalError),
    #[error("media edge: {0}")]
    Media(#[from] MediaError),
}

impl RoomTask {
    pub(super) fn new(
        rooms: Rooms,
        spec: RoomSpec,
        mailbox: mpsc::WeakSender<Box<Letter>>,
    ) -> Self {
        Self { rooms, spec, mailbox, sockets: HashMap::new() }
    }

    /// Serves the room until it closes.
    pub(super) async fn run(mut self, mut letters: mpsc::Receiver<Box<Letter>>) {
        let (id, generation) = (self.spec.room, self.spec.generation);
        if let Err(stop) = self.serve(&mut letters).await {
            tracing::warn!(room = %id.0, generation, reason = %stop, "room stops on this node");
        }
        self.rooms.0.ports.media.close(id);
        if let Some(mailbox) = self.mailbox.upgrade() {
            self.rooms.forget(id, &mailbox);
        }
        self.rooms.0.ports.journal.release(id, generation).await;
        letters.close();
        while let Some(letter) = letters.recv().await {
            turn_away(*letter);
        }
    }

    async fn serve(&mut self, letters: &mut mpsc::Receiver<Box<Letter>>) -> Result<(), Stop> {
        let entries = self.rooms.0.ports.journal.load(self.spec.room).await?;
        let terms = self.rooms.0.config.terms.clone();
        let now = self.rooms.0.ports.clock.now();
        let mut room = Room::restore(self.spec.clone(), terms, &entries, now);
        room.shelve(self.rooms.0.ports.shelf.load(self.spec.room).await);
        loop {
            match self.carry_out(&mut room).await {
                Ok(Go::On) => {}
                Ok(Go::Away) => return Ok(()),
                Err(stop) => {
                    self.say_goodbye();
                    return Err(stop);
                }
            }
            let letter = tokio::select! {
                letter = letters.recv() => letter.map(|letter| *letter),
                () = self.timer(&room) => Some(Letter::Input(Input::Tick)),
            };
            // The directory holds a sender for as long as the task runs.
            let Some(letter) = letter else { return Ok(()) };
            self.read(&mut room, letter);
        }
    }

    async fn timer(&self, room: &Room) {
        match room.poll_timeout() {
            Some(due) => {
                let wait = due - self.rooms.0.ports.clock.now();
                tokio::time::sleep(wait.to_std().unwrap_or(Duration::ZERO)).await;
            }
            None => std::future::pending().await,
        }
    }

    fn read(&mut self, room: &mut Room, letter: Letter) {
        let now = self.rooms.0.ports.clock.now();
        let input = match letter {
            Letter::Join { seat, connection, outgoing, re } => {
                self.sockets.insert(connection, outgoing);
                Input::Join { seat, connection, secret: secret(), re }
            }
            Letter::Resume { participant, secret: shown, last_seq, connection, outgoing, re } => {
                self.sockets.insert(connection, outgoing);
                let next_secret = secret();
                Input::Resume { participant, connection, secret: shown, next_secret, last_seq, re }
            }
            Letter::Answered { participant, connection, re, answer } => {
                if room.membership().session_of(participant).is_none() {
                    // Gone while the offer was being answered.
                    self.rooms.0.ports.media.disconnect(self.spec.room, participant);
                }
                Input::Answered { connection, re, answer }
            }
            Letter::SeatAdded { connection, re, seat, result } => {
                Input::SeatAdded { connection, re, seat, result }
            }
            Letter::Input(input) => {
                if let Input::Lost { connection } = &input {
                    self.sockets.remove(connection);
                }
                input
            }
            Letter::Question(question) => {
                question(room, now);
                return;
            }
            Letter::Status(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(RoomStatus::of(room, now));
                return;
            }
        };
        room.handle(input, now);
    }

    /// Carries out what the room wants, in order: media first, then journal, then words.
    async fn carry_out(&mut self, room: &mut Room) -> Result<Go, Stop> {
        let id = self.spec.room;
        loop {
            let mut stalled = Vec::new();
            while let Some(output) = room.poll_output() {
                let ports = &self.rooms.0.ports;
                match output {
                    Output::Routes(routes) => {
                        ports.media.route(id, routes).await?;
                        room.handle(Input::Routed, ports.clock.now());
                    }
                    Output::Count => {
                        let (forwarded, withheld) = ports.media.count(id).await?;
                        room.handle(Input::Counted { forwarded, withheld }, ports.clock.now());
                    }
                    Output::Journal(entries) => {
                        ports.journal.append(id, self.spec.generation, &entries).await?;
                    }
                    Output::Send { connection, envelope } => {
                        if !self.send(connection, envelope) {
                            stalled.push(connection);
                        }
                    }
                    Output::Offer { participant, connection, re, sdp } => {
                        self.answer(participant, connection, re, sdp);
                    }
                    Output::Watch(participant, video) => ports.media.watch(id, participant, video),
                    Output::AddSeat { connection, re, seat } => {
                        self.add_seat(connection, re, seat);
                    }
                    Output::Discard(files) => ports.shelf.discard(id, &files).await,
                    Output::ClearShelf => ports.shelf.clear(id).await,
                    Output::DisconnectMedia(participant) => ports.media.disconnect(id, participant),
                    Output::CloseConnection(connection) => {
                        self.sockets.remove(&connection);
                    }
                    Output::Closed => return Ok(Go::Away),
                }
            }
            if stalled.is_empty() {
                return Ok(Go::On);
            }
            for connection in stalled {
                room.handle(Input::Lost { connection }, self.rooms.0.ports.clock.now());
            }
        }
    }

    /// False if the socket does not read: then it is closed, and the room waits for nobody.
    fn send(&mut self, connection: ConnectionId, envelope: ServerEnvelope) -> bool {
        let Some(outgoing) = self.sockets.get(&connection) else { return true };
        match outgoing.queue.try_send(Box::new(envelope)) {
            Ok(()) => true,
            // Its reader says so by itself.
            Err(mpsc::error::TrySendError::Closed(_)) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                outgoing.stalled.notify_one();
                self.sockets.remove(&connection);
                false
            }
        }
    }

    /// Off the room's task, so that nobody waits for somebody else's media.
    fn answer(&self, participant: ParticipantId, connection: ConnectionId, re: u64, sdp: String) {
        let media = self.rooms.0.ports.media.clone();
        let (room, mailbox) = (self.spec.room, self.mailbox.clone());
        tokio::spawn(async move {
            let answer = timeout(ANSWER_WITHIN, media.connect(room, participant, &sdp)).await;
            let answer = answer.unwrap_or_else(|_| {
                let late = Refused::new(ErrorCode::Internal, "the media edge did not answer");
                Err(late.retry(Retry::Now))
            });
            match mailbox.upgrade() {
                Some(mailbox) => {
                    let letter = Letter::Answered { participant, connection, re, answer };
                    let _ = mailbox.send(Box::new(letter)).await;
                }
                None => media.disconnect(room, participant),
            }
        });
    }

    /// Off the room's task: the portal's database may take its time.
    fn add_seat(&self, connection: ConnectionId, re: u64, seat: NewSeat) {
        let door = self.rooms.0.ports.door.clone();
        let (room, mailbox) = (self.spec.room, self.mailbox.clone());
        tokio::spawn(async move {
            let result = timeout(ANSWER_WITHIN, door.add_seat(room, &seat)).await;
            let result = result.unwrap_or_else(|_| {
                let late = Refused::new(ErrorCode::Internal, "the seat was not made in time");
                Err(late.retry(Retry::Now))
            });
            if let Some(mailbox) = mailbox.upgrade() {
                let letter = Letter::SeatAdded { connection, re, seat, result };
                // A room that closed meanwhile has nobody to tell.
                let _ = mailbox.send(Box::new(letter)).await;
            }
        });
    }

    /// The room cannot go on here: what was not said stays unsaid, and everybody joins again.
    fn say_goodbye(&mut self) {
        let message =
            ServerMessage::Leave { reason: LeaveReason::Closing, action: LeaveAction::Rejoin };
        let connections: Vec<_> = self.sockets.keys().copied().collect();
        for connection in connections {
            self.send(connection, ServerEnvelope { seq: 0, message: message.clone() });
        }
        self.sockets.clear();
    }
}

enum Go {
    On,
    Away,
}

/// Answers who came when the room was closing.
fn turn_away(letter: Letter) {
    let (Letter::Join { outgoing, re, .. } | Letter::Resume { outgoing, re, .. }) = letter else {
        return;
    };
    let refused = Refused::new(ErrorCode::BadToken, "the room has just closed on this node");
    let message = refused.retry(Retry::Rejoin).into_message(re);
    // A socket that is gone needs no answer.
    let _ = outgoing.queue.try_send(Box::new(ServerEnvelope { seq: 0, message }));
}

/// For logs.
impl std::fmt::Debug for RoomTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RoomId(room) = self.spec.room;
        f.debug_struct("RoomTask").field("room", &room).finish_non_exhaustive()
    }
}
