//! What happened, as it is written into the evidence log (R-SIGN-38), and what it changes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AttemptId, Lease, Plan, Process, Signer, SignerState, Status, Step};
use crate::Digest;

/// How a person was identified (R-SIGN-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// SPID.
    Spid,
    /// Electronic identity card.
    Cie,
    /// Video identification.
    Video,
}

impl Method {
    /// As in [`crate::ports::IssueRequest::identified_by`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spid => "spid",
            Self::Cie => "cie",
            Self::Video => "video",
        }
    }
}

/// One identification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// How.
    pub method: Method,
    /// When the person was identified; may be before the process (R-SIGN-08).
    pub at: DateTime<Utc>,
    /// Id of the assertion or recording at whoever identified.
    pub reference: String,
}

/// A contract document in the version that was shown and accepted (R-SIGN-20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedVersion {
    /// Which document, e.g. `general_conditions`.
    pub document: String,
    /// Its version, e.g. `2026-03`.
    pub version: String,
    /// SHA-256 of its text.
    pub digest: Digest,
}

/// An event with its time and the version of its shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Shape of the event; rises when a field changes its meaning.
    pub v: u16,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

impl Recorded {
    /// The version written now.
    pub const VERSION: u16 = 1;

    pub(super) fn new(at: DateTime<Utc>, event: Event) -> Self {
        Self { v: Self::VERSION, at, event }
    }
}

/// What happened. People appear as ids, never by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The document was frozen.
    Frozen {
        /// Everything the process starts from.
        plan: Plan,
    },
    /// Sent to all signers.
    Sent,
    /// A signer opened the document.
    Opened {
        /// Whose field.
        field: String,
    },
    /// A signer was identified.
    Identified {
        /// Whose field.
        field: String,
        /// How and when.
        identification: Identification,
    },
    /// A signer accepted the conditions.
    ConditionsAccepted {
        /// Whose field.
        field: String,
        /// All that was accepted.
        versions: Vec<AcceptedVersion>,
    },
    /// A signer confirmed the contacts.
    ContactsConfirmed {
        /// Whose field.
        field: String,
    },
    /// A one-shot certificate was issued.
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
    /// The signer was led to the trust service's page, to give leave for this digest.
    LeaveAsked {
        /// Whose field.
        field: String,
        /// What is to be signed.
        digest: Digest,
    },
    /// The signer did not give leave there.
    LeaveRefused {
        /// Whose field.
        field: String,
        /// In the trust service's words.
        reason: String,
    },
    /// A signer entered a code, or gave leave; the document is held for this attempt.
    LeaseTaken {
        /// Whose field.
        field: String,
        /// Which attempt.
        attempt: AttemptId,
        /// The revision to be signed.
        base: Digest,
        /// Until when nobody else can take it.
        until: DateTime<Utc>,
    },
    /// The code was wrong.
    OtpWrong {
        /// Whose field.
        field: String,
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The attempt came to nothing for another reason.
    AttemptFailed {
        /// Whose field.
        field: String,
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: String,
    },
    /// A credential will not be used any more.
    CredentialDropped {
        /// Whose field.
        field: String,
        /// Id at the trust service.
        credential: String,
    },
    /// A verified signature is part of the document.
    Signed {
        /// Whose field.
        field: String,
        /// Which attempt.
        attempt: AttemptId,
        /// The revision that was signed.
        base: Digest,
        /// The revision with the signature.
        revision: Digest,
    },
    /// A verified signature that was made on the signer's own device is part of the document
    /// (R-SIGN-29).
    SignedElsewhere {
        /// Whose field.
        field: String,
        /// The revision that was signed.
        base: Digest,
        /// The revision with the signature.
        revision: Digest,
        /// SHA-256 of the certificate, which also says who signed.
        certificate: Digest,
        /// SHA-256 of the file that came back, where it is not the revision itself: a signed file of
        /// the signer's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<Digest>,
    },
    /// Everybody signed the printed document by hand (R-SIGN-37).
    SignedOnPaper {
        /// The scan.
        scan: Digest,
    },
    /// All signatures so far were checked for the next group (R-SIGN-36).
    SignaturesChecked {
        /// For whom.
        field: String,
        /// The revision.
        revision: Digest,
        /// Valid signatures found.
        signatures: u32,
    },
    /// A signer was told again that the document waits.
    Reminded {
        /// Whose field.
        field: String,
    },
    /// A signer refused.
    Refused {
        /// Whose field.
        field: String,
        /// In the signer's words; kept short.
        reason: String,
    },
    /// Another person takes over a field.
    Replaced {
        /// Whose field.
        field: String,
        /// The new person.
        person: Uuid,
    },
    /// Every signature is there.
    Completed {
        /// The final document.
        document: Digest,
    },
    /// The complete document was made to last: validation data and an archive time stamp.
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
    /// Cancelled by who put it to signature; a new version cancels the old one.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The term is over.
    Expired,
}

impl Process {
    /// Applies an event; `None` when it does not fit.
    pub(super) fn apply(&mut self, recorded: &Recorded) -> Option<()> {
        match &recorded.event {
            Event::Frozen { .. } => return None,
            Event::Sent => {
                self.status = Status::Sent;
                self.signers.values_mut().for_each(|signer| signer.told_at = Some(recorded.at));
            }
            Event::Reminded { field } => self.signer_mut(field)?.told_at = Some(recorded.at),
            Event::Opened { field } => self.signer_mut(field)?.step = Step::Opened,
            Event::Identified { field, .. } => self.signer_mut(field)?.step = Step::Identified,
            Event::ConditionsAccepted { field, .. } => {
                self.signer_mut(field)?.step = Step::ConditionsAccepted;
            }
            Event::ContactsConfirmed { field } => {
                self.signer_mut(field)?.step = Step::ContactsConfirmed;
            }
            Event::CertificateIssued { field, credential, .. } => {
                self.credentials.insert(credential.clone());
                let signer = self.signer_mut(field)?;
                signer.step = Step::CertificateIssued;
                signer.credential = Some(credential.clone());
                signer.credentials = signer.credentials.saturating_add(1);
                signer.wrong_codes = 0;
            }
            Event::OtpSent { field } | Event::LeaveAsked { field, .. } => {
                self.signer_mut(field)?.step = Step::OtpSent;
            }
            Event::LeaveRefused { field, .. } => drop(self.signer_mut(field)?),
            Event::LeaseTaken { field, attempt, base, until } => {
                self.signer_mut(field)?;
                self.lease = Some(Lease {
                    attempt: *attempt,
                    field: field.clone(),
                    base: *base,
                    until: *until,
                });
            }
            Event::OtpWrong { field, .. } => {
                self.lease = None;
                let signer = self.signer_mut(field)?;
                signer.wrong_codes = signer.wrong_codes.saturating_add(1);
            }
            Event::AttemptFailed { field, .. } => {
                self.signer_mut(field)?;
                self.lease = None;
            }
            Event::CredentialDropped { field, .. } => {
                let signer = self.signer_mut(field)?;
                signer.credential = None;
                signer.wrong_codes = 0;
                signer.step = Step::ContactsConfirmed;
            }
            Event::Signed { field, revision, .. } => {
                self.signed(field, *revision, recorded.at)?;
            }
            Event::SignedElsewhere { field, revision, file, .. } => {
                let signer = self.signed(field, *revision, recorded.at)?;
                (signer.elsewhere, signer.file) = (true, *file);
            }
            Event::SignedOnPaper { scan } => {
                self.current = *scan;
                for signer in self.signers.values_mut() {
                    signer.step = Step::Signed;
                    signer.signed_at = Some(recorded.at);
                }
            }
            Event::SignaturesChecked { revision, .. } => self.checked = Some(*revision),
            Event::Refused { field, .. } => {
                self.signer_mut(field)?.step = Step::Refused;
                self.end(Status::Refused);
            }
            Event::Replaced { field, person } => {
                let state = self.signer_mut(field)?;
                let signer = Signer { field: field.clone(), person: *person };
                *state = SignerState::new(signer, state.group);
            }
            Event::Completed { .. } => self.end(Status::Completed),
            Event::Preserved { revision, .. } => self.current = *revision,
            Event::Cancelled { .. } => self.end(Status::Cancelled),
            Event::Expired => {
                for signer in self.signers.values_mut().filter(|s| s.step != Step::Signed) {
                    signer.step = Step::Expired;
                }
                self.end(Status::Expired);
            }
        }
        Some(())
    }

    fn signed(
        &mut self,
        field: &str,
        revision: Digest,
        at: DateTime<Utc>,
    ) -> Option<&mut SignerState> {
        self.current = revision;
        self.lease = None;
        self.status = Status::PartiallySigned;
        let signer = self.signer_mut(field)?;
        signer.step = Step::Signed;
        signer.signed_at = Some(at);
        Some(signer)
    }

    fn end(&mut self, status: Status) {
        self.status = status;
        self.lease = None;
    }

    fn signer_mut(&mut self, field: &str) -> Option<&mut SignerState> {
        self.signers.get_mut(field)
    }
}
