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

use super::{
    listed::{ListedService, ServiceKind, TrustSource},
    qualification::{Facts, Qualification},
    report::SubIndication,
};
use crate::cms::Certificate;

/// Longest path that is followed.
pub(super) const MAX_PATH: usize = 10;
// OpenSSL, x509_vfy.h
const ERR_NOT_YET_VALID: i32 = 9;
const ERR_HAS_EXPIRED: i32 = 10;
const ERR_NO_ISSUER: [i32; 5] = [2, 18, 19, 20, 21];

/// Certificates that are trusted as they are, and services of trusted lists, which are trusted for
/// what they do and when they stood well.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    own: Vec<X509>,
    listed: Vec<ListedService>,
    /// Certificates of both.
    all: Vec<X509>,
}

/// For which moments a path is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// At which its certificates must be valid.
    pub valid: DateTime<Utc>,
    /// At which a listed service must have stood well.
    pub listed: DateTime<Utc>,
    /// The present: by when a list is due to be followed by another.
    pub now: DateTime<Utc>,
}

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A person's or a seal's signature.
    Signature,
    /// A time stamp.
    TimeStamp,
}

impl Role {
    fn kind(self) -> ServiceKind {
        match self {
            Self::Signature => ServiceKind::QualifiedCertificates,
            Self::TimeStamp => ServiceKind::QualifiedTimeStamps,
        }
    }

    fn purpose(self) -> Option<X509PurposeId> {
        (self == Self::TimeStamp).then_some(X509PurposeId::TIMESTAMP_SIGN)
    }
}

/// Whether a path leads to an anchor, and the listed service it leads to, which is told of a service
/// that did not stand well too.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub result: Result<(), SubIndication>,
    pub source: Option<TrustSource>,
    /// What the list makes of a signature with it; `None` where the chain ends at no service of a list
    /// that stood well.
    pub qualification: Option<Qualification>,
}

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
        let own = X509::stack_from_pem(pem)?;
        if own.is_empty() {
            return Err(TrustError::Empty);
        }
        Ok(Self { all: own.clone(), own, listed: Vec::new() })
    }

    /// The services of trusted lists.
    pub fn from_lists(listed: Vec<ListedService>) -> Self {
        let all = listed.iter().flat_map(|service| service.certificates.iter().cloned()).collect();
        Self { own: Vec::new(), listed, all }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds the anchors of another source.
    pub fn extend(&mut self, other: Self) {
        self.own.extend(other.own);
        self.listed.extend(other.listed);
        self.all.extend(other.all);
    }

    /// Those alone that are no services of a list.
    pub(super) fn own(&self) -> Self {
        Self { all: self.own.clone(), own: self.own.clone(), listed: Vec::new() }
    }

    pub(super) fn certificates(&self) -> &[X509] {
        &self.all
    }

    /// Whether a path leads from `certificate` to an anchor. A service that is listed goes before an
    /// anchor of our own: it tells more.
    pub(super) fn validate(
        &self,
        certificate: &X509,
        pool: &[Certificate],
        moments: Moments,
        role: Role,
    ) -> Judged {
        let of_kind: Vec<_> =
            self.listed.iter().filter(|service| service.kind == role.kind()).collect();
        let granted: Vec<_> =
            of_kind.iter().filter(|service| service.is_granted(moments.listed)).copied().collect();
        let ends_at = |services: &[&ListedService]| {
            let anchors = services.iter().flat_map(|service| &service.certificates);
            let path = path_to(anchors, certificate, pool, moments.valid, role.purpose())?;
            let ends = services.iter().filter(|service| {
                path.iter().any(|link| service.certificates.iter().any(|known| known == link))
            });
            // One authority may be listed as several services: for signatures, for seals, ….
            let facts = (role == Role::Signature).then(|| Facts::of(certificate)).flatten();
            let qualify = |service: &&&ListedService| {
                facts.as_ref().map(|facts| service.qualify(facts, moments.listed))
            };
            let end = ends.map(|one| (qualify(&one), one)).rev().max_by_key(|(worth, _)| *worth);
            Ok(end.map(|(worth, service)| (worth, (*service).clone())))
        };
        let source = |service: ListedService| service.source(moments.listed, moments.now);
        let listed = match ends_at(&granted) {
            Ok(end) => {
                let (qualification, service) = end.unzip();
                let qualification = qualification.flatten();
                return Judged { result: Ok(()), source: service.map(source), qualification };
            }
            Err(fault) => fault,
        };
        let own = path_to(&self.own, certificate, pool, moments.valid, role.purpose());
        let Err(own) = own else {
            return Judged { result: Ok(()), source: None, qualification: None };
        };
        if let Ok(Some((_, service))) = ends_at(&of_kind) {
            // ETSI EN 319 102-1 §5.1.3: without a proof of existence the signature may be from the
            // time when the service still stood well.
            let unproven = moments.listed >= moments.now && service.was_granted_by(moments.listed);
            let fault = if unproven {
                SubIndication::NoCertificateChainFoundNoPoe
            } else {
                SubIndication::NoCertificateChainFound
            };
            let source = Some(source(service));
            return Judged { result: Err(fault), source, qualification: None };
        }
        let none = own == SubIndication::NoCertificateChainFound;
        let result = Err(if none { listed } else { own });
        Judged { result, source: None, qualification: None }
    }
}

/// The path from `certificate` to one of `anchors`, all valid at `at`.
fn path_to<'a>(
    anchors: impl IntoIterator<Item = &'a X509>,
    certificate: &X509,
    pool: &[Certificate],
    at: DateTime<Utc>,
    purpose: Option<X509PurposeId>,
) -> Result<Vec<X509>, SubIndication> {
    let run = || {
        let store = store(anchors, at, purpose)?;
        let mut untrusted = Stack::new()?;
        for known in pool {
            untrusted.push(known.x509.clone())?;
        }
        let mut context = X509StoreContext::new()?;
        context.init(&store, certificate, &untrusted, |context| {
            let valid = context.verify_cert()?;
            let chain = context.chain().map(|chain| chain.iter().map(ToOwned::to_owned).collect());
            Ok((if valid { X509VerifyResult::OK } else { context.error() }, chain))
        })
    };
    let (result, chain): (X509VerifyResult, Option<Vec<X509>>) =
        run().map_err(|_: ErrorStack| SubIndication::ChainConstraintsFailure)?;
    match result.as_raw() {
        0 => Ok(chain.unwrap_or_default()),
        ERR_NOT_YET_VALID | ERR_HAS_EXPIRED => Err(SubIndication::OutOfBoundsNoPoe),
        code if ERR_NO_ISSUER.contains(&code) => Err(SubIndication::NoCertificateChainFound),
        _ => Err(SubIndication::ChainConstraintsFailure),
    }
}

/// A store that trusts `anchors` and judges as of `at`.
pub(super) fn store<'a>(
    anchors: impl IntoIterator<Item = &'a X509>,
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
