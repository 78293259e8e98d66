//! A certification authority, its OCSP responder and a time-stamping authority, in memory.

use chrono::{DateTime, TimeDelta, Utc};
use const_oid::ObjectIdentifier as Oid;
use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
    x509::{
        X509, X509Builder, X509Crl, X509CrlBuilder, X509Extension, X509NameBuilder, X509Revoked,
        extension::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage,
            SubjectKeyIdentifier,
        },
    },
};
use signing::{
    Digest,
    cms::{
        CONTENT_TYPE, Certificate, ID_SIGNED_DATA, MESSAGE_DIGEST, SHA256, SIGNING_CERTIFICATE_V2,
        asn1::{INTEGER, OCTET_STRING, SET, oid, sequence, set_of, tlv},
    },
    verify::TrustAnchors,
};

const TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");
const ECDSA_WITH_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");
const GENERALIZED_TIME: u8 = 0x18;

/// The machine's time: outside validators go by it, too.
#[expect(clippy::disallowed_methods, reason = "this is the edge of the test that owns the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A key with its certificate.
pub struct Identity {
    pub key: PKey<Private>,
    pub cert: X509,
}

impl Identity {
    pub fn der(&self) -> Vec<u8> {
        self.cert.to_der().unwrap()
    }

    /// The key as another's program reads it.
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    /// Raw signature with SHA-256.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(MessageDigest::sha256(), message)
    }

    /// Raw signature with any digest.
    pub fn sign_with(&self, digest: MessageDigest, message: &[u8]) -> Vec<u8> {
        let mut signer = Signer::new(digest, &self.key).unwrap();
        signer.sign_oneshot_to_vec(message).unwrap()
    }

    /// Signs what a remote service gets: a digest.
    pub fn sign_digest(&self, digest: &Digest) -> Vec<u8> {
        let mut context = openssl::pkey_ctx::PkeyCtx::new(&self.key).unwrap();
        context.sign_init().unwrap();
        context.set_signature_md(openssl::md::Md::sha256()).unwrap();
        let mut signature = Vec::new();
        context.sign_to_vec(&digest.0, &mut signature).unwrap();
        signature
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der()).unwrap()
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    Authority,
    Signer,
    TimeStamping,
    /// A signer's certificate that is for encryption only.
    Encryption,
}

pub fn ec_key() -> PKey<Private> {
    curve_key(Nid::X9_62_PRIME256V1)
}

pub fn curve_key(curve: Nid) -> PKey<Private> {
    let curve = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap()
}

pub fn rsa_key(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// Issues a certificate, valid from a minute before `at` for `hours`.
pub fn issue(
    role: Role,
    subject: &[(&str, &str)],
    key: PKey<Private>,
    issuer: Option<&Identity>,
    at: DateTime<Utc>,
    hours: i64,
) -> Identity {
    let mut name = X509NameBuilder::new().unwrap();
    for (kind, value) in subject {
        name.append_entry_by_text(kind, value).unwrap();
    }
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial).unwrap();
    serial[0] = 0x40;
    let serial = BigNum::from_slice(&serial).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&name, |issuer| issuer.cert.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    let time = |time: DateTime<Utc>| Asn1Time::from_unix(time.timestamp()).unwrap();
    builder.set_not_before(&time(at - TimeDelta::minutes(1))).unwrap();
    builder.set_not_after(&time(at + TimeDelta::hours(hours))).unwrap();
    let mut usage = KeyUsage::new();
    usage.critical();
    match role {
        Role::Authority => {
            let constraints = BasicConstraints::new().critical().ca().build().unwrap();
            builder.append_extension(constraints).unwrap();
            usage.key_cert_sign().crl_sign();
        }
        Role::Signer => {
            usage.non_repudiation();
            builder.append_extension(qc_statements()).unwrap();
        }
        Role::Encryption => {
            usage.key_encipherment();
        }
        Role::TimeStamping => {
            usage.digital_signature();
            let extended = ExtendedKeyUsage::new().critical().time_stamping().build().unwrap();
            builder.append_extension(extended).unwrap();
        }
    }
    builder.append_extension(usage.build().unwrap()).unwrap();
    // Nobody answers there; but a validator looks for evidence only where it is announced.
    let address = tlv(0x86, b"http://127.0.0.1:1/status");
    let announced = if issuer.is_none() {
        None
    } else if matches!(role, Role::Signer | Role::Encryption) {
        let ocsp = oid(Oid::new_unwrap("1.3.6.1.5.5.7.48.1"));
        Some(extension("1.3.6.1.5.5.7.1.1", &sequence(&[&sequence(&[&ocsp, &address])])))
    } else {
        let name = tlv(0xa0, &tlv(0xa0, &address));
        Some(extension("2.5.29.31", &sequence(&[&sequence(&[&name])])))
    };
    if let Some(announced) = announced {
        builder.append_extension(announced).unwrap();
    }
    let context = builder.x509v3_context(issuer.map(|issuer| &*issuer.cert), None);
    let own = SubjectKeyIdentifier::new().build(&context).unwrap();
    builder.append_extension(own).unwrap();
    if let Some(issuer) = issuer {
        let context = builder.x509v3_context(Some(&issuer.cert), None);
        let theirs = AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap();
        builder.append_extension(theirs).unwrap();
    }
    let signing_key = issuer.map_or(&key, |issuer| &issuer.key);
    builder.sign(signing_key, MessageDigest::sha256()).unwrap();
    Identity { cert: builder.build(), key }
}

fn qc_statements() -> X509Extension {
    let statement = |id: &str| sequence(&[&oid(Oid::new_unwrap(id))]);
    let esign = sequence(&[&oid(Oid::new_unwrap("0.4.0.1862.1.6.1"))]);
    let kind = sequence(&[&oid(Oid::new_unwrap("0.4.0.1862.1.6")), &esign]);
    let der = sequence(&[&statement("0.4.0.1862.1.1"), &statement("0.4.0.1862.1.4"), &kind]);
    extension("1.3.6.1.5.5.7.1.3", &der)
}

fn extension(id: &str, der: &[u8]) -> X509Extension {
    let value = Asn1OctetString::new_from_bytes(der).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str(id).unwrap(), false, &value).unwrap()
}

/// Root, issuing authority and time-stamping authority.
pub struct Authority {
    pub root: Identity,
    pub ca: Identity,
    pub tsa: Identity,
    pub at: DateTime<Utc>,
}

impl Authority {
    /// An authority whose certificates are valid around `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        let years = 24 * 3650;
        let name = |cn| [("C", "IT"), ("O", "Test, non qualificato"), ("CN", cn)];
        let early = at - TimeDelta::days(30);
        let root = issue(Role::Authority, &name("Radice"), ec_key(), None, early, years);
        let ca = issue(Role::Authority, &name("Emittente"), ec_key(), Some(&root), early, years);
        let tsa = issue(Role::TimeStamping, &name("Marche"), ec_key(), Some(&root), early, years);
        Self { root, ca, tsa, at }
    }

    pub fn trust(&self) -> TrustAnchors {
        TrustAnchors::from_pem(&self.root.cert.to_pem().unwrap()).unwrap()
    }

    /// A one-shot certificate, valid for an hour.
    pub fn one_shot(&self, given: &str, surname: &str, code: &str) -> Identity {
        self.one_shot_with(ec_key(), Role::Signer, given, surname, code)
    }

    pub fn one_shot_with(
        &self,
        key: PKey<Private>,
        role: Role,
        given: &str,
        surname: &str,
        code: &str,
    ) -> Identity {
        let name = format!("{given} {surname}");
        let number = format!("TINIT-{code}");
        let subject =
            [("C", "IT"), ("GN", given), ("SN", surname), ("serialNumber", &number), ("CN", &name)];
        issue(role, &subject, key, Some(&self.ca), self.at, 1)
    }

    /// A time stamp token over `digest`, at `time` with a fraction of a second.
    pub fn token(&self, digest: &Digest, time: DateTime<Utc>) -> Vec<u8> {
        token(&self.tsa, &[], digest, time)
    }

    /// "Good" (or revoked since) for a certificate of the issuing authority, answered by itself.
    pub fn ocsp(&self, cert: &X509, at: DateTime<Utc>, revoked: Option<DateTime<Utc>>) -> Vec<u8> {
        let issuer = self.ca.cert.subject_name().to_der().unwrap();
        let key = self.ca.cert.public_key().unwrap().ec_key().unwrap();
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let mut numbers = openssl::bn::BigNumContext::new().unwrap();
        let point = key
            .public_key()
            .to_bytes(&curve, openssl::ec::PointConversionForm::UNCOMPRESSED, &mut numbers)
            .unwrap();
        let sha1 = |bytes: &[u8]| tlv(OCTET_STRING, &openssl::sha::sha1(bytes));
        let algorithm = sequence(&[&oid(Oid::new_unwrap("1.3.14.3.2.26")), &[5, 0]]);
        let certificate = Certificate::from_der(&cert.to_der().unwrap()).unwrap();
        let id = sequence(&[&algorithm, &sha1(&issuer), &sha1(&point), certificate.serial()]);
        let status = match revoked {
            None => tlv(0x80, &[]),
            Some(since) => tlv(0xa1, &generalized(since)),
        };
        let next = tlv(0xa0, &generalized(at + TimeDelta::days(1)));
        let single = sequence(&[&id, &status, &generalized(at), &next]);
        let data = sequence(&[&tlv(0xa1, &issuer), &generalized(at), &sequence(&[&single])]);
        let signature = [&[0][..], &self.ca.sign(&data)].concat();
        let basic = sequence(&[&data, &ecdsa(), &tlv(0x03, &signature)]);
        let kind = oid(Oid::new_unwrap("1.3.6.1.5.5.7.48.1.1"));
        let bytes = sequence(&[&kind, &tlv(OCTET_STRING, &basic)]);
        sequence(&[&tlv(0x0a, &[0]), &tlv(0xa0, &bytes)])
    }

    /// The root's revocation list, empty.
    pub fn crl(&self, at: DateTime<Utc>) -> Vec<u8> {
        self.crl_of(at, &[])
    }

    /// The root's revocation list with these, revoked an hour before it.
    pub fn crl_of(&self, at: DateTime<Utc>, revoked: &[&X509]) -> Vec<u8> {
        let time = |time: DateTime<Utc>| Asn1Time::from_unix(time.timestamp()).unwrap();
        let mut builder = X509CrlBuilder::new().unwrap();
        builder.set_issuer_name(self.root.cert.subject_name()).unwrap();
        builder.set_last_update(&time(at)).unwrap();
        builder.set_next_update(&time(at + TimeDelta::days(30))).unwrap();
        for cert in revoked {
            let certificate = Certificate::from_der(&cert.to_der().unwrap()).unwrap();
            let since = generalized(at - TimeDelta::hours(1));
            let entry = sequence(&[certificate.serial(), &since]);
            builder.add_revoked(X509Revoked::from_der(&entry).unwrap()).unwrap();
        }
        let key = self.root.cert.subject_key_id().unwrap().as_slice().to_vec();
        let number = tlv(INTEGER, &[1]);
        builder.append_extension(extension("2.5.29.35", &sequence(&[&tlv(0x80, &key)]))).unwrap();
        builder.append_extension(extension("2.5.29.20", &number)).unwrap();
        builder.sign(&self.root.key, MessageDigest::sha256()).unwrap();
        let crl: X509Crl = builder.build().unwrap();
        crl.to_der().unwrap()
    }
}

/// A token by any identity, also by one that may not.
pub fn token(tsa: &Identity, others: &[Vec<u8>], digest: &Digest, time: DateTime<Utc>) -> Vec<u8> {
    token_over(tsa, others, (SHA256, &digest.0), time)
}

/// The same over a digest by any algorithm.
pub fn token_over(
    tsa: &Identity,
    others: &[Vec<u8>],
    (algorithm, digest): (Oid, &[u8]),
    time: DateTime<Utc>,
) -> Vec<u8> {
    let sha256 = sequence(&[&oid(SHA256)]);
    let info = sequence(&[
        &tlv(INTEGER, &[1]),
        &oid(Oid::new_unwrap("1.3.6.1.4.1.99999.1")),
        &sequence(&[&sequence(&[&oid(algorithm)]), &tlv(OCTET_STRING, digest)]),
        &tlv(INTEGER, &[42]),
        &tlv(GENERALIZED_TIME, time.format("%Y%m%d%H%M%S.5Z").to_string().as_bytes()),
    ]);
    let attribute = |kind: Oid, value: &[u8]| sequence(&[&oid(kind), &tlv(SET, value)]);
    let id = sequence(&[&tlv(OCTET_STRING, &Digest::of(&tsa.der()).0)]);
    let mut attributes = set_of(
        SET,
        vec![
            attribute(CONTENT_TYPE, &oid(TST_INFO)),
            attribute(MESSAGE_DIGEST, &tlv(OCTET_STRING, &Digest::of(&info).0)),
            attribute(SIGNING_CERTIFICATE_V2, &sequence(&[&sequence(&[&id])])),
        ],
    );
    let signature = tsa.sign(&attributes);
    attributes[0] = 0xa0;
    let certificate = tsa.certificate();
    let signer = sequence(&[
        &tlv(INTEGER, &[1]),
        &sequence(&[certificate.issuer(), certificate.serial()]),
        &sha256,
        &attributes,
        &ecdsa(),
        &tlv(OCTET_STRING, &signature),
    ]);
    let content = sequence(&[&oid(TST_INFO), &tlv(0xa0, &tlv(OCTET_STRING, &info))]);
    let certificates = others.iter().cloned().chain([tsa.der()]).collect();
    let data = sequence(&[
        &tlv(INTEGER, &[3]),
        &tlv(SET, &sha256),
        &content,
        &set_of(0xa0, certificates),
        &tlv(SET, &signer),
    ]);
    sequence(&[&oid(ID_SIGNED_DATA), &tlv(0xa0, &data)])
}

fn ecdsa() -> Vec<u8> {
    sequence(&[&oid(ECDSA_WITH_SHA256)])
}

fn generalized(time: DateTime<Utc>) -> Vec<u8> {
    tlv(GENERALIZED_TIME, time.format("%Y%m%d%H%M%SZ").to_string().as_bytes())
}
