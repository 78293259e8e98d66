//! Who is on the telephone hears wherever the conciliator is, who holds it on loudspeaker (R-MEET-29).
//!
//! A telephone therefore has no place of its own: it goes where the conciliator goes, and nobody moves
//! it elsewhere. Into a breakout of another side it goes only if the conciliator says so, and only
//! after those inside were told who will hear them.

use super::Room;
use super::commands::wrong_state;
use super::journal::JournalEvent;
use super::ports::Refused;
use crate::protocol::{
    Epoch, Listener, MoveReason, ParticipantId, Role, Session, Side, Telephones,
};
use chrono::{DateTime, Utc};

impl Room {
    /// Where the telephones are: with the conciliator, also while that seat is lost or away.
    pub(super) fn telephone_session(&self) -> Session {
        let away = self.membership.places.values().find(|place| place.role == Role::Conciliator);
        let present = self.membership.conciliator().map(|(_, session)| session);
        present.or(away.map(|place| place.session)).unwrap_or(Session::Plenary)
    }

    /// Everybody on the telephone.
    pub(super) fn telephones(&self) -> Vec<ParticipantId> {
        self.membership.present().filter(|(_, place)| place.phone).map(|(id, _)| id).collect()
    }

    /// The same, as it is told to those who will be heard.
    pub(super) fn listeners(&self) -> Vec<Listener> {
        let seat = |id: &ParticipantId| Some(&self.occupants.get(id)?.seat);
        let listener =
            |id: &ParticipantId| seat(id).map(|s| Listener { name: s.name.clone(), side: s.side });
        self.telephones().iter().filter_map(listener).collect()
    }

    /// Those on the telephone to whom a breakout of this side does not belong.
    pub(super) fn overhearers(&self, of: Option<Side>) -> Vec<ParticipantId> {
        let Some(of) = of else { return Vec::new() };
        let strange =
            |id: &ParticipantId| self.membership.places.get(id).is_some_and(|p| p.side != of);
        self.telephones().into_iter().filter(strange).collect()
    }

    /// The side whose breakout this is; none for plenary, which belongs to all.
    pub(super) fn side_of(&self, session: Session) -> Option<Side> {
        match session {
            Session::Breakout(n) => self.membership.breakouts.get(&n).map(|open| open.side),
            Session::Lobby | Session::Plenary => None,
        }
    }

    /// What becomes of telephones that would overhear the breakout of a side: nothing if there are
    /// none, else what the conciliator says. Without a word it is refused.
    pub(super) fn must_decide(
        &self,
        side: Option<Side>,
        said: Option<Telephones>,
    ) -> Result<Option<Telephones>, Refused> {
        if self.overhearers(side).is_empty() {
            return Ok(None);
        }
        said.map(Some).ok_or_else(|| wrong_state("somebody on the telephone would overhear them"))
    }

    /// Ends the calls that would overhear the breakout of a side.
    pub(super) fn hang_up_overhearers(&mut self, side: Option<Side>, now: DateTime<Utc>) {
        for participant in self.overhearers(side) {
            self.hang_up(participant, now);
        }
    }

    /// Somebody of this side may be added by telephone: not where that would overhear a breakout.
    pub(super) fn may_ring(&self, side: Side) -> Result<(), Refused> {
        let coming = self.visit.as_ref().map(|visit| visit.to);
        let strange = |session| self.side_of(session).is_some_and(|of| of != side);
        if [Some(self.telephone_session()), coming].into_iter().flatten().any(strange) {
            return Err(wrong_state(
                "this breakout is another side's: add the telephone in plenary",
            ));
        }
        Ok(())
    }

    /// The conciliator is here now, and the telephones with it.
    pub(super) fn bring_telephones(&mut self, to: Session, epoch: Epoch, now: DateTime<Utc>) {
        for participant in self.telephones() {
            if self.membership.session_of(participant) != Some(to) {
                self.record(JournalEvent::Moved { participant, to, epoch }, now);
            }
        }
    }

    /// A visit that was announced, if it goes to this session.
    pub(super) fn is_expected(&self, visitor: ParticipantId, to: Session) -> bool {
        self.visit.as_ref().is_some_and(|visit| visit.visitor == visitor && visit.to == to)
    }

    /// The announced visitor enters, unless visitor or session are gone.
    pub(super) fn enter_visited(
        &mut self,
        visitor: ParticipantId,
        to: Session,
        now: DateTime<Utc>,
    ) {
        if self.membership.session_of(visitor).is_some() && self.membership.is_open(to) {
            let epoch = self.next_epoch();
            self.transfer(visitor, to, epoch, MoveReason::Own, now);
        }
    }
}
