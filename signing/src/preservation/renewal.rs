//! When an archive time stamp has to be renewed (ETSI EN 319 142-1 §5.5): before the certificate of
//! its authority ends, and before its algorithm is no longer to be relied on.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use lopdf::Document;
use openssl::{
    pkey::Id,
    x509::{X509, X509Ref},
};
use serde::Deserialize;

use super::subjects::value;
use crate::{
    cades,
    cms::{ARCHIVE_TIMESTAMP, Certificate, SignedData, asn1::Item},
    pades::DocumentError,
    pdf::{self, signature_fields},
    tsa::token::{self, Token},
};

/// Never sooner than this after the last: a stamp whose end is near already is not replaced by
/// another such stamp again and again.
const LEAST: TimeDelta = TimeDelta::days(30);

/// When to renew.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// Days before the stamp's end.
    pub before_days: u16,
    /// Until when keys are to be relied on; those not named have no end.
    #[serde(default)]
    pub algorithm_ends: Vec<AlgorithmEnd>,
}

/// The end of a kind of key, e.g. RSA below 3000 bits, as ETSI TS 119 312 or the body decides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmEnd {
    /// `rsa` or `ec`.
    pub key: KeyKind,
    /// Keys with fewer bits than this.
    pub below_bits: u32,
    /// Not to be relied on from this day on.
    pub on: NaiveDate,
}

/// Kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// Elliptic curve.
    Ec,
}

/// The newest archive time stamp of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: DateTime<Utc>,
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
}

impl Default for Renewal {
    fn default() -> Self {
        Self { before_days: 90, algorithm_ends: Vec::new() }
    }
}

impl Renewal {
    /// When a document with these stamps wants the next ones: before the first of them ends.
    ///
    /// # Errors
    /// No stamp, or a certificate that cannot be read.
    pub fn due_first(&self, stamps: &[Stamp]) -> Result<DateTime<Utc>, DocumentError> {
        let due = stamps.iter().map(|stamp| self.due(stamp)).collect::<Result<Vec<_>, _>>()?;
        due.into_iter().min().ok_or(DocumentError::Structure("no time stamp"))
    }

    /// When the document with this stamp wants the next one.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub fn due(&self, stamp: &Stamp) -> Result<DateTime<Utc>, DocumentError> {
        let authority =
            Certificate::from_der(&stamp.authority).map_err(DocumentError::Certificate)?;
        let ends = self.algorithm_ends.iter().filter(|end| end.concerns(&authority.x509));
        let ends = ends.filter_map(|end| Some(end.on.and_hms_opt(0, 0, 0)?.and_utc()));
        let end = ends.chain(authority.not_after()).min().ok_or(DocumentError::WeakKey)?;
        Ok((end - TimeDelta::days(self.before_days.into())).max(stamp.at + LEAST))
    }
}

impl AlgorithmEnd {
    fn concerns(&self, certificate: &X509Ref) -> bool {
        let kind = match self.key {
            KeyKind::Rsa => Id::RSA,
            KeyKind::Ec => Id::EC,
        };
        certificate.public_key().is_ok_and(|key| key.id() == kind && key.bits() < self.below_bits)
    }
}

/// The newest archive time stamp of a PDF, or of each signature of a signed file (P7M) of ours; empty
/// when one is missing.
///
/// # Errors
/// An unreadable document or time stamp.
pub fn newest_stamps(file: &[u8]) -> Result<Vec<Stamp>, DocumentError> {
    let newest = match cades::open(file)?.container {
        Some(container) => {
            let of = |signer: &SignedData<'_>| {
                let stamps = signer.unsigned_values(ARCHIVE_TIMESTAMP);
                newest(stamps.map(|stamp| Ok(token::parse(stamp.raw)?)))
            };
            container.signers.iter().map(of).collect::<Result<Option<Vec<_>>, _>>()?
        }
        None => newest(stamps(&pdf::open(file)?))?.map(|stamp| vec![stamp]),
    };
    Ok(newest.unwrap_or_default())
}

fn newest(
    tokens: impl Iterator<Item = Result<Token, DocumentError>>,
) -> Result<Option<Stamp>, DocumentError> {
    let mut newest: Option<Stamp> = None;
    for token in tokens {
        let Token { gen_time: at, signer, .. } = token?;
        let authority = signer.ok_or(DocumentError::NoCertificate)?;
        // A certificate that is none would be found out only when it matters.
        X509::from_der(&authority).map_err(|_| DocumentError::WeakKey)?;
        if newest.as_ref().is_none_or(|known| known.at <= at) {
            newest = Some(Stamp { at, authority });
        }
    }
    Ok(newest)
}

/// The document time stamps, in the order of the form.
pub(super) fn stamps(
    document: &Document,
) -> impl Iterator<Item = Result<Token, DocumentError>> + '_ {
    let signed = signature_fields(document).into_iter().filter(|field| field.signed);
    signed.filter_map(|field| match value(document, field.id) {
        Ok((true, contents)) => Some(
            Item::first(contents)
                .map_err(|_| DocumentError::Structure("a time stamp cannot be read"))
                .and_then(|(token, _)| Ok(token::parse(token.raw)?)),
        ),
        Ok((false, _)) => None,
        Err(error) => Some(Err(error)),
    })
}

#[cfg(test)]
mod tests {
    use openssl::{
        asn1::Asn1Time,
        ec::{EcGroup, EcKey},
        hash::MessageDigest,
        nid::Nid,
        pkey::{PKey, Private},
        rsa::Rsa,
        x509::X509Builder,
    };

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    fn certificate(key: &PKey<Private>, until: &str) -> Vec<u8> {
        let mut builder = X509Builder::new().unwrap();
        let time = |text: &str| Asn1Time::from_unix(at(text).timestamp()).unwrap();
        builder.set_not_before(&time("2026-01-01")).unwrap();
        builder.set_not_after(&time(until)).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
        builder.build().to_der().unwrap()
    }

    #[test]
    fn a_stamp_is_renewed_before_its_certificate_or_algorithm_ends() {
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let ec = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let end =
            |key, below_bits, on: &str| AlgorithmEnd { key, below_bits, on: on.parse().unwrap() };
        let rsa_ends = || vec![end(KeyKind::Rsa, 3000, "2029-01-01")];
        let cases = [
            (&ec, "2031-01-01", vec![], "2030-10-03"),
            (&ec, "2031-01-01", rsa_ends(), "2030-10-03"),
            (&ec, "2031-01-01", vec![end(KeyKind::Ec, 257, "2030-01-01")], "2029-10-03"),
            (&ec, "2031-01-01", vec![end(KeyKind::Ec, 256, "2030-01-01")], "2030-10-03"),
            (&rsa, "2031-01-01", rsa_ends(), "2028-10-03"),
            (&rsa, "2028-01-01", rsa_ends(), "2027-10-03"),
            // Too late already: soon, but not at once and not for ever.
            (&rsa, "2027-02-01", vec![], "2026-12-31"),
        ];
        for (key, until, algorithm_ends, expected) in cases {
            let stamp = Stamp { at: at("2026-12-01"), authority: certificate(key, until) };
            let renewal = Renewal { before_days: 90, algorithm_ends };
            assert_eq!(renewal.due(&stamp).unwrap(), at(expected), "{until} {renewal:?}");
        }
    }
}
