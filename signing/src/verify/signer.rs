//! What a signature and its certificate say of the signer.

use openssl::x509::{X509, X509KeyUsage};

use super::report::Signer;
use crate::{
    Digest,
    cms::{
        self, Certificate, SHA256, SIGNING_CERTIFICATE_V2, SignedData,
        asn1::{OCTET_STRING, SEQUENCE, algorithm},
    },
};

pub(super) fn describe(certificate: &Certificate) -> Signer {
    Signer {
        name: certificate.name(),
        given_name: certificate.given_name(),
        surname: certificate.surname(),
        fiscal_code: certificate.fiscal_code(),
        issuer: certificate.issuer_name(),
        certificate: Digest::of(&certificate.der),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        qualified: certificate.qc_statements(),
    }
}

pub(super) fn names(path: &[X509]) -> Vec<String> {
    let read = path.iter().filter_map(|certificate| certificate.to_der().ok());
    read.filter_map(|der| Some(Certificate::from_der(&der).ok()?.name())).collect()
}

/// Whether the signed attributes name this certificate (RFC 5035 §4); `None` when they name none.
pub(super) fn names_certificate(cms: &SignedData<'_>, signer: &Certificate) -> Option<bool> {
    if !cms.signed.iter().any(|attribute| attribute.kind == SIGNING_CERTIFICATE_V2) {
        return None;
    }
    let named = || {
        let value = cms.signed_value(SIGNING_CERTIFICATE_V2)?;
        let ids = value.items(SEQUENCE).ok()?.first()?.items(SEQUENCE).ok()?;
        let id = ids.first()?.items(SEQUENCE).ok()?;
        let (hash, digest) = match id.as_slice() {
            [algorithm_id, hash, ..] if algorithm_id.tag == SEQUENCE => {
                (hash, algorithm(*algorithm_id).ok()?)
            }
            [hash, ..] => (hash, SHA256),
            [] => return None,
        };
        Some(cms::digest(digest, &[&signer.der])? == hash.expect(OCTET_STRING).ok()?.value)
    };
    Some(named().unwrap_or(false))
}

/// Key usage, when stated, must allow signatures (ETSI EN 319 412-2 §4.3.2).
pub(super) fn may_sign(signer: &Certificate) -> bool {
    let wanted = X509KeyUsage::DIGITAL_SIGNATURE | X509KeyUsage::NON_REPUDIATION;
    signer.x509.key_usage().is_none_or(|usage| usage.intersects(wanted))
}
