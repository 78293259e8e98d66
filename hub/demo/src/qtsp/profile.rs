//! What stands in the certificates: names, extensions and the statement that nothing here is
//! qualified.

use const_oid::ObjectIdentifier as Oid;
use der::{
    Any, Encode, Sequence, Tag,
    asn1::{Ia5String, OctetString, PrintableStringRef, SetOfVec, Utf8StringRef},
};
use signing::ports::Subject;
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::{
        Extension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
            CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, KeyUsages,
            SubjectKeyIdentifier,
            certpolicy::{PolicyInformation, PolicyQualifierInfo},
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use crate::{DemoError, NOT_QUALIFIED};

const COUNTRY: Oid = Oid::new_unwrap("2.5.4.6");
const ORGANISATION: Oid = Oid::new_unwrap("2.5.4.10");
const COMMON_NAME: Oid = Oid::new_unwrap("2.5.4.3");
const GIVEN_NAME: Oid = Oid::new_unwrap("2.5.4.42");
const SURNAME: Oid = Oid::new_unwrap("2.5.4.4");
const SERIAL_NUMBER: Oid = Oid::new_unwrap("2.5.4.5");

const TIME_STAMPING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.8");
const OCSP_SIGNING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.9");
const TSL_SIGNING: Oid = Oid::new_unwrap("0.4.0.2231.3.0"); // ETSI TS 119 612 §5.7.1
const ACCESS_OCSP: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1");
const ACCESS_ISSUERS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.2");
const OCSP_NOCHECK: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.5");
const QUALIFIER_CPS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.2.1");
const QUALIFIER_NOTICE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.2.2");
const QC_STATEMENTS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.1.3");

// ETSI EN 319 412-5 §4.2.1, §4.3.4, §4.2.3
const QC_COMPLIANCE: Oid = Oid::new_unwrap("0.4.0.1862.1.1");
const QC_PDS: Oid = Oid::new_unwrap("0.4.0.1862.1.5");
const QC_TYPE: Oid = Oid::new_unwrap("0.4.0.1862.1.6");
const QC_TYPE_ESIGN: Oid = Oid::new_unwrap("0.4.0.1862.1.6.1");

/// Policy of the demo certificates. The number is nobody's: it must mean nothing elsewhere.
const SIGNING_POLICY: Oid = Oid::new_unwrap("1.3.6.1.4.1.99999.1.1");
/// Policy of the demo time stamps.
pub(super) const TSA_POLICY: Oid = Oid::new_unwrap("1.3.6.1.4.1.99999.1.2");

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Issues authorities (and the time stamping unit).
    Root,
    /// Issues one-shot certificates.
    Issuing,
    /// Signs time stamps.
    TimeStamping,
    /// Signs OCSP responses for the issuing authority.
    Ocsp,
    /// Signs trusted lists.
    ListOperator,
    /// Signs one document for one person.
    OneShot,
}

/// Name of one of the provider's own certificates.
pub(super) fn service_name(common_name: &str) -> Result<Name, DemoError> {
    name(&[(COUNTRY, "IT"), (ORGANISATION, NOT_QUALIFIED), (COMMON_NAME, common_name)])
}

/// Name of a person (ETSI EN 319 412-2 §4.2.4; fiscal code as in EN 319 412-1 §5.1.3).
pub(super) fn person_name(subject: &Subject) -> Result<Name, DemoError> {
    let Subject { given_name, surname, fiscal_code } = subject;
    // RFC 5280 §A.1: a common name has at most 64 characters
    let common_name: String = format!("{given_name} {surname}").chars().take(64).collect();
    name(&[
        (COUNTRY, "IT"),
        (ORGANISATION, NOT_QUALIFIED),
        (SURNAME, surname),
        (GIVEN_NAME, given_name),
        (SERIAL_NUMBER, &format!("TINIT-{fiscal_code}")),
        (COMMON_NAME, &common_name),
    ])
}

fn name(parts: &[(Oid, &str)]) -> Result<Name, DemoError> {
    let mut names = RdnSequence::default();
    for (oid, text) in parts {
        let value = match *oid {
            COUNTRY | SERIAL_NUMBER => Any::from(PrintableStringRef::new(text)?),
            _ => Any::from(Utf8StringRef::new(text)?),
        };
        let part = SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }])?;
        names.0.push(RelativeDistinguishedName(part));
    }
    Ok(names)
}

/// The extensions of a certificate for `purpose`: `own` and `issuer` are the key identifiers,
/// `base` the address of this provider.
pub(super) fn extensions(
    purpose: Purpose,
    own: &[u8],
    issuer: &[u8],
    base: &str,
) -> Result<Vec<Extension>, DemoError> {
    let usages = match purpose {
        Purpose::Root | Purpose::Issuing => KeyUsages::KeyCertSign | KeyUsages::CRLSign,
        Purpose::TimeStamping | Purpose::Ocsp | Purpose::ListOperator => {
            KeyUsages::DigitalSignature.into()
        }
        Purpose::OneShot => KeyUsages::NonRepudiation.into(),
    };
    let mut list = vec![
        extension("2.5.29.15", true, &KeyUsage(usages))?,
        extension("2.5.29.14", false, &SubjectKeyIdentifier(OctetString::new(own)?))?,
    ];
    if matches!(purpose, Purpose::Root | Purpose::Issuing) {
        let depth = (purpose == Purpose::Issuing).then_some(0);
        let constraints = BasicConstraints { ca: true, path_len_constraint: depth };
        list.push(extension("2.5.29.19", true, &constraints)?);
    }
    if !matches!(purpose, Purpose::Root | Purpose::ListOperator) {
        let key = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(issuer)?),
            ..Default::default()
        };
        list.push(extension("2.5.29.35", false, &key)?);
    }
    match purpose {
        Purpose::Root => {}
        Purpose::ListOperator => {
            list.push(extension("2.5.29.37", false, &ExtendedKeyUsage(vec![TSL_SIGNING]))?);
        }
        Purpose::Issuing => {
            list.push(policies(Oid::new_unwrap("2.5.29.32.0"), base)?); // anyPolicy
            list.push(revocation_list(base, "root")?);
            list.push(access(base, "root", false)?);
        }
        Purpose::TimeStamping => {
            list.push(extension("2.5.29.37", true, &ExtendedKeyUsage(vec![TIME_STAMPING]))?);
            list.push(policies(TSA_POLICY, base)?);
            list.push(revocation_list(base, "root")?);
            list.push(access(base, "root", false)?);
        }
        Purpose::Ocsp => {
            list.push(extension("2.5.29.37", false, &ExtendedKeyUsage(vec![OCSP_SIGNING]))?);
            list.push(extension(&OCSP_NOCHECK.to_string(), false, &der::asn1::Null)?);
        }
        Purpose::OneShot => {
            list.push(policies(SIGNING_POLICY, base)?);
            list.push(revocation_list(base, "issuing")?);
            list.push(access(base, "issuing", true)?);
            list.push(qc_statements(base)?);
        }
    }
    Ok(list)
}

/// One extension.
pub(super) fn extension(
    oid: &str,
    critical: bool,
    value: &impl Encode,
) -> Result<Extension, DemoError> {
    let extn_value = OctetString::new(value.to_der()?)?;
    Ok(Extension { extn_id: Oid::new(oid).map_err(der::Error::from)?, critical, extn_value })
}

fn uri(text: &str) -> Result<GeneralName, DemoError> {
    Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(text)?))
}

fn revocation_list(base: &str, issuer: &str) -> Result<Extension, DemoError> {
    let address = uri(&format!("{base}/{issuer}.crl"))?;
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![address])),
        reasons: None,
        crl_issuer: None,
    };
    extension("2.5.29.31", false, &CrlDistributionPoints(vec![point]))
}

/// Where the issuer's certificate is, and who tells the status (RFC 5280 §4.2.2.1).
fn access(base: &str, issuer: &str, ocsp: bool) -> Result<Extension, DemoError> {
    let mut list = vec![AccessDescription {
        access_method: ACCESS_ISSUERS,
        access_location: uri(&format!("{base}/{issuer}.cer"))?,
    }];
    if ocsp {
        list.push(AccessDescription {
            access_method: ACCESS_OCSP,
            access_location: uri(&format!("{base}/ocsp"))?,
        });
    }
    extension("1.3.6.1.5.5.7.1.1", false, &AuthorityInfoAccessSyntax(list))
}

fn policies(policy: Oid, base: &str) -> Result<Extension, DemoError> {
    let notice = vec![Any::from(Utf8StringRef::new(NOT_QUALIFIED)?)];
    let qualifiers = vec![
        PolicyQualifierInfo {
            policy_qualifier_id: QUALIFIER_CPS,
            qualifier: Some(Any::encode_from(&Ia5String::new(&format!("{base}/cps"))?)?),
        },
        PolicyQualifierInfo {
            policy_qualifier_id: QUALIFIER_NOTICE,
            qualifier: Some(Any::encode_from(&notice)?),
        },
    ];
    let information =
        PolicyInformation { policy_identifier: policy, policy_qualifiers: Some(qualifiers) };
    extension("2.5.29.32", false, &CertificatePolicies(vec![information]))
}

/// RFC 3739 §3.2.6.
#[derive(Sequence)]
struct QcStatement {
    id: Oid,
    info: Option<Any>,
}

/// ETSI EN 319 412-5 §4.3.4: one place where the disclosure statement can be read.
#[derive(Sequence)]
struct PdsLocation {
    url: Ia5String,
    language: Any,
}

/// The statements of a qualified certificate for electronic signatures, so that readers of such
/// certificates have something to read. That this one is none stands in its names and policy.
fn qc_statements(base: &str) -> Result<Extension, DemoError> {
    let pds = PdsLocation {
        url: Ia5String::new(&format!("{base}/pds"))?,
        language: Any::new(Tag::PrintableString, b"it".to_vec())?,
    };
    let statements = vec![
        QcStatement { id: QC_COMPLIANCE, info: None },
        QcStatement { id: QC_TYPE, info: Some(Any::encode_from(&vec![QC_TYPE_ESIGN])?) },
        QcStatement { id: QC_PDS, info: Some(Any::encode_from(&vec![pds])?) },
    ];
    extension(&QC_STATEMENTS.to_string(), false, &statements)
}
