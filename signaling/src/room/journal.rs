//! What outlives a room: who was where and when, and what the conciliator did. The type has no
//! field that could hold a name or a word that was said (R-MEET-36, R-MEET-43).

use crate::protocol::{Epoch, ParticipantId, Role, SeatReason, Session, Side};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One line of the attendance log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The hub's clock, cut to microseconds.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// Everything the attendance log can say. Events with an epoch changed the membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are ids and epochs; the variants say what happened")]
pub enum JournalEvent {
    /// A node serves the room from here on.
    Opened { generation: u32 },
    /// Somebody came in, for the first time or again.
    Joined { participant: ParticipantId, role: Role, side: Side, session: Session, epoch: Epoch },
    /// The socket of somebody inside broke.
    Lost { participant: ParticipantId },
    /// The socket is back within the grace time.
    Resumed { participant: ParticipantId },
    /// Somebody is gone; the place in the session is kept for a new join.
    Left { participant: ParticipantId, reason: LeftReason, epoch: Epoch },
    /// From lobby to plenary.
    Admitted { participant: ParticipantId, epoch: Epoch },
    /// From one session to another.
    Moved { participant: ParticipantId, to: Session, epoch: Epoch },
    /// A private session begins.
    BreakoutOpened { session: Session, side: Side, epoch: Epoch },
    /// A private session ends; who has a place in it has it in plenary from here on.
    BreakoutClosed { session: Session, epoch: Epoch },
    /// A private session got a timer, or lost it (R-MEET-40).
    TimerSet { session: Session, until: Option<DateTime<Utc>>, closes: bool },
    /// The members of a private session were told that it closes in a moment (R-MEET-40).
    ClosingTold { session: Session },
    /// The conciliator let in somebody who was not convened (R-MEET-47).
    SeatAdded { participant: ParticipantId, side: Side, reason: SeatReason },
    /// Somebody takes part by telephone (R-MEET-29).
    PhoneAdded { participant: ParticipantId, side: Side, session: Session, epoch: Epoch },
    /// The conciliator announced a visit to those inside (R-MEET-39), and who comes along on the
    /// telephone (R-MEET-29).
    Visit {
        participant: ParticipantId,
        session: Session,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        phones: Vec<ParticipantId>,
    },
    /// Back to the lobby until admitted again (R-MEET-18).
    Excluded { participant: ParticipantId, epoch: Epoch },
    /// Out of the meeting.
    Removed { participant: ParticipantId, epoch: Epoch },
    /// May come back after all, into the lobby.
    Reinstated { participant: ParticipantId },
    /// The conciliator silenced a microphone.
    Muted { participant: ParticipantId },
    /// The conciliator wrote to all sessions (R-MEET-40).
    Noticed,
    /// Somebody added a file that was shared in the room to the case.
    Filed { participant: ParticipantId },
    /// Nobody new gets in.
    Locked,
    /// The room takes new people again.
    Unlocked,
    /// The meeting began (R-MEET-15).
    Started,
    /// The meeting is over.
    Ended,
    /// The meeting was moved or taken off, and the room closed (R-MEET-28).
    CalledOff,
    /// Closing statement (R-MEET-42).
    Closed {
        /// Media packets forwarded.
        forwarded: u64,
        /// Media packets withheld from peers of other sessions.
        withheld: u64,
        /// Messages refused because they were written in an older epoch.
        refused: u64,
        /// Always false: there is no way to record.
        recorded: bool,
    },
}

/// Why somebody is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// By own wish.
    Bye,
    /// Did not come back within the grace time.
    Grace,
    /// The node that served the room stopped.
    Node,
    /// The meeting ended.
    Ended,
    /// The call of somebody on the telephone is over.
    HungUp,
}
