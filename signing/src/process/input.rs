//! What can be asked of a process, and why it may say no.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AcceptedVersion, AttemptId, Identification, Status};
use crate::Digest;

/// Something that somebody did, or that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Send the frozen document to its signers.
    Send,
    /// A signer opened the document.
    Open {
        /// Whose field.
        field: String,
    },
    /// A signer was identified.
    Identify {
        /// Whose field.
        field: String,
        /// How and when.
        identification: Identification,
    },
    /// A signer accepted all mandatory conditions.
    AcceptConditions {
        /// Whose field.
        field: String,
        /// What was accepted.
        versions: Vec<AcceptedVersion>,
    },
    /// A signer confirmed the contacts.
    ConfirmContacts {
        /// Whose field.
        field: String,
    },
    /// Somebody verified the newest revision for the signer who is next (R-SIGN-36).
    CheckSignatures {
        /// For whom.
        field: String,
        /// The revision that was verified.
        revision: Digest,
        /// Valid signatures found in it.
        signatures: u32,
    },
    /// The trust service issued a certificate for the signer.
    CertificateIssued {
        /// Whose field.
        field: String,
        /// Id at the trust service.
        credential: String,
        /// SHA-256 of the certificate.
        certificate: Digest,
    },
    /// The trust service sent the one-time code.
    OtpSent {
        /// Whose field.
        field: String,
    },
    /// The signer is led to the trust service's page, to give leave for this digest.
    AskLeave {
        /// Whose field.
        field: String,
        /// What is to be signed.
        digest: Digest,
    },
    /// The signer came back from there without leave.
    LeaveRefused {
        /// Whose field.
        field: String,
        /// In the trust service's words.
        reason: String,
    },
    /// The signer entered a code, or gave leave: hold the document for this attempt. If an earlier attempt of
    /// this very signer ran out, it is closed instead, and a new code is needed: the lease is taken
    /// only if [`super::Process::lease`] names the attempt.
    TakeLease {
        /// Whose field.
        field: String,
        /// A new id.
        attempt: AttemptId,
        /// The revision that the signer saw.
        base: Digest,
    },
    /// The trust service says that the code is wrong.
    OtpWrong {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The attempt came to nothing; the credential cannot be used again.
    AttemptFailed {
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: String,
    },
    /// The new revision was verified and stored.
    Signed {
        /// Which attempt.
        attempt: AttemptId,
        /// The revision that was signed.
        base: Digest,
        /// The revision with the new signature.
        revision: Digest,
    },
    /// A document that was signed on the signer's own device came back, was verified to be the
    /// newest revision with exactly this signature more, and stored (R-SIGN-29).
    SignedElsewhere {
        /// Whose field.
        field: String,
        /// The revision that was signed.
        base: Digest,
        /// The revision with the new signature.
        revision: Digest,
        /// SHA-256 of the signer's certificate.
        certificate: Digest,
        /// SHA-256 of what came back, where it is not the revision itself.
        file: Option<Digest>,
    },
    /// Validation data and an archive time stamp were added to the complete document, verified and
    /// stored.
    Preserved {
        /// The revision before.
        base: Digest,
        /// The revision with the stamp.
        revision: Digest,
        /// Where the stamp is.
        field: String,
        /// When it is to be renewed.
        renewal: DateTime<Utc>,
    },
    /// The signer asks for a new code: the credential in use is given up.
    RestartCode {
        /// Whose field.
        field: String,
    },
    /// Tell a signer again that the document waits; nothing for one who was told within a day.
    Remind {
        /// Whose field.
        field: String,
    },
    /// A signer refuses.
    Refuse {
        /// Whose field.
        field: String,
        /// Why.
        reason: String,
    },
    /// Another person takes over the field.
    Replace {
        /// Whose field.
        field: String,
        /// The new person.
        person: Uuid,
    },
    /// The scan of the paper that everybody signed by hand (R-SIGN-37).
    SignedOnPaper {
        /// Its digest.
        scan: Digest,
    },
    /// Cancel; also when a new version is made.
    Cancel {
        /// Why.
        reason: String,
    },
    /// A time of [`super::Process::poll_timeout`] has come.
    Timeout,
}

/// Why a process refuses an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signer, an empty group, or one field twice.
    #[error("the plan has no signers, an empty group, or a field twice")]
    BadPlan,
    /// The term is over.
    #[error("the term of the process is over")]
    Over,
    /// Nothing can be done in this state.
    #[error("the process is {0:?}")]
    Status(Status),
    /// No such signer.
    #[error("no signer for this field")]
    UnknownSigner,
    /// The signer has signed already.
    #[error("already signed")]
    AlreadySigned,
    /// An earlier step is missing.
    #[error("an earlier step is missing")]
    StepMissing,
    /// Nothing was accepted.
    #[error("no condition was accepted")]
    NothingAccepted,
    /// Others sign before.
    #[error("others sign before")]
    NotYourTurn,
    /// The signatures so far are not checked, or were found wanting (R-SIGN-36).
    #[error("the signatures so far have not been found valid")]
    NotChecked,
    /// The document is signed by hand, or this one is not (R-SIGN-37).
    #[error("this is not how the document is signed")]
    OtherForm,
    /// Somebody else is signing at this moment.
    #[error("the document is held by another signature in progress")]
    Held,
    /// The document has changed since.
    #[error("the document has a newer revision")]
    Stale,
    /// The attempt is over, or never was.
    #[error("no such attempt")]
    NoSuchAttempt,
    /// The signer used up all codes.
    #[error("too many wrong codes")]
    TooManyCodes,
    /// A credential that was used before.
    #[error("the credential was already used in this process")]
    UsedCredential,
}
