//! What a verifier would still have to ask somebody about: the other side of [`super::verify`], for
//! whoever completes a document.

use chrono::{DateTime, Utc};
use openssl::x509::X509;

use super::{
    evidence::Evidence,
    report::Revocation,
    trust::{Moments, Role, TrustAnchors},
};
use crate::pdf::ValidationData;

/// The path from `certificate` to a trust anchor, by what `data` holds; `None` when none leads there
/// that was valid at `at`. An anchor of our own goes before a listed service: the path to it is the
/// longer one, and others who verify the document may know nothing but its end.
pub(crate) fn trusted_path(
    certificate: &X509,
    data: &ValidationData,
    trust: &TrustAnchors,
    at: DateTime<Utc>,
) -> Option<Vec<X509>> {
    let evidence = Evidence::new(data);
    let moments = Moments { valid: at, listed: at, now: at };
    let own = trust.own();
    [&own, trust].into_iter().find_map(|trust| {
        let leads =
            |role| trust.validate(certificate, &evidence.certificates, moments, role).result;
        leads(Role::Signature).or_else(|_| leads(Role::TimeStamp)).ok()?;
        Some(evidence.path(certificate, &evidence.certificates, trust))
    })
}

/// Whether `data` tells the status of `certificate` at `at`, good or not.
pub(crate) fn is_status_told(
    certificate: &X509,
    issuer: &X509,
    data: &ValidationData,
    at: DateTime<Utc>,
) -> bool {
    let status = Evidence::new(data).status(certificate, issuer, at, None);
    !matches!(status, Revocation::Unknown)
}
