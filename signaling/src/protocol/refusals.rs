//! Why something was refused or ended, and what helps.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Closed list of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, unknown type, or a field out of range.
    BadMessage,
    /// The first message must be `hello`, and only the first.
    BadHello,
    /// Join token unknown, used or expired: ask the join page for a new one.
    BadToken,
    /// The room opens later (R-MEET-11); `retry` says when.
    TooEarly,
    /// The meeting is over.
    Ended,
    /// The room is locked (R-MEET-15).
    Locked,
    /// This seat was removed from the meeting.
    Removed,
    /// The room is full, or this hub serves as many people as it can.
    Full,
    /// Only the conciliator may do that.
    NotAllowed,
    /// No such person or session, or it cannot be the target of this.
    NoSuchTarget,
    /// Written in an older epoch.
    StaleEpoch,
    /// Not in the present state of the room.
    WrongState,
    /// Too many messages.
    TooFast,
    /// The SDP offer cannot be answered.
    BadOffer,
    /// The hub failed; nothing changed.
    Internal,
}

/// What the client can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Nothing.
    No,
    /// Try again at once.
    Now,
    /// Try again after so many milliseconds.
    AfterMs(#[ts(type = "number")] u64),
    /// Get a new join token and say hello with it.
    Rejoin,
}

/// Why a socket closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The conciliator ended the meeting.
    Ended,
    /// The meeting was moved or taken off (R-MEET-28).
    CalledOff,
    /// Removed by the conciliator.
    Removed,
    /// The same seat was opened elsewhere; the newer one wins.
    Replaced,
    /// The participant asked for it.
    Bye,
    /// The hub stops or hands the room to another node.
    Closing,
    /// The peer did not read or did not answer.
    Stalled,
}

/// What the client does after `leave`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveAction {
    /// Stay away.
    Stop,
    /// Open a socket and say hello with the resume secret.
    Resume,
    /// Get a new join token.
    Rejoin,
}
