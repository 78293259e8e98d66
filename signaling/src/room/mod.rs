//! The pure room: who is where, who may do what, and what everybody is told.
//!
//! A state machine without clock, network or randomness. The edge calls [`Room::handle`], then
//! carries out [`Room::poll_output`] until there is nothing left, and calls again with
//! [`Input::Tick`] at [`Room::poll_timeout`].
//!
//! Membership changes by journal events only, so [`Room::restore`] gives what [`Room::handle`] made.
//! A change of membership is told to nobody before the media edge forwards by it: everything waits
//! behind [`Output::Routes`].

mod adding;
mod bucket;
mod commands;
mod entering;
pub mod files;
pub mod journal;
pub mod membership;
mod occupant;
mod outbox;
mod outside;
mod ports;
pub mod routes;
mod seat_messages;
mod slots;
mod telephones;
mod telling;
mod texts;
mod timers;
mod view;

#[cfg(any(test, fuzzing))]
#[cfg_attr(test, expect(clippy::unwrap_used, reason = "tests stop where their driver does"))]
mod tests;

pub use ports::{
    AddedSeat, ConnectionId, DEFAULT_GRACE, Input, NewSeat, Output, PersonalLink, PhoneSeat,
    Refused, RoomSpec, Seat, Terms, Way,
};
#[cfg(any(test, fuzzing))]
pub use tests::hostile;

use crate::protocol::{
    Epoch, LeaveReason, Outside, ParticipantId, Role, ServerMessage, Session, Topic,
};
use chrono::{DateTime, Utc};
use files::Files;
use journal::{JournalEntry, JournalEvent, LeftReason};
use membership::Membership;
use occupant::{Link, Occupant};
use routes::Routes;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use telling::Telling;

/// One room on the node that serves it.
#[derive(Debug)]
pub struct Room {
    spec: RoomSpec,
    terms: Terms,
    membership: Membership,
    /// Everybody inside, and the removed ones, whom the conciliator still sees.
    occupants: BTreeMap<ParticipantId, Occupant>,
    connections: HashMap<ConnectionId, ParticipantId>,
    routes: Routes,
    /// A visit that was announced and is due then (R-MEET-39).
    visit: Option<Visit>,
    /// Breakouts that close at that time (R-MEET-40).
    closings: BTreeMap<u16, DateTime<Utc>>,
    /// Breakouts whose time is up, and whose members know it.
    time_up_told: BTreeSet<u16>,
    files: Files,
    /// Who stands before the locked door, and until when without asking again.
    outside: BTreeMap<ParticipantId, (Outside, DateTime<Utc>)>,
    empty_since: Option<DateTime<Utc>>,
    /// Messages refused because of their epoch (R-MEET-42).
    refused: u64,
    phase: Phase,
    /// Something that views show has changed.
    changed: bool,
    journal: Vec<JournalEntry>,
    telling: VecDeque<Telling>,
    outputs: VecDeque<Output>,
}

/// A visit that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Visit {
    visitor: ParticipantId,
    to: Session,
    due: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing to wait for.
    Settled,
    /// Routes went out and are not confirmed yet.
    Routing,
    /// The meeting is over; the counters for the closing statement are awaited.
    Counting { routed: bool },
    /// Over.
    Closed,
}

impl Room {
    /// A room that was never open before.
    pub fn open(spec: RoomSpec, terms: Terms, now: DateTime<Utc>) -> Self {
        Self::restore(spec, terms, &[], now)
    }

    /// A room as its journal tells. Everybody keeps the place in the session, and is inside again
    /// with the next join.
    pub fn restore(
        spec: RoomSpec,
        terms: Terms,
        entries: &[JournalEntry],
        now: DateTime<Utc>,
    ) -> Self {
        let mut membership = Membership::default();
        for entry in entries {
            membership.apply(entry);
        }
        let generation = spec.generation;
        let mut room = Self {
            spec,
            terms,
            membership,
            occupants: BTreeMap::new(),
            connections: HashMap::new(),
            routes: Routes::default(),
            visit: None,
            closings: BTreeMap::new(),
            time_up_told: BTreeSet::new(),
            files: Files::default(),
            outside: BTreeMap::new(),
            empty_since: Some(now),
            refused: 0,
            phase: Phase::Settled,
            changed: false,
            journal: Vec::new(),
            telling: VecDeque::new(),
            outputs: VecDeque::new(),
        };
        if room.membership.ended {
            room.finish();
            return room;
        }
        room.record(JournalEvent::Opened { generation }, now);
        room.restore_phones(now);
        let epoch = room.membership.epoch;
        for participant in room.inside() {
            if room.occupants.contains_key(&participant) {
                continue;
            }
            room.record(JournalEvent::Left { participant, reason: LeftReason::Node, epoch }, now);
        }
        room.publish(now);
        room
    }

    /// Takes one input. Afterwards [`Self::poll_output`] has to be drained.
    pub fn handle(&mut self, input: Input, now: DateTime<Utc>) {
        if self.phase == Phase::Closed {
            return;
        }
        self.fire_timers(now);
        match input {
            Input::Join { seat, connection, secret, re } => {
                self.join(seat, connection, secret, re, now);
            }
            Input::Resume { participant, connection, secret, next_secret, last_seq, re } => {
                let secrets = (secret, next_secret);
                self.resume(participant, connection, secrets, last_seq, re, now);
            }
            Input::Message { connection, envelope } => self.message(connection, envelope, now),
            Input::Garbled { connection, re } => self.garbled(connection, re, now),
            Input::Lost { connection } => self.lost(connection, now),
            Input::Answered { connection, re, answer } => {
                let message = match answer {
                    Ok(sdp) => ServerMessage::Answer { re, sdp },
                    Err(refused) => refused.into_message(re),
                };
                self.reply(connection, message);
            }
            Input::SeatAdded { connection, re, seat, result } => {
                let asked = (connection, re);
                let done = result.and_then(|added| self.seat_added(asked, seat, added, now));
                if let Err(refused) = done {
                    self.reply(connection, refused.into_message(re));
                }
            }
            Input::Routed => self.phase = self.phase.routed(),
            Input::Counted { forwarded, withheld } => self.counted(forwarded, withheld, now),
            Input::Changed(topic) => self.outside_changed(topic),
            Input::Close(reason @ (LeaveReason::Ended | LeaveReason::CalledOff)) => {
                self.end(reason, now);
            }
            Input::Close(reason) => self.stop_serving(reason),
            Input::Tick => self.rest_if_idle(now),
        }
        self.publish(now);
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Tick`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<DateTime<Utc>> {
        if self.phase == Phase::Closed {
            return None;
        }
        let graces = self.losses().map(|(_, since)| since + self.spec.grace);
        let visit = self.visit.map(|visit| visit.due);
        let idle = self.empty_since.map(|since| since + self.terms.idle);
        graces
            .chain(visit)
            .chain(idle)
            .chain(self.breakout_timeout())
            .chain(self.outside_timeout())
            .min()
    }

    /// The membership at the moment.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The room as it was decided outside.
    pub fn spec(&self) -> &RoomSpec {
        &self.spec
    }

    /// Whether a seat has an open socket.
    pub fn is_connected(&self, participant: ParticipantId) -> bool {
        self.occupants.get(&participant).is_some_and(|o| o.link.connection().is_some())
    }

    /// How many sockets are open.
    pub fn connected(&self) -> usize {
        self.connections.len()
    }

    fn inside(&self) -> Vec<ParticipantId> {
        self.membership.present().map(|(id, _)| id).collect()
    }

    /// Seats inside whose socket is broken, and since when.
    fn losses(&self) -> impl Iterator<Item = (ParticipantId, DateTime<Utc>)> {
        self.occupants.iter().filter_map(|(id, occupant)| match occupant.link {
            Link::Lost(since) if self.membership.session_of(*id).is_some() => Some((*id, since)),
            _ => None,
        })
    }

    fn fire_timers(&mut self, now: DateTime<Utc>) {
        let over: Vec<_> = self
            .losses()
            .filter(|(_, since)| *since + self.spec.grace <= now)
            .map(|(participant, _)| participant)
            .collect();
        for participant in over {
            self.leave(participant, LeftReason::Grace, now);
        }
        if let Some(Visit { visitor, to, .. }) = self.visit.filter(|visit| visit.due <= now) {
            self.visit = None;
            self.enter_visited(visitor, to, now);
        }
        self.fire_breakout_timers(now);
        self.forget_outside(now);
    }

    fn rest_if_idle(&mut self, now: DateTime<Utc>) {
        if self.empty_since.is_some_and(|since| since + self.terms.idle <= now) {
            self.finish();
        }
    }

    /// Somebody is gone; the place is kept.
    fn leave(&mut self, participant: ParticipantId, reason: LeftReason, now: DateTime<Utc>) {
        let epoch = self.next_epoch();
        self.record(JournalEvent::Left { participant, reason, epoch }, now);
        self.occupants.remove(&participant);
        self.telling.push_back(Telling::EndMedia(participant));
    }

    /// Over for everybody: `reason` is `Ended` or `CalledOff`.
    fn end(&mut self, reason: LeaveReason, now: DateTime<Utc>) {
        if self.membership.ended {
            return;
        }
        let epoch = self.next_epoch();
        for participant in self.inside() {
            self.record(JournalEvent::Left { participant, reason: LeftReason::Ended, epoch }, now);
            self.telling.push_back(Telling::EndMedia(participant));
        }
        let called_off = reason == LeaveReason::CalledOff;
        self.record(if called_off { JournalEvent::CalledOff } else { JournalEvent::Ended }, now);
        self.dismiss_all(reason);
        self.phase = Phase::Counting { routed: true };
    }

    fn counted(&mut self, forwarded: u64, withheld: u64, now: DateTime<Utc>) {
        if let Phase::Counting { .. } = self.phase {
            let refused = self.refused;
            let statement = JournalEvent::Closed { forwarded, withheld, refused, recorded: false };
            self.record(statement, now);
            self.flush(now);
            self.clear_files();
            self.finish();
        }
    }

    /// This node stops; the room may go on elsewhere.
    fn stop_serving(&mut self, reason: LeaveReason) {
        self.dismiss_all(reason);
        self.flush_telling();
        self.finish();
    }

    fn finish(&mut self) {
        self.phase = Phase::Closed;
        self.outputs.push_back(Output::Closed);
    }

    fn outside_changed(&mut self, topic: Topic) {
        for participant in self.inside() {
            self.tell(participant, ServerMessage::Changed { topic });
        }
    }

    fn next_epoch(&self) -> Epoch {
        self.membership.epoch.next()
    }

    /// Changes the membership and notes it for the journal.
    fn record(&mut self, event: JournalEvent, now: DateTime<Utc>) {
        let entry = JournalEntry { at: chrono::SubsecRound::trunc_subsecs(now, 6), event };
        self.membership.apply(&entry);
        self.changed = true;
        self.journal.push(entry);
    }

    /// Lets the media edge go first if the forwarding set changed, otherwise tells everybody.
    fn publish(&mut self, now: DateTime<Utc>) {
        if self.phase == Phase::Closed {
            return;
        }
        // A telephone alone keeps no room awake.
        self.empty_since = match self.membership.present().any(|(_, place)| !place.phone) {
            true => None,
            false => self.empty_since.or(Some(now)),
        };
        if self.changed {
            self.tidy_files();
            let counts = (self.terms.audio_slots, self.terms.video_slots);
            let routes = slots::routes(&self.membership, &self.occupants, &self.routes, counts);
            if routes != self.routes {
                self.routes = routes.clone();
                self.outputs.push_back(Output::Routes(routes));
                self.phase = self.phase.routing();
            }
        }
        match self.phase {
            Phase::Settled => self.flush(now),
            Phase::Counting { routed: true } => self.outputs.push_back(Output::Count),
            Phase::Counting { routed: false } | Phase::Routing | Phase::Closed => {}
        }
    }

    fn is_conciliator(&self, participant: ParticipantId) -> bool {
        self.membership.places.get(&participant).is_some_and(|p| p.role == Role::Conciliator)
    }
}

impl Phase {
    fn routing(self) -> Self {
        match self {
            Self::Counting { .. } => Self::Counting { routed: false },
            _ => Self::Routing,
        }
    }

    fn routed(self) -> Self {
        match self {
            Self::Counting { .. } => Self::Counting { routed: true },
            Self::Routing => Self::Settled,
            other => other,
        }
    }
}
