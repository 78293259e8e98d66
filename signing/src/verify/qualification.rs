//! What a signature is in law: qualified or not, a signature or a seal (ETSI TS 119 615 §4.4), from what
//! the certificate states and what the trusted list says against or beyond it (ETSI TS 119 612 §5.5.9.2,
//! §5.5.9.4). Pure.
//!
//! What a list says in words that are not known leaves the question open; it never makes a signature
//! qualified.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use openssl::x509::X509;
use serde::Serialize;

use super::listed::EIDAS;
use crate::cms::Certificate;

/// Policies of qualified certificates before Regulation (EU) 910/2014 (ETSI TS 101 456): QCP+, whose
/// key is on a device, and QCP.
const QCP_PLUS: &str = "0.4.0.1456.1.1";
const QCP: &str = "0.4.0.1456.1.2";

/// What a signature is in law; the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Qualification {
    /// The list contradicts itself, or says something that is not understood.
    #[serde(rename = "Indeterminate")]
    Open,
    /// Advanced at most: the certificate is no qualified one for signatures or seals.
    #[serde(rename = "AdES")]
    Advanced,
    /// A seal with a qualified certificate.
    #[serde(rename = "AdESeal-QC")]
    SealWithCertificate,
    /// A signature with a qualified certificate.
    #[serde(rename = "AdESig-QC")]
    SignatureWithCertificate,
    /// A qualified seal.
    #[serde(rename = "QESeal")]
    QualifiedSeal,
    /// A qualified signature.
    #[serde(rename = "QESig")]
    QualifiedSignature,
}

/// What certificates are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateUse {
    /// Signatures of natural persons.
    Signatures,
    /// Seals of legal persons.
    Seals,
    /// Web sites.
    WebSites,
}

/// What a list says of a service's certificates at some time, beyond its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What they are for; empty: it does not say.
    pub uses: BTreeSet<CertificateUse>,
    /// What is so of some of them, whatever they state themselves.
    pub rules: Vec<Rule>,
    /// It says something that one must understand, and we do not.
    pub beyond_us: bool,
}

/// What is so of certificates that meet the criteria.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is so.
    pub qualifiers: Vec<Qualifier>,
    /// Of which certificates.
    pub criteria: Criteria,
}

/// What a list says of a certificate (ETSI TS 119 612 §5.5.9.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qualifier {
    /// It is qualified, whether it says so or not.
    Qualified,
    /// It is not.
    NotQualified,
    /// It is for signatures.
    ForSignatures,
    /// It is for seals.
    ForSeals,
    /// It is for web sites.
    ForWebSites,
    /// It is of a legal person, from before seals.
    ForLegalPerson,
    /// Its key is on a device.
    OnDevice,
    /// Its key is on none.
    OnNoDevice,
    /// Its key is on one if it says so.
    DeviceAsStated,
    /// Something else.
    Unknown,
}

/// Criteria and how many of them must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// How many; `None`: it is not said in words that are known.
    pub assert: Option<Assert>,
    /// The criteria.
    pub all: Vec<Criterion>,
}

/// How many criteria must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assert {
    /// All.
    All,
    /// One or more.
    AtLeastOne,
    /// None.
    None,
}

/// A usage of a key (RFC 5280 §4.2.1.3), as its bit.
pub type KeyUsage = u32;

/// One criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The key is, or is not, for these usages.
    KeyUsage(Vec<(KeyUsage, bool)>),
    /// The certificate is issued under all of these policies, in dots.
    Policies(Vec<String>),
    /// The subject's name has all of these attributes, in dots.
    NameHas(Vec<String>),
    /// The key is for all of these purposes, in dots.
    Purposes(Vec<String>),
    /// Others.
    Nested(Criteria),
    /// One that is not known.
    Unknown,
}

/// What a certificate says of itself, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub issued_at: Option<DateTime<Utc>>,
    pub stated_qualified: bool,
    pub stated_device: bool,
    pub stated_uses: BTreeSet<CertificateUse>,
    pub key_usage: KeyUsage,
    pub policies: Vec<String>,
    pub name_has: Vec<String>,
    pub purposes: Vec<String>,
}

impl Facts {
    /// Nothing of what cannot be read.
    pub(super) fn of(certificate: &X509) -> Option<Self> {
        let read = Certificate::from_der(&certificate.to_der().ok()?).ok()?;
        let stated = read.qc_statements();
        let uses = [
            (stated.esign, CertificateUse::Signatures),
            (stated.eseal, CertificateUse::Seals),
            (stated.web, CertificateUse::WebSites),
        ];
        let dots = |all: Vec<const_oid::ObjectIdentifier>| -> Vec<String> {
            all.into_iter().map(|one| one.to_string()).collect()
        };
        let usage = certificate.key_usage().map_or(0, |usage| usage.bits());
        Some(Self {
            issued_at: read.not_before(),
            stated_qualified: stated.compliance,
            stated_device: stated.sscd,
            stated_uses: uses.into_iter().filter(|(is, _)| *is).map(|(_, one)| one).collect(),
            key_usage: usage,
            policies: dots(read.policies()),
            name_has: dots(read.name_attributes()),
            purposes: dots(read.purposes()),
        })
    }

    fn is_of_old(&self) -> bool {
        self.issued_at.is_some_and(|at| at.date_naive() < EIDAS)
    }

    fn has_policy(&self, policy: &str) -> bool {
        self.policies.iter().any(|own| own == policy)
    }
}

impl Criteria {
    /// Whether a certificate meets them; `None` when that depends on something that is not known.
    fn met_by(&self, facts: &Facts) -> Option<bool> {
        let met = || self.all.iter().map(|one| one.met_by(facts));
        let any = |wanted: Option<bool>| met().any(|one| one == wanted);
        let one_or_more = || match (any(Some(true)), any(None)) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        };
        match self.assert? {
            Assert::All => match (any(Some(false)), any(None)) {
                (true, _) => Some(false),
                (false, true) => None,
                (false, false) => Some(true),
            },
            Assert::AtLeastOne => one_or_more(),
            Assert::None => one_or_more().map(|met| !met),
        }
    }
}

impl Criterion {
    fn met_by(&self, facts: &Facts) -> Option<bool> {
        let all_in = |wanted: &[String], own: &[String]| wanted.iter().all(|one| own.contains(one));
        match self {
            Self::KeyUsage(bits) => {
                Some(bits.iter().all(|(bit, set)| (facts.key_usage & bit != 0) == *set))
            }
            Self::Policies(all) => Some(all_in(all, &facts.policies)),
            Self::NameHas(all) => Some(all_in(all, &facts.name_has)),
            Self::Purposes(all) => Some(all_in(all, &facts.purposes)),
            Self::Nested(criteria) => criteria.met_by(facts),
            Self::Unknown => None,
        }
    }
}

/// What a certificate is at one moment.
struct Status {
    qualified: bool,
    uses: BTreeSet<CertificateUse>,
    device: bool,
}

impl Terms {
    /// What a certificate is under these terms; `None`: that cannot be said.
    fn status(&self, facts: &Facts) -> Option<Status> {
        use Qualifier as Q;
        if self.beyond_us {
            return None;
        }
        let mut said = BTreeSet::new();
        for rule in &self.rules {
            if rule.criteria.met_by(facts)? {
                said.extend(rule.qualifiers.iter().copied());
            }
        }
        let says = |what: Q| said.contains(&what);
        let (legal, old) = (says(Q::ForLegalPerson), facts.is_of_old());
        let qualified = match (says(Q::Qualified), says(Q::NotQualified)) {
            (true, true) => return None,
            (true, false) => true,
            (false, true) => false,
            (false, false) => {
                let under = |policy| old && facts.has_policy(policy);
                facts.stated_qualified || under(QCP) || under(QCP_PLUS)
            }
        };
        let device = match (says(Q::OnDevice), says(Q::OnNoDevice)) {
            (true, true) => return None,
            (true, false) => true,
            (false, true) => false,
            // Said or not, it is then as the certificate states.
            (false, false) => facts.stated_device || old && facts.has_policy(QCP_PLUS),
        };
        let told = [
            (Q::ForSignatures, CertificateUse::Signatures),
            (Q::ForSeals, CertificateUse::Seals),
            (Q::ForWebSites, CertificateUse::WebSites),
        ];
        let told: BTreeSet<_> =
            told.into_iter().filter(|(what, _)| says(*what)).map(|(_, one)| one).collect();
        if said.contains(&Q::Unknown) || told.len() > 1 {
            return None;
        }
        let uses = if !told.is_empty() {
            told
        } else if legal && old {
            BTreeSet::from([CertificateUse::Seals])
        } else if facts.stated_uses.is_empty() {
            // Before the types existed, qualified certificates were for signatures.
            BTreeSet::from([CertificateUse::Signatures])
        } else {
            facts.stated_uses.clone()
        };
        let offered = |one: &CertificateUse| old || self.uses.is_empty() || self.uses.contains(one);
        let uses = uses.into_iter().filter(offered).collect();
        Some(Status { qualified, uses, device })
    }
}

impl Qualification {
    /// What a signature is, with the terms of the service when it issued the certificate, and when the
    /// signature was made; without terms, the service did not stand well then.
    pub(super) fn of(facts: &Facts, issued: Option<&Terms>, signed: Option<&Terms>) -> Self {
        let (Some(issued), Some(signed)) = (issued, signed) else { return Self::Advanced };
        let (Some(issued), Some(signed)) = (issued.status(facts), signed.status(facts)) else {
            return Self::Open;
        };
        let is_for = |what| issued.uses.contains(&what) && signed.uses.contains(&what);
        let qualified = issued.qualified && signed.qualified;
        match (qualified, is_for(CertificateUse::Signatures), is_for(CertificateUse::Seals)) {
            (true, true, _) if signed.device => Self::QualifiedSignature,
            (true, true, _) => Self::SignatureWithCertificate,
            (true, false, true) if signed.device => Self::QualifiedSeal,
            (true, false, true) => Self::SealWithCertificate,
            _ => Self::Advanced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(issued: &str, qualified: bool, device: bool, uses: &[CertificateUse]) -> Facts {
        Facts {
            issued_at: Some(format!("{issued}T00:00:00Z").parse().unwrap()),
            stated_qualified: qualified,
            stated_device: device,
            stated_uses: uses.iter().copied().collect(),
            key_usage: 0x40,
            policies: vec!["1.3.76.1".to_owned()],
            name_has: vec!["2.5.4.3".to_owned()],
            purposes: Vec::new(),
        }
    }

    fn saying(qualifiers: &[Qualifier]) -> Terms {
        let criteria = Criteria { assert: Some(Assert::All), all: Vec::new() };
        let rule = Rule { qualifiers: qualifiers.to_vec(), criteria };
        Terms { rules: vec![rule], ..Terms::default() }
    }

    fn offering(uses: &[CertificateUse]) -> Terms {
        Terms { uses: uses.iter().copied().collect(), ..Terms::default() }
    }

    #[test]
    fn r_sign_31_what_the_list_says_goes_before_what_the_certificate_states() {
        use CertificateUse::{Seals, Signatures, WebSites};
        use Qualification as V;
        use Qualifier as Q;
        let all = facts("2024-01-01", true, true, &[Signatures]);
        let soft = facts("2024-01-01", true, false, &[Signatures]);
        let plain = facts("2024-01-01", false, false, &[]);
        let seal = facts("2024-01-01", true, true, &[Seals]);
        let web = facts("2024-01-01", true, false, &[WebSites]);
        let old = facts("2015-01-01", true, true, &[]);
        let plus =
            Facts { policies: vec![QCP_PLUS.to_owned()], ..facts("2015-01-01", false, false, &[]) };
        let plus_now = Facts { issued_at: all.issued_at, ..plus.clone() };
        let beyond = Terms { beyond_us: true, ..Terms::default() };
        let cases = [
            (&all, Terms::default(), V::QualifiedSignature),
            (&soft, Terms::default(), V::SignatureWithCertificate),
            (&plain, Terms::default(), V::Advanced),
            (&seal, Terms::default(), V::QualifiedSeal),
            (&web, Terms::default(), V::Advanced),
            (&old, Terms::default(), V::QualifiedSignature),
            (&plus, Terms::default(), V::QualifiedSignature),
            (&plus_now, Terms::default(), V::Advanced),
            (&all, saying(&[Q::NotQualified]), V::Advanced),
            (&all, saying(&[Q::NotQualified, Q::Qualified]), V::Open),
            (&plain, saying(&[Q::Qualified]), V::SignatureWithCertificate),
            (&plain, saying(&[Q::Qualified, Q::OnDevice]), V::QualifiedSignature),
            (&plain, saying(&[Q::OnDevice]), V::Advanced),
            (&soft, saying(&[Q::OnDevice]), V::QualifiedSignature),
            (&all, saying(&[Q::OnNoDevice]), V::SignatureWithCertificate),
            (&all, saying(&[Q::OnNoDevice, Q::OnDevice]), V::Open),
            (&all, saying(&[Q::DeviceAsStated]), V::QualifiedSignature),
            (&soft, saying(&[Q::DeviceAsStated]), V::SignatureWithCertificate),
            (&all, saying(&[Q::ForSeals]), V::QualifiedSeal),
            (&web, saying(&[Q::ForSignatures]), V::SignatureWithCertificate),
            (&all, saying(&[Q::ForWebSites]), V::Advanced),
            (&all, saying(&[Q::ForSeals, Q::ForSignatures]), V::Open),
            (&old, saying(&[Q::ForLegalPerson]), V::QualifiedSeal),
            (&all, saying(&[Q::ForLegalPerson]), V::QualifiedSignature),
            (&all, saying(&[Q::Unknown]), V::Open),
            (&all, beyond, V::Open),
            (&all, offering(&[Signatures]), V::QualifiedSignature),
            (&all, offering(&[Seals]), V::Advanced),
            (&seal, offering(&[Signatures]), V::Advanced),
            (&seal, offering(&[Seals, WebSites]), V::QualifiedSeal),
            (&old, offering(&[Seals]), V::QualifiedSignature),
        ];
        for (number, (facts, terms, verdict)) in cases.into_iter().enumerate() {
            let got = Qualification::of(facts, Some(&terms), Some(&terms));
            assert_eq!(got, verdict, "case {number}");
        }
        // It must be so at both moments; the device, when the signature is made.
        let (none, good) = (Terms::default(), saying(&[Q::OnNoDevice]));
        assert_eq!(Qualification::of(&all, None, Some(&none)), V::Advanced);
        assert_eq!(Qualification::of(&all, Some(&none), None), V::Advanced);
        let not = saying(&[Q::NotQualified]);
        assert_eq!(Qualification::of(&all, Some(&not), Some(&none)), V::Advanced);
        assert_eq!(Qualification::of(&all, Some(&none), Some(&not)), V::Advanced);
        let later = Qualification::of(&all, Some(&none), Some(&good));
        assert_eq!(later, V::SignatureWithCertificate);
    }

    #[test]
    fn r_sign_31_criteria_hold_for_all_for_one_or_for_none() {
        use Assert::{All, AtLeastOne, None as Never};
        let facts = facts("2024-01-01", true, true, &[]);
        let yes = || Criterion::Policies(vec!["1.3.76.1".to_owned()]);
        let no = || Criterion::Policies(vec!["1.3.76.1".to_owned(), "1.3.76.2".to_owned()]);
        let odd = || Criterion::Unknown;
        let of = |assert, all: Vec<Criterion>| Criteria { assert: Some(assert), all };
        let cases = [
            (All, vec![], Some(true)),
            (All, vec![yes(), yes()], Some(true)),
            (All, vec![yes(), no()], Some(false)),
            (All, vec![yes(), odd()], None),
            (All, vec![no(), odd()], Some(false)),
            (AtLeastOne, vec![], Some(false)),
            (AtLeastOne, vec![no(), yes()], Some(true)),
            (AtLeastOne, vec![no(), no()], Some(false)),
            (AtLeastOne, vec![odd(), yes()], Some(true)),
            (AtLeastOne, vec![odd(), no()], None),
            (Never, vec![no()], Some(true)),
            (Never, vec![no(), yes()], Some(false)),
            (Never, vec![odd(), no()], None),
            (Never, vec![odd(), yes()], Some(false)),
            (All, vec![Criterion::KeyUsage(vec![(0x40, true), (0x80, false)])], Some(true)),
            (All, vec![Criterion::KeyUsage(vec![(0x40, true), (0x80, true)])], Some(false)),
            (All, vec![Criterion::NameHas(vec!["2.5.4.3".to_owned()])], Some(true)),
            (All, vec![Criterion::Purposes(vec!["1.2".to_owned()])], Some(false)),
            (All, vec![yes(), Criterion::Nested(of(Never, vec![no()]))], Some(true)),
            (All, vec![Criterion::Nested(of(AtLeastOne, vec![no(), odd()]))], None),
        ];
        for (number, (assert, all, met)) in cases.into_iter().enumerate() {
            assert_eq!(of(assert, all).met_by(&facts), met, "case {number}");
        }
        let unsaid = Criteria { assert: None, all: vec![yes()] };
        assert_eq!(unsaid.met_by(&facts), None);
    }
}
