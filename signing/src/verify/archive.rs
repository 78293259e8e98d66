//! Archive time stamps of a signature in a signed file (ETSI EN 319 122-1 §5.5), the newest first: each
//! proves that the signature, and what its index names, existed at its time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use const_oid::ObjectIdentifier as Oid;

use super::{
    evidence::Held,
    report::{Indication, Integrity, Kind, SignatureReport, SubIndication},
    signature::{Check, Finding, conclude, failed},
};
use crate::{
    Digest,
    cades::{ArchiveStamp, archive_stamps, attribute_digests, value_digest},
    cms::{ARCHIVE_TIMESTAMP, Container, SignedData, asn1::Item, ocsp_response},
    tsa::token,
};

/// Since when the unsigned attributes of a signature are proven to exist.
#[derive(Default)]
pub(super) struct Proven(BTreeMap<Digest, DateTime<Utc>>);

impl Proven {
    /// Of this value; `None` when nothing proves it.
    pub fn since(&self, kind: Oid, value: &[u8]) -> Option<DateTime<Utc>> {
        self.0.get(&value_digest(kind, value)).copied()
    }

    fn learn(&mut self, stamp: &ArchiveStamp<'_>) {
        for digest in &stamp.attributes {
            let known = self.0.entry(*digest).or_insert(stamp.token.gen_time);
            *known = (*known).min(stamp.token.gen_time);
        }
    }
}

/// What archive time stamps of a file can cover, worked out once for all of them.
pub(super) struct Contents {
    /// Digests of all certificates and revocation data, as an index names them.
    all: BTreeSet<Digest>,
    /// Of each list or answer: as an index names it, and of itself.
    revocation: Vec<(Digest, Digest)>,
}

impl Contents {
    pub fn of(container: &Container<'_>) -> Self {
        let own = |raw: &[u8]| Item::only(raw).ok().and_then(ocsp_response).map(Digest::of);
        let named = |raw: &&[u8]| (Digest::of(raw), own(raw).unwrap_or_else(|| Digest::of(raw)));
        let revocation: Vec<_> = container.revocation.iter().map(named).collect();
        let certificates = container.certificates.iter().map(|der| Digest::of(der));
        Self { all: certificates.chain(revocation.iter().map(|one| one.0)).collect(), revocation }
    }

    /// Whether all that the index names is there (§5.5.2).
    fn hold(&self, stamp: &ArchiveStamp<'_>, attributes: &BTreeSet<Digest>) -> bool {
        stamp.data.is_subset(&self.all) && stamp.attributes.is_subset(attributes)
    }

    /// Which revocation data a stamp covers.
    fn held(&self, stamp: &ArchiveStamp<'_>) -> Held {
        let covered = self.revocation.iter().filter(|(named, _)| stamp.data.contains(named));
        Held::new(covered.map(|(_, own)| *own).collect())
    }
}

impl Check<'_> {
    /// Judges the archive time stamps of `signer`; what they prove is known from then on. `name`: of the
    /// signature.
    pub(super) fn archive(
        &mut self,
        contents: &Contents,
        signer: &SignedData<'_>,
        content: &Digest,
        name: &str,
    ) -> Vec<SignatureReport> {
        let mut proven = Proven::default();
        let mut stamps = archive_stamps(signer, content);
        let attributes = match stamps.as_slice() {
            [] => BTreeSet::new(),
            _ => attribute_digests(signer).into_iter().collect(),
        };
        stamps.sort_by_key(|stamp| stamp.token.gen_time);
        let mut reports = Vec::with_capacity(stamps.len());
        for (index, stamp) in stamps.iter().enumerate().rev() {
            let field = format!("{name}.{}", index + 1);
            let mut report = SignatureReport::blank(field, Kind::ArchiveTimestamp);
            let complete = contents.hold(stamp, &attributes);
            let existed_at = proven.since(ARCHIVE_TIMESTAMP, stamp.raw).unwrap_or(self.now);
            let result = self.archive_stamp(stamp, complete, existed_at, &mut report);
            conclude(&mut report, result);
            if report.indication == Indication::TotalPassed {
                proven.learn(stamp);
                self.existed_at = self.existed_at.min(stamp.token.gen_time);
                self.stamped.push(contents.held(stamp));
            }
            reports.push(report);
        }
        self.proven = Some(proven);
        reports.reverse();
        reports
    }

    fn archive_stamp(
        &self,
        stamp: &ArchiveStamp<'_>,
        complete: bool,
        existed_at: DateTime<Utc>,
        report: &mut SignatureReport,
    ) -> Result<(), Finding> {
        if stamp.token.imprint != stamp.imprint {
            return Err(failed(SubIndication::HashFailure, "what was archived was changed"));
        }
        if !complete {
            let why = "something that was archived is not there any more";
            return Err(failed(SubIndication::HashFailure, why));
        }
        let checked = token::check(stamp.raw, &stamp.imprint)
            .map_err(|error| failed(SubIndication::SigCryptoFailure, error.to_string()))?;
        report.integrity = Integrity::Intact;
        let mut pool = self.evidence.certificates.clone();
        let stamp = self.stamp(checked, &mut pool, existed_at)?;
        self.describe_stamp(&stamp, report);
        self.chain_result(stamp.chain)
    }
}
