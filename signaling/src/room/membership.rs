//! Who has which place. Changed by journal events only, so that a journal read back gives the
//! membership it was written from.

use super::journal::{JournalEntry, JournalEvent, LeftReason};
use crate::protocol::{Epoch, ParticipantId, Role, Session, Side};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The membership of one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Rises with every change of who is in which session (R-MEET-41).
    pub epoch: Epoch,
    /// When the conciliator began the meeting.
    pub started_at: Option<DateTime<Utc>>,
    /// Nobody new gets in.
    pub locked: bool,
    /// The meeting is over.
    pub ended: bool,
    /// Open breakouts.
    pub breakouts: BTreeMap<u16, OpenBreakout>,
    /// Number of the last breakout; numbers are not used again, so that a place in a closed one
    /// cannot become a place in another.
    pub last_breakout: u16,
    /// Everybody who ever came in.
    pub places: BTreeMap<ParticipantId, Place>,
}

/// The place of one seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the seat may do.
    pub role: Role,
    /// Whose side it is on.
    pub side: Side,
    /// Where it is, or returns to.
    pub session: Session,
    /// Inside at the moment, the grace time included.
    pub present: bool,
    /// Sent back to the lobby by the conciliator.
    pub excluded: bool,
    /// Out of the meeting.
    pub removed: bool,
    /// On the telephone: without socket or media (R-MEET-29).
    pub phone: bool,
}

/// A breakout that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenBreakout {
    /// The side it was opened for.
    pub side: Side,
    /// When its time is up, and whether it closes then (R-MEET-40).
    pub timer: Option<(DateTime<Utc>, bool)>,
}

impl Membership {
    /// Everybody inside.
    pub fn present(&self) -> impl Iterator<Item = (ParticipantId, &Place)> {
        self.places.iter().filter(|(_, place)| place.present).map(|(id, place)| (*id, place))
    }

    /// The conciliator began the meeting.
    pub fn started(&self) -> bool {
        self.started_at.is_some()
    }

    /// Where somebody inside is.
    pub fn session_of(&self, participant: ParticipantId) -> Option<Session> {
        self.places.get(&participant).filter(|place| place.present).map(|place| place.session)
    }

    /// Everybody inside one session.
    pub fn members(&self, session: Session) -> impl Iterator<Item = ParticipantId> {
        self.present().filter(move |(_, place)| place.session == session).map(|(id, _)| id)
    }

    /// The conciliator inside, if there is one.
    pub fn conciliator(&self) -> Option<(ParticipantId, Session)> {
        self.present().find(|(_, p)| p.role == Role::Conciliator).map(|(id, p)| (id, p.session))
    }

    /// The session can be entered: plenary, or an open breakout.
    pub fn is_open(&self, session: Session) -> bool {
        match session {
            Session::Lobby => false,
            Session::Plenary => true,
            Session::Breakout(n) => self.breakouts.contains_key(&n),
        }
    }

    /// Carries out one event.
    pub fn apply(&mut self, entry: &JournalEntry) {
        use JournalEvent as E;
        match entry.event {
            E::Opened { generation } => self.epoch = Epoch::first(generation),
            E::Joined { participant, role, side, session, epoch } => {
                self.epoch = epoch;
                let excluded = self.places.get(&participant).is_some_and(|p| p.excluded);
                let (present, removed, phone) = (true, false, false);
                let place = Place { role, side, session, present, excluded, removed, phone };
                self.places.insert(participant, place);
            }
            E::PhoneAdded { participant, side, session, epoch } => {
                self.epoch = epoch;
                let (role, present, phone) = (Role::Party, true, true);
                let (excluded, removed) = (false, false);
                let place = Place { role, side, session, present, excluded, removed, phone };
                self.places.insert(participant, place);
            }
            E::Left { participant, epoch, reason } => {
                self.change(participant, epoch, |place| place.present = false);
                // Nobody else could open the door again. A node that stops is no leaving.
                let leads =
                    self.places.get(&participant).is_some_and(|p| p.role == Role::Conciliator);
                self.locked &= !leads || reason == LeftReason::Node;
            }
            E::Admitted { participant, epoch } => self.change(participant, epoch, |place| {
                place.session = Session::Plenary;
                place.excluded = false;
            }),
            E::Moved { participant, to, epoch } => {
                self.change(participant, epoch, |place| place.session = to);
            }
            E::BreakoutOpened { session: Session::Breakout(n), side, epoch } => {
                self.epoch = epoch;
                self.last_breakout = n;
                self.breakouts.insert(n, OpenBreakout { side, timer: None });
            }
            E::TimerSet { session: Session::Breakout(n), until, closes } => {
                if let Some(breakout) = self.breakouts.get_mut(&n) {
                    breakout.timer = until.map(|until| (until, closes));
                }
            }
            E::BreakoutClosed { session: Session::Breakout(n), epoch } => {
                self.epoch = epoch;
                self.breakouts.remove(&n);
                for place in self.places.values_mut() {
                    if place.session == Session::Breakout(n) {
                        place.session = Session::Plenary;
                    }
                }
            }
            E::Excluded { participant, epoch } => self.change(participant, epoch, |place| {
                place.session = Session::Lobby;
                place.excluded = true;
            }),
            E::Removed { participant, epoch } => self.change(participant, epoch, |place| {
                place.session = Session::Lobby;
                place.present = false;
                place.removed = true;
            }),
            E::Reinstated { participant } => {
                if let Some(place) = self.places.get_mut(&participant) {
                    place.removed = false;
                }
            }
            E::Locked => self.locked = true,
            E::Unlocked => self.locked = false,
            E::Started => self.started_at = Some(entry.at),
            E::Ended | E::CalledOff => self.ended = true,
            E::BreakoutOpened { .. }
            | E::BreakoutClosed { .. }
            | E::TimerSet { .. }
            | E::ClosingTold { .. }
            | E::SeatAdded { .. }
            | E::Lost { .. }
            | E::Resumed { .. }
            | E::Visit { .. }
            | E::Muted { .. }
            | E::Noticed
            | E::Filed { .. }
            | E::Closed { .. } => {}
        }
    }

    fn change(&mut self, participant: ParticipantId, epoch: Epoch, f: impl FnOnce(&mut Place)) {
        self.epoch = epoch;
        if let Some(place) = self.places.get_mut(&participant) {
            f(place);
        }
    }
}
