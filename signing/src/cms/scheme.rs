//! Signature algorithms that are accepted, and the check of a signature value.

use const_oid::ObjectIdentifier as Oid;
use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Public},
    sign::Verifier,
};

use super::{Certificate, SHA256, SHA384, SHA512, asn1};

const RSA_ENCRYPTION: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
const SHA256_WITH_RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: Oid = Oid::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: Oid = Oid::new_unwrap("1.2.840.10045.4.3.4");

/// Shortest keys that are accepted: ETSI TS 119 312 §8.
const MIN_RSA_BITS: u32 = 2048;
const MIN_EC_BITS: u32 = 256;

/// A signature algorithm with its digest: RSA PKCS#1 v1.5 or ECDSA, SHA-2 only.
#[derive(Clone, Copy)]
pub struct Scheme {
    key: Id,
    digest: MessageDigest,
}

impl Scheme {
    /// What `algorithm` and `digest` of a `SignerInfo` mean together; `None` when one of them is
    /// weak or unknown, or when they contradict each other.
    pub fn of(algorithm: Oid, digest: Oid) -> Option<Self> {
        let hash = match digest {
            SHA256 => MessageDigest::sha256(),
            SHA384 => MessageDigest::sha384(),
            SHA512 => MessageDigest::sha512(),
            _ => return None,
        };
        let (key, implied) = match algorithm {
            RSA_ENCRYPTION => (Id::RSA, digest),
            SHA256_WITH_RSA => (Id::RSA, SHA256),
            SHA384_WITH_RSA => (Id::RSA, SHA384),
            SHA512_WITH_RSA => (Id::RSA, SHA512),
            ECDSA_WITH_SHA256 => (Id::EC, SHA256),
            ECDSA_WITH_SHA384 => (Id::EC, SHA384),
            ECDSA_WITH_SHA512 => (Id::EC, SHA512),
            _ => return None,
        };
        (implied == digest).then_some(Self { key, digest: hash })
    }

    /// Whether the certificate's key is of this kind and long enough.
    pub fn fits(self, certificate: &Certificate) -> bool {
        public_key(certificate).is_some_and(|key| self.fits_key(&key))
    }

    /// Whether `signature` is the certificate holder's over `message`.
    pub fn verify(self, certificate: &Certificate, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = public_key(certificate).filter(|key| self.fits_key(key)) else {
            return false;
        };
        Verifier::new(self.digest, &key)
            .and_then(|mut verifier| verifier.verify_oneshot(signature, message))
            .unwrap_or(false)
    }

    fn fits_key(self, key: &PKey<Public>) -> bool {
        let least = if self.key == Id::RSA { MIN_RSA_BITS } else { MIN_EC_BITS };
        key.id() == self.key && key.bits() >= least
    }
}

/// The SHA-256 scheme of a certificate's key and its `AlgorithmIdentifier`: with a NULL parameter
/// for RSA (RFC 4055 §5), without parameters for ECDSA (RFC 5758 §3.2).
pub(super) fn for_signing(certificate: &Certificate) -> Option<(Scheme, Vec<u8>)> {
    let (oid, parameters): (_, &[u8]) = match public_key(certificate)?.id() {
        Id::RSA => (SHA256_WITH_RSA, &[0x05, 0x00]),
        Id::EC => (ECDSA_WITH_SHA256, &[]),
        _ => return None,
    };
    let scheme = Scheme::of(oid, SHA256).filter(|scheme| scheme.fits(certificate))?;
    Some((scheme, asn1::sequence(&[&asn1::oid(oid), parameters])))
}

/// Digest of `parts`, one after the other, by a SHA-2 algorithm; `None` for any other.
pub fn digest(algorithm: Oid, parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn run<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut hash = D::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().to_vec()
    }
    match algorithm {
        SHA256 => Some(run::<sha2::Sha256>(parts)),
        SHA384 => Some(run::<sha2::Sha384>(parts)),
        SHA512 => Some(run::<sha2::Sha512>(parts)),
        _ => None,
    }
}

fn public_key(certificate: &Certificate) -> Option<PKey<Public>> {
    certificate.x509.public_key().ok()
}
