//! Guests: people without an account, who come to one room by a personal link and a code by SMS
//! (R-MEET-46, R-MEET-47).
//!
//! The secretariat names the people of a case who have no account ([`persons`]), the conciliator
//! names people for extra seats ([`extra`]); each gets an invitation ([`invitations`]), and with it
//! a session ([`entry`]) that opens what [`rules::may`] says and nothing else.

pub mod entry;
pub mod extra;
pub mod invitations;
pub mod pages;
pub mod persons;
pub mod persons_pages;
pub mod rules;
pub mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::cases::CaseId;
use crate::meetings::MeetingId;
use crate::procedures::SeatKind;

/// What a guest's session is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The invitation that it began with.
    pub invitation: Uuid,
    /// The only room that opens: a meeting's, or the standing one of a case.
    pub room: Uuid,
    /// The case of that room.
    pub case: CaseId,
    /// The seat, and with it the rights.
    pub seat: SeatKind,
    /// Meetings held in that room.
    pub meetings: Vec<MeetingId>,
}

/// The way of one person into one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub body: BodyId,
    /// A meeting's room, or the standing one of a case.
    pub room: Uuid,
    /// The case of that room.
    pub case: CaseId,
    /// Who is invited.
    pub user: UserId,
    /// On which seat.
    pub seat: SeatKind,
    /// The seat in words.
    pub label: String,
    /// Why the conciliator admits somebody to an extra seat; empty for the people of the case.
    pub reason: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Codes sent so far.
    pub codes_sent: i64,
    /// When the last one was sent.
    pub last_code_at: Option<DateTime<Utc>>,
    /// Wrong codes in a row.
    pub code_failures: i64,
}

impl Invitation {
    /// Too many codes were wrong: only a new invitation helps.
    pub fn is_blocked(&self) -> bool {
        self.code_failures >= rules::CODE_LIMIT
    }
}
