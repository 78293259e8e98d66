//! What the signing module needs from outside, as ports. Adapters: [`crate::csc`] (signatures),
//! [`crate::tsa`] (time) and [`crate::preservation::HttpStatus`] (revocation); the typesetter is the leaf crate `signing-minutes`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Digest;

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

/// Makes the document. Pure computation, a few milliseconds; called off the async threads.
pub trait Typesetter: Send + Sync {
    /// Tagged PDF/A-2a + PDF/UA-1 of the minutes; with annexes, which are associated files then,
    /// PDF/A-3a + PDF/UA-1. The places for the signature fields come back
    /// beside the bytes, one per `form.signers` entry and in that order.
    fn minutes(&self, form: &MinutesForm) -> Result<Typeset, TypesetError>;

    /// Tagged PDF/A-3a + PDF/UA-1 of an evidence log, with the log itself as an associated file.
    fn evidence(&self, form: &EvidenceForm) -> Result<Vec<u8>, TypesetError>;

    /// The first character of `text` that cannot be printed.
    fn unprintable(&self, text: &str) -> Option<char>;

    /// A one-page PDF of exactly the given size (in points) with `lines`, to become the appearance
    /// of a signature. Fonts embedded.
    fn appearance(
        &self,
        lines: &[String],
        width: f32,
        height: f32,
    ) -> Result<Vec<u8>, TypesetError>;

    /// Tagged PDF/A-2a + PDF/UA-1 of a report. A character that cannot be printed comes out as a
    /// question mark: what a report tells of somebody's file may hold any.
    fn sheet(&self, sheet: &Sheet) -> Result<Vec<u8>, TypesetError>;
}

/// A typeset document and where its signature fields go.
#[derive(Clone, Debug, PartialEq)]
pub struct Typeset {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// One place per signer.
    pub fields: Vec<FieldPlace>,
}

/// Place of one signature field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldPlace {
    /// Field name, e.g. `client`.
    pub name: String,
    /// Page, from 1.
    pub page: u32,
    /// Left, bottom, right, top in PDF points.
    pub rect: [f32; 4],
    /// Accessible name of the field (`/TU`), e.g. "Firma di Anna Rossi, cliente".
    pub tooltip: String,
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

/// What the minutes are made from. Plain data; the words around it are in the template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesForm {
    /// Template name, e.g. `conciliazione/accordo`.
    pub template: String,
    /// Folder of the body's own templates, e.g. its host name; they go before those of the
    /// installation. Empty for none.
    pub house: String,
    /// Name of the body.
    pub body: String,
    /// Case number as shown, e.g. `N/2026/000123`.
    pub case_number: String,
    /// Document title, e.g. "Verbale di accordo – pratica N/2026/000123".
    pub title: String,
    /// Day of the meeting in words for the page, e.g. "20 novembre 2026".
    pub meeting_day: String,
    /// From–to, local time, e.g. "10:00–11:12"; the start alone where nobody saw the end.
    pub meeting_time: String,
    /// "Stanza virtuale" or "Call conference".
    pub mode: String,
    /// Everybody who takes part: role, name, fiscal code, powers.
    pub subjects: Vec<MinutesSubject>,
    /// Subject matter of the dispute.
    pub dispute: String,
    /// What the conciliator wrote, paragraphs separated by empty lines. Plain text.
    pub text: String,
    /// Who signs, in order of signature.
    pub signers: Vec<MinutesSigner>,
    /// Which copy this is, and whose (R-SIGN-27); empty where all sign the same document.
    pub mark: String,
    /// It is not frozen yet: every field says who will sign there (R-SIGN-26).
    pub is_preview: bool,
    /// It is printed and signed by hand (R-SIGN-37).
    pub by_hand: bool,
    /// Files that become part of the document, in order.
    pub annexes: Vec<MinutesAnnex>,
    /// The document's own date (UTC).
    pub made_at: DateTime<Utc>,
}

/// One line of the table of subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesSubject {
    /// E.g. "Cliente".
    pub role: String,
    /// Full name.
    pub name: String,
    /// Codice fiscale; may be empty.
    pub fiscal_code: String,
    /// E.g. "procura del 3 marzo 2026"; may be empty.
    pub powers: String,
}

/// A plain document of headed sections: reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Who makes it, e.g. "Servizio Conciliazione".
    pub body: String,
    /// Its title.
    pub title: String,
    /// When it is made.
    pub made_at: DateTime<Utc>,
    /// Its sections.
    pub sections: Vec<SheetSection>,
}

/// A section of a [`Sheet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetSection {
    /// Its heading.
    pub heading: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// What there is to know: label and value.
    pub facts: Vec<(String, String)>,
    /// The same for who wants to know exactly.
    pub details: Vec<(String, String)>,
}

/// What an evidence log looks like on paper (R-SIGN-38).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceForm {
    /// Title.
    pub title: String,
    /// Name of the body.
    pub body: String,
    /// Id of the process.
    pub process: String,
    /// Digest of the document after the last event.
    pub document: String,
    /// One line for each event.
    pub lines: Vec<EvidenceLine>,
    /// The log as [`crate::evidence::EvidenceLog::to_json`] exports it.
    #[serde(skip)]
    pub log: String,
    /// The time of the last event: the same log gives the same bytes.
    pub made_at: DateTime<Utc>,
}

/// One event of an evidence log in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// Position, from 1.
    pub seq: i64,
    /// When, local time.
    pub at: String,
    /// What happened.
    pub what: String,
    /// Who caused it; empty for the service itself.
    pub who: String,
    /// From where; may be empty.
    pub address: String,
    /// Digest of the document after it.
    pub document: String,
    /// Link of the chain.
    pub hash: String,
}

/// A file that becomes an associated file of the document; its digest stands in the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesAnnex {
    /// File name with extension.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// The content; never part of what a template reads as text.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// One signature field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesSigner {
    /// Field name: `client`, `operator_delegate`, `conciliator`, …
    pub field: String,
    /// Role as shown.
    pub role: String,
    /// Full name.
    pub name: String,
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

/// Why a document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TypesetError {
    /// No such template.
    #[error("no template named {0}")]
    NoTemplate(String),
    /// The template has an error; the text says where.
    #[error("template error: {0}")]
    Template(String),
    /// A character that the fonts cannot show; PDF/A has no place for a missing glyph.
    #[error("the character {0:?} cannot be printed")]
    Character(char),
    /// The PDF could not be written as PDF/A and PDF/UA.
    #[error("PDF export failed: {0}")]
    Export(String),
}
