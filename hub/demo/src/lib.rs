//! The parts that stand in for the outside world when the hub is tried out: a trust service
//! provider and an identity provider, spoken to over real HTTP like the real ones; and a world of
//! people and cases to try the product with.
//!
//! **Invariant:** nothing made here can pass for the real thing. Every certificate, page and
//! message says that it is a demonstration and not qualified.
//!
//! Deliberately absent: any way round the rules. A code goes out through the demo outbox and is
//! read there, a wrong one counts, a credential signs once.

pub mod idp;
pub mod qtsp;
pub mod world;

use std::sync::Arc;

use chrono::{DateTime, Utc};

/// The present, as the composition root sees it.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What stands in the organisation of every name and in every notice.
pub const NOT_QUALIFIED: &str = "DEMO – NOT QUALIFIED / NON QUALIFICATO";

/// Why a demo service cannot work at all (a refusal to its user is no such error).
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its folder cannot be read or written.
    #[error("demo data: {0}")]
    Io(#[from] std::io::Error),
    /// OpenSSL failed.
    #[error("cryptography: {0}")]
    Crypto(#[from] openssl::error::ErrorStack),
    /// A signature could not be written.
    #[error("signature: {0}")]
    Document(#[from] signing::pades::DocumentError),
    /// A trusted list could not be signed.
    #[error("trusted list: {0}")]
    List(#[from] signing_trust_lists::ListError),
    /// A structure could not be read or written.
    #[error("ASN.1: {0}")]
    Der(#[from] der::Error),
    /// A record could not be read or written.
    #[error("demo data: {0}")]
    Json(#[from] serde_json::Error),
}
