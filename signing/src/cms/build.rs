//! Builds a detached `SignedData` around a signature value that somebody else computed.

use super::{
    CONTENT_TYPE, Certificate, ID_DATA, ID_SIGNED_DATA, MESSAGE_DIGEST, SHA256,
    SIGNATURE_TIMESTAMP, SIGNING_CERTIFICATE_V2, Scheme, SignedData,
    asn1::{OCTET_STRING, SET, oid, sequence, set_of, tlv},
    scheme::for_signing,
};
use crate::{Digest, pades::DocumentError};

const EXPLICIT_0: u8 = 0xa0;
const IMPLICIT_0: u8 = 0xa0;
const IMPLICIT_1: u8 = 0xa1;
const VERSION_1: [u8; 3] = [0x02, 0x01, 0x01];

/// Signed attributes of a PAdES baseline signature over content with this SHA-256 digest: the DER
/// `SET OF` whose SHA-256 goes to the signer. No signing-time: PAdES has it in the dictionary
/// (ETSI EN 319 142-1 §6.3).
pub fn signed_attributes(content: &Digest, signer: &Certificate) -> Vec<u8> {
    // RFC 5035 §4: the hash algorithm is left out because SHA-256 is the default.
    let issuer = sequence(&[&tlv(0xa4, signer.issuer())]); // GeneralNames, directoryName [4]
    let issuer_serial = sequence(&[&issuer, signer.serial()]);
    let hash = tlv(OCTET_STRING, &Digest::of(&signer.der).0);
    let certificate_id = sequence(&[&hash, &issuer_serial]);
    let signing_certificate = sequence(&[&sequence(&[&certificate_id])]);
    set_of(
        SET,
        vec![
            attribute(CONTENT_TYPE, &oid(ID_DATA)),
            attribute(MESSAGE_DIGEST, &tlv(OCTET_STRING, &content.0)),
            attribute(SIGNING_CERTIFICATE_V2, &signing_certificate),
        ],
    )
}

/// DER `ContentInfo` of a detached CAdES signature. `chain` holds DER certificates, the signer's
/// among them; `timestamp` is a token over the signature value.
///
/// # Errors
/// The key is not RSA or ECDSA of a good length, or the signature is not the signer's.
pub fn detached(
    signed_attributes: &[u8],
    signature: &[u8],
    signer: &Certificate,
    chain: &[Vec<u8>],
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, DocumentError> {
    let (scheme, signature_algorithm) = for_signing(signer).ok_or(DocumentError::WeakKey)?;
    check(scheme, signer, signed_attributes, signature)?;

    let digest_algorithm = sequence(&[&oid(SHA256)]);
    let mut attributes = signed_attributes.to_vec();
    attributes[0] = IMPLICIT_0; // RFC 5652 §5.4: signed as SET OF, sent as [0] IMPLICIT
    let unsigned = timestamp
        .map_or_else(Vec::new, |token| tlv(IMPLICIT_1, &attribute(SIGNATURE_TIMESTAMP, token)));
    let signer_info = sequence(&[
        &VERSION_1,
        &sequence(&[signer.issuer(), signer.serial()]),
        &digest_algorithm,
        &attributes,
        &signature_algorithm,
        &tlv(OCTET_STRING, signature),
        &unsigned,
    ]);
    let signed_data = sequence(&[
        &VERSION_1,
        &tlv(SET, &digest_algorithm),
        &sequence(&[&oid(ID_DATA)]),
        &set_of(IMPLICIT_0, chain.to_vec()),
        &tlv(SET, &signer_info),
    ]);
    Ok(sequence(&[&oid(ID_SIGNED_DATA), &tlv(EXPLICIT_0, &signed_data)]))
}

/// Whether `signature` is what `signer` makes of these attributes.
///
/// # Errors
/// The key is not usable, or the signature is another one.
pub(crate) fn check_signature(
    signed_attributes: &[u8],
    signature: &[u8],
    signer: &Certificate,
) -> Result<(), DocumentError> {
    let (scheme, _) = for_signing(signer).ok_or(DocumentError::WeakKey)?;
    check(scheme, signer, signed_attributes, signature)
}

/// Signed attributes (as a `SET OF`) and value of a detached CMS that somebody else made, if it is
/// the signature of the holder of `certificate` (DER) over content with this digest.
///
/// # Errors
/// Another content, another signer, or no CMS of the kind that PAdES has.
pub(crate) fn check_detached(
    cms: &[u8],
    content: &Digest,
    certificate: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), DocumentError> {
    let wrong = |_| DocumentError::WrongSignature;
    let read = SignedData::read(cms).map_err(wrong)?;
    let signer = Certificate::from_der(certificate).map_err(DocumentError::Certificate)?;
    let says = |kind, value: &[u8]| read.signed_value(kind).is_some_and(|item| item.raw == value);
    let about_this = !read.has_content
        && says(CONTENT_TYPE, &oid(ID_DATA))
        && says(MESSAGE_DIGEST, &tlv(OCTET_STRING, &content.0));
    if !about_this || !read.is_signer(&signer) || read.digest_algorithm != SHA256 {
        return Err(DocumentError::WrongSignature);
    }
    check_signature(&read.signed_bytes, read.signature, &signer)?;
    Ok((read.signed_bytes, read.signature.to_vec()))
}

fn check(
    scheme: Scheme,
    signer: &Certificate,
    signed_attributes: &[u8],
    signature: &[u8],
) -> Result<(), DocumentError> {
    if signed_attributes.first() == Some(&SET)
        && scheme.verify(signer, signed_attributes, signature)
    {
        Ok(())
    } else {
        Err(DocumentError::WrongSignature)
    }
}

fn attribute(kind: const_oid::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &tlv(SET, value)])
}
