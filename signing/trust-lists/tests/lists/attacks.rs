//! Lists that somebody changed, built anew, or signed without being the one.

use signing::verify::ServiceKind;
use signing_trust_lists::{Algorithm, ListError, Sha};

use crate::sample::{Operator, national, text};

struct Scene {
    operator: Operator,
    /// A list that withdraws its one service.
    good: String,
    /// The same, but granted, and signed by nobody.
    wished: String,
}

fn scene() -> Scene {
    let (operator, ca) = (Operator::new("List"), Operator::new("CA"));
    let with =
        |status| national(&[(&ca, ServiceKind::QualifiedCertificates, &[("2025-01-01", status)])]);
    let good = operator.publish(&with("withdrawn"));
    Scene { good, wished: text(&with("granted")), operator }
}

const CLOSING: &str = "</TrustServiceStatusList>";

fn signature(list: &str) -> &str {
    let (start, end) = (list.find("<ds:Signature ").unwrap(), list.find(CLOSING).unwrap());
    &list[start..end]
}

#[test]
fn an_altered_byte_is_found_wherever_it_is() {
    let Scene { operator, good, .. } = scene();
    operator.read(&good).unwrap();
    let places = [
        ("Svcstatus/withdrawn", "Svcstatus/granted"),
        (">57<", ">58<"),
        ("2026-07-01T00", "2027-07-01T00"),
        ("Prestatore &amp; Figli", "Prestatore &amp; figli"),
        ("<SchemeTerritory>IT", "<SchemeTerritory>FR"),
    ];
    for (was, becomes) in places {
        let altered = good.replacen(was, becomes, 1);
        assert_ne!(altered, good, "{was}");
        assert!(matches!(operator.read(&altered), Err(ListError::Altered)), "{was}");
    }
    let seal = [
        ("<xades:SigningTime>2026", "<xades:SigningTime>2025", "Altered"),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha384", "Value"),
        (
            "xmldsig-more#ecdsa-sha256",
            "2000/09/xmldsig#hmac-sha1",
            "Algorithm(\"http://www.w3.org/2001/04/2000/09/xmldsig#hmac-sha1\")",
        ),
        (
            "xml-exc-c14n#\"/><ds:SignatureMethod",
            "xml-exc-c14n#WithComments\"/><ds:SignatureMethod",
            "Signature(\"it is not brought to a canonical form\")",
        ),
        ("URI=\"#properties\"", "URI=\"#list\"", "Value"),
        ("URI=\"\"", "URI=\"https://lists.example/other.xml\"", "Value"),
    ];
    for (was, becomes, why) in seal {
        let altered = good.replacen(was, becomes, 1);
        assert_ne!(altered, good, "{was}");
        assert_eq!(format!("{:?}", operator.read(&altered).unwrap_err()), why, "{was} → {becomes}");
    }
    // Comments are no part of what is signed, and nothing is read from them.
    let remark = good.replacen("Svcstatus/withdrawn", "Svcstatus/<!-- granted -->withdrawn", 1);
    let read = operator.read(&remark).unwrap();
    assert_eq!(read.services[0].standings[0].status, "withdrawn");
}

#[test]
fn a_list_is_taken_from_those_alone_who_may_sign_it() {
    let Scene { operator, good, wished } = scene();
    let stranger = Operator::new("List"); // the same name, another key
    let forged = stranger.sign(&wished, Algorithm::Ecdsa(Sha::Sha256));
    stranger.read(&forged).unwrap();
    assert!(matches!(operator.read(&forged), Err(ListError::Signer)));
    // With the right certificate in it, the value is not its own.
    let der = |who: &Operator| openssl::base64::encode_block(&who.certificate.to_der().unwrap());
    let dressed = forged.replace(&der(&stranger), &der(&operator));
    assert!(matches!(operator.read(&dressed), Err(ListError::Value)));
    assert!(matches!(operator.read(&wished), Err(ListError::Signature(_))));
    assert!(matches!(
        signing_trust_lists::TrustList::read(good.as_bytes(), &[]),
        Err(ListError::Signer)
    ));
}

#[test]
fn a_signature_wrapped_into_another_list_is_worth_nothing() {
    let Scene { operator, good, wished } = scene();
    let inner = good.split_once("?>").unwrap().1.trim_start();
    let body = wished.strip_suffix(CLOSING).unwrap();
    let seal = signature(&good);
    let signed_list = inner.replacen(seal, "", 1);
    let cases = [
        // the signed list as a guest in the wished one, its signature inside it or moved up
        ("guest", format!("{body}{inner}{CLOSING}")),
        ("guest, signature moved up", format!("{body}{signed_list}{seal}{CLOSING}")),
        ("in an object", {
            let object = format!("<ds:Object>{signed_list}</ds:Object></ds:Signature>");
            format!("{body}{}{CLOSING}", seal.replacen("</ds:Signature>", &object, 1))
        }),
        ("two signatures", good.replacen(CLOSING, &format!("{seal}{CLOSING}"), 1)),
        ("signature around", format!("{}{CLOSING}", body.to_owned() + seal)),
        ("two roots", format!("{good}{inner}")),
        // what is put into the signature is left out of what is signed, and so not read
        ("in an unknown element", {
            format!("<x xmlns=\"http://uri.etsi.org/02231/v2#\">{inner}</x>")
        }),
    ];
    for (name, file) in cases {
        assert!(operator.read(&file).is_err(), "{name}");
    }
    let stuffed = format!(
        "<Stuff xmlns=\"http://uri.etsi.org/02231/v2#\">{signed_list}</Stuff></ds:Signature>"
    );
    let stuffed = good.replacen("</ds:Signature>", &stuffed, 1);
    let read = operator.read(&stuffed).unwrap();
    assert_eq!(read.services.len(), 1);
    assert_eq!(read.services[0].standings[0].status, "withdrawn");
}

#[test]
fn a_signature_over_a_part_is_none_over_the_list() {
    let Scene { operator, wished, .. } = scene();
    // The operator signs a list whose first reference leads to a part; the rest is free to change.
    let part = wished.replacen("<SchemeInformation>", "<SchemeInformation Id=\"part\">", 1);
    let whole = operator.sign(&part, Algorithm::Ecdsa(Sha::Sha256));
    let onto_part = whole.replacen("URI=\"\"", "URI=\"#part\"", 1);
    assert!(operator.read(&onto_part).is_err());
    // Of two elements with the name of the properties, one would be signed and the other read.
    let twice = part.replacen("Id=\"part\"", "Id=\"properties\"", 1);
    let twice = operator.read(&operator.sign(&twice, Algorithm::Ecdsa(Sha::Sha256)));
    assert!(matches!(twice, Err(ListError::Signature(_))), "{twice:?}");
    for (name, file) in crate::sample::resealed(&operator, &whole) {
        let refused = operator.read(&file);
        assert!(matches!(refused, Err(ListError::Signature(_))), "{name}: {refused:?}");
    }
}

#[test]
fn document_types_and_other_name_spaces_are_refused() {
    let Scene { operator, good, wished } = scene();
    let (head, body) = good.split_once("?>\n").unwrap();
    let entity = format!(
        "{head}?>\n<!DOCTYPE t [<!ENTITY s SYSTEM \"file:///etc/passwd\">]>{}",
        body.replacen("Ente di prova", "&s;", 1)
    );
    assert!(matches!(operator.read(&entity), Err(ListError::DocumentType)));
    let harmless = format!("{head}?>\n<!DOCTYPE TrustServiceStatusList>{body}");
    assert!(matches!(operator.read(&harmless), Err(ListError::DocumentType)));

    let sealed = |text: &str| operator.sign(text, Algorithm::Ecdsa(Sha::Sha256));
    let cases = [
        ("02231/v2#", "02231/v3#"),
        ("<TSLVersionIdentifier>6", "<TSLVersionIdentifier>4"),
        ("TSLType/EUgeneric", "TSLType/CClist"),
        ("<TSLSequenceNumber>57", "<TSLSequenceNumber>-57"),
        ("<SchemeTerritory>IT", "<SchemeTerritory>../"),
        ("2026-01-10T00:00:00Z", "yesterday"),
        ("<ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/", "<ServiceStatus>"),
        ("<SchemeInformation>", "<SchemeInformation xmlns=\"urn:other\">"),
    ];
    for (was, becomes) in cases {
        let changed = wished.replacen(was, becomes, 1);
        assert_ne!(changed, wished, "{was}");
        let refused = operator.read(&sealed(&changed));
        assert!(matches!(refused, Err(ListError::Shape(_))), "{was}: {refused:?}");
    }
    // A service in another name space is no service, and a status that nobody knows no good one.
    let foreign = wished.replace("<TSPService>", "<TSPService xmlns=\"urn:other\">");
    assert!(operator.read(&sealed(&foreign)).unwrap().services.is_empty());
}
