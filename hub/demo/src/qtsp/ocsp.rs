//! The OCSP responder of the issuing authority (RFC 6960).

use std::time::Duration;

use chrono::{DateTime, Utc};
use const_oid::ObjectIdentifier as Oid;
use der::{
    Decode, Encode,
    asn1::{BitString, GeneralizedTime, Null, OctetString},
};
use openssl::sha::{sha1, sha256};
use x509_cert::ext::Extension;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse,
    ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

use super::{DemoQtsp, authority::signature_algorithm, revocation::STATUS_LIFE};
use crate::DemoError;

const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const NONCE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// Answers a request (DER) with a response (DER).
pub(super) fn respond(qtsp: &DemoQtsp, request: &[u8]) -> Result<Vec<u8>, DemoError> {
    let Ok(request) = OcspRequest::from_der(request) else {
        return Ok(OcspResponse::malformed_request().to_der()?);
    };
    let now = qtsp.now();
    let mut responses = Vec::new();
    for asked in &request.tbs_request.request_list {
        responses.push(SingleResponse {
            cert_id: asked.req_cert.clone(),
            cert_status: status(qtsp, &asked.req_cert)?,
            this_update: time(now)?,
            next_update: Some(time(now + STATUS_LIFE)?),
            single_extensions: None,
        });
    }
    let responder = &qtsp.inner.authority.ocsp;
    let data = ResponseData {
        version: Version::V1,
        responder_id: ResponderId::ByKey(OctetString::new(responder.key_id())?),
        produced_at: time(now)?,
        responses,
        response_extensions: nonce(&request),
    };
    let signature = responder.sign(&data.to_der()?)?;
    let response = OcspResponse::successful(BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: signature_algorithm(),
        signature: BitString::from_bytes(&signature)?,
        certs: Some(vec![responder.cert.clone()]),
    })?;
    Ok(response.to_der()?)
}

/// What we know about the certificate: only what our issuing authority issued.
fn status(qtsp: &DemoQtsp, asked: &CertId) -> Result<CertStatus, DemoError> {
    let issuer = &qtsp.inner.authority.issuing.cert.tbs_certificate;
    let name = issuer.subject.to_der()?;
    let key = issuer.subject_public_key_info.subject_public_key.raw_bytes();
    let (name, key) = match asked.hash_algorithm.oid {
        SHA1 => (sha1(&name).to_vec(), sha1(key).to_vec()),
        SHA256 => (sha256(&name).to_vec(), sha256(key).to_vec()),
        _ => return Ok(CertStatus::unknown()),
    };
    if asked.issuer_name_hash.as_bytes() != name || asked.issuer_key_hash.as_bytes() != key {
        return Ok(CertStatus::unknown());
    }
    let record = qtsp.inner.vault.find(&hex::encode(asked.serial_number.as_bytes()))?;
    Ok(match record {
        None => CertStatus::unknown(),
        Some(record) => match record.revoked_at {
            None => CertStatus::Good(Null),
            Some(at) => CertStatus::revoked(RevokedInfo {
                revocation_time: time(at)?,
                revocation_reason: None,
            }),
        },
    })
}

/// The nonce of the request, given back (RFC 9654 §2.1).
fn nonce(request: &OcspRequest) -> Option<Vec<Extension>> {
    let extensions = request.tbs_request.request_extensions.as_ref()?;
    let nonce = extensions.iter().find(|extension| extension.extn_id == NONCE)?;
    Some(vec![nonce.clone()])
}

fn time(at: DateTime<Utc>) -> Result<OcspGeneralizedTime, DemoError> {
    let since_epoch = Duration::from_secs(at.timestamp().unsigned_abs());
    Ok(OcspGeneralizedTime(GeneralizedTime::from_unix_duration(since_epoch)?))
}
