//! Minutes (verbali): what the conciliator writes of a meeting, up to the moment it is frozen.
//!
//! [`table`] knows who looks, [`compose`] finds the words, [`annexes`] the files beside them, [`store`] keeps the draft, [`commands`]
//! change it, [`pages`] shows it; what follows is [`crate::signatures`].

pub mod annexes;
pub mod commands;
pub mod compose;
pub mod pages;
pub mod store;
pub mod table;
pub(crate) mod view;

use chrono::{DateTime, Utc};

use crate::cases::Outcome;
use crate::documents::DocumentId;

/// Longest text that fits a document people read before they sign.
pub const MAX_TEXT_CHARS: usize = 20_000;

/// Minutes in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What the meeting came to.
    pub outcome: Outcome,
    /// The conciliator's text.
    pub text: String,
    /// Rises with every save.
    pub revision: i64,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
    /// Everybody at the table may see it.
    pub shown: bool,
    /// Documents of the case that become part of it.
    pub annexes: Vec<DocumentId>,
}

/// What came of saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is this revision now.
    As(i64),
    /// Another window saved since: nothing was written.
    Overtaken,
}
