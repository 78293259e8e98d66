//! Who stands before the locked door (R-MEET-15): told so at once, and seen by the conciliator.

use super::Room;
use super::ports::{Refused, Seat};
use super::texts::shown_name;
use crate::protocol::{ErrorCode, Outside, ParticipantId};
use chrono::{DateTime, TimeDelta, Utc};

/// How soon somebody before the locked door asks again.
pub(super) const KNOCKS_EVERY_MS: u64 = 10_000;
/// Who did not ask again within this time has gone.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(25);

impl Room {
    /// Whether a seat would be let in at this moment, before anybody prepares for it.
    pub fn knock(&mut self, seat: &Seat, now: DateTime<Utc>) -> Result<(), Refused> {
        let answer = self.may_join(seat);
        self.note_outside(seat, &answer, now);
        self.publish(now);
        // Everything else is said to the socket, where the conciliator sees who it was.
        let door = |code| matches!(code, ErrorCode::Locked | ErrorCode::Full);
        answer.or_else(|refused| if door(refused.code) { Err(refused) } else { Ok(()) })
    }

    pub(super) fn note_outside(
        &mut self,
        seat: &Seat,
        answer: &Result<(), Refused>,
        now: DateTime<Utc>,
    ) {
        let id = seat.participant;
        if !answer.as_ref().is_err_and(|refused| refused.code == ErrorCode::Locked) {
            self.changed |= self.outside.remove(&id).is_some();
            return;
        }
        let (name, label) = (shown_name(&seat.name), seat.label.clone());
        let outside = Outside { id, name, label };
        let before = self.outside.insert(id, (outside, now + GONE_AFTER));
        self.changed |= before.is_none();
    }

    /// Those who did not ask again have gone.
    pub(super) fn forget_outside(&mut self, now: DateTime<Utc>) {
        let before = self.outside.len();
        self.outside.retain(|_, (_, until)| *until > now);
        self.changed |= self.outside.len() != before;
    }

    /// When the next of them is given up.
    pub(super) fn outside_timeout(&self) -> Option<DateTime<Utc>> {
        self.outside.values().map(|(_, until)| *until).min()
    }
}

/// As the conciliator's view names them.
pub(super) fn named(
    outside: &std::collections::BTreeMap<ParticipantId, (Outside, DateTime<Utc>)>,
) -> Vec<Outside> {
    outside.values().map(|(who, _)| who.clone()).collect()
}
