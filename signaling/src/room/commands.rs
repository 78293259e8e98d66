//! The conciliator's commands (R-MEET-15, R-MEET-16, R-MEET-18). Nobody else has any.

use super::Room;
use super::journal::JournalEvent;
use super::membership::Place;
use super::ports::Refused;
use super::seat_messages::plain_text;
use super::telling::Telling;
use super::timers::timer_end;
use crate::protocol::{
    ClientMessage, Epoch, ErrorCode, LeaveReason, ParticipantId, Role, ServerMessage, Session, Side,
};
use chrono::{DateTime, Utc};

impl Room {
    pub(super) fn command(
        &mut self,
        from: ParticipantId,
        command: ClientMessage,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        use ClientMessage as M;
        if !self.is_conciliator(from) {
            return Err(Refused::new(ErrorCode::NotAllowed, "only the conciliator may do that"));
        }
        if self.spec.standing && matches!(command, M::Start | M::End) {
            return Err(wrong_state("no meeting is held in a standing room"));
        }
        match command {
            M::Start => self.start(now),
            M::Admit { participant } => return self.admit(participant, now),
            M::AdmitAll => return self.admit_all(now),
            M::OpenBreakout { epoch, side, with_me, minutes } => {
                return self.open_breakout(from, epoch, (side, with_me, minutes), now);
            }
            M::SetTimer { session, minutes, closes } => {
                return self.set_timer(session, minutes, closes, now);
            }
            M::Move { epoch, participant, to } => {
                return self.move_one(from, epoch, participant, to, now);
            }
            M::Visit { to } => return self.announce_visit(from, to, now),
            M::CloseBreakout { session, at_once } => {
                return self.close_breakout(session, at_once, now);
            }
            M::Recall { at_once } => self.recall(at_once, now),
            M::Exclude { participant } => return self.exclude(participant, now),
            M::Remove { participant } => return self.remove(participant, now),
            M::Reinstate { participant } => return self.reinstate(participant, now),
            M::Mute { participant } => return self.mute(participant, now),
            M::Lock { locked } => self.lock(locked, now),
            M::Notice { text } => return self.notice(&text, now),
            M::End => self.end(LeaveReason::Ended, now),
            M::Hello { .. }
            | M::Ack { .. }
            | M::Offer { .. }
            | M::IceServers
            | M::Devices { .. }
            | M::Watch { .. }
            | M::Chat { .. }
            | M::Hand { .. }
            | M::Quality { .. }
            | M::AddSeat { .. }
            | M::AddPhone { .. }
            | M::Show { .. }
            | M::StopShowing
            | M::Withdraw { .. }
            | M::Bye => {
                return Err(Refused::new(ErrorCode::BadMessage, "this is not a command"));
            }
        }
        Ok(())
    }

    fn start(&mut self, now: DateTime<Utc>) {
        if !self.membership.started() {
            self.record(JournalEvent::Started, now);
        }
    }

    fn admit(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        self.must_be_started()?;
        let place = self.party_inside(participant)?;
        if place.session != Session::Lobby {
            return Err(wrong_state("this person is not in the lobby"));
        }
        let epoch = self.next_epoch();
        self.record(JournalEvent::Admitted { participant, epoch }, now);
        self.telling.push_back(Telling::Moved(participant));
        Ok(())
    }

    fn admit_all(&mut self, now: DateTime<Utc>) -> Result<(), Refused> {
        self.must_be_started()?;
        let waiting: Vec<_> = self
            .membership
            .present()
            .filter(|(_, place)| place.session == Session::Lobby && !place.excluded)
            .map(|(id, _)| id)
            .collect();
        let epoch = self.next_epoch();
        for participant in waiting {
            self.record(JournalEvent::Admitted { participant, epoch }, now);
            self.telling.push_back(Telling::Moved(participant));
        }
        Ok(())
    }

    fn open_breakout(
        &mut self,
        from: ParticipantId,
        epoch: Epoch,
        (side, with_me, minutes): (Side, bool, Option<u16>),
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        self.same_epoch(epoch)?;
        self.must_be_started()?;
        let until = timer_end(minutes, now)?;
        let members: Vec<_> = self
            .membership
            .present()
            .filter(|(_, p)| p.role == Role::Party && p.side == side && p.session != Session::Lobby)
            .map(|(id, _)| id)
            .collect();
        if members.is_empty() {
            return Err(no_target("nobody of this side is here"));
        }
        let number = self
            .membership
            .last_breakout
            .checked_add(1)
            .ok_or_else(|| wrong_state("too many breakouts"))?;
        let session = Session::Breakout(number);
        let epoch = self.next_epoch();
        self.record(JournalEvent::BreakoutOpened { session, side, epoch }, now);
        if until.is_some() {
            self.record(JournalEvent::TimerSet { session, until, closes: false }, now);
        }
        for participant in members.into_iter().chain(with_me.then_some(from)) {
            self.transfer(participant, session, epoch, now);
        }
        Ok(())
    }

    fn move_one(
        &mut self,
        from: ParticipantId,
        epoch: Epoch,
        participant: ParticipantId,
        to: Session,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        self.same_epoch(epoch)?;
        if participant == from && to != Session::Plenary {
            return self.announce_visit(from, to, now);
        }
        let place = self.inside_place(participant)?;
        if !self.membership.is_open(to) {
            return Err(no_target("there is no such session; the lobby is reached by exclude"));
        }
        if place.session == Session::Lobby {
            return Err(wrong_state("this person must be admitted first"));
        }
        let epoch = self.next_epoch();
        self.transfer(participant, to, epoch, now);
        Ok(())
    }

    /// Tells those inside first; the conciliator follows a moment later (R-MEET-39).
    fn announce_visit(
        &mut self,
        from: ParticipantId,
        to: Session,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        if !self.membership.is_open(to) {
            return Err(no_target("there is no such session"));
        }
        if self.membership.session_of(from) == Some(to) {
            return Ok(());
        }
        self.record(JournalEvent::Visit { participant: from, session: to }, now);
        let members: Vec<_> = self.membership.members(to).collect();
        for member in members {
            self.tell(member, ServerMessage::Visit { session: to });
        }
        self.visit = Some((from, to, now + self.terms.visit_notice));
        Ok(())
    }

    /// The announced visitor enters, unless visitor or session are gone.
    pub(super) fn enter_visited(
        &mut self,
        participant: ParticipantId,
        to: Session,
        now: DateTime<Utc>,
    ) {
        if self.membership.session_of(participant).is_some() && self.membership.is_open(to) {
            let epoch = self.next_epoch();
            self.transfer(participant, to, epoch, now);
        }
    }

    fn exclude(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        if self.party_inside(participant)?.session == Session::Lobby {
            return Err(wrong_state("this person is in the lobby"));
        }
        let epoch = self.next_epoch();
        self.record(JournalEvent::Excluded { participant, epoch }, now);
        self.telling.push_back(Telling::Moved(participant));
        Ok(())
    }

    fn remove(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        let place = self.membership.places.get(&participant);
        let there = |place: &Place| place.role == Role::Party && !place.removed;
        if !place.is_some_and(|place| there(place) && (place.present || !place.phone)) {
            return Err(no_target("no such person"));
        }
        if place.is_some_and(|place| place.phone) {
            self.hang_up(participant, now);
            return Ok(());
        }
        let epoch = self.next_epoch();
        self.record(JournalEvent::Removed { participant, epoch }, now);
        self.telling.push_back(Telling::EndMedia(participant));
        if let Some(occupant) = self.occupants.get_mut(&participant) {
            occupant.hand = None;
            occupant.devices = Default::default();
            let before = std::mem::replace(&mut occupant.link, super::Link::Lost(now));
            if let Some(connection) = before.connection() {
                self.dismiss(connection, LeaveReason::Removed);
            }
        }
        Ok(())
    }

    fn reinstate(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        if !self.membership.places.get(&participant).is_some_and(|place| place.removed) {
            return Err(no_target("this person was not removed"));
        }
        self.record(JournalEvent::Reinstated { participant }, now);
        self.occupants.remove(&participant);
        Ok(())
    }

    /// The room's routes carry no microphone that is off, so this needs nobody's cooperation.
    fn mute(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        self.party_inside(participant)?;
        if let Some(occupant) = self.occupants.get_mut(&participant) {
            occupant.devices.mic = false;
            self.record(JournalEvent::Muted { participant }, now);
            self.tell(participant, ServerMessage::Muted);
        }
        Ok(())
    }

    fn lock(&mut self, locked: bool, now: DateTime<Utc>) {
        if self.membership.locked != locked {
            let event = if locked { JournalEvent::Locked } else { JournalEvent::Unlocked };
            self.record(event, now);
        }
    }

    fn notice(&mut self, text: &str, now: DateTime<Utc>) -> Result<(), Refused> {
        let text = plain_text(text)?;
        let at_ms = now.timestamp_millis().unsigned_abs();
        self.record(JournalEvent::Noticed, now);
        for participant in self.inside() {
            self.tell(participant, ServerMessage::Notice { text: text.clone(), at_ms });
        }
        Ok(())
    }

    /// Moves one person; nothing happens if it is there already.
    pub(super) fn transfer(
        &mut self,
        participant: ParticipantId,
        to: Session,
        epoch: Epoch,
        now: DateTime<Utc>,
    ) {
        if self.membership.session_of(participant) == Some(to) {
            return;
        }
        if self.visit.is_some_and(|(visitor, ..)| visitor == participant) {
            self.visit = None;
        }
        self.record(JournalEvent::Moved { participant, to, epoch }, now);
        self.telling.push_back(Telling::Moved(participant));
    }

    fn must_be_started(&self) -> Result<(), Refused> {
        if self.membership.started() || self.spec.standing {
            return Ok(());
        }
        Err(wrong_state("the meeting has not begun"))
    }

    fn inside_place(&self, participant: ParticipantId) -> Result<Place, Refused> {
        let place = self.membership.places.get(&participant).filter(|place| place.present);
        place.copied().ok_or_else(|| no_target("no such person inside"))
    }

    fn party_inside(&self, participant: ParticipantId) -> Result<Place, Refused> {
        let place = self.inside_place(participant)?;
        if place.role == Role::Conciliator {
            return Err(no_target("not a party"));
        }
        Ok(place)
    }
}

pub(super) fn no_target(why: &str) -> Refused {
    Refused::new(ErrorCode::NoSuchTarget, why)
}

pub(super) fn wrong_state(why: &str) -> Refused {
    Refused::new(ErrorCode::WrongState, why)
}
