//! Finds media that crossed from one session into another.
//!
//! Everybody's `moved` tells when the hub raised the epoch. A packet leaked if it arrived although
//! its sender and its receiver were in different sessions when it was sent, by the hub's clock; or
//! if its stamp names a session that the receiver was not in at the epoch the stamp names.

use crate::stamp::Stamp;
use signaling::protocol::{Epoch, ParticipantId, Session};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Packets are judged this long after they arrived, when every `moved` of their time is known.
const JUDGED_AFTER_MS: u64 = 3_000;

/// The memberships and the packets of one meeting.
#[derive(Default)]
pub struct Isolation(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    timelines: BTreeMap<ParticipantId, Vec<Turn>>,
    pending: Vec<Arrival>,
    judged: u64,
    leaks: Vec<Leak>,
}

/// From then on somebody was in this session.
#[derive(Clone, Copy)]
struct Turn {
    epoch: Epoch,
    session: Session,
    at_ms: u64,
}

struct Arrival {
    to: ParticipantId,
    stamp: Stamp,
}

/// A packet that must not have arrived.
#[derive(Clone, Copy, Debug)]
pub struct Leak {
    /// Who got it.
    pub to: ParticipantId,
    /// What it said.
    pub stamp: Stamp,
}

impl Isolation {
    /// The hub told `who` that its membership changed.
    pub fn moved(&self, who: ParticipantId, epoch: Epoch, session: Session, at_ms: u64) {
        let mut inner = self.lock();
        let timeline = inner.timelines.entry(who).or_default();
        if timeline.last().is_none_or(|last| last.epoch < epoch && last.session != session) {
            timeline.push(Turn { epoch, session, at_ms });
        }
    }

    /// A packet arrived.
    pub fn arrived(&self, to: ParticipantId, stamp: Stamp) {
        self.lock().pending.push(Arrival { to, stamp });
    }

    /// Judges what arrived long enough before `now_ms`.
    pub fn judge(&self, now_ms: u64) {
        let mut inner = self.lock();
        let (due, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut inner.pending)
            .into_iter()
            .partition(|arrival| arrival.stamp.sent_ms + JUDGED_AFTER_MS <= now_ms);
        inner.pending = pending;
        for Arrival { to, stamp } in due {
            inner.judged += 1;
            if inner.crossed(to, &stamp) {
                inner.leaks.push(Leak { to, stamp });
            }
        }
    }

    /// Judges everything; how many packets were judged, and those that leaked.
    pub fn conclude(&self) -> (u64, Vec<Leak>) {
        self.judge(u64::MAX);
        let inner = self.lock();
        (inner.judged, inner.leaks.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing panics halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn crossed(&self, to: ParticipantId, stamp: &Stamp) -> bool {
        let (Some(sender), Some(receiver)) =
            (self.timelines.get(&stamp.by), self.timelines.get(&to))
        else {
            // Somebody who was never told of a session is in none: nothing may come or go.
            return true;
        };
        // A move within this very millisecond may have come after the packet.
        let at = |turn: &Turn| turn.at_ms < stamp.sent_ms;
        let by_clock = last(sender, at) != last(receiver, at)
            && last(sender, |t| t.at_ms <= stamp.sent_ms)
                != last(receiver, |t| t.at_ms <= stamp.sent_ms);
        let by_epoch = last(receiver, |t| t.epoch <= stamp.epoch) != Some(stamp.session);
        by_clock || by_epoch
    }
}

fn last(timeline: &[Turn], then: impl Fn(&Turn) -> bool) -> Option<Session> {
    timeline.iter().rev().find(|turn| then(turn)).map(|turn| turn.session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Canary;
    use rand::SeedableRng as _;
    use signaling::protocol::RoomId;
    use uuid::Uuid;

    fn id(n: u128) -> ParticipantId {
        ParticipantId(Uuid::from_u128(n))
    }

    #[test]
    fn r_meet_41_only_what_was_sent_after_the_epoch_rose_is_a_leak() {
        use Session::{Breakout, Plenary};
        let canary = Canary::new(&mut rand::rngs::StdRng::seed_from_u64(1));
        let (stays, goes) = (id(1), id(2));
        // (by, to, stamped session, stamped epoch, sent at, leaked). `goes` moved in epoch 5 at 1000.
        for (by, to, session, epoch, sent_ms, leaked) in [
            (stays, goes, Plenary, 4, 900, false),
            (goes, stays, Plenary, 4, 900, false),
            // On the wire while the epoch rose.
            (stays, goes, Plenary, 4, 1000, false),
            // Sent after it, by somebody who did not know yet.
            (stays, goes, Plenary, 4, 1001, true),
            (goes, stays, Plenary, 4, 1001, true),
            // The same by the stamp's own words, whatever the clocks say.
            (stays, goes, Plenary, 5, 990, true),
            (goes, stays, Breakout(1), 5, 990, true),
            // Together again in epoch 6 at 2000.
            (stays, goes, Plenary, 5, 2001, true),
            (stays, goes, Plenary, 6, 2001, false),
            (goes, stays, Plenary, 6, 2001, false),
            (id(3), stays, Plenary, 6, 2001, true),
        ] {
            let isolation = Isolation::default();
            isolation.moved(stays, Epoch(3), Plenary, 100);
            isolation.moved(goes, Epoch(4), Plenary, 200);
            isolation.moved(goes, Epoch(5), Breakout(1), 1000);
            isolation.moved(goes, Epoch(6), Plenary, 2000);
            let room = RoomId(Uuid::from_u128(9));
            let stamp = Stamp { room, by, session, epoch: Epoch(epoch), sent_ms, canary };
            isolation.arrived(to, stamp);
            isolation.judge(sent_ms);
            let (judged, leaks) = isolation.conclude();
            assert_eq!((judged, leaks.len() == 1), (1, leaked), "{stamp:?} to {to:?}");
        }
    }
}
