//! What real lists look like beyond what ours write: extensions, several identities, old ways of naming
//! the certificate, missing optional parts.

use openssl::nid::Nid;
use signing::verify::{
    Assert, CertificateUse, Criteria, Criterion, Qualifier, Rule, ServiceKind, Terms,
};
use signing_trust_lists::{Algorithm, ListError, Sha};

use crate::sample::{Operator, ec, national, text};

const CA: ServiceKind = ServiceKind::QualifiedCertificates;
const GRANTED: &[(&str, &str)] = &[("2025-05-01", "granted"), ("2014-11-24", "accredited")];
/// As the Italian list has them, with criteria of others.
const EXTENSIONS: &str = include_str!("extensions.xml");

fn list(
    change: impl FnOnce(String) -> String,
) -> Result<Vec<signing::verify::Standing>, ListError> {
    let (operator, ca) = (Operator::new("List"), Operator::new("CA"));
    let text = change(text(&national(&[(&ca, CA, GRANTED)])));
    let read = operator.read(&operator.sign(&text, Algorithm::Ecdsa(Sha::Sha256)))?;
    Ok(read.services[0].standings.clone())
}

fn extended(extensions: &str) -> Terms {
    let with = |text: String| {
        text.replacen("</StatusStartingTime>", &format!("</StatusStartingTime>{extensions}"), 1)
    };
    let standings = list(with).unwrap();
    assert_eq!((standings[0].status.as_str(), &standings[1].terms), ("granted", &Terms::default()));
    standings[0].terms.clone()
}

#[test]
fn r_sign_31_qualifiers_are_read_with_all_of_their_criteria() {
    let policy = |dots: &str| Criterion::Policies(vec![dots.to_owned()]);
    let managed = Rule {
        qualifiers: vec![Qualifier::OnDevice],
        criteria: Criteria { assert: Some(Assert::All), all: vec![policy("1.3.76.38.1.1.1")] },
    };
    let inner = Criteria {
        assert: Some(Assert::None),
        all: vec![
            policy("1.3.76.38.1.1.2"),
            Criterion::NameHas(vec!["2.5.4.3".to_owned()]),
            Criterion::Purposes(vec!["1.3.6.1.5.5.7.3.2".to_owned()]),
        ],
    };
    let outer = vec![Criterion::KeyUsage(vec![(4, true)]), Criterion::Nested(inner)];
    let not = Rule {
        qualifiers: vec![Qualifier::NotQualified],
        criteria: Criteria { assert: Some(Assert::AtLeastOne), all: outer },
    };
    let terms = extended(EXTENSIONS);
    assert_eq!(terms.rules, [managed, not]);
    assert_eq!(terms.uses.into_iter().collect::<Vec<_>>(), [CertificateUse::Signatures]);
    assert!(!terms.beyond_us);
}

#[test]
fn r_sign_31_what_is_not_understood_stays_open() {
    let odd = |critical: &str| {
        format!(
            "<ServiceInformationExtensions><Extension Critical=\"{critical}\">\
             <o:Odd xmlns:o=\"urn:odd\"/></Extension></ServiceInformationExtensions>"
        )
    };
    assert!(extended(&odd("true")).beyond_us && !extended(&odd("false")).beyond_us);
    let changed = |was: &str, becomes: &str| {
        let changed = EXTENSIONS.replacen(was, becomes, 1);
        assert_ne!(changed, EXTENSIONS, "{was}");
        extended(&changed).rules
    };
    let open = |rule: &Rule| format!("{rule:?}").contains("Unknown");
    for (was, becomes) in [
        ("SvcInfoExt/QCQSCDManagedOnBehalf", "SvcInfoExt/QCFromElsewhere"),
        ("urn:oid:1.3.76.38.1.1.1", "a policy"),
        ("<q:Description/>", "<q:Riddle/>"),
    ] {
        let rules = changed(was, becomes);
        assert!(open(&rules[0]) && !open(&rules[1]), "{was}");
    }
    for (was, becomes) in [
        ("name=\"keyCertSign\"", "name=\"keyCutting\""),
        ("<q:KeyUsageBit name=\"keyCertSign\">true", "<q:KeyUsageBit name=\"keyCertSign\">maybe"),
        ("<a:ExtendedKeyUsage>", "<a:ExtendedKeyUsage xmlns:a=\"urn:odd\">"),
    ] {
        let rules = changed(was, becomes);
        assert!(!open(&rules[0]) && open(&rules[1]), "{was}");
    }
    let rules = changed("assert=\"all\"", "assert=\"most\"");
    assert_eq!(rules[0].criteria.assert, None);
    let deep = "<q:CriteriaList assert=\"all\">".repeat(30);
    let deep = format!("{deep}{}<q:Description/>", "</q:CriteriaList>".repeat(30));
    assert!(open(&changed("<q:Description/>", &deep)[0]));
}

#[test]
fn both_versions_of_the_format_and_its_optional_parts_are_read() {
    let both = "<TSLVersionIdentifier>6</";
    for (was, becomes) in [
        (both, "<TSLVersionIdentifier>5</"),
        (
            "<SchemeTypeCommunityRules><URI xml:lang=\"en\">",
            "<SchemeTypeCommunityRules><URI xml:lang=\"it\">",
        ),
        (
            "<Name xml:lang=\"en\">Ente di prova</Name>",
            "<Name xml:lang=\"fr\">Autorité d’essai</Name>",
        ),
        ("<PolicyOrLegalNotice>", "<PolicyOrLegalNotice><TSLPolicy xml:lang=\"en\">x</TSLPolicy>"),
        (
            "<DigitalId>",
            "<DigitalId><X509SKI>vgneD9qugX/Zg2krSBRQtIdy9oE=</X509SKI></DigitalId>\
          <DigitalId><X509SubjectName>CN=Banca d'Italia, C=IT</X509SubjectName></DigitalId><DigitalId>",
        ),
    ] {
        let changed = |text: String| {
            let changed = text.replacen(was, becomes, 1);
            assert_ne!(changed, text, "{was}");
            changed
        };
        assert_eq!(list(changed).unwrap().len(), 2, "{becomes}");
    }
    let refused = list(|text| text.replacen(both, "<TSLVersionIdentifier>7</", 1)).unwrap_err();
    assert!(matches!(refused, ListError::Shape("its version")), "{refused}");
}

/// Half of the lists in use do.
#[test]
fn the_signing_certificate_may_be_named_by_sha_1_and_by_no_other_weak_way() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let operator = Operator::new("List");
    let good = operator.publish(&national(&[]));
    let der = operator.certificate.to_der().unwrap();
    let digest = |octets: &[u8]| STANDARD.encode(openssl::sha::sha1(octets));
    let named = STANDARD.encode(openssl::sha::sha256(&der));
    let sha256 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    let with = |method: &str, digest: &str| {
        let method = format!("<ds:DigestMethod Algorithm=\"http://www.w3.org/{method}\"/>");
        let was = format!("{sha256}<ds:DigestValue>{named}");
        let list = good.replacen(&was, &format!("{method}<ds:DigestValue>{digest}"), 1);
        assert_ne!(list, good);
        crate::sample::with_properties_digest(&operator, &list)
    };
    let sha1 = "2000/09/xmldsig#sha1";
    operator.read(&with(sha1, &digest(&der))).unwrap();
    let refused = operator.read(&with(sha1, &digest(b"another"))).unwrap_err();
    assert!(matches!(refused, ListError::Altered), "{refused}");
    let refused = operator.read(&with("2001/04/xmldsig-more#md5", "AA==")).unwrap_err();
    assert!(matches!(refused, ListError::Algorithm(_)), "{refused}");
    // What is signed is digested well, always.
    let weak = good.replacen(
        sha256,
        &format!("<ds:DigestMethod Algorithm=\"http://www.w3.org/{sha1}\"/>"),
        1,
    );
    let refused = operator.read(&crate::sample::with_new_value(&operator, &weak)).unwrap_err();
    assert!(matches!(refused, ListError::Algorithm(_)), "{refused}");
}

#[test]
fn one_service_may_be_known_by_several_certificates() {
    let (operator, ca) = (Operator::new("List"), Operator::new("CA"));
    let mut written = national(&[(&ca, CA, GRANTED)]);
    let more = Operator::with("CA", ec(Nid::SECP384R1)).certificate;
    written.services[0].certificates.push(more);
    let read = operator.read(&operator.publish(&written)).unwrap();
    assert!(read.services[0].certificates == written.services[0].certificates);
}
