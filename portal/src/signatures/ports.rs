//! What the signature pages need from outside, as ports; the hub wires them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use signing::{
    ports::{Qtsp, StatusSource, Tsa, Typesetter},
    preservation::Renewal,
    process::Method,
};

use tokio::sync::Semaphore;

use crate::meetings::MeetingId;
use crate::trust_lists::{Followed, Trust};

/// Outside parties of minutes and signatures.
#[derive(Clone)]
pub struct SigningPorts {
    /// Issues certificates and signs hashes.
    pub qtsp: Arc<dyn Qtsp>,
    /// Says when.
    pub tsa: Arc<dyn Tsa>,
    /// Tells the status of certificates.
    pub status: Arc<dyn StatusSource>,
    /// When archive time stamps are renewed.
    pub renewal: Renewal,
    /// Makes the document.
    pub typesetter: Arc<dyn Typesetter>,
    /// Says who somebody is; without one, only people identified before can sign.
    pub identification: Option<Arc<dyn Identification>>,
    /// Tells the room that a page is to be fetched again.
    pub live: Arc<dyn Live>,
    /// What verification starts from.
    pub trust: Arc<Trust>,
    /// Trusted lists that are followed.
    pub lists: Option<Followed>,
    /// Previews that are typeset at the same time: whoever asks for many waits, media do not.
    pub previews: Arc<Semaphore>,
}

/// Previews that may be typeset at the same time.
pub const PREVIEWS: usize = 2;

impl std::fmt::Debug for SigningPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningPorts(…)")
    }
}

/// Tells people in the room that something about their meeting changed.
pub trait Live: Send + Sync {
    /// `topic` of `meeting` changed. Must not block; a notice may be lost.
    fn changed(&self, meeting: MeetingId, topic: LiveTopic);

    /// A meeting that people may be waiting for was taken off or moved, durably (R-MEET-28). Must not
    /// block; rooms whose notice is lost close a little later.
    fn called_off(&self);
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveTopic {
    /// The minutes or their preview.
    Minutes,
    /// The signature process.
    Signatures,
}

/// Identifies people by SPID or CIE (R-SIGN-06, R-SIGN-11…15).
#[async_trait]
pub trait Identification: Send + Sync {
    /// Address to send the person to; it leads back to `return_to` (a path of this portal) with
    /// `state` and `code`, or with `error`.
    fn start(&self, request: &IdentificationRequest) -> String;

    /// Who `code` stands for; `None` when the provider does not know the code (any more).
    async fn redeem(&self, code: &str) -> Result<Option<Identified>, IdentificationError>;
}

/// Whom to identify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentificationRequest {
    /// Unguessable; comes back unchanged.
    pub state: String,
    /// Path of this portal.
    pub return_to: String,
    /// Codice fiscale of the account.
    pub fiscal_code: String,
    /// First name of the account.
    pub given_name: String,
    /// Surname of the account.
    pub surname: String,
}

/// What the identity provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Codice fiscale, upper case.
    pub fiscal_code: String,
    /// With what.
    pub method: Method,
    /// When.
    pub at: DateTime<Utc>,
    /// Id of the assertion at the provider.
    pub reference: String,
}

/// The provider could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the identity provider did not answer: {0}")]
pub struct IdentificationError(pub String);
