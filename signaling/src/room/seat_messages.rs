//! What anybody inside may ask.

use super::Room;
use super::journal::LeftReason;
use super::occupant::Devices;
use super::ports::{ConnectionId, NewSeat, Refused, Way};
use super::telling::Telling;
use super::texts::plain_text;
use crate::protocol::{
    ClientEnvelope, ClientMessage, Epoch, ErrorCode, LeaveReason, ParticipantId, Quality, Retry,
    ServerMessage, Session,
};
use chrono::{DateTime, Utc};

/// What an offer or a new seat weighs against other messages: answering it costs the hub much more.
const DEAR: u64 = 5;

impl Room {
    /// One message of a socket. Sockets that were replaced or sent away are not listened to.
    pub(super) fn message(
        &mut self,
        connection: ConnectionId,
        envelope: ClientEnvelope,
        now: DateTime<Utc>,
    ) {
        let Some(&participant) = self.connections.get(&connection) else { return };
        let ClientEnvelope { id, message } = envelope;
        let cost = match message {
            ClientMessage::Offer { .. }
            | ClientMessage::AddSeat { .. }
            | ClientMessage::AddPhone { .. } => DEAR,
            _ => 1,
        };
        let before = self.telling.len();
        let result = self
            .allow(participant, cost, now)
            .and_then(|()| self.answer(connection, participant, id, message, now));
        match result {
            // `ok` goes before what the request brought about, which may be the end of the socket.
            Ok(Answer::Done) if id != 0 => {
                let ok = Telling::Reply(connection, ServerMessage::Ok { re: id });
                self.telling.insert(before, ok);
            }
            Ok(_) => {}
            Err(refused) => self.refuse(connection, id, refused),
        }
    }

    /// A message nobody could read.
    pub(super) fn garbled(&mut self, connection: ConnectionId, re: u64, now: DateTime<Utc>) {
        let Some(&participant) = self.connections.get(&connection) else { return };
        let refused = match self.allow(participant, 1, now) {
            Ok(()) => Refused::new(ErrorCode::BadMessage, "not a message of this protocol"),
            Err(refused) => refused,
        };
        self.refuse(connection, re, refused);
    }

    pub(super) fn allow(
        &mut self,
        participant: ParticipantId,
        cost: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let Some(occupant) = self.occupants.get_mut(&participant) else { return Ok(()) };
        occupant.secrets.confirm();
        occupant.bucket.take(cost, now).map_err(|after_ms| {
            Refused::new(ErrorCode::TooFast, "too many messages").retry(Retry::AfterMs(after_ms))
        })
    }

    fn refuse(&mut self, connection: ConnectionId, id: u64, refused: Refused) {
        // Whoever floods the room without asking for answers gets none.
        if id != 0 || refused.code != ErrorCode::TooFast {
            self.reply(connection, refused.into_message(id));
        }
    }

    fn answer(
        &mut self,
        connection: ConnectionId,
        from: ParticipantId,
        id: u64,
        message: ClientMessage,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refused> {
        match message {
            ClientMessage::Hello { .. } => {
                return Err(Refused::new(ErrorCode::BadHello, "hello comes once, and first"));
            }
            ClientMessage::Ack { seq } => self.ack(from, seq)?,
            ClientMessage::Offer { sdp } => {
                let offer = Telling::Offer { participant: from, connection, re: id, sdp };
                self.telling.push_back(offer);
                return Ok(Answer::Later);
            }
            ClientMessage::IceServers => {
                let ice_servers = self.ice_servers(from, now);
                self.reply(connection, ServerMessage::IceServers { re: id, ice_servers });
                return Ok(Answer::Later);
            }
            ClientMessage::Devices { mic, cam, screen } => {
                self.devices(from, Devices { mic, cam, screen });
            }
            ClientMessage::Watch { video } => {
                if video.len() > usize::from(self.terms.video_slots) {
                    return Err(Refused::new(ErrorCode::BadMessage, "more slots than there are"));
                }
                self.telling.push_back(Telling::Watch(from, video));
            }
            ClientMessage::Chat { epoch, text } => self.chat(from, epoch, &text, now)?,
            ClientMessage::Hand { raised } => {
                if let Some(occupant) = self.occupants.get_mut(&from) {
                    occupant.hand = raised.then(|| occupant.hand.unwrap_or(now));
                    self.changed = true;
                }
            }
            ClientMessage::Quality { mark } => self.quality(from, mark, now)?,
            ClientMessage::AddSeat { name, side, reason, mobile } => {
                let seat = NewSeat { name, side, way: Way::Link { reason, mobile } };
                self.ask_for_seat((connection, id), from, seat)?;
                return Ok(Answer::Later);
            }
            ClientMessage::AddPhone { name, number, side } => {
                let seat = NewSeat { name, side, way: Way::Phone { number } };
                self.ask_for_seat((connection, id), from, seat)?;
                return Ok(Answer::Later);
            }
            ClientMessage::Show { epoch, file, page } => self.show(from, epoch, file, page)?,
            ClientMessage::StopShowing => self.stop_showing(from)?,
            ClientMessage::Withdraw { file } => self.withdraw(from, file)?,
            ClientMessage::Bye => {
                self.dismiss(connection, LeaveReason::Bye);
                self.leave(from, LeftReason::Bye, now);
            }
            command => self.command(from, command, now)?,
        }
        Ok(Answer::Done)
    }

    fn ack(&mut self, from: ParticipantId, seq: u64) -> Result<(), Refused> {
        let known = self.occupants.get_mut(&from).is_some_and(|occupant| occupant.outbox.ack(seq));
        known
            .then_some(())
            .ok_or_else(|| Refused::new(ErrorCode::BadMessage, "this seq was never sent"))
    }

    fn devices(&mut self, from: ParticipantId, devices: Devices) {
        if let Some(occupant) = self.occupants.get_mut(&from)
            && occupant.devices != devices
        {
            occupant.devices = devices;
            self.changed = true;
        }
    }

    /// Every change is a new view for everybody around: it may come now and then only.
    fn quality(
        &mut self,
        from: ParticipantId,
        mark: Quality,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let every = self.terms.quality_every;
        let Some(occupant) = self.occupants.get_mut(&from) else { return Ok(()) };
        match occupant.quality {
            Some((before, _)) if before == mark => {}
            Some((_, at)) if now - at < every => {
                let wait = (every - (now - at)).num_milliseconds().unsigned_abs();
                let refused = Refused::new(ErrorCode::TooFast, "marks change now and then only");
                return Err(refused.retry(Retry::AfterMs(wait)));
            }
            _ => {
                occupant.quality = Some((mark, now));
                self.changed = true;
            }
        }
        Ok(())
    }

    /// To the members of the sender's session, the sender included, and to nobody else (R-MEET-26).
    fn chat(
        &mut self,
        from: ParticipantId,
        epoch: Epoch,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let text = plain_text(text)?;
        self.same_epoch(epoch)?;
        let session = self.membership.session_of(from).unwrap_or(Session::Lobby);
        if session == Session::Lobby {
            return Err(Refused::new(ErrorCode::WrongState, "there is no chat in the lobby"));
        }
        let at_ms = now.timestamp_millis().unsigned_abs();
        let members: Vec<_> = self.membership.members(session).collect();
        for member in members {
            self.tell(member, ServerMessage::Chat { epoch, from, text: text.clone(), at_ms });
        }
        Ok(())
    }

    /// R-MEET-41: what was decided or written in another epoch is refused.
    pub(super) fn same_epoch(&mut self, epoch: Epoch) -> Result<(), Refused> {
        if epoch == self.membership.epoch {
            return Ok(());
        }
        self.refused += 1;
        Err(Refused::new(ErrorCode::StaleEpoch, "the membership has changed since")
            .retry(Retry::Now))
    }
}

enum Answer {
    /// `ok` is the answer.
    Done,
    /// The answer comes later.
    Later,
}
