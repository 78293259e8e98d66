//! What waits until a change is in force, and how it goes out: journal first, then words.

use super::Room;
use super::journal::JournalEntry;
use super::occupant::Link;
use super::ports::{ConnectionId, NewSeat, Output, Refused};
use crate::protocol::{
    FileId, LeaveAction, LeaveReason, MoveReason, ParticipantId, ServerEnvelope, ServerMessage,
    Session, Watch,
};
use chrono::{DateTime, Utc};

/// Something to say or to do once the present routes hold.
#[derive(Debug)]
pub(super) enum Telling {
    /// Unnumbered, to one socket.
    Reply(ConnectionId, ServerMessage),
    /// Numbered, to one seat.
    Event(ParticipantId, ServerMessage),
    /// The seat was moved; stamped with the time when the routes held.
    Moved(ParticipantId, MoveReason),
    /// `welcome`, then what was missed.
    Welcome {
        participant: ParticipantId,
        connection: ConnectionId,
        welcome: ServerMessage,
        after: u64,
    },
    /// Give an offer to the media edge.
    Offer { participant: ParticipantId, connection: ConnectionId, re: u64, sdp: String },
    /// What a participant looks at.
    Watch(ParticipantId, Vec<Watch>),
    /// Have a seat made outside.
    AddSeat { connection: ConnectionId, re: u64, seat: NewSeat },
    /// Forget the content of these files.
    Discard(Vec<FileId>),
    /// End a participant's media.
    EndMedia(ParticipantId),
    /// Close after a refusal.
    Close(ConnectionId),
    /// `leave`, then close.
    Dismiss(ConnectionId, LeaveReason),
}

impl Refused {
    /// As the answer to request `re`.
    pub fn into_message(self, re: u64) -> ServerMessage {
        ServerMessage::Error { re, code: self.code, message: self.message, retry: self.retry }
    }
}

/// What a client does after it was sent away.
pub(crate) fn action_after(reason: LeaveReason) -> LeaveAction {
    match reason {
        LeaveReason::Ended
        | LeaveReason::CalledOff
        | LeaveReason::Removed
        | LeaveReason::Replaced
        | LeaveReason::Bye => LeaveAction::Stop,
        LeaveReason::Closing => LeaveAction::Rejoin,
        LeaveReason::Stalled => LeaveAction::Resume,
    }
}

impl Room {
    pub(super) fn reply(&mut self, connection: ConnectionId, message: ServerMessage) {
        self.telling.push_back(Telling::Reply(connection, message));
    }

    pub(super) fn tell(&mut self, participant: ParticipantId, message: ServerMessage) {
        self.telling.push_back(Telling::Event(participant, message));
    }

    /// Sends a socket away; it belongs to nobody from here on.
    pub(super) fn dismiss(&mut self, connection: ConnectionId, reason: LeaveReason) {
        self.connections.remove(&connection);
        self.telling.push_back(Telling::Dismiss(connection, reason));
    }

    pub(super) fn dismiss_all(&mut self, reason: LeaveReason) {
        let mut all: Vec<_> = self.connections.keys().copied().collect();
        all.sort_unstable();
        for connection in all {
            self.dismiss(connection, reason);
        }
    }

    /// The routes hold: journal, then everything that waited, then views and slots.
    pub(super) fn flush(&mut self, now: DateTime<Utc>) {
        let entries: Vec<JournalEntry> = std::mem::take(&mut self.journal);
        if !entries.is_empty() {
            self.outputs.push_back(Output::Journal(entries));
        }
        while let Some(telling) = self.telling.pop_front() {
            self.carry_out(telling, now);
        }
        if std::mem::take(&mut self.changed) {
            self.refresh();
        }
    }

    /// The last words of a room that stops here.
    pub(super) fn flush_telling(&mut self) {
        while let Some(telling) = self.telling.pop_front() {
            if let Telling::Dismiss(connection, reason) = telling {
                self.send_away(connection, reason);
            }
        }
    }

    fn carry_out(&mut self, telling: Telling, now: DateTime<Utc>) {
        match telling {
            Telling::Reply(connection, message) => self.send(connection, 0, message),
            Telling::Event(participant, message) => self.push(participant, message),
            Telling::Moved(participant, why) => {
                if let Some(session) = self.membership.session_of(participant) {
                    let epoch = self.membership.epoch;
                    let at_ms = now.timestamp_millis().unsigned_abs();
                    self.push(participant, ServerMessage::Moved { epoch, session, at_ms, why });
                }
            }
            Telling::Welcome { participant, connection, welcome, after } => {
                self.welcome(participant, connection, welcome, after);
            }
            Telling::Offer { participant, connection, re, sdp } => {
                self.outputs.push_back(Output::Offer { participant, connection, re, sdp });
            }
            Telling::Watch(participant, video) => {
                self.outputs.push_back(Output::Watch(participant, video));
            }
            Telling::AddSeat { connection, re, seat } => {
                self.outputs.push_back(Output::AddSeat { connection, re, seat });
            }
            Telling::Discard(files) => self.outputs.push_back(Output::Discard(files)),
            Telling::EndMedia(participant) => {
                self.outputs.push_back(Output::DisconnectMedia(participant));
            }
            Telling::Close(connection) => {
                self.outputs.push_back(Output::CloseConnection(connection));
            }
            Telling::Dismiss(connection, reason) => self.send_away(connection, reason),
        }
    }

    fn welcome(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        welcome: ServerMessage,
        after: u64,
    ) {
        let Some(occupant) = self.occupants.get_mut(&participant) else { return };
        if occupant.link != Link::Opening(connection) {
            return;
        }
        occupant.link = Link::Open(connection);
        let missed: Vec<ServerEnvelope> = occupant
            .outbox
            .after(after)
            .map(|missed| missed.cloned().collect())
            .unwrap_or_default();
        self.send(connection, 0, welcome);
        for envelope in missed {
            self.outputs.push_back(Output::Send { connection, envelope });
        }
    }

    /// Tells everybody inside what has changed for them, and nothing else.
    fn refresh(&mut self) {
        for participant in self.inside() {
            if self.membership.places.get(&participant).is_some_and(|place| place.phone) {
                continue;
            }
            let Some(view) = self.view(participant) else { continue };
            let Some(occupant) = self.occupants.get_mut(&participant) else { continue };
            let session = view.session;
            if occupant.told_view.as_ref() != Some(&view) {
                occupant.told_view = Some(view.clone());
                self.push(participant, ServerMessage::View(view));
            }
            self.refresh_slots(participant, session);
        }
    }

    fn refresh_slots(&mut self, participant: ParticipantId, session: Session) {
        let Some(slots) = self.routes.viewers.get(&participant) else { return };
        let Some(occupant) = self.occupants.get_mut(&participant) else { return };
        let told = occupant.told_slots.as_ref().is_some_and(|(s, t)| *s == session && t == slots);
        if told {
            return;
        }
        occupant.told_slots = Some((session, slots.clone()));
        let (audio, video) = (slots.audio.clone(), slots.video.clone());
        let epoch = self.membership.epoch;
        self.push(participant, ServerMessage::Slots { epoch, audio, video });
    }

    fn push(&mut self, participant: ParticipantId, message: ServerMessage) {
        let Some(occupant) = self.occupants.get_mut(&participant) else { return };
        if matches!(occupant.link, Link::Phone(_)) {
            return;
        }
        let envelope = occupant.outbox.push(message);
        if let Link::Open(connection) = occupant.link {
            self.outputs.push_back(Output::Send { connection, envelope: envelope.clone() });
        }
    }

    fn send(&mut self, connection: ConnectionId, seq: u64, message: ServerMessage) {
        let envelope = ServerEnvelope { seq, message };
        self.outputs.push_back(Output::Send { connection, envelope });
    }

    fn send_away(&mut self, connection: ConnectionId, reason: LeaveReason) {
        let action = action_after(reason);
        self.send(connection, 0, ServerMessage::Leave { reason, action });
        self.outputs.push_back(Output::CloseConnection(connection));
    }
}
