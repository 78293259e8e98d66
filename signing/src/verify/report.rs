//! The answer of the verifier. Names of statuses: ETSI EN 319 102-1 §5.1.3.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{listed::TrustSource, qualification::Qualification};
use crate::{Digest, cms::QcStatements};

/// What there is to say about one file.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What kind of file it is.
    pub format: Format,
    /// SHA-256 of the file.
    pub document: Digest,
    /// Its length.
    pub bytes: usize,
    /// As of when it was checked.
    pub checked_at: DateTime<Utc>,
    /// Whether there were trust anchors to check chains against.
    pub trust_given: bool,
    /// Signatures and document time stamps, in the order in which they were made; those whose
    /// place in the file is unknown come last. In a signed file the archive time stamps come after the
    /// signatures.
    pub signatures: Vec<SignatureReport>,
    /// Signature fields that are still empty.
    pub open_fields: Vec<String>,
    /// What a signed file holds, or what it was checked against.
    pub content: Option<Content>,
    /// Why the file as a whole could not be read.
    pub problems: Vec<String>,
}

/// What kind of file was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A PDF with its signatures inside.
    Pdf,
    /// A signed file (CAdES): the document is inside the signature or beside it.
    P7m,
}

/// What was signed as a file.
#[derive(Clone, Debug, Serialize)]
pub struct Content {
    /// Its SHA-256.
    pub digest: Digest,
    /// Its length.
    pub bytes: usize,
    /// Whether it came inside the signed file.
    pub inside: bool,
    /// What there is to say about it, when it is signed in itself.
    pub report: Option<Box<Report>>,
}

/// One signature or document time stamp.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureReport {
    /// Name of the field; in a signed file, its number (of an archive time stamp: that of its signature,
    /// a point, its own).
    pub field: String,
    /// Signature or document time stamp.
    pub kind: Kind,
    /// Length of the signed revision, when the byte range is in order.
    pub covers_bytes: Option<usize>,
    /// The holder of the signing certificate (for a document time stamp: the authority).
    pub signer: Option<Signer>,
    /// Time that the signer claims.
    pub claimed_time: Option<DateTime<Utc>>,
    /// Reason in the signature dictionary.
    pub reason: Option<String>,
    /// The time stamp over the signature; for a document time stamp, itself.
    pub timestamp: Option<Timestamp>,
    /// Level reached; `None` for document time stamps and for what is no baseline signature.
    pub level: Option<Level>,
    /// Whether the signed bytes are the ones that were signed.
    pub integrity: Integrity,
    /// The chain of the signing certificate.
    pub chain: Chain,
    /// What it is in law (ETSI TS 119 615), when it is valid and a trusted list tells; `None` otherwise.
    pub qualification: Option<Qualification>,
    /// Overall result.
    pub indication: Indication,
    /// Why it is not `TOTAL-PASSED`.
    pub sub_indication: Option<SubIndication>,
    /// The same in a sentence, in English.
    pub explanation: Option<String>,
    /// What came after the signed revision.
    pub later: Vec<LaterRevision>,
    /// Whether anything came after it that is not allowed (R-SIGN-39).
    pub modified_after: bool,
}

/// The holder of a signing certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Signer {
    /// Name as in the certificate.
    pub name: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// Codice fiscale, upper case.
    pub fiscal_code: Option<String>,
    /// Name of the issuer.
    pub issuer: String,
    /// SHA-256 of the certificate.
    pub certificate: Digest,
    /// Start of validity.
    pub not_before: Option<DateTime<Utc>>,
    /// End of validity.
    pub not_after: Option<DateTime<Utc>>,
    /// What the issuer states. Only a trusted chain makes it more than a claim.
    pub qualified: QcStatements,
}

/// A checked time stamp.
#[derive(Clone, Debug, Serialize)]
pub struct Timestamp {
    /// When.
    pub time: DateTime<Utc>,
    /// Who says so.
    pub authority: String,
    /// Whether the authority's chain ends at a trust anchor; `None` without anchors.
    pub trusted: Option<bool>,
    /// The service of a trusted list that it ends at.
    pub source: Option<TrustSource>,
}

/// Signature or time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's (or a seal's) signature.
    Signature,
    /// A document time stamp.
    DocumentTimestamp,
    /// An archive time stamp of one signature in a signed file.
    ArchiveTimestamp,
}

/// Baseline level (ETSI EN 319 142-1 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Level {
    /// Basic.
    #[serde(rename = "B-B")]
    BB,
    /// With a time stamp.
    #[serde(rename = "B-T")]
    BT,
    /// With validation data.
    #[serde(rename = "B-LT")]
    BLt,
    /// With a document time stamp, or an archive time stamp, over the validation data.
    #[serde(rename = "B-LTA")]
    BLta,
}

/// Whether the signed bytes are the ones that were signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// Digest, signature value and place in the file are in order.
    Intact,
    /// They are not.
    Broken,
}

/// The chain of the signing certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Whether it ends at a trust anchor; `None` without anchors.
    pub trusted: Option<bool>,
    /// Names from the signer upwards.
    pub names: Vec<String>,
    /// What the validation data in the document say about the signing certificate.
    pub revocation: Revocation,
    /// The service of a trusted list that it ends at.
    pub source: Option<TrustSource>,
}

/// What is known of revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Revocation {
    /// Nothing.
    Unknown,
    /// Good according to evidence of this time.
    Good {
        /// `thisUpdate` of the evidence.
        at: DateTime<Utc>,
    },
    /// Revoked.
    Revoked {
        /// Since.
        since: DateTime<Utc>,
    },
}

/// Overall result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Indication {
    /// Valid in every respect.
    #[serde(rename = "TOTAL-PASSED")]
    TotalPassed,
    /// Not known to be wrong, but something is missing.
    #[serde(rename = "INDETERMINATE")]
    Indeterminate,
    /// Wrong.
    #[serde(rename = "TOTAL-FAILED")]
    TotalFailed,
}

/// Why not `TOTAL-PASSED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubIndication {
    /// Not of the required form, or modified after signature.
    FormatFailure,
    /// The signed bytes have another digest.
    HashFailure,
    /// The signature value is not the certificate's.
    SigCryptoFailure,
    /// The certificate was revoked before the signature.
    Revoked,
    /// The certificate was revoked, perhaps before the signature.
    RevokedNoPoe,
    /// The certificate of an authority on its chain was revoked, perhaps before the signature.
    RevokedCaNoPoe,
    /// The signature existed before its certificate was valid.
    NotYetValid,
    /// The signing certificate is not in the signature.
    NoSigningCertificateFound,
    /// No chain to a trust anchor.
    NoCertificateChainFound,
    /// The service at the end of the chain stands well no more, and nothing proves that the signature
    /// is from before.
    NoCertificateChainFoundNoPoe,
    /// The chain breaks another rule.
    ChainConstraintsFailure,
    /// The signature or its certificate is not of the kind that is asked for.
    SigConstraintsFailure,
    /// An algorithm is too weak or unknown.
    CryptoConstraintsFailureNoPoe,
    /// The certificate is not valid at the only time that is proven.
    OutOfBoundsNoPoe,
}

/// One revision after a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaterRevision {
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Reserved fields that were filled.
    pub filled: Vec<(String, Kind)>,
    /// Whether validation data were added.
    pub validation_data: bool,
    /// Changes that are not allowed, in English.
    pub forbidden: Vec<String>,
}

impl Report {
    pub(super) fn new(
        document: Digest,
        bytes: usize,
        checked_at: DateTime<Utc>,
        trust_given: bool,
    ) -> Self {
        Self {
            format: Format::Pdf,
            document,
            bytes,
            checked_at,
            trust_given,
            signatures: Vec::new(),
            open_fields: Vec::new(),
            content: None,
            problems: Vec::new(),
        }
    }

    /// Whether the document may be relied on: it has a signature, every signature is intact, only
    /// allowed revisions came after, none is known to be revoked, and, when trust anchors were
    /// given, every one is `TOTAL-PASSED`. For a signed file the same goes for what it holds, when
    /// that is signed too.
    pub fn accepted(&self) -> bool {
        let inside = self.content.as_ref().and_then(|content| content.report.as_ref());
        self.problems.is_empty()
            && inside.is_none_or(|inside| inside.accepted())
            && self.signatures.iter().any(|signature| signature.kind == Kind::Signature)
            && self.signatures.iter().all(|signature| signature.accepted(self.trust_given))
    }

    /// The report with its verdict as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self).expect("a report has no keys but strings");
        json["accepted"] = self.accepted().into();
        json
    }

    /// The signature in this field.
    pub fn signature(&self, field: &str) -> Option<&SignatureReport> {
        self.signatures.iter().find(|signature| signature.field == field)
    }
}

impl SignatureReport {
    /// Before anything is checked.
    pub(super) fn blank(field: String, kind: Kind) -> Self {
        Self {
            field,
            kind,
            covers_bytes: None,
            signer: None,
            claimed_time: None,
            reason: None,
            timestamp: None,
            level: None,
            integrity: Integrity::Broken,
            chain: Chain {
                trusted: None,
                names: Vec::new(),
                revocation: Revocation::Unknown,
                source: None,
            },
            qualification: None,
            indication: Indication::Indeterminate,
            sub_indication: None,
            explanation: None,
            later: Vec::new(),
            modified_after: false,
        }
    }

    fn accepted(&self, trust_given: bool) -> bool {
        let not_refused = self.indication == Indication::TotalPassed
            || !trust_given && self.sub_indication == Some(SubIndication::NoCertificateChainFound);
        self.integrity == Integrity::Intact && !self.modified_after && not_refused
    }
}

impl LaterRevision {
    pub(super) fn empty(start: usize, end: usize) -> Self {
        Self { start, end, filled: Vec::new(), validation_data: false, forbidden: Vec::new() }
    }

    pub(super) fn forbidden(start: usize, end: usize, what: &str) -> Self {
        Self { forbidden: vec![what.to_owned()], ..Self::empty(start, end) }
    }
}
