//! Meetings (incontri): convened by the Service, held in a virtual room, concluded by the
//! conciliator.
//!
//! [`rules`] decides, [`standing`] keeps rooms open between meetings, [`door`] lets people into rooms, [`attendance`] takes what a room reports.
//! The room itself is another crate's: it knows seats, not people.

pub mod agenda;
pub mod attendance;
pub mod board;
pub mod commands;
mod convening;
pub mod door;
pub mod files;
pub mod notices;
pub mod pages;
pub mod people;
pub mod phones;
pub mod rules;
pub mod seats;
pub mod standing;
pub mod store;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

/// One meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeetingId(pub Uuid);

impl std::fmt::Display for MeetingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// State of a meeting (REQUIREMENTS §4.2). `aperto` is no state of its own: a convened meeting is
/// open from T−15 by the clock ([`rules::Meeting::shown`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeetingState {
    /// Everybody was told.
    Convened,
    /// The conciliator started it.
    InProgress,
    /// Stopped by a fault; may go on.
    Interrupted,
    /// Over.
    Held,
    /// Over; a further meeting follows.
    Adjourned,
    /// Moved: another meeting stands in its place.
    Postponed,
    /// Taken off.
    Cancelled,
    /// A side did not come.
    NoShow,
}

words! { MeetingState {
    Convened = "convened", "Convocato";
    InProgress = "in_progress", "In corso";
    Interrupted = "interrupted", "Interrotto";
    Held = "held", "Svolto";
    Adjourned = "adjourned", "Aggiornato";
    Postponed = "postponed", "Rinviato";
    Cancelled = "cancelled", "Annullato";
    NoShow = "no_show", "Non comparizione";
} }

/// How people meet (R-MEET-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In the browser; the default.
    VirtualRoom,
    /// By telephone; exceptional.
    CallConference,
}

words! { Mode {
    VirtualRoom = "virtual_room", "Stanza virtuale";
    CallConference = "call_conference", "Call conference";
} }

/// A stretch of time, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// First instant.
    pub starts_at: DateTime<Utc>,
    /// First instant after it.
    pub ends_at: DateTime<Utc>,
}

impl Slot {
    /// `minutes` from `starts_at` on.
    pub fn new(starts_at: DateTime<Utc>, minutes: u16) -> Self {
        Self { starts_at, ends_at: starts_at + TimeDelta::minutes(minutes.into()) }
    }

    /// They share an instant; one that begins as the other ends does not.
    pub fn overlaps(self, other: Self) -> bool {
        self.starts_at < other.ends_at && other.starts_at < self.ends_at
    }
}
