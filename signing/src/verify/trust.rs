//! Trust anchors and certification paths (RFC 5280), by OpenSSL.

use chrono::{DateTime, Utc};
use openssl::{
    error::ErrorStack,
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext, X509VerifyResult,
        store::{X509Store, X509StoreBuilder},
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};

use super::report::SubIndication;
use crate::cms::Certificate;

/// Longest path that is followed.
pub(super) const MAX_PATH: usize = 10;
// OpenSSL, x509_vfy.h
const ERR_NOT_YET_VALID: i32 = 9;
const ERR_HAS_EXPIRED: i32 = 10;
const ERR_NO_ISSUER: [i32; 5] = [2, 18, 19, 20, 21];

/// Certificates that are trusted as they are: roots, or issuing authorities of a trusted list.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors(Vec<X509>);

/// Trust anchors that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not PEM certificates.
    #[error("the trust anchors cannot be read: {0}")]
    NotPem(#[from] ErrorStack),
    /// No certificate in it.
    #[error("there is no certificate among the trust anchors")]
    Empty,
}

impl TrustAnchors {
    /// No anchors: signatures are checked, chains are not.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads PEM certificates, at least one.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let anchors = X509::stack_from_pem(pem)?;
        if anchors.is_empty() { Err(TrustError::Empty) } else { Ok(Self(anchors)) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the anchors of another source.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn certificates(&self) -> &[X509] {
        &self.0
    }

    /// Whether a path leads from `certificate` to an anchor, all valid at `at`.
    pub(super) fn validate(
        &self,
        certificate: &X509,
        pool: &[Certificate],
        at: DateTime<Utc>,
        purpose: Option<X509PurposeId>,
    ) -> Result<(), SubIndication> {
        let run = || {
            let store = store(&self.0, at, purpose)?;
            let mut untrusted = Stack::new()?;
            for known in pool {
                untrusted.push(known.x509.clone())?;
            }
            let mut context = X509StoreContext::new()?;
            context.init(&store, certificate, &untrusted, |context| {
                let valid = context.verify_cert()?;
                Ok(if valid { X509VerifyResult::OK } else { context.error() })
            })
        };
        match run().map_or(-1, |result: X509VerifyResult| result.as_raw()) {
            0 => Ok(()),
            ERR_NOT_YET_VALID | ERR_HAS_EXPIRED => Err(SubIndication::OutOfBoundsNoPoe),
            code if ERR_NO_ISSUER.contains(&code) => Err(SubIndication::NoCertificateChainFound),
            _ => Err(SubIndication::ChainConstraintsFailure),
        }
    }
}

/// A store that trusts `anchors` and judges as of `at`.
pub(super) fn store(
    anchors: &[X509],
    at: DateTime<Utc>,
    purpose: Option<X509PurposeId>,
) -> Result<X509Store, ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_time(at.timestamp());
    parameters.set_depth(MAX_PATH as i32);
    // An anchor need not be self-signed: trusted lists name issuing authorities.
    parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    if let Some(purpose) = purpose {
        parameters.set_purpose(purpose)?;
    }
    let mut builder = X509StoreBuilder::new()?;
    for anchor in anchors {
        builder.add_cert(anchor.clone())?;
    }
    builder.set_param(&parameters)?;
    Ok(builder.build())
}
