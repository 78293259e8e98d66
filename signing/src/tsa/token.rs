//! Time stamp tokens (RFC 3161), read and checked. The only place that knows their shape.
//!
//! Read by hand on top of DER because real authorities write fractional seconds, which the
//! RustCrypto type for `TSTInfo` refuses, and because certificates must come out byte for byte as
//! they went in.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use const_oid::ObjectIdentifier as Oid;
use der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use openssl::{
    asn1::Asn1Time,
    cms::{CMSOptions, CmsContentInfo},
    x509::X509,
};
use x509_cert::{
    Certificate,
    ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier},
};

use crate::{Digest, cms, ports::TsaError};

const ID_SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
const ID_CT_TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
const ID_SIGNING_CERT: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.12");
const ID_SIGNING_CERT_V2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");
const ID_KP_TIME_STAMPING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.8");
const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");

/// What a time stamp token says. Reading it proves nothing: see [`check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What was stamped.
    pub imprint: Imprint,
    /// When.
    pub gen_time: DateTime<Utc>,
    /// How far the time may be off, when the authority says so.
    pub accuracy: Option<TimeDelta>,
    /// Serial number of the token, big-endian without sign.
    pub serial: Vec<u8>,
    /// Policy of the authority, dotted.
    pub policy: String,
    /// Nonce of the request, big-endian without sign.
    pub nonce: Option<Vec<u8>>,
    /// The authority's own certificate (DER), when the token carries it.
    pub signer: Option<Vec<u8>>,
    /// All certificates in the token (DER), as they stand there.
    pub certs: Vec<Vec<u8>>,
}

/// The digest that an authority stamped, by the algorithm that its client chose. We choose SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imprint {
    algorithm: Oid,
    value: Vec<u8>,
}

impl Imprint {
    /// Whether it is the digest of `parts`, one after the other, by an algorithm of SHA-2.
    pub fn is_of(&self, parts: &[&[u8]]) -> bool {
        cms::digest(self.algorithm, parts).is_some_and(|digest| digest == self.value)
    }

    /// Whether it is one by this algorithm.
    pub fn is_by(&self, algorithm: Oid) -> bool {
        self.algorithm == algorithm
    }
}

impl PartialEq<Digest> for Imprint {
    fn eq(&self, digest: &Digest) -> bool {
        self.algorithm == SHA256 && self.value == digest.0
    }
}

/// Reads a token (DER `ContentInfo`).
///
/// # Errors
/// [`TsaError::Invalid`] when it is not a time stamp token.
pub fn parse(token_der: &[u8]) -> Result<Token, TsaError> {
    Ok(Parts::read(token_der).map_err(malformed)?.token)
}

/// Reads a token and checks that it stamps `digest`: imprint, form of the signature (one signer,
/// strong digest, ESS certificate id), the signature itself, and that the signing certificate was
/// valid then and is for time stamping alone. Whether the authority is *trusted* (chain,
/// revocation) is for the caller, with [`Token::signer`] and [`Token::certs`].
///
/// # Errors
/// [`TsaError::Invalid`] with the reason.
pub fn check(token_der: &[u8], digest: &Digest) -> Result<Token, TsaError> {
    check_that(token_der, |imprint| *imprint == *digest)
}

/// The same for a token that stamps `parts`, one after the other, by any algorithm of SHA-2.
///
/// # Errors
/// [`TsaError::Invalid`] with the reason.
pub fn check_over(token_der: &[u8], parts: &[&[u8]]) -> Result<Token, TsaError> {
    check_that(token_der, |imprint| imprint.is_of(parts))
}

fn check_that(
    token_der: &[u8],
    is_stamped: impl FnOnce(&Imprint) -> bool,
) -> Result<Token, TsaError> {
    let parts = Parts::read(token_der).map_err(malformed)?;
    let token = &parts.token;
    if !is_stamped(&token.imprint) {
        return Err(invalid("it stamps something else"));
    }
    let Some(signer) = &token.signer else {
        return Err(invalid("the certificate of the authority is missing"));
    };
    if ![SHA256, SHA384, SHA512].contains(&parts.digest_algorithm) {
        return Err(invalid("its digest algorithm is too weak"));
    }
    if !parts.typed {
        return Err(invalid("its signed attributes have another content type"));
    }
    if !parts.names_certificate(signer) {
        return Err(invalid("its signed attributes name another certificate"));
    }
    check_signer(signer, token.gen_time)?;
    // Verifies the message digest and the signature over the signed attributes.
    let mut content = Vec::new();
    CmsContentInfo::from_der(token_der)
        .and_then(|mut cms| {
            let options = CMSOptions::NO_SIGNER_CERT_VERIFY | CMSOptions::BINARY;
            cms.verify(None, None, None, Some(&mut content), options)
        })
        .map_err(|_| invalid("the signature does not verify"))?;
    if content != parts.content {
        return Err(invalid("the signature covers another content"));
    }
    Ok(parts.token)
}

/// RFC 3161 §2.3: the key is for time stamping alone, and says so in a critical extension.
fn check_signer(der: &[u8], at: DateTime<Utc>) -> Result<(), TsaError> {
    let cert = Certificate::from_der(der).map_err(malformed)?;
    match cert.tbs_certificate.get::<ExtendedKeyUsage>() {
        Ok(Some((true, usage))) if usage.0 == [ID_KP_TIME_STAMPING] => {}
        _ => return Err(invalid("the certificate is not one for time stamping alone")),
    }
    let valid = X509::from_der(der).and_then(|cert| {
        let at = Asn1Time::from_unix(at.timestamp())?;
        Ok(cert.not_before() <= at && cert.not_after() >= at)
    });
    match valid {
        Ok(true) => Ok(()),
        _ => Err(invalid("the certificate was not valid at that time")),
    }
}

/// The parts of `SignedData` that the checks look at.
struct Parts<'a> {
    token: Token,
    content: &'a [u8],
    digest_algorithm: Oid,
    /// Whether the signed attributes have the content type of a time stamp.
    typed: bool,
    /// (digest algorithm, digest) of the first certificate named by each ESS attribute.
    named: Vec<(Oid, &'a [u8])>,
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        let info = AnyRef::from_der(der)?;
        let mut info = body(info, Tag::Sequence)?;
        expect(info.decode::<Oid>()? == ID_SIGNED_DATA, Tag::ObjectIdentifier)?;
        let mut wrapped = body(info.decode()?, explicit(0))?;
        let mut data = body(wrapped.decode()?, Tag::Sequence)?;
        data.decode::<AnyRef<'_>>()?; // version
        data.decode::<AnyRef<'_>>()?; // digestAlgorithms

        let mut encapsulated = body(data.decode()?, Tag::Sequence)?;
        expect(encapsulated.decode::<Oid>()? == ID_CT_TST_INFO, Tag::ObjectIdentifier)?;
        let mut wrapped = body(encapsulated.decode()?, explicit(0))?;
        let content: AnyRef<'a> = wrapped.decode()?;
        content.tag().assert_eq(Tag::OctetString)?;
        let mut token = tst_info(content.value())?;

        if data.peek_tag()? == explicit(0) {
            let mut certs = body(data.decode()?, explicit(0))?;
            while !certs.is_finished() {
                let tag = certs.peek_tag()?;
                let cert = certs.tlv_bytes()?;
                // Other choices than a certificate are context-specific and nothing for us.
                if tag == Tag::Sequence {
                    token.certs.push(cert.to_vec());
                }
            }
        }
        if data.peek_tag()? == explicit(1) {
            data.decode::<AnyRef<'_>>()?; // crls
        }
        let mut signers = body(data.decode()?, Tag::Set)?;
        let mut signer = body(signers.decode()?, Tag::Sequence)?;
        expect(signers.is_finished(), Tag::Set)?; // RFC 3161 §2.4.2: exactly one
        signer.decode::<AnyRef<'_>>()?; // version
        let sid = signer.tlv_bytes()?;
        token.signer = token.certs.iter().find(|cert| is_named(cert, sid)).cloned();
        let digest_algorithm = algorithm(signer.decode()?)?;
        let mut parts =
            Self { token, content: content.value(), digest_algorithm, typed: false, named: vec![] };
        parts.read_signed_attributes(signer.decode()?)?;
        Ok(parts)
    }

    fn read_signed_attributes(&mut self, attributes: AnyRef<'a>) -> der::Result<()> {
        let mut attributes = body(attributes, explicit(0))?;
        while !attributes.is_finished() {
            let mut attribute = body(attributes.decode()?, Tag::Sequence)?;
            let kind: Oid = attribute.decode()?;
            let mut values = body(attribute.decode()?, Tag::Set)?;
            if kind == CONTENT_TYPE {
                self.typed = values.decode::<Oid>()? == ID_CT_TST_INFO;
            } else if kind == ID_SIGNING_CERT || kind == ID_SIGNING_CERT_V2 {
                let mut signing_certificate = body(values.decode()?, Tag::Sequence)?;
                let mut ids = body(signing_certificate.decode()?, Tag::Sequence)?;
                let mut id = body(ids.decode()?, Tag::Sequence)?;
                // RFC 2634 §5.4.1, RFC 5035 §4: the algorithm that goes without saying
                let mut digest_algorithm = if kind == ID_SIGNING_CERT { SHA1 } else { SHA256 };
                if id.peek_tag()? == Tag::Sequence {
                    digest_algorithm = algorithm(id.decode()?)?;
                }
                let digest: AnyRef<'a> = id.decode()?;
                digest.tag().assert_eq(Tag::OctetString)?;
                self.named.push((digest_algorithm, digest.value()));
            }
        }
        Ok(())
    }

    fn names_certificate(&self, cert: &[u8]) -> bool {
        !self.named.is_empty()
            && self.named.iter().all(|(algorithm, digest)| match *algorithm {
                SHA1 => openssl::sha::sha1(cert) == *digest,
                SHA256 => openssl::sha::sha256(cert) == *digest,
                SHA384 => openssl::sha::sha384(cert) == *digest,
                SHA512 => openssl::sha::sha512(cert) == *digest,
                _ => false,
            })
    }
}

/// `TSTInfo` of RFC 3161 §2.4.2.
fn tst_info(der: &[u8]) -> der::Result<Token> {
    let mut info = body(AnyRef::from_der(der)?, Tag::Sequence)?;
    expect(info.decode::<u8>()? == 1, Tag::Integer)?;
    let policy = info.decode::<Oid>()?.to_string();
    let mut imprint = body(info.decode()?, Tag::Sequence)?;
    let algorithm = algorithm(imprint.decode()?)?;
    let hashed: AnyRef<'_> = imprint.decode()?;
    hashed.tag().assert_eq(Tag::OctetString)?;
    let imprint = Imprint { algorithm, value: hashed.value().to_vec() };
    let serial = unsigned(info.decode()?)?;
    let gen_time = generalized_time(info.decode()?)?;
    let mut token = Token {
        imprint,
        gen_time,
        accuracy: None,
        serial,
        policy,
        nonce: None,
        signer: None,
        certs: Vec::new(),
    };
    while !info.is_finished() {
        let field: AnyRef<'_> = info.decode()?;
        match field.tag() {
            Tag::Sequence => token.accuracy = Some(accuracy(field)?),
            Tag::Integer => token.nonce = Some(unsigned(field)?),
            _ => {} // ordering, tsa, extensions
        }
    }
    Ok(token)
}

/// `Accuracy`: seconds, \[0\] milliseconds, \[1\] microseconds.
fn accuracy(field: AnyRef<'_>) -> der::Result<TimeDelta> {
    let mut parts = body(field, Tag::Sequence)?;
    let mut sum = TimeDelta::zero();
    while !parts.is_finished() {
        let part: AnyRef<'_> = parts.decode()?;
        let number = part
            .value()
            .iter()
            .try_fold(0_i32, |sum, byte| sum.checked_mul(256)?.checked_add(i32::from(*byte)));
        let number = i64::from(number.ok_or_else(|| Tag::Integer.value_error())?);
        sum += match part.tag() {
            Tag::Integer => TimeDelta::seconds(number),
            Tag::ContextSpecific { number: TagNumber::N0, .. } => TimeDelta::milliseconds(number),
            _ => TimeDelta::microseconds(number),
        };
    }
    Ok(sum)
}

/// `YYYYMMDDhhmmss[.f…]Z` (RFC 3161 §2.4.2).
fn generalized_time(field: AnyRef<'_>) -> der::Result<DateTime<Utc>> {
    field.tag().assert_eq(Tag::GeneralizedTime)?;
    std::str::from_utf8(field.value())
        .ok()
        .and_then(|text| text.strip_suffix('Z'))
        .and_then(|text| NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S%.f").ok())
        .map(|time| time.and_utc())
        .ok_or_else(|| Tag::GeneralizedTime.value_error())
}

/// Whether `sid` (`IssuerAndSerialNumber`, or \[0\] subject key identifier) means this certificate.
fn is_named(cert: &[u8], sid: &[u8]) -> bool {
    let named = || -> der::Result<bool> {
        let cert = Certificate::from_der(cert)?;
        let tbs = &cert.tbs_certificate;
        let sid = AnyRef::from_der(sid)?;
        if sid.tag() == Tag::Sequence {
            let mut sid = body(sid, Tag::Sequence)?;
            let issuer = x509_cert::name::Name::decode(&mut sid)?;
            let serial = unsigned(sid.decode()?)?;
            let own = tbs.serial_number.as_bytes();
            return Ok(issuer == tbs.issuer && serial == strip_zeros(own));
        }
        let key_id = tbs.get::<SubjectKeyIdentifier>()?;
        Ok(key_id.is_some_and(|(_, id)| id.0.as_bytes() == sid.value()))
    };
    named().unwrap_or(false)
}

/// The object identifier of an `AlgorithmIdentifier`.
fn algorithm(field: AnyRef<'_>) -> der::Result<Oid> {
    body(field, Tag::Sequence)?.decode()
}

/// Magnitude of a non-negative `INTEGER`.
fn unsigned(field: AnyRef<'_>) -> der::Result<Vec<u8>> {
    field.tag().assert_eq(Tag::Integer)?;
    match field.value() {
        [first, ..] if first & 0x80 != 0 => Err(Tag::Integer.value_error()),
        [] => Err(Tag::Integer.length_error()),
        bytes => Ok(strip_zeros(bytes).to_vec()),
    }
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Reader over the content of a constructed value with this tag.
fn body<'a>(field: AnyRef<'a>, tag: Tag) -> der::Result<SliceReader<'a>> {
    field.tag().assert_eq(tag)?;
    SliceReader::new(field.value())
}

/// Constructed context-specific tag.
fn explicit(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber::new(number) }
}

fn expect(holds: bool, tag: Tag) -> der::Result<()> {
    if holds { Ok(()) } else { Err(tag.value_error()) }
}

fn malformed(error: der::Error) -> TsaError {
    TsaError::Invalid(format!("not a time stamp token: {error}"))
}

fn invalid(reason: &str) -> TsaError {
    TsaError::Invalid(reason.to_owned())
}
