//! Builds a `SignedData` around signature values that somebody else computed: detached for a PDF, with
//! the document inside for a signed file.

use chrono::{DateTime, Datelike as _, Utc};
use const_oid::ObjectIdentifier;

use super::{
    CONTENT_TYPE, Certificate, ID_DATA, ID_SIGNED_DATA, MESSAGE_DIGEST, OCSP_RESPONSE, SHA256,
    SIGNATURE_TIMESTAMP, SIGNING_CERTIFICATE_V2, SIGNING_TIME, Scheme, SignedData,
    asn1::{Item, OCTET_STRING, SEQUENCE, SET, oid, sequence, set_of, tlv, unexpected},
    scheme::for_signing,
};
use crate::{Digest, pades::DocumentError};

const EXPLICIT_0: u8 = 0xa0;
const IMPLICIT_0: u8 = 0xa0;
const IMPLICIT_1: u8 = 0xa1;
const VERSION_1: [u8; 3] = [0x02, 0x01, 0x01];
const VERSION_3: [u8; 3] = [0x02, 0x01, 0x03];
const VERSION_5: [u8; 3] = [0x02, 0x01, 0x05];
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Signed attributes of a PAdES baseline signature over content with this SHA-256 digest: the DER
/// `SET OF` whose SHA-256 goes to the signer. No signing-time: PAdES has it in the dictionary
/// (ETSI EN 319 142-1 §6.3).
pub fn signed_attributes(content: &Digest, signer: &Certificate) -> Vec<u8> {
    set_of(SET, attributes(content, signer))
}

/// The same for a CAdES baseline signature, which says when it was made (ETSI EN 319 122-1 §6.3).
pub fn signed_attributes_at(content: &Digest, signer: &Certificate, at: DateTime<Utc>) -> Vec<u8> {
    let mut all = attributes(content, signer);
    all.push(attribute(SIGNING_TIME, &utc_time(at)));
    set_of(SET, all)
}

/// RFC 5652 §11.3: as `UTCTime` until 2049, as `GeneralizedTime` from then on.
fn utc_time(at: DateTime<Utc>) -> Vec<u8> {
    let full = at.format("%Y%m%d%H%M%SZ").to_string();
    match at.year() {
        1950..=2049 => tlv(UTC_TIME, &full.as_bytes()[2..]),
        _ => tlv(GENERALIZED_TIME, full.as_bytes()),
    }
}

fn attributes(content: &Digest, signer: &Certificate) -> Vec<Vec<u8>> {
    // RFC 5035 §4: the hash algorithm is left out because SHA-256 is the default.
    let issuer = sequence(&[&tlv(0xa4, signer.issuer())]); // GeneralNames, directoryName [4]
    let issuer_serial = sequence(&[&issuer, signer.serial()]);
    let hash = tlv(OCTET_STRING, &Digest::of(&signer.der).0);
    let certificate_id = sequence(&[&hash, &issuer_serial]);
    let signing_certificate = sequence(&[&sequence(&[&certificate_id])]);
    vec![
        attribute(CONTENT_TYPE, &oid(ID_DATA)),
        attribute(MESSAGE_DIGEST, &tlv(OCTET_STRING, &content.0)),
        attribute(SIGNING_CERTIFICATE_V2, &signing_certificate),
    ]
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
    let signer_info = signer_info(signed_attributes, signature, signer, timestamp)?;
    Ok(signed_data(None, &[SHA256], chain, &[], vec![signer_info]))
}

/// One signature as it stands in a `SignedData`: DER `SignerInfo`.
///
/// # Errors
/// As [`detached`].
pub(crate) fn signer_info(
    signed_attributes: &[u8],
    signature: &[u8],
    signer: &Certificate,
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, DocumentError> {
    let (scheme, signature_algorithm) = for_signing(signer).ok_or(DocumentError::WeakKey)?;
    check(scheme, signer, signed_attributes, signature)?;

    let digest_algorithm = sequence(&[&oid(SHA256)]);
    let mut attributes = signed_attributes.to_vec();
    attributes[0] = IMPLICIT_0; // RFC 5652 §5.4: signed as SET OF, sent as [0] IMPLICIT
    let unsigned = timestamp
        .map_or_else(Vec::new, |token| tlv(IMPLICIT_1, &attribute(SIGNATURE_TIMESTAMP, token)));
    Ok(sequence(&[
        &VERSION_1,
        &sequence(&[signer.issuer(), signer.serial()]),
        &digest_algorithm,
        &attributes,
        &signature_algorithm,
        &tlv(OCTET_STRING, signature),
        &unsigned,
    ]))
}

/// DER `ContentInfo` with these certificates, revocation data (`RevocationInfoChoice`) and signatures
/// (`SignerInfo`), around `content` if it is to be inside.
pub(crate) fn signed_data(
    content: Option<&[u8]>,
    digests: &[ObjectIdentifier],
    certificates: &[Vec<u8>],
    revocation: &[Vec<u8>],
    signers: Vec<Vec<u8>>,
) -> Vec<u8> {
    // RFC 5652 §5.1: with a signer that is named by its key (version 3) it is version 3 itself, with
    // revocation data of another kind than lists version 5.
    let by_key = |info: &Vec<u8>| {
        let fields = Item::only(info).and_then(|info| info.items(SEQUENCE));
        fields.is_ok_and(|fields| fields.first().is_some_and(|field| field.value == [3]))
    };
    let version = match signers.iter().any(by_key) {
        _ if revocation.iter().any(|choice| choice.first() == Some(&IMPLICIT_1)) => VERSION_5,
        true => VERSION_3,
        false => VERSION_1,
    };
    let revocation = match revocation {
        [] => Vec::new(),
        some => set_of(IMPLICIT_1, some.to_vec()),
    };
    let digests = digests.iter().map(|digest| sequence(&[&oid(*digest)])).collect();
    let inside = content.map_or_else(Vec::new, |bytes| tlv(EXPLICIT_0, &tlv(OCTET_STRING, bytes)));
    let signed_data = sequence(&[
        &version,
        &set_of(SET, digests),
        &sequence(&[&oid(ID_DATA), &inside]),
        &set_of(IMPLICIT_0, certificates.to_vec()),
        &revocation,
        &set_of(SET, signers),
    ]);
    content_info(&signed_data)
}

fn content_info(signed_data: &[u8]) -> Vec<u8> {
    sequence(&[&oid(ID_SIGNED_DATA), &tlv(EXPLICIT_0, signed_data)])
}

/// An OCSP response among the revocation data (RFC 5652 §10.2.1, RFC 5940 §2.1).
pub(crate) fn ocsp_choice(response: &[u8]) -> Vec<u8> {
    tlv(IMPLICIT_1, &[&oid(OCSP_RESPONSE), response].concat())
}

/// A `SignerInfo` with one unsigned attribute more.
///
/// # Errors
/// No DER `SignerInfo`.
pub(crate) fn with_unsigned(
    info: &[u8],
    kind: ObjectIdentifier,
    value: &[u8],
) -> der::Result<Vec<u8>> {
    let fields = Item::only(info)?.items(SEQUENCE)?;
    let (signed, mut unsigned) = match fields.as_slice() {
        [signed @ .., last] if last.tag == IMPLICIT_1 => (signed, raw(&last.items(IMPLICIT_1)?)),
        signed => (signed, Vec::new()),
    };
    unsigned.push(attribute(kind, value));
    let unsigned = set_of(IMPLICIT_1, unsigned);
    Ok(tlv(SEQUENCE, &[raw(signed).concat(), unsigned].concat()))
}

/// A time stamp token with one unsigned attribute more: what its authority signed stays as it is.
///
/// # Errors
/// No DER `SignedData` with exactly one signer.
pub(crate) fn token_with_unsigned(
    token: &[u8],
    kind: ObjectIdentifier,
    value: &[u8],
) -> der::Result<Vec<u8>> {
    let [_, content] = Item::only(token)?.items(SEQUENCE)?[..] else { return Err(unexpected()) };
    let [signed_data] = content.items(EXPLICIT_0)?[..] else { return Err(unexpected()) };
    let fields = signed_data.items(SEQUENCE)?;
    let [before @ .., signers] = fields.as_slice() else { return Err(unexpected()) };
    let [signer] = signers.items(SET)?[..] else { return Err(unexpected()) };
    let signers = tlv(SET, &with_unsigned(signer.raw, kind, value)?);
    Ok(content_info(&tlv(SEQUENCE, &[raw(before).concat(), signers].concat())))
}

fn raw(items: &[Item<'_>]) -> Vec<Vec<u8>> {
    items.iter().map(|item| item.raw.to_vec()).collect()
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

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &tlv(SET, value)])
}
