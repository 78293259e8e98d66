//! A document that comes back from a signer's own device (R-SIGN-29): it is accepted only if it is
//! ours byte for byte and has exactly one revision more, whose only content is the signer's
//! signature in the field that is reserved for it. Where signatures stand beside the document
//! (CAdES), only if it signs exactly the frozen bytes, and once: [`judge_file`].

use chrono::{DateTime, Utc};

use crate::{
    Digest, cades,
    cms::{Container, SignedData},
    pades::DocumentError,
    verify::{
        Indication, Kind, Report, SignatureReport, SubIndication, TrustAnchors, since, to_der,
        verify, verify_file,
    },
};

/// A signature with its certificates, its evidence and a picture of a handwritten one takes less.
pub const MAX_ADDED_BYTES: usize = 2 << 20;

/// What was sent out, and who is to have signed it.
#[derive(Clone, Copy, Debug)]
pub struct SentOut<'a> {
    /// The document as it was frozen.
    pub frozen: &'a [u8],
    /// Its newest revision: what is to be signed.
    pub newest: &'a [u8],
    /// The reserved field.
    pub field: &'a str,
    /// Codice fiscale of the signer, upper case.
    pub fiscal_code: &'a str,
}

/// Why a document is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// A signature wrapped around the document (P7M), or nothing that begins as a PDF.
    #[error("not a PDF: another format of signature")]
    OtherFormat,
    /// A PDF, or no signed file at all, where a signed file (P7M) is wanted.
    #[error("not a signed file: another format of signature")]
    NoSignedFile,
    /// It does not begin with the bytes that were sent out.
    #[error("another document")]
    OtherDocument,
    /// A signature of the signed file, not of the document in it: a signed file in a signed file.
    #[error("a signed file in a signed file")]
    Wrapped,
    /// It begins with an earlier revision: somebody else has signed since.
    #[error("an earlier revision")]
    Outdated,
    /// Nothing was added.
    #[error("not signed")]
    NotSigned,
    /// Far more was added than a signature.
    #[error("more than {MAX_ADDED_BYTES} bytes were added")]
    TooLarge,
    /// Beside the signature something else was added or changed; the text says what, in English.
    #[error("changed: {0}")]
    Changed(String),
    /// More than one signature was added.
    #[error("{0} signatures were added")]
    SeveralSignatures(usize),
    /// The signature is in another field than the signer's.
    #[error("signed in the field {0}")]
    OtherField(String),
    /// The signature does not hold.
    #[error("not valid: {explanation}")]
    NotValid {
        /// ETSI EN 319 102-1 §5.1.3.
        why: Option<SubIndication>,
        /// In English.
        explanation: String,
    },
    /// The certificate is of somebody else, or does not say whose it is.
    #[error("signed by another person")]
    OtherPerson {
        /// Name in the certificate.
        name: String,
    },
    /// The certificate does not claim to be qualified (R-SIGN-01, d.lgs. 82/2005 art. 24).
    #[error("the certificate is not qualified")]
    NotQualified,
}

/// The signature in an accepted document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// SHA-256 of the signer's certificate.
    pub certificate: Digest,
}

/// Judges what came back, as of `now`. Bounded by the size of both documents.
///
/// # Errors
/// The first reason for which it is not taken.
pub fn judge(
    sent: &SentOut<'_>,
    returned: &[u8],
    trust: &TrustAnchors,
    now: DateTime<Utc>,
) -> Result<Signed, Unacceptable> {
    if !returned.starts_with(b"%PDF-") {
        return Err(Unacceptable::OtherFormat);
    }
    let length = sent.newest.len();
    let Some(added) = returned.strip_prefix(sent.newest) else {
        let ours = returned.starts_with(sent.frozen) || sent.newest.starts_with(returned);
        return Err(if ours { Unacceptable::Outdated } else { Unacceptable::OtherDocument });
    };
    if added.iter().all(u8::is_ascii_whitespace) {
        return Err(Unacceptable::NotSigned);
    }
    if added.len() > MAX_ADDED_BYTES {
        return Err(Unacceptable::TooLarge);
    }
    added_one_signature(returned, length, sent.field)?;
    let report = verify(returned, trust, now);
    if let Some(problem) = report.problems.first() {
        return Err(Unacceptable::Changed(problem.clone()));
    }
    let own = report.signature(sent.field).ok_or(Unacceptable::NotSigned)?;
    // Without anchors nobody vouches for the name in the certificate: anybody could have written it.
    valid(own, true)?;
    if own.covers_bytes != Some(returned.trim_ascii_end().len())
        && own.covers_bytes != Some(returned.len())
    {
        return Err(Unacceptable::Changed("the signature does not cover the document".to_owned()));
    }
    by_whom(&report, own, sent.fiscal_code)
}

/// What was sent out of a document that is signed beside it.
#[derive(Clone, Copy, Debug)]
pub struct FileSentOut<'a> {
    /// The document as it was frozen.
    pub frozen: &'a [u8],
    /// The same, or the signed file with the signatures so far (DER).
    pub newest: &'a [u8],
    /// Codice fiscale of the signer, upper case.
    pub fiscal_code: &'a str,
}

/// Judges a signed file (P7M, in any form that programs write; the document may be left out), as of
/// `now`. It may hold the signatures so far as well. What comes back is the signed file with this
/// signature more.
///
/// # Errors
/// The first reason for which it is not taken.
pub fn judge_file(
    sent: &FileSentOut<'_>,
    returned: &[u8],
    trust: &TrustAnchors,
    now: DateTime<Utc>,
) -> Result<(Vec<u8>, Signed), Unacceptable> {
    // Base64 takes a third more.
    if returned.len() / 4 * 3 > sent.frozen.len() + MAX_ADDED_BYTES {
        return Err(Unacceptable::TooLarge);
    }
    let der = to_der(returned).ok_or(Unacceptable::NoSignedFile)?;
    let container = Container::read(&der).map_err(|_| Unacceptable::NoSignedFile)?;
    match container.content {
        Some(content) if content == sent.frozen => {}
        Some(content) if wraps(content, sent.frozen) => return Err(Unacceptable::Wrapped),
        Some(_) => return Err(Unacceptable::OtherDocument),
        None => {}
    }
    let unreadable = |error: DocumentError| Unacceptable::Changed(error.to_string());
    let newest = cades::open(sent.newest).map_err(unreadable)?;
    // Ours may have got a time stamp since: who signed what is the same.
    let is_known = |one: &SignedData<'_>| newest.signers().any(|known| is_same(known, one));
    let added: Vec<_> = container.signers.iter().filter(|one| !is_known(one)).collect();
    let own = match added.as_slice() {
        [] => return Err(Unacceptable::NotSigned),
        [own] => own,
        several => return Err(Unacceptable::SeveralSignatures(several.len())),
    };
    let certificates = own.certificates.iter().copied();
    let merged = newest.with(own.raw, own.digest_algorithm, certificates);
    let report = verify_file(&merged, trust, now);
    if let Some(problem) = report.problems.first() {
        return Err(Unacceptable::Changed(problem.clone()));
    }
    let read = cades::open(&merged).map_err(unreadable)?.container;
    let place = read.and_then(|read| read.signers.iter().position(|one| one.raw == own.raw));
    let judged = place.and_then(|place| report.signatures.get(place));
    let judged = judged.ok_or(Unacceptable::NotSigned)?;
    valid(judged, true)?;
    let signed = by_whom(&report, judged, sent.fiscal_code)?;
    Ok((merged, signed))
}

/// Whether two are one signature, whatever stands beside it unsigned.
fn is_same(one: &SignedData<'_>, other: &SignedData<'_>) -> bool {
    one.signature == other.signature && one.signed_bytes == other.signed_bytes
}

/// Whether somebody signed the file that the signed file around `frozen` is, not the document.
fn wraps(content: &[u8], frozen: &[u8]) -> bool {
    let Some(der) = to_der(content) else { return false };
    Container::read(&der).is_ok_and(|inner| inner.content == Some(frozen))
}

/// Whether `own` is this person's, with a qualified certificate, and every other signature still
/// holds: a revision may hide what an earlier one showed.
fn by_whom(
    report: &Report,
    own: &SignatureReport,
    fiscal_code: &str,
) -> Result<Signed, Unacceptable> {
    let signer = own.signer.as_ref().ok_or(Unacceptable::NotSigned)?;
    if signer.fiscal_code.as_deref() != Some(fiscal_code) {
        return Err(Unacceptable::OtherPerson { name: signer.name.clone() });
    }
    if !signer.qualified.compliance {
        return Err(Unacceptable::NotQualified);
    }
    for other in report.signatures.iter().filter(|one| one.field != own.field) {
        valid(other, report.trust_given)?;
    }
    Ok(Signed { certificate: signer.certificate })
}

fn added_one_signature(pdf: &[u8], length: usize, field: &str) -> Result<(), Unacceptable> {
    let revisions = since(pdf, length);
    if let Some(what) = revisions.iter().flat_map(|revision| &revision.forbidden).next() {
        return Err(Unacceptable::Changed(what.clone()));
    }
    let filled: Vec<_> = revisions.iter().flat_map(|revision| &revision.filled).collect();
    match filled.as_slice() {
        [] => Err(Unacceptable::NotSigned),
        [(name, Kind::Signature)] if name != field => Err(Unacceptable::OtherField(name.clone())),
        [(_, Kind::Signature)] => match revisions.len() {
            1 => Ok(()),
            more => Err(Unacceptable::Changed(format!("{more} revisions were added"))),
        },
        [_] => Err(Unacceptable::Changed("a document time stamp was added".to_owned())),
        several => Err(Unacceptable::SeveralSignatures(several.len())),
    }
}

fn valid(signature: &SignatureReport, trust_given: bool) -> Result<(), Unacceptable> {
    let passed = match signature.indication {
        Indication::TotalPassed => true,
        Indication::TotalFailed => false,
        Indication::Indeterminate => {
            !trust_given && signature.sub_indication == Some(SubIndication::NoCertificateChainFound)
        }
    };
    if passed && !signature.modified_after {
        return Ok(());
    }
    let explanation = signature.explanation.clone().unwrap_or_default();
    Err(Unacceptable::NotValid { why: signature.sub_indication, explanation })
}
