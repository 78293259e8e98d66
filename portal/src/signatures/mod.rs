//! Signatures of minutes: the edge of [`signing::process`].
//!
//! **Invariant:** before the trust service is called, attempt and prepared revision are durable;
//! what it gives is durable before anything is done with it; a new revision is verified before it
//! is stored, and stored before a row names it. So a crash at any point ends in one valid document,
//! and no signature that was given is lost while the process is open.
//!
//! [`rules`] says what comes next, [`craft`] works on the document, [`store`] keeps the process,
//! [`service`] leads through the steps, [`pages`] shows them.

pub mod conditions;
pub mod craft;
pub mod identity;
pub mod ports;
pub mod rules;
pub mod store;

use signing::{
    ports::QtspError,
    process::{Refusal, ReplayError},
};

use crate::{db::DbError, journal::JournalError};

/// Why something about signatures was not done.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The evidence log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The evidence log makes no process.
    #[error("evidence log: {0}")]
    Replay(#[from] ReplayError),
    /// Something stored cannot be read back.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// The process says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The document.
    #[error(transparent)]
    Craft(#[from] craft::CraftError),
    /// The trust service.
    #[error(transparent)]
    Qtsp(#[from] QtspError),
    /// The object store.
    #[error("file store: {0}")]
    Files(String),
    /// Signatures so far are not as they must be (R-SIGN-36); the text is for the log.
    #[error("signatures so far: {0}")]
    NotValid(String),
}
