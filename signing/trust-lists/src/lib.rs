//! Trusted lists (ETSI TS 119 612): which trust services of the Union's countries are qualified, and
//! since when, as trust anchors for [`signing::verify`].
//!
//! **Invariant:** nothing is read from a list but the bytes that its operator signed, and the operator
//! is one whom the list of lists, or whoever runs this installation, names by certificate.
//!
//! Deliberately absent: everything of XML signatures that a trusted list does not need, and any
//! decision about a signed document.

mod algorithm;
mod bounds;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod list;
mod pivots;
mod seal;
mod sign;
mod signers;
mod terms;
mod tree;
mod write;

use openssl::error::ErrorStack;

pub use algorithm::{Algorithm, Sha};
pub use list::{MEDIA_TYPE, Pointer, TrustList};
pub use pivots::{MAX_PIVOTS, pivots_named_in};
pub use sign::sign;
pub use signers::Signers;
pub use write::{About, write};

/// Why a list is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is larger, deeper or wider than any list in use.
    #[error("the list goes beyond a limit: {0}")]
    Limit(&'static str),
    /// It declares a document type, and with it perhaps entities.
    #[error("the list declares a document type")]
    DocumentType,
    /// It is no XML.
    #[error("the list is no XML: {0}")]
    Xml(String),
    /// Its signature is not an enveloped one over the whole list.
    #[error("the list's signature is not as required: {0}")]
    Signature(&'static str),
    /// Its signature uses an algorithm that is too weak or unknown.
    #[error("the list's signature uses the algorithm {0}")]
    Algorithm(String),
    /// None of the certificates in its signature is one that may sign it.
    #[error("the list is signed by somebody who may not sign it")]
    Signer,
    /// The signature value is not the certificate's.
    #[error("the list's signature value is not its certificate's")]
    Value,
    /// What was signed is something else.
    #[error("the list was altered after it was signed")]
    Altered,
    /// It is no trusted list of a version that is understood.
    #[error("the list is not as ETSI TS 119 612 has it: {0}")]
    Shape(&'static str),
    /// It is a list, but not the one that was asked for.
    #[error("it is another list: of {territory}")]
    Other {
        /// Whose it is.
        territory: String,
    },
    /// A later edition was seen before.
    #[error("edition {offered} is older than edition {seen}, which was seen before")]
    Older {
        /// Its number.
        offered: u64,
        /// The highest number seen.
        seen: u64,
    },
    /// OpenSSL failed.
    #[error("cryptography: {0}")]
    Crypto(#[source] ErrorStack),
}

#[cfg(test)]
#[path = "../../fuzz/list_seeds.rs"]
mod seeds;
