//! Video identification (R-MEET-30…33): who signs without an identification is identified live by
//! an authorised operator, in a room that is not a meeting's.
//!
//! **Invariant:** nobody is identified without consent, a session in which the two met, a document
//! that is valid today, the operator's statements, and both contacts confirmed by code. What is kept
//! is data and statements: no picture and no sound exist to be kept.
//!
//! [`rules`] and [`document`] decide, [`access`] says who may, [`store`] keeps rows, [`commands`]
//! write row, journal and messages in one transaction. [`operators`] is about who is authorised,
//! [`door`] about the room. [`person_pages`] and [`operator_pages`] are what the two see.
//!
//! The journal of kind `identification` is the evidence; personal data stand beside it and can be
//! erased. The attendance of the room is a journal of its own, `identification_room`.

pub mod access;
pub mod commands;
pub mod consent;
pub mod document;
pub mod door;
mod notices;
pub mod operator_pages;
pub mod operators;
pub mod person_pages;
pub mod rules;
pub mod store;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::DbError;
use crate::journal::JournalError;
use crate::signatures::SignatureError;
use crate::words::words;

/// One request to be identified, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VideoId(pub Uuid);

impl std::fmt::Display for VideoId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// In the queue.
    Waiting,
    /// An operator and the person are called into the room.
    InSession,
    /// Identified.
    Approved,
    /// Not identified, with a reason.
    Refused,
    /// The person changed their mind.
    Withdrawn,
    /// Nobody came back to it.
    Lapsed,
}

words!(State {
    Waiting = "waiting", "In attesa";
    InSession = "in_session", "In corso";
    Approved = "approved", "Riuscita";
    Refused = "refused", "Non riuscita";
    Withdrawn = "withdrawn", "Ritirata";
    Lapsed = "lapsed", "Decaduta";
});

impl State {
    /// Something can still happen.
    pub fn open(self) -> bool {
        matches!(self, Self::Waiting | Self::InSession)
    }
}

/// What a body or its trust service asks for (R-MEET-32, R-MEET-33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// An identification by video is good for so many days, and never longer than its document.
    pub video_days: u16,
    /// An identification by SPID or CIE is good for so many days.
    pub provider_days: u16,
    /// What the operator wrote down of the document is erased after so many days.
    pub evidence_days: u16,
}

impl Terms {
    /// As a length of time.
    pub fn days(days: u16) -> TimeDelta {
        TimeDelta::days(days.into())
    }
}

/// Why something about a video identification was not done.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// No such identification, or not for this person.
    #[error("no such identification")]
    NotFound,
    /// The person's part does not do this.
    #[error("not allowed")]
    NotAllowed,
    /// Somebody else was faster.
    #[error("Nel frattempo qualcosa è cambiato: controlla e riprova.")]
    Changed,
    /// The rules say no, in words for the person.
    #[error(transparent)]
    Refused(#[from] rules::Refusal),
    /// The evidence.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The identification could not be attached to the account.
    #[error(transparent)]
    Identity(#[from] SignatureError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for VideoError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
