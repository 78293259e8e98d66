//! The certificates in a document whose status matters, each with the time for which it does.

use chrono::{DateTime, Utc};
use lopdf::{Document, Object};
use openssl::x509::X509;

use super::renewal::stamps;
use crate::{
    cms::{ARCHIVE_TIMESTAMP, Container, SIGNATURE_TIMESTAMP, SignedData},
    pades::DocumentError,
    pdf::signature_fields,
    tsa::token::{self, Token},
};

/// More signatures than this in one document are taken for an attack.
const MAX_SIGNATURES: usize = 200;

/// Somebody who signed or stamped.
pub(super) struct Subject {
    pub certificate: X509,
    /// The certificates that came along, DER.
    pub certificates: Vec<Vec<u8>>,
    /// When the signature is proven to have existed.
    pub at: DateTime<Utc>,
}

/// Everybody who signed or stamped `document`. A signature without a time stamp counts as of `now`.
pub(super) fn of(document: &Document, now: DateTime<Utc>) -> Result<Vec<Subject>, DocumentError> {
    let mut subjects = Vec::new();
    for contents in signatures(document)? {
        let cms = SignedData::read(contents).map_err(|_| unreadable())?;
        sign_and_stamp(&cms, now, &mut subjects)?;
    }
    for stamp in stamps(document) {
        subjects.push(authority(stamp?)?);
    }
    Ok(subjects)
}

/// Everybody who signed a signed file, or stamped a signature of it.
pub(super) fn of_file(
    container: &Container<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Subject>, DocumentError> {
    let mut subjects = Vec::new();
    for signer in &container.signers {
        sign_and_stamp(signer, now, &mut subjects)?;
        for stamp in signer.unsigned_values(ARCHIVE_TIMESTAMP) {
            subjects.push(authority(token::parse(stamp.raw)?)?);
        }
    }
    Ok(subjects)
}

/// Who signed, and who stamped the signature.
fn sign_and_stamp(
    cms: &SignedData<'_>,
    now: DateTime<Utc>,
    subjects: &mut Vec<Subject>,
) -> Result<(), DocumentError> {
    let stamp = cms.unsigned_values(SIGNATURE_TIMESTAMP).next();
    let stamp = stamp.map(|value| token::parse(value.raw)).transpose()?;
    let certificates: Vec<Vec<u8>> = cms.certificates.iter().map(|der| der.to_vec()).collect();
    let read = certificates.iter().filter_map(|der| crate::cms::Certificate::from_der(der).ok());
    let signer = read.into_iter().find(|one| cms.is_signer(one)).ok_or_else(unreadable)?;
    let at = stamp.as_ref().map_or(now, |stamp| stamp.gen_time);
    subjects.push(Subject { certificate: signer.x509, certificates, at });
    if let Some(stamp) = stamp {
        subjects.push(authority(stamp)?);
    }
    Ok(())
}

fn unreadable() -> DocumentError {
    DocumentError::Structure("a signature cannot be read")
}

fn authority(token: Token) -> Result<Subject, DocumentError> {
    let certificate = token.signer.as_deref().and_then(|der| X509::from_der(der).ok());
    let certificate = certificate.ok_or(DocumentError::NoCertificate)?;
    Ok(Subject { certificate, certificates: token.certs, at: token.gen_time })
}

/// What stands in the signatures that are no document time stamps.
fn signatures(document: &Document) -> Result<Vec<&[u8]>, DocumentError> {
    let mut found = Vec::new();
    for field in signature_fields(document).into_iter().filter(|field| field.signed) {
        let (is_stamp, contents) = value(document, field.id)?;
        if !is_stamp {
            found.push(contents);
        }
        if found.len() > MAX_SIGNATURES {
            return Err(DocumentError::Structure("too many signatures"));
        }
    }
    Ok(found)
}

/// Whether the field's value is a document time stamp, and what stands in it.
pub(super) fn value(
    document: &Document,
    field: lopdf::ObjectId,
) -> Result<(bool, &[u8]), DocumentError> {
    let read = || {
        let value = document.get_dictionary(field).ok()?.get_deref(b"V", document).ok()?;
        let value = value.as_dict().ok()?;
        let kind = value.get(b"SubFilter").and_then(Object::as_name).ok()?;
        let contents = value.get(b"Contents").and_then(Object::as_str).ok()?;
        Some((kind == crate::pdf::DOCUMENT_TIMESTAMP.as_bytes(), contents))
    };
    read().ok_or(DocumentError::Structure("a signature without contents"))
}
