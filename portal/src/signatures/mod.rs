//! Signatures of minutes: the edge of [`signing::process`].
//!
//! **Invariant:** before the trust service is called, attempt and prepared revision are durable;
//! what it gives is durable before anything is done with it; a new revision is verified before it
//! is stored, and stored before a row names it. So a crash at any point ends in one valid document,
//! and no signature that was given is lost while the process is open.
//!
//! [`rules`] says what comes next, [`craft`] works on the document, [`store`], [`attempts`] and
//! [`evidence`] keep the process.
//!
//! [`opening`] freezes, one document for all or [`copies`] for each of the parties and
//! [`recipients`]; [`replacing`] does so with another signer. [`powers`] asks whether a signer may,
//! [`consent`] asks the parties for the digital form, without which [`paper`] is signed. [`steps`]
//! leads a signer up to the code, [`codes`] sends it, [`leave`] lets a signer give leave on the trust
//! service's own page instead; [`apply`] makes the signature, [`settling`] takes up what a stop left
//! behind. [`own_device`] takes a signature that was made elsewhere, [`beside_pages`] gives the files
//! of those that stand beside the document.
//!
//! [`ending`] is about how a process ends, [`preservation`] about what makes its document last,
//! [`conservation`] about all that belongs to a completed one. [`view`] is what all see of it,
//! [`own_view`] what the signer is to do, [`pages`] takes what they do; [`panel`] shows all of them at once, [`reminders`] go to who has not
//! signed.

pub mod apply;
pub mod attempts;
pub mod beside_pages;
pub mod codes;
pub mod conditions;
pub mod consent;
pub mod consent_pages;
pub mod conservation;
pub mod copies;
pub mod craft;
pub mod ending;
pub mod ending_pages;
pub mod evidence;
pub mod evidence_words;
mod explain;
mod freezing;
pub mod identity;
pub mod leave;
pub mod leave_pages;
pub mod opening;
pub mod opening_pages;
pub mod own_device;
pub(crate) mod own_view;
pub mod pages;
pub mod panel;
pub mod panel_pages;
pub mod paper;
pub mod ports;
pub mod powers;
pub mod preservation;
pub mod recipients;
pub mod recipients_pages;
pub mod reminders;
pub mod replacing;
pub mod replacing_pages;
pub mod rules;
pub mod settling;
pub mod status_data;
pub mod steps;
pub mod store;
pub(crate) mod view;
pub mod waiting;

use signing::{
    ports::QtspError,
    process::{Refusal, ReplayError},
    returned::Unacceptable,
};

use crate::{
    cases::commands::CaseError, db::DbError, files::FileError, journal::JournalError,
    meetings::commands::MeetingError,
};

/// Why something about signatures was not done.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// No such process, or nothing of this person's.
    #[error("no such process")]
    NotFound,
    /// The person's part does not do this.
    #[error("not allowed")]
    NotAllowed,
    /// It cannot be done, in words for the person.
    #[error("{0}")]
    Unfit(String),
    /// The process says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The meeting cannot come to this outcome.
    #[error(transparent)]
    Meeting(#[from] MeetingError),
    /// The case cannot go this way.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The document.
    #[error(transparent)]
    Craft(#[from] craft::CraftError),
    /// The trust service.
    #[error(transparent)]
    Qtsp(#[from] QtspError),
    /// Who somebody is could not be found out.
    #[error(transparent)]
    Identification(#[from] ports::IdentificationError),
    /// What came back from the signer's own device is not taken.
    #[error("not taken back: {0}")]
    Unacceptable(#[from] Unacceptable),
    /// Signatures so far are not as they must be (R-SIGN-36); the text is for the log.
    #[error("signatures so far: {0}")]
    NotValid(String),
    /// The evidence log makes no process.
    #[error("evidence log: {0}")]
    Replay(#[from] ReplayError),
    /// Something stored cannot be read back.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// The file store.
    #[error(transparent)]
    File(#[from] FileError),
    /// The evidence log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}
