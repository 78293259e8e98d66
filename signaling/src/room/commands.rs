//! The conciliator's commands (R-MEET-15, R-MEET-16, R-MEET-18). Nobody else has any.

use super::journal::JournalEvent;
use super::membership::Place;
use super::ports::Refused;
use super::telling::Telling;
use super::texts::plain_text;
use super::timers::timer_end;
use super::{Room, Visit};
use crate::protocol::{
    ClientMessage, Epoch, ErrorCode, LeaveReason, MoveReason, ParticipantId, Role, ServerMessage,
    Session, Side, Telephones,
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
            M::OpenBreakout { epoch, side, with_me, minutes, telephones } => {
                self.same_epoch(epoch)?;
                return self.open_breakout(from, (side, with_me, minutes), telephones, now);
            }
            M::SetTimer { session, minutes, closes } => {
                return self.set_timer(session, minutes, closes, now);
            }
            M::Move { epoch, participant, to, telephones } => {
                self.same_epoch(epoch)?;
                if participant == from && to != Session::Plenary {
                    return self.visit(from, to, telephones, now);
                }
                return self.move_one(participant, to, now);
            }
            M::Visit { to, telephones } => return self.visit(from, to, telephones, now),
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
        self.telling.push_back(Telling::Moved(participant, MoveReason::Admitted));
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
            self.telling.push_back(Telling::Moved(participant, MoveReason::Admitted));
        }
        Ok(())
    }

    fn open_breakout(
        &mut self,
        from: ParticipantId,
        (side, with_me, minutes): (Side, bool, Option<u16>),
        telephones: Option<Telephones>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        self.must_be_started()?;
        let until = timer_end(minutes, now)?;
        let of_side = |p: &Place| p.role == Role::Party && p.side == side;
        let (phones, members): (Vec<_>, Vec<_>) = self
            .membership
            .present()
            .filter(|(_, place)| of_side(place) && place.session != Session::Lobby)
            .map(|(id, place)| (id, place.phone))
            .partition(|(_, phone)| *phone);
        // Who is on the telephone stays with the conciliator.
        if members.is_empty() && (phones.is_empty() || !with_me) {
            return Err(no_target("nobody of this side is here"));
        }
        let decided = match with_me {
            true => self.must_decide(Some(side), telephones)?,
            false => None,
        };
        let number = self
            .membership
            .last_breakout
            .checked_add(1)
            .ok_or_else(|| wrong_state("too many breakouts"))?;
        if decided == Some(Telephones::HangUp) {
            self.hang_up_overhearers(Some(side), now);
        }
        let session = Session::Breakout(number);
        let epoch = self.next_epoch();
        self.record(JournalEvent::BreakoutOpened { session, side, epoch }, now);
        if until.is_some() {
            self.record(JournalEvent::TimerSet { session, until, closes: false }, now);
        }
        for (participant, _) in members {
            self.transfer(participant, session, epoch, MoveReason::Aside, now);
        }
        match decided {
            Some(Telephones::Listen) => self.announce_visit(from, session, now),
            _ if with_me => self.transfer(from, session, epoch, MoveReason::Own, now),
            _ => {}
        }
        Ok(())
    }

    fn move_one(
        &mut self,
        participant: ParticipantId,
        to: Session,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let place = self.inside_place(participant)?;
        if !self.membership.is_open(to) {
            return Err(no_target("there is no such session; the lobby is reached by exclude"));
        }
        if place.session == Session::Lobby {
            return Err(wrong_state("this person must be admitted first"));
        }
        not_on_the_telephone(&place)?;
        let own = place.role == Role::Conciliator;
        let why = if own { MoveReason::Own } else { MoveReason::Moved };
        let epoch = self.next_epoch();
        self.transfer(participant, to, epoch, why, now);
        Ok(())
    }

    /// The conciliator goes elsewhere. Asked twice it is one visit.
    fn visit(
        &mut self,
        from: ParticipantId,
        to: Session,
        telephones: Option<Telephones>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        if !self.membership.is_open(to) {
            return Err(no_target("there is no such session"));
        }
        if self.membership.session_of(from) == Some(to) || self.is_expected(from, to) {
            return Ok(());
        }
        let side = self.side_of(to);
        if self.must_decide(side, telephones)? == Some(Telephones::HangUp) {
            self.hang_up_overhearers(side, now);
        }
        self.announce_visit(from, to, now);
        Ok(())
    }

    /// Tells those inside first; the conciliator follows a moment later (R-MEET-39), with whoever is
    /// on the telephone.
    fn announce_visit(&mut self, visitor: ParticipantId, to: Session, now: DateTime<Utc>) {
        let (participant, session, phones) = (visitor, to, self.telephones());
        self.record(JournalEvent::Visit { participant, session, phones }, now);
        let phones = self.listeners();
        let members: Vec<_> = self.membership.members(to).collect();
        for member in members {
            self.tell(member, ServerMessage::Visit { session, phones: phones.clone() });
        }
        let notice = match self.overhearers(self.side_of(to)).is_empty() {
            true => self.terms.visit_notice,
            false => self.terms.overhear_notice,
        };
        self.visit = Some(Visit { visitor, to, due: now + notice });
    }

    fn exclude(&mut self, participant: ParticipantId, now: DateTime<Utc>) -> Result<(), Refused> {
        if self.spec.standing {
            return Err(wrong_state(
                "a standing room has no lobby: remove, or take somebody aside",
            ));
        }
        let place = self.party_inside(participant)?;
        if place.session == Session::Lobby {
            return Err(wrong_state("this person is in the lobby"));
        }
        not_on_the_telephone(&place)?;
        let epoch = self.next_epoch();
        self.record(JournalEvent::Excluded { participant, epoch }, now);
        self.telling.push_back(Telling::Moved(participant, MoveReason::Excluded));
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
        if !locked {
            self.outside.clear();
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

    /// Moves one person, and the telephones with the conciliator; nothing happens if it is there
    /// already.
    pub(super) fn transfer(
        &mut self,
        participant: ParticipantId,
        to: Session,
        epoch: Epoch,
        why: MoveReason,
        now: DateTime<Utc>,
    ) {
        if self.membership.session_of(participant) == Some(to) {
            return;
        }
        if self.visit.is_some_and(|visit| visit.visitor == participant) {
            self.visit = None;
        }
        self.record(JournalEvent::Moved { participant, to, epoch }, now);
        self.telling.push_back(Telling::Moved(participant, why));
        if self.is_conciliator(participant) {
            self.bring_telephones(to, epoch, now);
        }
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

fn not_on_the_telephone(place: &Place) -> Result<(), Refused> {
    if place.phone {
        return Err(wrong_state("a telephone is where the conciliator is"));
    }
    Ok(())
}

pub(super) fn no_target(why: &str) -> Refused {
    Refused::new(ErrorCode::NoSuchTarget, why)
}

pub(super) fn wrong_state(why: &str) -> Refused {
    Refused::new(ErrorCode::WrongState, why)
}
