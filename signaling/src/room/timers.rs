//! Breakouts that last a while: their timers, and the notice before they close (R-MEET-40).

use super::Room;
use super::commands::no_target;
use super::journal::JournalEvent;
use super::ports::Refused;
use super::view::ms;
use crate::protocol::{
    Epoch, ErrorCode, MAX_TIMER_MINUTES, MoveReason, ParticipantId, ServerMessage, Session,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

impl Room {
    /// A timer counts from now; without minutes it goes.
    pub(super) fn set_timer(
        &mut self,
        session: Session,
        minutes: Option<u16>,
        closes: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let number = self.open_number(session)?;
        let until = timer_end(minutes, now)?;
        self.time_up_told.remove(&number);
        self.record(JournalEvent::TimerSet { session, until, closes }, now);
        Ok(())
    }

    /// Its members are told, and return a moment later.
    pub(super) fn close_breakout(
        &mut self,
        session: Session,
        at_once: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let number = self.open_number(session)?;
        if at_once {
            let epoch = self.next_epoch();
            self.empty_breakout(number, epoch, now);
        } else {
            self.tell_closing(number, now);
        }
        Ok(())
    }

    pub(super) fn recall(&mut self, at_once: bool, now: DateTime<Utc>) {
        let epoch = self.next_epoch();
        let open: Vec<_> = self.membership.breakouts.keys().copied().collect();
        for number in open {
            if at_once {
                self.empty_breakout(number, epoch, now);
            } else {
                self.tell_closing(number, now);
            }
        }
        self.visit = None;
    }

    /// What is due by now: time that is up, breakouts whose notice is over.
    pub(super) fn fire_breakout_timers(&mut self, now: DateTime<Utc>) {
        let up: Vec<_> = self
            .running_timers()
            .filter(|(_, until, _)| *until <= now)
            .map(|(number, _, closes)| (number, closes))
            .collect();
        for (number, closes) in up {
            self.time_up_told.insert(number);
            let session = Session::Breakout(number);
            for participant in self.concerned(session) {
                self.tell(participant, ServerMessage::TimeUp { session });
            }
            if closes {
                self.tell_closing(number, now);
            }
        }
        let due = self.closings.iter().filter(|(_, at)| **at <= now);
        let due: Vec<_> = due.map(|(number, _)| *number).collect();
        for number in due {
            let epoch = self.next_epoch();
            self.empty_breakout(number, epoch, now);
        }
    }

    /// When the next of that is due.
    pub(super) fn breakout_timeout(&self) -> Option<DateTime<Utc>> {
        let timers = self.running_timers().map(|(_, until, _)| until);
        timers.chain(self.closings.values().copied()).min()
    }

    fn running_timers(&self) -> impl Iterator<Item = (u16, DateTime<Utc>, bool)> {
        self.membership.breakouts.iter().filter_map(|(number, breakout)| {
            let (until, closes) = breakout.timer?;
            (!self.time_up_told.contains(number)).then_some((*number, until, closes))
        })
    }

    /// The members of a session, and the conciliator wherever that is.
    fn concerned(&self, session: Session) -> Vec<ParticipantId> {
        let mut all: Vec<_> = self.membership.members(session).collect();
        if let Some((conciliator, at)) = self.membership.conciliator()
            && at != session
        {
            all.push(conciliator);
        }
        all
    }

    /// Told once: a breakout that closes already keeps its moment.
    fn tell_closing(&mut self, number: u16, now: DateTime<Utc>) {
        if self.closings.contains_key(&number) {
            return;
        }
        let session = Session::Breakout(number);
        let at = now + self.terms.closing_notice;
        self.closings.insert(number, at);
        self.record(JournalEvent::ClosingTold { session }, now);
        let members: Vec<_> = self.membership.members(session).collect();
        for member in members {
            self.tell(member, ServerMessage::Closing { session, at_ms: ms(at) });
        }
    }

    fn empty_breakout(&mut self, number: u16, epoch: Epoch, now: DateTime<Utc>) {
        let session = Session::Breakout(number);
        let members: Vec<_> = self.membership.members(session).collect();
        for participant in members {
            self.transfer(participant, Session::Plenary, epoch, MoveReason::Closed, now);
        }
        self.record(JournalEvent::BreakoutClosed { session, epoch }, now);
        self.closings.remove(&number);
        self.time_up_told.remove(&number);
    }

    fn open_number(&self, session: Session) -> Result<u16, Refused> {
        match session {
            Session::Breakout(number) if self.membership.is_open(session) => Ok(number),
            _ => Err(no_target("there is no such breakout")),
        }
    }
}

/// When a timer of so many minutes ends, as the journal keeps it.
pub(super) fn timer_end(
    minutes: Option<u16>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Refused> {
    match minutes {
        Some(minutes) if !(1..=MAX_TIMER_MINUTES).contains(&minutes) => {
            Err(Refused::new(ErrorCode::BadMessage, "a timer takes a minute to four hours"))
        }
        minutes => Ok(minutes.map(|m| (now + TimeDelta::minutes(m.into())).trunc_subsecs(6))),
    }
}
