//! The provider's own keys and certificates: root, issuing authority, time stamping unit, OCSP
//! responder. Made once, kept in a folder; all on P-256.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use const_oid::ObjectIdentifier as Oid;
use der::{
    Decode, Encode,
    asn1::{BitString, UtcTime},
};
use openssl::{
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::{PKey, Private},
    sha::{sha1, sha256},
};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    Certificate, TbsCertificate, Version,
    name::Name,
    serial_number::SerialNumber,
    time::{Time, Validity},
};

use super::{
    disk,
    profile::{self, Purpose},
};
use crate::DemoError;

const ECDSA_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");

/// A key with its certificate.
pub(super) struct Identity {
    key: EcKey<Private>,
    pub cert: Certificate,
    pub der: Vec<u8>,
}

impl Identity {
    /// ECDSA with SHA-256 over `message`, DER.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DemoError> {
        sign_digest(&self.key, &sha256(message))
    }

    /// The key, for what OpenSSL signs itself.
    pub fn private_key(&self) -> Result<PKey<Private>, DemoError> {
        Ok(PKey::from_ec_key(self.key.clone())?)
    }

    /// SHA-1 of the public key (RFC 5280 §4.2.1.2, method 1).
    pub fn key_id(&self) -> [u8; 20] {
        key_id(&self.cert.tbs_certificate.subject_public_key_info)
    }
}

/// The provider's identities.
pub(super) struct Authority {
    pub root: Identity,
    pub issuing: Identity,
    pub time_stamping: Identity,
    pub ocsp: Identity,
    base: String,
}

/// The provider's own certificates: file name, purpose, common name.
const SERVICES: [(&str, Purpose, &str); 4] = [
    ("root", Purpose::Root, "Accordo DEMO Root CA"),
    ("issuing", Purpose::Issuing, "Accordo DEMO Issuing CA"),
    ("tsa", Purpose::TimeStamping, "Accordo DEMO Time Stamping Unit"),
    ("ocsp", Purpose::Ocsp, "Accordo DEMO OCSP Responder"),
];

/// Who signs the demo's trusted lists: file name, common name.
const OPERATORS: [(&str, &str); 2] =
    [("lists", "Accordo DEMO List of Lists"), ("national", "Accordo DEMO Trusted List")];

impl Authority {
    /// Opens the authority kept in `dir`, making it the first time. `base` is the address that
    /// goes into the certificates; when it has changed, the provider's own certificates are
    /// issued again for the same keys, so that the addresses in them can be reached.
    pub fn open(dir: &Path, base: &str, now: DateTime<Utc>) -> Result<Self, DemoError> {
        if !dir.exists() {
            let draft = fresh_draft(dir)?;
            for (file, ..) in SERVICES {
                let pem = new_key()?.private_key_to_pem()?;
                disk::write(&draft.join(format!("{file}.key")), &pem)?;
            }
            issue_services(&draft, base, now)?;
            disk::rename(&draft, dir)?;
        } else if fs::read_to_string(dir.join("base"))? != base {
            issue_services(dir, base, now)?;
        }
        let [root, issuing, time_stamping, ocsp] = SERVICES.map(|(file, ..)| load(dir, file));
        Ok(Self {
            root: root?,
            issuing: issuing?,
            time_stamping: time_stamping?,
            ocsp: ocsp?,
            base: base.to_owned(),
        })
    }

    /// Opens the operators of the demo's trusted lists, kept in `dir`, making them the first time.
    pub fn list_operators(dir: &Path, now: DateTime<Utc>) -> Result<[Identity; 2], DemoError> {
        if !dir.exists() {
            let draft = fresh_draft(dir)?;
            for (file, common_name) in OPERATORS {
                let key = new_key()?;
                disk::write(&draft.join(format!("{file}.key")), &key.private_key_to_pem()?)?;
                let name = profile::service_name(common_name)?;
                let der = issue(
                    Purpose::ListOperator,
                    name.clone(),
                    &key,
                    &Issuer { name: &name, key: &key },
                    &new_serial()?,
                    (now - TimeDelta::minutes(1), now + TimeDelta::days(3650)),
                    "",
                )?;
                disk::write(&draft.join(format!("{file}.cer")), &der)?;
            }
            disk::rename(&draft, dir)?;
        }
        let [of_lists, national] = OPERATORS.map(|(file, _)| load(dir, file));
        Ok([of_lists?, national?])
    }

    /// Issues a one-shot certificate (DER).
    pub fn certify(
        &self,
        subject: Name,
        key: &EcKey<Private>,
        serial: &[u8],
        validity: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<u8>, DemoError> {
        let issuer =
            Issuer { name: &self.issuing.cert.tbs_certificate.subject, key: &self.issuing.key };
        issue(Purpose::OneShot, subject, key, &issuer, serial, validity, &self.base)
    }
}

/// Where what belongs in `dir` is made, whole or not at all: half of it would be taken for all.
fn fresh_draft(dir: &Path) -> Result<PathBuf, DemoError> {
    let draft = dir.with_extension("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    disk::make_private_folder(&draft)?;
    Ok(draft)
}

/// A new P-256 key.
pub(super) fn new_key() -> Result<EcKey<Private>, DemoError> {
    Ok(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

/// ECDSA over a SHA-256 digest, DER `ECDSA-Sig-Value`.
pub(super) fn sign_digest(key: &EcKey<Private>, digest: &[u8; 32]) -> Result<Vec<u8>, DemoError> {
    Ok(EcdsaSig::sign(digest, key)?.to_der()?)
}

/// ECDSA with SHA-256.
pub(super) fn signature_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None }
}

/// 126 random bits as a positive serial number of 16 bytes (RFC 5280 §4.1.2.2).
pub(super) fn new_serial() -> Result<[u8; 16], DemoError> {
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

/// The moment as `UTCTime`, as certificates and lists write it until 2049 (RFC 5280 §4.1.2.5).
pub(super) fn utc_time(at: DateTime<Utc>) -> Result<Time, DemoError> {
    let since_epoch = Duration::from_secs(at.timestamp().unsigned_abs());
    Ok(Time::UtcTime(UtcTime::from_unix_duration(since_epoch)?))
}

struct Issuer<'a> {
    name: &'a Name,
    key: &'a EcKey<Private>,
}

fn load(dir: &Path, file: &str) -> Result<Identity, DemoError> {
    let der = fs::read(dir.join(format!("{file}.cer")))?;
    Ok(Identity { key: load_key(dir, file)?, cert: Certificate::from_der(&der)?, der })
}

fn load_key(dir: &Path, file: &str) -> Result<EcKey<Private>, DemoError> {
    Ok(EcKey::private_key_from_pem(&fs::read(dir.join(format!("{file}.key")))?)?)
}

/// Issues the provider's own certificates for the keys in `dir`, and notes the address last.
fn issue_services(dir: &Path, base: &str, now: DateTime<Utc>) -> Result<(), DemoError> {
    for (file, purpose, common_name) in SERVICES {
        let (issuer, years) = match purpose {
            Purpose::Root => (0, 20),
            Purpose::Ocsp => (1, 10),
            _ => (0, 10),
        };
        let path = dir.join(format!("{file}.cer"));
        if purpose == Purpose::Root && path.exists() {
            continue; // it is trusted elsewhere, and holds no address
        }
        let (issuer, _, issuer_name) = SERVICES[issuer];
        let (issuer_key, issuer_name) =
            (load_key(dir, issuer)?, profile::service_name(issuer_name)?);
        let der = issue(
            purpose,
            profile::service_name(common_name)?,
            &load_key(dir, file)?,
            &Issuer { name: &issuer_name, key: &issuer_key },
            &new_serial()?,
            (now - TimeDelta::minutes(1), now + TimeDelta::days(365 * years)),
            base,
        )?;
        disk::write(&path, &der)?;
    }
    disk::write(&dir.join("base"), base.as_bytes())
}

fn issue(
    purpose: Purpose,
    subject: Name,
    key: &EcKey<Private>,
    issuer: &Issuer<'_>,
    serial: &[u8],
    (not_before, not_after): (DateTime<Utc>, DateTime<Utc>),
    base: &str,
) -> Result<Vec<u8>, DemoError> {
    let public = public_key(key)?;
    let extensions =
        profile::extensions(purpose, &key_id(&public), &key_id(&public_key(issuer.key)?), base)?;
    let tbs = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(serial)?,
        signature: signature_algorithm(),
        issuer: issuer.name.clone(),
        validity: Validity { not_before: utc_time(not_before)?, not_after: utc_time(not_after)? },
        subject,
        subject_public_key_info: public,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    let signature = sign_digest(issuer.key, &sha256(&tbs.to_der()?))?;
    let certificate = Certificate {
        tbs_certificate: tbs,
        signature_algorithm: signature_algorithm(),
        signature: BitString::from_bytes(&signature)?,
    };
    Ok(certificate.to_der()?)
}

fn public_key(key: &EcKey<Private>) -> Result<SubjectPublicKeyInfoOwned, DemoError> {
    let der = PKey::from_ec_key(key.clone())?.public_key_to_der()?;
    Ok(SubjectPublicKeyInfoOwned::from_der(&der)?)
}

fn key_id(public: &SubjectPublicKeyInfoOwned) -> [u8; 20] {
    sha1(public.subject_public_key.raw_bytes())
}
