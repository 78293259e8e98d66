//! Finds media that crossed from one session into another.
//!
//! Everybody's `moved` tells when the hub had raised the epoch. A packet leaked if at no moment from
//! its sending to its arrival its sender and its receiver were in one session: what was on the wire
//! while the epoch rose may still arrive, what was sent after that may not (R-MEET-41).

use crate::stamp::Stamp;
use signaling::protocol::{Epoch, ParticipantId, RoomId, Session};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Packets are judged this long after they were sent, when every `moved` of their time is known.
const JUDGED_AFTER_MS: u64 = 3_000;
/// The media edge brings people together a moment before the hub takes the time that `moved` names.
const REUNION_MS: u64 = 250;

/// The memberships and the packets of one meeting.
pub struct Isolation {
    room: RoomId,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    timelines: BTreeMap<ParticipantId, Vec<Turn>>,
    pending: Vec<Arrival>,
    judged: u64,
    leaks: Vec<Arrival>,
}

/// From then on somebody was in this session.
#[derive(Clone, Copy)]
struct Turn {
    epoch: Epoch,
    session: Session,
    at_ms: u64,
}

/// A packet at its receiver.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Who got it.
    pub to: ParticipantId,
    /// What it said.
    pub stamp: Stamp,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

impl Isolation {
    /// For the meeting in `room`.
    pub fn new(room: RoomId) -> Self {
        Self { room, inner: Mutex::default() }
    }

    /// The hub told `who` that its membership changed.
    pub fn moved(&self, who: ParticipantId, epoch: Epoch, session: Session, at_ms: u64) {
        let mut inner = self.lock();
        let timeline = inner.timelines.entry(who).or_default();
        if timeline.last().is_none_or(|last| last.epoch < epoch && last.session != session) {
            timeline.push(Turn { epoch, session, at_ms });
        }
    }

    /// A packet arrived.
    pub fn arrived(&self, arrival: Arrival) {
        self.lock().pending.push(arrival);
    }

    /// Judges what was sent long enough before `now_ms`.
    pub fn judge(&self, now_ms: u64) {
        let mut inner = self.lock();
        let (due, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut inner.pending)
            .into_iter()
            .partition(|arrival| arrival.stamp.sent_ms().saturating_add(JUDGED_AFTER_MS) <= now_ms);
        inner.pending = pending;
        for arrival in due {
            inner.judged += 1;
            if arrival.stamp.room != self.room || !inner.together(&arrival) {
                inner.leaks.push(arrival);
            }
        }
    }

    /// Judges everything; how many packets were judged, and those that leaked.
    pub fn conclude(&self) -> (u64, Vec<Arrival>) {
        self.judge(u64::MAX);
        let inner = self.lock();
        (inner.judged, inner.leaks.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing panics halfway through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// At some moment between sending and arrival both ends were in one session.
    fn together(&self, Arrival { to, stamp, at_ms }: &Arrival) -> bool {
        let (Some(sender), Some(receiver)) =
            (self.timelines.get(&stamp.by), self.timelines.get(to))
        else {
            // Somebody who was never told of a session is in none: nothing may come or go.
            return false;
        };
        let (until, sent_ms) = (at_ms + REUNION_MS, stamp.sent_ms());
        let turns = sender.iter().chain(receiver).map(|turn| turn.at_ms);
        // A move within the very millisecond of sending may have come after it.
        let just_before = sent_ms.saturating_sub(1);
        [just_before, sent_ms]
            .into_iter()
            .chain(turns.filter(|turn| (sent_ms..=until).contains(turn)))
            .any(|moment| {
                let session = session_at(sender, moment);
                session.is_some_and(|s| s != Session::Lobby)
                    && session == session_at(receiver, moment)
            })
    }
}

fn session_at(timeline: &[Turn], moment: u64) -> Option<Session> {
    timeline.iter().rev().find(|turn| turn.at_ms <= moment).map(|turn| turn.session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Canary;
    use rand::SeedableRng as _;
    use signaling::protocol::Session::{Breakout, Lobby, Plenary};
    use uuid::Uuid;

    fn id(n: u128) -> ParticipantId {
        ParticipantId(Uuid::from_u128(n))
    }

    #[test]
    fn r_meet_41_only_what_was_sent_after_the_epoch_rose_is_a_leak() {
        let canary = Canary::new(&mut rand::rngs::StdRng::seed_from_u64(1));
        let (stays, goes, waits, nobody) = (id(1), id(2), id(3), id(4));
        let (here, elsewhere) = (RoomId(Uuid::from_u128(9)), RoomId(Uuid::from_u128(8)));
        // `goes` is in the breakout from 10,000 to 20,000.
        for (room, by, to, sent_ms, took_ms, leaked) in [
            (here, stays, goes, 9_000, 5, false),
            (here, goes, stays, 9_000, 5, false),
            // On the wire while the epoch rose.
            (here, stays, goes, 9_999, 400, false),
            (here, stays, goes, 10_000, 5, false),
            // Sent after it, also by somebody who did not know yet.
            (here, stays, goes, 10_001, 5, true),
            (here, goes, stays, 10_001, 5, true),
            (here, stays, goes, 15_000, 5, true),
            // Together again; the edge knows it a moment before the time that is told.
            (here, stays, goes, 19_990, 5, false),
            (here, stays, goes, 20_001, 5, false),
            (here, stays, goes, 19_000, 1_100, false),
            (here, stays, goes, 19_000, 5, true),
            // Nothing from or to the lobby, strangers, other meetings.
            (here, waits, stays, 9_000, 5, true),
            (here, waits, waits, 9_000, 5, true),
            (here, nobody, stays, 9_000, 5, true),
            (elsewhere, stays, goes, 9_000, 5, true),
        ] {
            let isolation = Isolation::new(here);
            isolation.moved(stays, Epoch(3), Plenary, 100);
            isolation.moved(waits, Epoch(3), Lobby, 100);
            isolation.moved(goes, Epoch(4), Plenary, 200);
            isolation.moved(goes, Epoch(5), Breakout(1), 10_000);
            isolation.moved(goes, Epoch(6), Plenary, 20_000);
            let sent_us = sent_ms * 1_000;
            let stamp = Stamp { room, by, session: Plenary, epoch: Epoch(4), sent_us, canary };
            isolation.arrived(Arrival { to, stamp, at_ms: sent_ms + took_ms });
            isolation.judge(sent_ms);
            let (judged, leaks) = isolation.conclude();
            assert_eq!((judged, leaks.len()), (1, usize::from(leaked)), "{stamp:?} to {to:?}");
        }
    }
}
