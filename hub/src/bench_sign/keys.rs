//! Keys of every kind that signers have, with certificates of an authority made for the occasion.

use chrono::{DateTime, TimeDelta, Utc};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::md::Md;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};
use signing::Digest;

/// The kinds of keys, each under its name in the report.
pub const ALGORITHMS: [Algorithm; 5] = [
    Algorithm { name: "p256", key: Kind::Curve(Nid::X9_62_PRIME256V1) },
    Algorithm { name: "p384", key: Kind::Curve(Nid::SECP384R1) },
    Algorithm { name: "rsa2048", key: Kind::Rsa(2048) },
    Algorithm { name: "rsa3072", key: Kind::Rsa(3072) },
    Algorithm { name: "rsa4096", key: Kind::Rsa(4096) },
];

/// A kind of key.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// As the report calls it.
    pub name: &'static str,
    key: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Curve(Nid),
    Rsa(u32),
}

impl Algorithm {
    fn key(self) -> Result<PKey<Private>, ErrorStack> {
        match self.key {
            Kind::Curve(curve) => {
                PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(curve)?)?)
            }
            Kind::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits)?),
        }
    }
}

/// Issues the certificates.
pub struct Issuer {
    key: PKey<Private>,
    /// Its own certificate.
    pub certificate: X509,
    at: DateTime<Utc>,
}

/// Somebody who signs.
pub struct Signer {
    /// The private key.
    pub key: PKey<Private>,
    /// Certificates, the signer's first.
    pub chain: Vec<X509>,
}

impl Issuer {
    /// An authority whose certificates are valid around `at`.
    pub fn new(at: DateTime<Utc>) -> Result<Self, ErrorStack> {
        let key = ALGORITHMS[0].key()?;
        let name = name("Misura della firma, non qualificato")?;
        let mut builder = begun(&name, &name, &key, at)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { key, certificate: builder.build(), at })
    }

    /// A signer with a new key.
    pub fn signer(&self, algorithm: Algorithm) -> Result<Signer, ErrorStack> {
        let key = algorithm.key()?;
        let name = name(&format!("Prova {}", algorithm.name))?;
        let mut builder = begun(&name, self.certificate.subject_name(), &key, self.at)?;
        builder.append_extension(KeyUsage::new().critical().non_repudiation().build()?)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(Signer { key, chain: vec![builder.build(), self.certificate.clone()] })
    }
}

impl Signer {
    /// Raw signatures over SHA-256 digests, as a remote service makes them.
    pub fn pen(&self) -> Result<Pen, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        context.set_signature_md(Md::sha256())?;
        Ok(Pen(context))
    }
}

/// A key that is ready to sign.
pub struct Pen(PkeyCtx<Private>);

impl Pen {
    /// The raw signature over `digest`.
    pub fn sign(&mut self, digest: &Digest) -> Result<Vec<u8>, ErrorStack> {
        let mut signature = Vec::new();
        self.0.sign_to_vec(&digest.0, &mut signature)?;
        Ok(signature)
    }
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COUNTRYNAME, "IT")?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

fn begun(
    subject: &X509Name,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    at: DateTime<Utc>,
) -> Result<X509Builder, ErrorStack> {
    let time = |time: DateTime<Utc>| Asn1Time::from_unix(time.timestamp());
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial)?;
    serial[0] = 0x40; // positive and of the same length every time
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*BigNum::from_slice(&serial)?.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*time(at - TimeDelta::minutes(1))?)?;
    builder.set_not_after(&*time(at + TimeDelta::days(1))?)?;
    Ok(builder)
}
