//! One signature: cryptography, certificate, time, level.

use chrono::{DateTime, Utc};
use openssl::x509::X509;

use super::{
    Found,
    archive::Proven,
    claimed_time::{pdf_date, signing_time},
    evidence::{Evidence, Held, read_all},
    place::Place,
    report::{
        Indication, Integrity, Kind, LaterRevision, Level, Revocation, SignatureReport,
        SubIndication, Timestamp,
    },
    signer::{describe, may_sign, names, names_certificate},
    trust::{Judged, Moments, Role, TrustAnchors},
};
use crate::{
    cms::{
        self, CONTENT_TYPE, Certificate, ID_DATA, MESSAGE_DIGEST, SIGNATURE_TIMESTAMP,
        SIGNING_TIME, Scheme, SignedData,
        asn1::{Item, OCTET_STRING},
    },
    pdf::{self, PADES, Work, validation_data_within},
    tsa::token::{self, Token},
};

/// `/SubFilter` of PDF signatures before PAdES (ISO 32000-1 §12.8.3.3): checked, but no level.
const PKCS7: &str = "adbe.pkcs7.detached";

/// The check of all signatures of one document.
pub(super) struct Check<'a> {
    pdf: &'a [u8],
    pub(super) evidence: &'a Evidence,
    trust: &'a TrustAnchors,
    work: &'a Work,
    pub(super) now: DateTime<Utc>,
    /// The earliest proven time at which what is being checked existed.
    pub(super) existed_at: DateTime<Utc>,
    /// What the security stores under the document time stamps seen so far held, or what archive time
    /// stamps cover.
    pub(super) stamped: Vec<Held>,
    /// What archive time stamps prove of the unsigned attributes; `None` in a PDF, where a document time
    /// stamp covers all that is before it.
    pub(super) proven: Option<Proven>,
}

/// What kind of signature it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a PDF (ETSI EN 319 142-1).
    Pades,
    /// In a PDF, from before PAdES.
    Pkcs7,
    /// A signed file (ETSI EN 319 122-1).
    Cades,
}

/// Why a signature is not `TOTAL-PASSED`.
pub(super) struct Finding {
    indication: Indication,
    sub: SubIndication,
    why: String,
}

pub(super) fn failed(sub: SubIndication, why: impl Into<String>) -> Finding {
    Finding { indication: Indication::TotalFailed, sub, why: why.into() }
}

fn unsure(sub: SubIndication, why: impl Into<String>) -> Finding {
    Finding { indication: Indication::Indeterminate, sub, why: why.into() }
}

impl<'a> Check<'a> {
    pub(super) fn new(
        pdf: &'a [u8],
        evidence: &'a Evidence,
        trust: &'a TrustAnchors,
        work: &'a Work,
        now: DateTime<Utc>,
    ) -> Self {
        let (existed_at, stamped) = (now, Vec::new());
        Self { pdf, evidence, trust, work, now, existed_at, stamped, proven: None }
    }

    /// Checks the last one first: a document time stamp proves that everything before it existed
    /// at its time.
    pub(super) fn all(mut self, found: &[Found], later: &[LaterRevision]) -> Vec<SignatureReport> {
        let mut reports: Vec<_> = found.iter().rev().map(|found| self.one(found, later)).collect();
        reports.reverse();
        reports
    }

    fn one(&mut self, found: &Found, later: &[LaterRevision]) -> SignatureReport {
        let kind = if found.timestamp { Kind::DocumentTimestamp } else { Kind::Signature };
        let mut report = SignatureReport::blank(found.field.name.clone(), kind);
        report.claimed_time = found.claimed_time.as_deref().and_then(pdf_date);
        report.reason.clone_from(&found.reason);
        let result = match &found.place {
            Err(why) => Err(failed(SubIndication::FormatFailure, *why)),
            Ok(place) => {
                report.covers_bytes = Some(place.end);
                report.later =
                    later.iter().filter(|later| later.start >= place.end).cloned().collect();
                report.modified_after =
                    report.later.iter().any(|later| !later.forbidden.is_empty());
                if found.timestamp {
                    self.document_timestamp(place, &mut report)
                } else {
                    self.in_document(found, place, &mut report)
                }
            }
        };
        conclude(&mut report, result);
        if let (Kind::Signature, Indication::TotalPassed, Some(stamp)) =
            (report.kind, report.indication, &report.timestamp)
        {
            // What it signs holds every signature before it: they existed when it was stamped.
            self.existed_at = self.existed_at.min(stamp.time);
        }
        report
    }

    /// One signature of a signed file over `content`, after its archive time stamps.
    pub(super) fn in_file(
        &self,
        cms: &SignedData<'_>,
        content: &[u8],
        name: String,
    ) -> SignatureReport {
        let mut report = SignatureReport::blank(name, Kind::Signature);
        report.covers_bytes = Some(content.len());
        report.claimed_time = cms.signed_value(SIGNING_TIME).and_then(signing_time);
        let result = self.signature(Form::Cades, cms, &[content], &mut report);
        conclude(&mut report, result);
        report
    }

    fn in_document(
        &self,
        found: &Found,
        place: &Place,
        report: &mut SignatureReport,
    ) -> Result<(), Finding> {
        let form = match found.sub_filter.as_slice() {
            pades if pades == PADES.as_bytes() => Form::Pades,
            pkcs7 if pkcs7 == PKCS7.as_bytes() => Form::Pkcs7,
            _ => {
                return Err(failed(
                    SubIndication::FormatFailure,
                    "the /SubFilter is not supported",
                ));
            }
        };
        let cms = SignedData::read(&place.contents)
            .map_err(|_| failed(SubIndication::FormatFailure, "the signature is not DER CMS"))?;
        self.signature(form, &cms, &self.signed(place), report)
    }

    fn signature(
        &self,
        form: Form,
        cms: &SignedData<'_>,
        signed: &[&[u8]],
        report: &mut SignatureReport,
    ) -> Result<(), Finding> {
        let mut pool = read_all(&cms.certificates);
        let signer = pool.iter().find(|certificate| cms.is_signer(certificate)).cloned();
        let signer = signer.ok_or_else(|| {
            unsure(
                SubIndication::NoSigningCertificateFound,
                "the signing certificate is not in the signature",
            )
        })?;
        report.signer = Some(describe(&signer));
        cryptography(form, cms, signed, &signer)?;
        report.integrity = Integrity::Intact;

        pool.extend(self.evidence.certificates.iter().cloned());
        let named = names_certificate(cms, &signer);
        let stamp = self.signature_timestamp(cms, &mut pool);
        let proven = stamp.as_ref().ok().and_then(Option::as_ref);
        let proven = proven.filter(|stamp| stamp.report.trusted != Some(false));
        let time_is_proven = proven.is_some();
        let signed_at = proven.map_or(self.existed_at, |stamp| stamp.report.time);
        let path = self.evidence.path(&signer.x509, &pool, self.trust);
        report.chain.names = names(&path);
        if let [own, issuer, ..] = path.as_slice() {
            report.chain.revocation = self.evidence.status(own, issuer, signed_at, None);
        }
        if form != Form::Pkcs7 && named == Some(true) {
            report.level = Some(self.level(&path, signed_at, proven));
        }
        let moments = Moments { valid: signed_at, listed: signed_at, now: self.now };
        let chain = self.trust.validate(&signer.x509, &pool, moments, Role::Signature);
        report.chain.trusted = (!self.trust.is_empty()).then_some(chain.result.is_ok());
        report.chain.source.clone_from(&chain.source);
        report.qualification = chain.qualification;
        report.timestamp = stamp.as_ref().ok().and_then(|s| s.as_ref()).map(|s| s.report.clone());

        stamp?;
        if named == Some(false) || (form != Form::Pkcs7 && named.is_none()) {
            return Err(unsure(
                SubIndication::SigConstraintsFailure,
                "the signed attributes do not name the signing certificate",
            ));
        }
        if !may_sign(&signer) {
            return Err(unsure(
                SubIndication::SigConstraintsFailure,
                "the certificate is not for signatures",
            ));
        }
        if let Revocation::Revoked { since } = report.chain.revocation
            && since <= signed_at
        {
            return Err(if time_is_proven {
                failed(SubIndication::Revoked, "the certificate was revoked before")
            } else {
                unsure(SubIndication::RevokedNoPoe, "the certificate is revoked")
            });
        }
        if self.has_revoked(path.get(1..).unwrap_or_default(), signed_at) {
            return Err(unsure(
                SubIndication::RevokedCaNoPoe,
                "an authority's certificate is revoked",
            ));
        }
        // ETSI EN 319 102-1 §5.5.4: it existed at that time at the latest.
        if signer.not_before().is_some_and(|start| signed_at < start) {
            return Err(failed(
                SubIndication::NotYetValid,
                "the signature existed before its certificate was valid",
            ));
        }
        self.chain_result(chain)
    }

    fn document_timestamp(
        &mut self,
        place: &Place,
        report: &mut SignatureReport,
    ) -> Result<(), Finding> {
        let format = || failed(SubIndication::FormatFailure, "it is not a time stamp token");
        let (token, padding) = Item::first(&place.contents).map_err(|_| format())?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(format());
        }
        let parsed = token::parse(token.raw).map_err(|_| format())?;
        let signed = self.signed(place);
        if !parsed.imprint.is_of(&signed) {
            return Err(failed(SubIndication::HashFailure, "the stamped bytes were changed"));
        }
        let checked = token::check_over(token.raw, &signed)
            .map_err(|error| failed(SubIndication::SigCryptoFailure, error.to_string()))?;
        report.integrity = Integrity::Intact;
        let mut pool = self.evidence.certificates.clone();
        let stamp = self.stamp(checked, &mut pool, self.existed_at)?;
        self.describe_stamp(&stamp, report);
        self.chain_result(stamp.chain)?;
        // Only now does it prove anything about what came before.
        self.existed_at = self.existed_at.min(stamp.report.time);
        if let Ok(revision) = pdf::open_within(&self.pdf[..place.end], self.work) {
            self.stamped.push(Held::of(&validation_data_within(&revision, self.work)));
        }
        Ok(())
    }

    pub(super) fn describe_stamp(&self, stamp: &Stamp, report: &mut SignatureReport) {
        report.signer = Some(describe(&stamp.authority));
        report.chain.names = names(&stamp.path);
        report.chain.trusted = stamp.report.trusted;
        report.chain.source.clone_from(&stamp.report.source);
        report.timestamp = Some(stamp.report.clone());
        if let [own, issuer, ..] = stamp.path.as_slice() {
            report.chain.revocation = self.evidence.status(own, issuer, stamp.report.time, None);
        }
    }

    fn signature_timestamp(
        &self,
        cms: &SignedData<'_>,
        pool: &mut Vec<Certificate>,
    ) -> Result<Option<Stamp>, Finding> {
        let Some(value) = cms.unsigned_values(SIGNATURE_TIMESTAMP).next() else { return Ok(None) };
        let token = token::check_over(value.raw, &[cms.signature])
            .map_err(|error| unsure(SubIndication::SigConstraintsFailure, error.to_string()))?;
        let existed_at = match &self.proven {
            None => self.existed_at,
            Some(proven) => proven.since(SIGNATURE_TIMESTAMP, value.raw).unwrap_or(self.now),
        };
        self.stamp(token, pool, existed_at).map(Some)
    }

    /// Judges a time stamp that is proven to have existed at that time.
    pub(super) fn stamp(
        &self,
        token: Token,
        pool: &mut Vec<Certificate>,
        existed_at: DateTime<Utc>,
    ) -> Result<Stamp, Finding> {
        let authority = token.signer.as_ref().and_then(|der| Certificate::from_der(der).ok());
        let authority = authority.ok_or_else(|| {
            unsure(SubIndication::NoSigningCertificateFound, "the time stamp has no certificate")
        })?;
        pool.extend(read_all(&token.certs));
        let path = self.evidence.path(&authority.x509, pool, self.trust);
        // The service must have stood well when it stamped, its certificates hold until proven longer.
        let moments = Moments { valid: existed_at, listed: token.gen_time, now: self.now };
        let mut chain = self.trust.validate(&authority.x509, pool, moments, Role::TimeStamp);
        // ETSI EN 319 102-1 §5.4: a time stamp is judged as of now, or as of what proves it.
        let revoked = self.has_revoked(&path, existed_at);
        if revoked {
            chain.result = chain.result.and(Err(SubIndication::RevokedNoPoe));
        }
        let report = Timestamp {
            time: token.gen_time,
            authority: authority.name(),
            trusted: (!self.trust.is_empty()).then_some(chain.result.is_ok()),
            source: chain.source.clone(),
        };
        Ok(Stamp { report, authority, path, chain })
    }

    fn level(&self, path: &[X509], signed_at: DateTime<Utc>, stamp: Option<&Stamp>) -> Level {
        let Some(stamp) = stamp else { return Level::BB };
        let complete = |held: Option<&Held>| {
            self.evidence.covers(path, self.trust, signed_at, held)
                && self.evidence.covers(&stamp.path, self.trust, stamp.report.time, held)
        };
        if self.stamped.iter().any(|held| complete(Some(held))) {
            Level::BLta
        } else if complete(None) {
            Level::BLt
        } else {
            Level::BT
        }
    }

    /// Whether any certificate of the path but its last was revoked by then.
    fn has_revoked(&self, path: &[X509], by: DateTime<Utc>) -> bool {
        path.windows(2).any(|pair| {
            let [certificate, issuer] = pair else { return false };
            let status = self.evidence.status(certificate, issuer, by, None);
            matches!(status, Revocation::Revoked { since } if since <= by)
        })
    }

    pub(super) fn chain_result(&self, chain: Judged) -> Result<(), Finding> {
        if self.trust.is_empty() {
            return Err(unsure(
                SubIndication::NoCertificateChainFound,
                "there are no trust anchors to check against",
            ));
        }
        let withdrawn = chain.source.filter(|source| !source.granted);
        chain.result.map_err(|sub| {
            unsure(
                sub,
                match sub {
                    SubIndication::NoCertificateChainFoundNoPoe => {
                        "the listed service is not granted now, and nothing proves an earlier time"
                    }
                    SubIndication::NoCertificateChainFound if withdrawn.is_some() => {
                        "the listed service was not granted at that time"
                    }
                    SubIndication::OutOfBoundsNoPoe => {
                        "a certificate is not valid at the only time that is proven"
                    }
                    SubIndication::NoCertificateChainFound => "no chain leads to a trust anchor",
                    SubIndication::RevokedNoPoe => "a certificate is revoked",
                    _ => "the chain of certificates breaks a rule",
                },
            )
        })
    }

    fn signed(&self, place: &Place) -> [&[u8]; 2] {
        [&self.pdf[..place.gap_start], &self.pdf[place.gap_end..place.end]]
    }
}

fn cryptography(
    form: Form,
    cms: &SignedData<'_>,
    signed: &[&[u8]],
    signer: &Certificate,
) -> Result<(), Finding> {
    let format = |why| failed(SubIndication::FormatFailure, why);
    if form != Form::Cades && cms.has_content || cms.content_type != ID_DATA {
        return Err(format("the signature is not a detached one"));
    }
    let content_type = cms.signed_value(CONTENT_TYPE).and_then(|value| value.oid().ok());
    if content_type != Some(ID_DATA) {
        return Err(format("the signed content type is missing or another"));
    }
    let weak = || {
        unsure(
            SubIndication::CryptoConstraintsFailureNoPoe,
            "an algorithm or key is too weak or unknown",
        )
    };
    let scheme = Scheme::of(cms.signature_algorithm, cms.digest_algorithm)
        .filter(|scheme| scheme.fits(signer))
        .ok_or_else(weak)?;
    let digest = cms::digest(cms.digest_algorithm, signed).ok_or_else(weak)?;
    let claimed = cms.signed_value(MESSAGE_DIGEST).filter(|value| value.tag == OCTET_STRING);
    let claimed = claimed.ok_or_else(|| format("the signed digest is missing"))?;
    if claimed.value != digest {
        return Err(failed(SubIndication::HashFailure, "the signed bytes were changed"));
    }
    if !scheme.verify(signer, &cms.signed_bytes, cms.signature) {
        return Err(failed(
            SubIndication::SigCryptoFailure,
            "the signature value is not the certificate's",
        ));
    }
    Ok(())
}

/// Puts the result of a check into the report.
pub(super) fn conclude(report: &mut SignatureReport, result: Result<(), Finding>) {
    let finding = match result {
        Err(finding) if report.integrity == Integrity::Broken => Some(finding),
        _ if report.modified_after => {
            Some(failed(SubIndication::FormatFailure, "the document was modified after signature"))
        }
        result => result.err(),
    };
    match finding {
        None => report.indication = Indication::TotalPassed,
        Some(finding) => {
            report.qualification = None;
            report.indication = finding.indication;
            report.sub_indication = Some(finding.sub);
            report.explanation = Some(finding.why);
        }
    }
}

/// A checked time stamp with its chain.
pub(super) struct Stamp {
    report: Timestamp,
    authority: Certificate,
    path: Vec<X509>,
    pub(super) chain: Judged,
}
