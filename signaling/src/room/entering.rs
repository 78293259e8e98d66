//! Coming in and coming back: joins, resumes, lost sockets.

use super::Room;
use super::journal::JournalEvent;
use super::occupant::{Link, Occupant};
use super::outside::KNOCKS_EVERY_MS;
use super::ports::{ConnectionId, Refused, Seat};
use super::telling::Telling;
use super::texts::shown_name;
use crate::protocol::{
    ErrorCode, IceServer, LeaveReason, ParticipantId, Retry, Role, ServerMessage, Session,
};
use chrono::{DateTime, Utc};

impl Room {
    /// A join token stands for this seat (R-MEET-13). The newest socket of a seat wins.
    pub(super) fn join(
        &mut self,
        seat: Seat,
        connection: ConnectionId,
        secret: String,
        re: u64,
        now: DateTime<Utc>,
    ) {
        let seat = Seat { name: shown_name(&seat.name), ..seat };
        let answer = self.may_join(&seat);
        self.note_outside(&seat, &answer, now);
        if let Err(refused) = answer {
            if refused.code == ErrorCode::Removed {
                self.show_removed(seat, connection, now);
            }
            self.reply(connection, refused.into_message(re));
            self.telling.push_back(Telling::Close(connection));
            return;
        }
        let participant = seat.participant;
        let inside = self.membership.session_of(participant).is_some();
        if !inside {
            let session = self.session_for(&seat);
            let epoch = self.next_epoch();
            let (role, side) = (seat.role, seat.side);
            self.record(JournalEvent::Joined { participant, role, side, session, epoch }, now);
            if role == Role::Conciliator {
                self.bring_telephones(session, epoch, now);
            }
            let occupant = Occupant::new(seat, connection, secret.clone(), &self.terms, now);
            self.occupants.insert(participant, occupant);
            self.greet(participant, connection, secret, Greeting { resumed: false, after: 0 }, now);
        } else if let Some(occupant) = self.occupants.get_mut(&participant) {
            let before = std::mem::replace(&mut occupant.link, Link::Opening(connection));
            occupant.seat = seat;
            occupant.secrets.reset(secret.clone());
            let after = occupant.start_anew();
            self.take_over(participant, before, now);
            // A new page: whatever media the old one had is not coming back.
            self.telling.push_back(Telling::EndMedia(participant));
            self.greet(participant, connection, secret, Greeting { resumed: false, after }, now);
        }
    }

    /// A socket shows the secret of a `welcome` (R-MEET-27).
    pub(super) fn resume(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        (shown, next): (String, String),
        last_seq: u64,
        re: u64,
        now: DateTime<Utc>,
    ) {
        let inside = self.membership.session_of(participant).is_some();
        let occupant = self.occupants.get_mut(&participant).filter(|_| inside);
        let Some(occupant) = occupant.filter(|occupant| occupant.secrets.accept(&shown)) else {
            let refused = Refused::new(ErrorCode::BadToken, "no seat waits for this secret");
            self.reply(connection, refused.retry(Retry::Rejoin).into_message(re));
            self.telling.push_back(Telling::Close(connection));
            return;
        };
        occupant.secrets.turn(shown, next.clone());
        let before = std::mem::replace(&mut occupant.link, Link::Opening(connection));
        let resumed = occupant.outbox.after(last_seq).is_some();
        let after = if resumed {
            occupant.outbox.ack(last_seq);
            last_seq
        } else {
            occupant.start_anew()
        };
        self.take_over(participant, before, now);
        self.greet(participant, connection, next, Greeting { resumed, after }, now);
    }

    /// A socket is gone. The seat keeps its place, its media go on.
    pub(super) fn lost(&mut self, connection: ConnectionId, now: DateTime<Utc>) {
        let Some(participant) = self.connections.remove(&connection) else { return };
        if let Some(occupant) = self.occupants.get_mut(&participant) {
            occupant.link = Link::Lost(now);
            self.record(JournalEvent::Lost { participant }, now);
        }
    }

    pub(super) fn may_join(&self, seat: &Seat) -> Result<(), Refused> {
        if self.membership.ended {
            return Err(Refused::new(ErrorCode::Ended, "the meeting is over"));
        }
        let place = self.membership.places.get(&seat.participant);
        if place.is_some_and(|place| place.removed) {
            return Err(Refused::new(ErrorCode::Removed, "this seat was removed"));
        }
        let inside = place.is_some_and(|place| place.present);
        if inside || seat.role == Role::Conciliator {
            return Ok(());
        }
        let admitted = place.is_some_and(|place| place.session != Session::Lobby);
        if self.membership.locked && !admitted {
            let locked = Refused::new(ErrorCode::Locked, "the room is locked");
            return Err(locked.retry(Retry::AfterMs(KNOCKS_EVERY_MS)));
        }
        self.has_room().map_err(|full| full.retry(Retry::AfterMs(30_000)))
    }

    /// Where a seat goes that is not inside: back to its place, else the conciliator to plenary and
    /// everybody else to the lobby.
    fn session_for(&self, seat: &Seat) -> Session {
        match self.membership.places.get(&seat.participant) {
            Some(place) if self.membership.is_open(place.session) => place.session,
            _ if seat.role == Role::Conciliator || self.spec.standing => Session::Plenary,
            _ => Session::Lobby,
        }
    }

    /// The seat's earlier socket gives way to a newer one.
    fn take_over(&mut self, participant: ParticipantId, before: Link, now: DateTime<Utc>) {
        self.changed = true;
        match before {
            Link::Opening(old) | Link::Open(old) => self.dismiss(old, LeaveReason::Replaced),
            Link::Lost(_) | Link::Phone(_) => {
                self.record(JournalEvent::Resumed { participant }, now);
            }
        }
    }

    /// The conciliator sees who knocks although removed, and can reinstate.
    fn show_removed(&mut self, seat: Seat, connection: ConnectionId, now: DateTime<Utc>) {
        let participant = seat.participant;
        if !self.occupants.contains_key(&participant) {
            let mut occupant = Occupant::new(seat, connection, String::new(), &self.terms, now);
            occupant.link = Link::Lost(now);
            self.occupants.insert(participant, occupant);
            self.changed = true;
        }
    }

    /// The relay with credentials of this seat that begin to live now (R-MEET-38).
    pub(super) fn ice_servers(
        &self,
        participant: ParticipantId,
        now: DateTime<Utc>,
    ) -> Vec<IceServer> {
        self.terms.relay.iter().map(|relay| relay.ice_server(participant, now)).collect()
    }

    fn greet(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        secret: String,
        Greeting { resumed, after }: Greeting,
        now: DateTime<Utc>,
    ) {
        self.connections.insert(connection, participant);
        let welcome = ServerMessage::Welcome {
            me: participant,
            resume: format!("{}.{}.{secret}", self.spec.room.0, participant.0),
            resumed,
            audio_slots: self.terms.audio_slots,
            video_slots: self.terms.video_slots,
            ice_servers: self.ice_servers(participant, now),
            server_time_ms: now.timestamp_millis().unsigned_abs(),
        };
        self.telling.push_back(Telling::Welcome { participant, connection, welcome, after });
    }
}

/// How a socket goes on: which messages follow its `welcome`.
struct Greeting {
    resumed: bool,
    after: u64,
}
