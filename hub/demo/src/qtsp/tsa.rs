//! The time stamping authority (RFC 3161).

use chrono::{DateTime, Utc};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use const_oid::ObjectIdentifier as Oid;
use der::{
    Any, Decode, Encode, Sequence, Tag,
    asn1::{BitString, Int, OctetString, SetOfVec},
};
use openssl::sha::sha256;
use signing::Digest;
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::{Attribute, Attributes};
use x509_tsp::{MessageImprint, TimeStampReq};

use super::{
    authority::{Identity, new_serial, signature_algorithm},
    profile::TSA_POLICY,
};
use crate::DemoError;

const ID_SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
const ID_CT_TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERT_V2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Bits of `PKIFailureInfo` (RFC 3161 §2.4.2), as the first two bytes of the bit string.
#[derive(Clone, Copy)]
enum Failure {
    BadAlgorithm = 0x8000,
    BadDataFormat = 0x0400,
    UnacceptedPolicy = 0x0001,
}

#[derive(Sequence)]
struct Response {
    status: Status,
    token: Option<ContentInfo>,
}

#[derive(Sequence)]
struct Status {
    status: u8,
    failure: Option<BitString>,
}

/// `TSTInfo` with the time as text: the library's type knows whole seconds only.
#[derive(Sequence)]
struct TstInfo {
    version: u8,
    policy: Oid,
    imprint: MessageImprint,
    serial: Int,
    gen_time: Any,
    accuracy: Accuracy,
    nonce: Option<Int>,
}

#[derive(Sequence)]
struct Accuracy {
    seconds: u8,
}

/// `SigningCertificateV2` (RFC 5035 §3) with the default SHA-256 and no issuer.
#[derive(Sequence)]
struct SigningCertificate {
    certs: Vec<CertId>,
}

#[derive(Sequence)]
struct CertId {
    hash: OctetString,
}

/// Answers a request (DER) with a response (DER).
pub(super) fn respond(
    unit: &Identity,
    request: &[u8],
    now: DateTime<Utc>,
) -> Result<Vec<u8>, DemoError> {
    let Ok(request) = TimeStampReq::from_der(request) else {
        return refuse(Failure::BadDataFormat);
    };
    let imprint = &request.message_imprint;
    let length = match imprint.hash_algorithm.oid {
        SHA256 => 32,
        SHA384 => 48,
        SHA512 => 64,
        _ => return refuse(Failure::BadAlgorithm),
    };
    if imprint.hashed_message.as_bytes().len() != length {
        return refuse(Failure::BadDataFormat);
    }
    if request.req_policy.is_some_and(|policy| policy != TSA_POLICY) {
        return refuse(Failure::UnacceptedPolicy);
    }
    let info = said(request.message_imprint, request.nonce, now)?;
    let token = sign(unit, info.to_der()?, request.cert_req)?;
    Ok(Response { status: Status { status: 0, failure: None }, token: Some(token) }.to_der()?)
}

/// A token (DER) over `digest`, for those who asked otherwise than by RFC 3161.
pub(super) fn stamp(
    unit: &Identity,
    digest: &Digest,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, DemoError> {
    let imprint = MessageImprint {
        hash_algorithm: AlgorithmIdentifierOwned { oid: SHA256, parameters: None },
        hashed_message: OctetString::new(digest.0)?,
    };
    let info = said(imprint, None, now)?;
    Ok(sign(unit, info.to_der()?, true)?.to_der()?)
}

fn said(
    imprint: MessageImprint,
    nonce: Option<Int>,
    now: DateTime<Utc>,
) -> Result<TstInfo, DemoError> {
    Ok(TstInfo {
        version: 1,
        policy: TSA_POLICY,
        imprint,
        serial: Int::new(&new_serial()?)?,
        gen_time: Any::new(Tag::GeneralizedTime, generalized_time(now).into_bytes())?,
        accuracy: Accuracy { seconds: 1 },
        nonce,
    })
}

fn refuse(failure: Failure) -> Result<Vec<u8>, DemoError> {
    let bits = (failure as u16).to_be_bytes();
    let bytes = if bits[1] == 0 { &bits[..1] } else { &bits[..] };
    // DER: a named bit string ends with its last one bit.
    let unused = bytes.last().map_or(0, |byte| byte.trailing_zeros()) as u8;
    let failure = Some(BitString::new(unused, bytes)?);
    Ok(Response { status: Status { status: 2, failure }, token: None }.to_der()?)
}

/// RFC 3161 §2.4.2: no zeros at the end of the fraction, no fraction of zero.
fn generalized_time(at: DateTime<Utc>) -> String {
    let text = at.format("%Y%m%d%H%M%S%.3f").to_string();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The signed token (RFC 3161 §2.4.2, RFC 5652 §5).
fn sign(unit: &Identity, content: Vec<u8>, with_cert: bool) -> Result<ContentInfo, DemoError> {
    let sha256_algorithm = AlgorithmIdentifierOwned { oid: SHA256, parameters: None };
    let ess =
        SigningCertificate { certs: vec![CertId { hash: OctetString::new(sha256(&unit.der))? }] };
    let attributes = Attributes::try_from(vec![
        attribute(CONTENT_TYPE, &ID_CT_TST_INFO)?,
        attribute(MESSAGE_DIGEST, &OctetString::new(sha256(&content))?)?,
        attribute(SIGNING_CERT_V2, &ess)?,
    ])?;
    let signature = unit.sign(&attributes.to_der()?)?;
    let tbs = &unit.cert.tbs_certificate;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: tbs.issuer.clone(),
            serial_number: tbs.serial_number.clone(),
        }),
        digest_alg: sha256_algorithm.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: signature_algorithm(),
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let certificates = with_cert
        .then(|| CertificateSet::try_from(vec![CertificateChoices::Certificate(unit.cert.clone())]))
        .transpose()?;
    let data = SignedData {
        version: CmsVersion::V3,
        digest_algorithms: SetOfVec::try_from(vec![sha256_algorithm])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ID_CT_TST_INFO,
            econtent: Some(Any::new(Tag::OctetString, content)?),
        },
        certificates,
        crls: None,
        signer_infos: SignerInfos::try_from(vec![signer])?,
    };
    Ok(ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&data)? })
}

fn attribute(oid: Oid, value: &impl Encode) -> Result<Attribute, DemoError> {
    let value = Any::from_der(&value.to_der()?)?;
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Bytes, routing::post};
    use signing::{
        ports::{Tsa as _, TsaError},
        tsa::{Authority as Address, TsaClient, TsaConfig},
    };
    use tokio::net::TcpListener;

    use super::super::authority::Authority;
    use super::*;

    #[tokio::test]
    async fn r_sign_35_a_certificate_for_something_else_stamps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let now = "2026-12-01T09:00:00Z".parse().unwrap();
        let authority = Authority::open(&dir.path().join("a"), "http://localhost", now).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let units = std::sync::Arc::new(authority);
        let by = |unit: fn(&Authority) -> &Identity, at: DateTime<Utc>| {
            let units = units.clone();
            post(move |request: Bytes| async move { respond(unit(&units), &request, at).unwrap() })
        };
        let late = now + chrono::TimeDelta::days(365 * 11);
        let router = Router::new()
            .route("/good", by(|units| &units.time_stamping, now))
            .route("/other-use", by(|units| &units.ocsp, now))
            .route("/expired", by(|units| &units.time_stamping, late));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        for (path, refused) in [
            ("/good", None),
            ("/other-use", Some("the certificate is not one for time stamping alone")),
            ("/expired", Some("the certificate was not valid at that time")),
        ] {
            let authorities = vec![Address::new(format!("{address}{path}"))];
            let client = TsaClient::new(&TsaConfig { authorities }).unwrap();
            let reason = match client.timestamp(&Digest::of(b"data")).await {
                Ok(_) => None,
                Err(TsaError::Invalid(reason)) => Some(reason),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(reason.as_deref(), refused, "{path}");
        }
        server.abort();
    }
}
