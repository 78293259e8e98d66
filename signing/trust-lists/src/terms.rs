//! What a list says of a service's certificates beyond its status: the extensions of one service
//! information (ETSI TS 119 612 §5.5.9).

use roxmltree::Node;
use signing::verify::{
    Assert, CertificateUse, Criteria, Criterion, KeyUsage, Qualifier, Rule, Terms,
};

use crate::{
    list::{ADDITIONAL, TSL},
    seal::XADES,
    tree::Within as _,
};

/// Name space of qualifications.
const QUALIFICATIONS: &str =
    "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#";
const WORDS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/";
/// Criteria within criteria; lists in use have three.
const MAX_DEPTH: usize = 8;
/// Usages of a key (RFC 5280 §4.2.1.3), with the bits that OpenSSL reads them into.
const USAGES: [(&str, KeyUsage); 9] = [
    ("digitalSignature", 0x80),
    ("nonRepudiation", 0x40),
    ("keyEncipherment", 0x20),
    ("dataEncipherment", 0x10),
    ("keyAgreement", 0x08),
    ("keyCertSign", 0x04),
    ("crlSign", 0x02),
    ("encipherOnly", 0x01),
    ("decipherOnly", 0x8000),
];

/// What the extensions of `information` say.
pub(crate) fn read(information: Node<'_, '_>) -> Terms {
    let mut terms = Terms::default();
    let all = information.first(TSL, "ServiceInformationExtensions").into_iter();
    for extension in all.flat_map(|all| all.all(TSL, "Extension")) {
        let critical = extension.attribute("Critical").is_some_and(|word| word.trim() != "false");
        for one in extension.children().filter(Node::is_element) {
            let tag = one.tag_name();
            match (tag.namespace().unwrap_or_default(), tag.name()) {
                (TSL, "AdditionalServiceInformation") => terms.uses.extend(use_of(one)),
                (QUALIFICATIONS, "Qualifications") => {
                    let elements = one.all(QUALIFICATIONS, "QualificationElement");
                    terms.rules.extend(elements.map(rule));
                }
                // About the past of the service: they bear on no certificate.
                (TSL, "ExpiredCertsRevocationInfo") | (ADDITIONAL, "TakenOverBy") => {}
                _ => terms.beyond_us |= critical,
            }
        }
    }
    terms
}

fn use_of(information: Node<'_, '_>) -> Option<CertificateUse> {
    let word = information.first(TSL, "URI")?.says();
    match word.strip_prefix(WORDS)? {
        "ForeSignatures" => Some(CertificateUse::Signatures),
        "ForeSeals" => Some(CertificateUse::Seals),
        "ForWebSiteAuthentication" => Some(CertificateUse::WebSites),
        _ => None,
    }
}

fn rule(element: Node<'_, '_>) -> Rule {
    let qualifiers = element.first(QUALIFICATIONS, "Qualifiers").into_iter();
    let qualifiers = qualifiers.flat_map(|all| all.all(QUALIFICATIONS, "Qualifier"));
    let qualifiers = qualifiers.map(|one| qualifier(one.attribute("uri").unwrap_or_default()));
    let criteria = element.first(QUALIFICATIONS, "CriteriaList");
    let unsaid = Criteria { assert: None, all: Vec::new() };
    Rule {
        qualifiers: qualifiers.collect(),
        criteria: criteria.map_or(unsaid, |list| self::criteria(list, 0)),
    }
}

fn qualifier(address: &str) -> Qualifier {
    match address.trim().strip_prefix(WORDS) {
        Some("QCStatement") => Qualifier::Qualified,
        Some("NotQualified") => Qualifier::NotQualified,
        Some("QCForESig") => Qualifier::ForSignatures,
        Some("QCForESeal") => Qualifier::ForSeals,
        Some("QCForWSA") => Qualifier::ForWebSites,
        Some("QCForLegalPerson") => Qualifier::ForLegalPerson,
        Some("QCWithQSCD" | "QCWithSSCD" | "QCQSCDManagedOnBehalf") => Qualifier::OnDevice,
        Some("QCNoQSCD" | "QCNoSSCD") => Qualifier::OnNoDevice,
        Some("QCQSCDStatusAsInCert" | "QCSSCDStatusAsInCert") => Qualifier::DeviceAsStated,
        _ => Qualifier::Unknown,
    }
}

fn criteria(list: Node<'_, '_>, depth: usize) -> Criteria {
    let assert = match list.attribute("assert").map(str::trim) {
        Some("all") => Some(Assert::All),
        Some("atLeastOne") => Some(Assert::AtLeastOne),
        Some("none") => Some(Assert::None),
        _ => None,
    };
    let mut all = Vec::new();
    for one in list.children().filter(Node::is_element) {
        let tag = one.tag_name();
        if tag.namespace() != Some(QUALIFICATIONS) {
            all.push(Criterion::Unknown);
            continue;
        }
        match tag.name() {
            "KeyUsage" => all.push(usages(one)),
            "PolicySet" => {
                let named = one.all(QUALIFICATIONS, "PolicyIdentifier");
                all.push(
                    named
                        .map(dots)
                        .collect::<Option<_>>()
                        .map_or(Criterion::Unknown, Criterion::Policies),
                );
            }
            "CriteriaList" if depth < MAX_DEPTH => {
                all.push(Criterion::Nested(criteria(one, depth + 1)));
            }
            "otherCriteriaList" => all.extend(one.children().filter(Node::is_element).map(other)),
            "Description" => {}
            _ => all.push(Criterion::Unknown),
        }
    }
    Criteria { assert, all }
}

fn usages(list: Node<'_, '_>) -> Criterion {
    let bit = |one: Node<'_, '_>| {
        let name = one.attribute("name")?;
        let (_, bit) = USAGES.into_iter().find(|(known, _)| *known == name)?;
        match one.says().as_str() {
            "true" | "1" => Some((bit, true)),
            "false" | "0" => Some((bit, false)),
            _ => None,
        }
    };
    let bits = list.all(QUALIFICATIONS, "KeyUsageBit").map(bit).collect::<Option<_>>();
    bits.map_or(Criterion::Unknown, Criterion::KeyUsage)
}

fn other(criterion: Node<'_, '_>) -> Criterion {
    let tag = criterion.tag_name();
    let named =
        |name: &'static str| criterion.all(ADDITIONAL, name).map(dots).collect::<Option<_>>();
    let known: Option<Criterion> = match (tag.namespace(), tag.name()) {
        (Some(ADDITIONAL), "CertSubjectDNAttribute") => {
            named("AttributeOID").map(Criterion::NameHas)
        }
        (Some(ADDITIONAL), "ExtendedKeyUsage") => named("KeyPurposeId").map(Criterion::Purposes),
        _ => None,
    };
    known.unwrap_or(Criterion::Unknown)
}

/// The object identifier that an element names (XAdES `ObjectIdentifierType`), in dots.
fn dots(identified: Node<'_, '_>) -> Option<String> {
    let text = identified.first(XADES, "Identifier")?.says();
    let lower = text.to_ascii_lowercase();
    let dots = lower.strip_prefix("urn:oid:").or_else(|| lower.strip_prefix("oid:"));
    let dots = dots.unwrap_or(&lower);
    let numbers =
        dots.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty());
    numbers.then(|| dots.to_owned())
}
