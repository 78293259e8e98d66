//! Keys, certificates and lists to try things with.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use openssl::{
    asn1::{Asn1Integer, Asn1Time},
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509Builder, X509NameBuilder},
};
use signing::verify::{Edition, ListedService, ServiceKind, Standing};
use signing_trust_lists::{About, Algorithm, Pointer, Sha, TrustList, sign, write};

pub fn day(text: &str) -> DateTime<Utc> {
    format!("{text}T00:00:00Z").parse().unwrap()
}

/// A key with a certificate of its own.
pub struct Operator {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Operator {
    pub fn new(name: &str) -> Self {
        Self::with(name, ec(Nid::X9_62_PRIME256V1))
    }

    pub fn with(name: &str, key: PKey<Private>) -> Self {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(1).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(2_500_000_000).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: builder.build() }
    }

    pub fn sign(&self, text: &str, algorithm: Algorithm) -> String {
        sign(text, &self.key, &self.certificate, algorithm, day("2026-01-10")).unwrap()
    }

    /// The list, signed in the usual way.
    pub fn publish(&self, list: &TrustList) -> String {
        self.sign(&text(list), Algorithm::Ecdsa(Sha::Sha256))
    }

    pub fn read(&self, file: &str) -> Result<TrustList, signing_trust_lists::ListError> {
        TrustList::read(file.as_bytes(), std::slice::from_ref(&self.certificate))
    }
}

pub fn ec(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

pub fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

pub fn text(list: &TrustList) -> String {
    let notice = "For trials <only> & \"nothing\" else".to_owned();
    write(list, &About { address: "https://lists.example/".to_owned(), notice })
}

/// Who offers a service, what it does, and how it stood since when.
pub type Entry<'a> = (&'a Operator, ServiceKind, &'a [(&'a str, &'a str)]);

/// A national list with these services.
pub fn national(services: &[Entry<'_>]) -> TrustList {
    let edition = Arc::new(Edition {
        territory: "IT".to_owned(),
        sequence: 57,
        issued: day("2026-01-10"),
        next_update: Some(day("2026-07-01")),
    });
    let service =
        |(operator, kind, standings): &(&Operator, ServiceKind, &[(&str, &str)])| ListedService {
            edition: Arc::clone(&edition),
            provider: "Prestatore & Figli".to_owned(),
            name: "Certificati <qualificati>".to_owned(),
            kind: *kind,
            certificates: vec![operator.certificate.clone()],
            standings: standings
                .iter()
                .map(|(since, status)| Standing {
                    since: day(since),
                    status: (*status).to_owned(),
                    same_kind: true,
                    terms: signing::verify::Terms::default(),
                })
                .collect(),
        };
    TrustList {
        operator: "Ente di prova".to_owned(),
        of_lists: false,
        pivots: Vec::new(),
        pointers: Vec::new(),
        services: services.iter().map(service).collect(),
        edition,
    }
}

/// A list of lists that names one national list and its signer.
pub fn of_lists(national: &Operator) -> TrustList {
    let edition = Arc::new(Edition {
        territory: "EU".to_owned(),
        sequence: 300,
        issued: day("2026-01-11"),
        next_update: Some(day("2026-07-01")),
    });
    let pointer = Pointer {
        territory: "IT".to_owned(),
        location: "https://lists.example/it.xml?a=1&b=2".to_owned(),
        of_lists: false,
        signers: vec![national.certificate.clone()],
    };
    TrustList {
        operator: "Commissione di prova".to_owned(),
        of_lists: true,
        pivots: Vec::new(),
        pointers: vec![pointer],
        services: Vec::new(),
        edition,
    }
}

fn between(text: &str, start: &str, end: &str) -> String {
    let from = text.find(start).unwrap();
    let to = text[from..].find(end).unwrap() + from + end.len();
    text[from..to].to_owned()
}

fn canonical(part: &str) -> Vec<u8> {
    use bergshamra_c14n::{C14nMode, canonicalize};
    canonicalize::<&str>(part, C14nMode::Exclusive, None, &[]).unwrap()
}

/// `list` signed anew over what its references say.
pub fn with_new_value(operator: &Operator, list: &str) -> String {
    let info = between(list, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let spaced = "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">";
    let octets = canonical(&info.replacen("<ds:SignedInfo>", spaced, 1));
    let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &operator.key).unwrap();
    let der = signer.sign_oneshot_to_vec(&octets).unwrap();
    let pair = openssl::ecdsa::EcdsaSig::from_der(&der).unwrap();
    let raw = [pair.r().to_vec_padded(32).unwrap(), pair.s().to_vec_padded(32).unwrap()];
    let was = between(list, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let now = format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(raw.concat()));
    list.replacen(&was, &now, 1)
}

/// `list` whose properties were changed, signed anew.
pub fn with_properties_digest(operator: &Operator, list: &str) -> String {
    let properties = between(list, "<xades:SignedProperties ", "</xades:SignedProperties>");
    let spaced = "<xades:SignedProperties xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
                  xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" ";
    let octets = canonical(&properties.replacen("<xades:SignedProperties ", spaced, 1));
    let reference = between(list, "<ds:Reference Type", "</ds:Reference>");
    let was = between(&reference, "<ds:DigestValue>", "</ds:DigestValue>");
    let now = STANDARD.encode(openssl::sha::sha256(&octets));
    let now = reference.replacen(&was, &format!("<ds:DigestValue>{now}</ds:DigestValue>"), 1);
    with_new_value(operator, &list.replacen(&reference, &now, 1))
}

/// `list` with its reference led elsewhere than to the whole, and the value made anew: what its
/// operator could sign by mistake.
pub fn resealed(operator: &Operator, list: &str) -> Vec<(&'static str, String)> {
    let reseal = |changed: &str, target: Option<&str>| {
        let mut changed = changed.to_owned();
        let digest = |text: &str| STANDARD.encode(openssl::sha::sha256(&canonical(text)));
        if let Some(target) = target {
            let was = between(&changed, "<ds:DigestValue>", "</ds:DigestValue>");
            let now = format!("<ds:DigestValue>{}</ds:DigestValue>", digest(target));
            changed = changed.replacen(&was, &now, 1);
        }
        with_new_value(operator, &changed)
    };
    // That resealing works at all.
    operator.read(&reseal(list, None)).unwrap();
    let first = between(list, "<ds:Reference URI=\"\"", "</ds:Reference>");
    let second = between(list, "<ds:Reference Type", "</ds:Reference>");
    let part = between(list, "<SchemeInformation Id=\"part\">", "</SchemeInformation>");
    let part = part.replacen(
        "<SchemeInformation ",
        "<SchemeInformation xmlns=\"http://uri.etsi.org/02231/v2#\" ",
        1,
    );
    let onto_part = list.replacen("URI=\"\"", "URI=\"#part\"", 1);
    vec![
        ("a part", reseal(&onto_part, Some(&part))),
        ("nothing", reseal(&list.replacen(&first, "", 1), None)),
        ("no properties", reseal(&list.replacen(&second, "", 1), None)),
        ("twice", reseal(&list.replacen(&first, &format!("{first}{first}"), 1), None)),
        ("outside", reseal(&list.replacen("URI=\"\"", "URI=\"https://x.example/\"", 1), None)),
        ("no URI", reseal(&list.replacen(" URI=\"\"", "", 1), None)),
        ("an odd transform", {
            let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/></ds:Transforms>";
            reseal(&list.replacen("</ds:Transforms>", xslt, 1), None)
        }),
    ]
}
