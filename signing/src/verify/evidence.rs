//! Revocation data in the document: OCSP responses (RFC 6960) and CRLs (RFC 5280 §5).

use std::{cell::Cell, collections::BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use openssl::{
    hash::MessageDigest,
    ocsp::{OcspBasicResponse, OcspCertId, OcspCertStatus, OcspFlag, OcspResponse},
    stack::Stack,
    x509::{CrlStatus, X509, X509Crl, X509Ref},
};

use super::{
    report::Revocation,
    trust::{MAX_PATH, TrustAnchors, store},
};
use crate::{Digest, cms::Certificate, pdf::ValidationData};

/// More signatures of evidence than this are not checked: it is then as if there were no more.
const MAX_CHECKS: usize = 2_000;
/// Larger keys cost more to check than anybody needs.
const MAX_KEY_BITS: u32 = 8_192;

/// The document's security store, read.
pub(super) struct Evidence {
    pub certificates: Vec<Certificate>,
    ocsp: Vec<(Digest, OcspBasicResponse)>,
    crls: Vec<(Digest, X509Crl)>,
    checks: Cell<usize>,
}

/// Which revocation data a security store held when it was stamped. Later stores only grow, so what
/// it held is still there to be read.
pub(super) struct Held(BTreeSet<Digest>);

impl Held {
    pub(super) fn of(data: &ValidationData) -> Self {
        Self::new(data.ocsp.iter().chain(&data.crls).map(|der| Digest::of(der)).collect())
    }

    /// From the digests of the answers and lists.
    pub(super) fn new(digests: BTreeSet<Digest>) -> Self {
        Self(digests)
    }
}

impl Evidence {
    pub(super) fn new(data: &ValidationData) -> Self {
        let ocsp = data.ocsp.iter().filter_map(|der| {
            Some((Digest::of(der), OcspResponse::from_der(der).ok()?.basic().ok()?))
        });
        let crls = data
            .crls
            .iter()
            .filter_map(|der| Some((Digest::of(der), X509Crl::from_der(der).ok()?)));
        Self {
            certificates: read_all(&data.certificates),
            ocsp: ocsp.collect(),
            crls: crls.collect(),
            checks: Cell::new(MAX_CHECKS),
        }
    }

    /// What is known of `certificate`, issued by `issuer`, for the time `at`. Evidence counts as
    /// good when it was still fresh at that time or was made after it
    /// (ETSI EN 319 102-1 §5.2.5: freshness). Only what was `held` counts, when that is given.
    pub(super) fn status(
        &self,
        certificate: &X509,
        issuer: &X509,
        at: DateTime<Utc>,
        held: Option<&Held>,
    ) -> Revocation {
        let known = self.by_ocsp(certificate, issuer, at, held);
        let known = known.chain(self.by_crl(certificate, issuer, at, held)).collect::<Vec<_>>();
        let revoked = known.iter().find(|status| matches!(status, Revocation::Revoked { .. }));
        revoked.or(known.first()).copied().unwrap_or(Revocation::Unknown)
    }

    /// Whether there is evidence that every certificate of the path but its last held at that time:
    /// one that was revoked later did. The last needs none, as an issuer or as an anchor.
    pub(super) fn covers(
        &self,
        path: &[X509],
        trust: &TrustAnchors,
        at: DateTime<Utc>,
        held: Option<&Held>,
    ) -> bool {
        (path.len() > 1 || path.first().is_some_and(|only| is_anchor(only, trust)))
            && path.windows(2).all(|pair| {
                let [certificate, issuer] = pair else { return false };
                match self.status(certificate, issuer, at, held) {
                    Revocation::Good { .. } => true,
                    Revocation::Revoked { since } => since > at,
                    Revocation::Unknown => false,
                }
            })
    }

    fn by_ocsp<'a>(
        &'a self,
        certificate: &'a X509,
        issuer: &'a X509,
        at: DateTime<Utc>,
        held: Option<&'a Held>,
    ) -> impl Iterator<Item = Revocation> + 'a {
        self.ocsp.iter().filter(move |(digest, _)| is_held(digest, held)).filter_map(move |read| {
            let (_, response) = read;
            let status = [MessageDigest::sha1(), MessageDigest::sha256()]
                .into_iter()
                .filter_map(|digest| OcspCertId::from_cert(digest, certificate, issuer).ok())
                .find_map(|id| response.find_status(&id))?;
            let this_update = time(&status.this_update.to_string())?;
            self.may_check()?;
            // The responder is the issuer or delegated by it, and was valid when it answered.
            let store = store(&[issuer.to_owned()], this_update, None).ok()?;
            let mut pool = Stack::new().ok()?;
            for known in &self.certificates {
                pool.push(known.x509.clone()).ok()?;
            }
            response.verify(&pool, &store, OcspFlag::empty()).ok()?;
            match status.status {
                OcspCertStatus::REVOKED => {
                    let since = time(&status.revocation_time?.to_string())?;
                    Some(Revocation::Revoked { since })
                }
                OcspCertStatus::GOOD => {
                    let until = status.next_update().and_then(|until| time(&until.to_string()));
                    is_fresh(this_update, until, at).then_some(Revocation::Good { at: this_update })
                }
                _ => None,
            }
        })
    }

    fn by_crl<'a>(
        &'a self,
        certificate: &'a X509,
        issuer: &'a X509,
        at: DateTime<Utc>,
        held: Option<&'a Held>,
    ) -> impl Iterator<Item = Revocation> + 'a {
        self.crls.iter().filter(move |(digest, _)| is_held(digest, held)).filter_map(move |read| {
            let (_, crl) = read;
            let issued_by = crl.issuer_name().try_cmp(issuer.subject_name()).ok()?.is_eq();
            if !issued_by {
                return None;
            }
            self.may_check()?;
            if !crl.verify(&*issuer.public_key().ok()?).ok()? {
                return None;
            }
            let this_update = time(&crl.last_update().to_string())?;
            match crl.get_by_cert(certificate) {
                CrlStatus::Revoked(entry) => {
                    let since = time(&entry.revocation_date().to_string())?;
                    Some(Revocation::Revoked { since })
                }
                _ => {
                    let until = crl.next_update().and_then(|until| time(&until.to_string()));
                    is_fresh(this_update, until, at).then_some(Revocation::Good { at: this_update })
                }
            }
        })
    }

    /// The path from `certificate` upwards as far as its issuers are known, by name and signature.
    pub(super) fn path(
        &self,
        certificate: &X509,
        pool: &[Certificate],
        trust: &TrustAnchors,
    ) -> Vec<X509> {
        let mut path = vec![certificate.to_owned()];
        while path.len() < MAX_PATH {
            let Some(last) = path.last() else { break };
            if is_anchor(last, trust) || self.is_issued_by(last, last) {
                break;
            }
            let anchors = trust.certificates().iter();
            let mut known = anchors.chain(pool.iter().map(|known| &known.x509));
            let Some(issuer) = known.find(|issuer| self.is_issued_by(last, issuer)) else { break };
            let issuer = issuer.clone();
            path.push(issuer);
        }
        path
    }

    fn is_issued_by(&self, certificate: &X509Ref, issuer: &X509Ref) -> bool {
        issuer.issued(certificate).as_raw() == 0
            && self.may_check().is_some()
            && issuer.public_key().is_ok_and(|key| {
                key.bits() <= MAX_KEY_BITS && certificate.verify(&key).unwrap_or(false)
            })
    }

    fn may_check(&self) -> Option<()> {
        self.checks.set(self.checks.get().checked_sub(1)?);
        Some(())
    }
}

fn is_held(digest: &Digest, held: Option<&Held>) -> bool {
    held.is_none_or(|held| held.0.contains(digest))
}

fn is_fresh(this_update: DateTime<Utc>, until: Option<DateTime<Utc>>, at: DateTime<Utc>) -> bool {
    until.unwrap_or(this_update).timestamp() >= at.timestamp()
}

/// OpenSSL's rendering of a time, the only one it offers for both kinds of ASN.1 time.
fn time(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%b %e %H:%M:%S %Y GMT").ok().map(|time| time.and_utc())
}

/// Reads what can be read.
pub(super) fn read_all<D: AsRef<[u8]>>(list: &[D]) -> Vec<Certificate> {
    list.iter().filter_map(|der| Certificate::from_der(der.as_ref()).ok()).collect()
}

fn is_anchor(certificate: &X509, trust: &TrustAnchors) -> bool {
    let der = certificate.to_der().ok();
    der.is_some() && trust.certificates().iter().any(|anchor| anchor.to_der().ok() == der)
}
