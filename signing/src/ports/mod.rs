//! What the signing module needs from outside, as ports. Adapters: [`crate::csc`] (signatures),
//! [`crate::tsa`] (time) and [`crate::preservation::HttpStatus`] (revocation); the typesetter is the
//! leaf crate `signing-minutes`.

mod typesetting;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Digest;

pub use typesetting::{
    EvidenceForm, EvidenceLine, FieldPlace, MinutesAnnex, MinutesForm, MinutesSigner,
    MinutesSubject, Sheet, SheetSection, Typeset, TypesetError, Typesetter,
};

/// A trust service that issues one-shot certificates and signs hashes with them (R-SIGN-23, -30).
///
/// A credential signs exactly once. The certificate exists before the hash, because the signed
/// attributes name it (ESS signing-certificate-v2).
#[async_trait]
pub trait Qtsp: Send + Sync {
    /// Issues a certificate for this person and this document.
    async fn issue(&self, request: &IssueRequest) -> Result<Credential, QtspError>;

    /// Sends the one-time code for `credential` to the mobile given at issue. What comes back, if
    /// anything, is the provider's name for this code: whoever asked keeps it for [`Qtsp::sign_hash`].
    async fn send_otp(&self, credential: &str) -> Result<Option<String>, QtspError>;

    /// What [`Qtsp::sign_hash`] is asked with, and gives.
    fn mode(&self) -> SigningMode {
        SigningMode::Hash
    }

    /// Signs `digest`, as [`Qtsp::mode`] says: SHA-256 of the DER of the signed attributes, for the
    /// raw signature (PKCS#1 v1.5 for RSA, DER `ECDSA-Sig-Value` for ECDSA); or SHA-256 of the
    /// signed bytes of the document, for a whole detached CMS (DER). `reference`: what came back when
    /// the code was sent.
    async fn sign_hash(
        &self,
        credential: &str,
        otp: &str,
        reference: Option<&str>,
        digest: &Digest,
    ) -> Result<Vec<u8>, QtspError>;

    /// How the signer gives leave: for [`Qtsp::sign_hash`], or for [`Qtsp::sign_granted`].
    fn authorisation(&self) -> Authorisation {
        Authorisation::Code
    }

    /// Address of the trust service's page where the signer gives leave to sign one digest.
    fn authorise_at(&self, _: &GrantRequest<'_>) -> Result<String, QtspError> {
        Err(QtspError::Refused("it has no page to authorise".into()))
    }

    /// As [`Qtsp::sign_hash`], with what the signer brought back from that page.
    async fn sign_granted(
        &self,
        _credential: &str,
        _grant: &Grant,
        _digest: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        Err(QtspError::Refused("it has no page to authorise".into()))
    }
}

/// How a signer gives leave to sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authorisation {
    /// A one-time code that comes to the mobile, and is typed here.
    #[default]
    Code,
    /// On the trust service's own page (OAuth 2.0).
    Page,
}

/// What a signer is asked to give leave for.
#[derive(Clone, Copy, Debug)]
pub struct GrantRequest<'a> {
    /// The credential that is to sign.
    pub credential: &'a str,
    /// What [`Qtsp::sign_granted`] will be asked with.
    pub digest: &'a Digest,
    /// Title of the document.
    pub title: &'a str,
    /// Unguessable; comes back unchanged.
    pub state: &'a str,
    /// Unguessable and never shown: the proof that who asked also redeems (RFC 7636).
    pub verifier: &'a str,
    /// Address where the signer comes back, with `state` and `code` or `error`.
    pub return_to: &'a str,
}

/// What a signer brought back.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// Serves once.
    pub code: String,
    /// As in the request.
    pub verifier: String,
    /// As in the request.
    pub return_to: String,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant(…, {})", self.return_to)
    }
}

/// What a trust service makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningMode {
    /// The signature of a digest.
    #[default]
    Hash,
    /// The whole CMS, with signed attributes of its own.
    Cms,
}

/// A time-stamping authority (RFC 3161).
#[async_trait]
pub trait Tsa: Send + Sync {
    /// Time stamp token (DER `ContentInfo`) over `digest`.
    async fn timestamp(&self, digest: &Digest) -> Result<Vec<u8>, TsaError>;
}

/// What certificates point to: their status, from those who issued them (RFC 6960, RFC 5280).
#[async_trait]
pub trait StatusSource: Send + Sync {
    /// The answer, DER, as of `now`. It may be a kept one; whoever asks checks it.
    async fn fetch(&self, wanted: &Wanted, now: DateTime<Utc>) -> Result<Vec<u8>, StatusError>;
}

/// Where trusted lists are fetched.
#[async_trait]
pub trait ListSource: Send + Sync {
    /// The list at `location`, unless it is still the edition that its server called `tag`.
    async fn newer(
        &self,
        location: &str,
        tag: Option<&str>,
    ) -> Result<Option<NewerList>, StatusError>;
}

/// A list as it was fetched; nothing in it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerList {
    /// The file.
    pub bytes: Vec<u8>,
    /// How the server calls this edition.
    pub tag: Option<String>,
}

/// Something that a certificate points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// An OCSP response.
    Ocsp {
        /// Address of the responder.
        url: String,
        /// `OCSPRequest`, DER.
        request: Vec<u8>,
    },
    /// A revocation list.
    Crl {
        /// Its address.
        url: String,
    },
}

/// Why the status of a certificate is not known.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The address is none that is asked: another scheme, a network that is not public.
    #[error("the address is not asked: {0}")]
    Address(String),
    /// Not reachable, timed out, too long.
    #[error("no answer: {0}")]
    Unreachable(String),
}

/// Who gets a certificate for what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssueRequest {
    /// The person.
    pub subject: Subject,
    /// Mobile in E.164 form; the one-time code goes there.
    pub mobile: String,
    /// SHA-256 of the frozen document.
    pub document: Digest,
    /// Title of the document as the person knows it; shown in the message with the code.
    pub title: String,
    /// How the person was identified: `spid`, `cie`, `video`.
    pub identified_by: String,
    /// When.
    pub identified_at: DateTime<Utc>,
}

/// The person a certificate is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// First name.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Codice fiscale, upper case.
    pub fiscal_code: String,
}

/// An issued one-shot certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// The provider's id.
    pub id: String,
    /// DER certificates: the signer's first, then the issuers (the root may be left out).
    #[serde(with = "crate::der_list")]
    pub chain: Vec<Vec<u8>>,
}

/// Why the trust service did not do it.
#[derive(Debug, thiserror::Error)]
pub enum QtspError {
    /// The one-time code is wrong.
    #[error("wrong one-time code")]
    WrongOtp,
    /// Too many wrong codes, or the code is too old: a new credential is needed.
    #[error("the one-time code is blocked or expired")]
    OtpBlocked,
    /// The credential has already signed (R-SIGN-30), or is unknown.
    #[error("credential cannot be used")]
    CredentialUsed,
    /// The provider refused for a reason of its own.
    #[error("the trust service refused: {0}")]
    Refused(String),
    /// Not reachable, timed out, or not understood; it is unknown whether it was done.
    #[error("the trust service did not answer: {0}")]
    Unreachable(String),
}

/// Why there is no time stamp.
#[derive(Debug, thiserror::Error)]
pub enum TsaError {
    /// The authority refused.
    #[error("the time-stamping authority refused: {0}")]
    Refused(String),
    /// The answer does not fit the request (digest, nonce, signature).
    #[error("the time stamp is not valid: {0}")]
    Invalid(String),
    /// Not reachable, timed out, or not understood.
    #[error("the time-stamping authority did not answer: {0}")]
    Unreachable(String),
}
