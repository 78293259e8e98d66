//! The algorithms that a list may be signed with (ETSI TS 119 312), by the names of XML signatures
//! (RFC 9231).

use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer, Verifier},
};

const RSA_BITS: std::ops::RangeInclusive<u32> = 2_048..=8_192;

/// Length of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How a list is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS #1 v1.5.
    Rsa(Sha),
    /// RSA-PSS with the salt as long as the digest.
    Pss(Sha),
    /// ECDSA on a NIST curve.
    Ecdsa(Sha),
}

impl Sha {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    pub(crate) fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sha| sha.uri() == uri)
    }

    pub(crate) fn digest(self, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Ok(openssl::hash::hash(self.message_digest(), bytes)?.to_vec())
    }

    fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }
}

impl Algorithm {
    fn sha(self) -> Sha {
        match self {
            Self::Rsa(sha) | Self::Pss(sha) | Self::Ecdsa(sha) => sha,
        }
    }

    pub(crate) fn uri(self) -> String {
        let bits = self.sha().bits();
        match self {
            Self::Rsa(_) => format!("http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"),
            Self::Pss(_) => format!("http://www.w3.org/2007/05/xmldsig-more#sha{bits}-rsa-MGF1"),
            Self::Ecdsa(_) => format!("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{bits}"),
        }
    }

    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        let all =
            Sha::ALL.into_iter().flat_map(|sha| [Self::Rsa(sha), Self::Pss(sha), Self::Ecdsa(sha)]);
        all.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    /// Whether `value` is the signature of `key` over `message`. Keys that are too weak, or of another
    /// kind, made none.
    pub(crate) fn verify(self, key: &PKeyRef<Public>, message: &[u8], value: &[u8]) -> bool {
        let check = || -> Result<bool, ErrorStack> {
            let der = match self {
                Self::Ecdsa(_) => {
                    let half = field_bytes(key).filter(|half| value.len() == 2 * half);
                    let Some(half) = half else { return Ok(false) };
                    let (r, s) = value.split_at(half);
                    let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
                    Some(EcdsaSig::from_private_components(r, s)?.to_der()?)
                }
                Self::Rsa(_) | Self::Pss(_) => {
                    let strong = key.id() == Id::RSA && RSA_BITS.contains(&key.bits());
                    if !strong {
                        return Ok(false);
                    }
                    None
                }
            };
            let mut verifier = Verifier::new(self.sha().message_digest(), key)?;
            if let Self::Pss(sha) = self {
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_mgf1_md(sha.message_digest())?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            }
            verifier.verify_oneshot(der.as_deref().unwrap_or(value), message)
        };
        check().unwrap_or(false)
    }

    /// The signature of `key` over `message`, as XML carries it.
    pub(crate) fn sign(self, key: &PKey<Private>, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut signer = Signer::new(self.sha().message_digest(), key)?;
        if let Self::Pss(sha) = self {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(sha.message_digest())?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        let value = signer.sign_oneshot_to_vec(message)?;
        let Some(half) = field_bytes(key) else { return Ok(value) };
        let pair = EcdsaSig::from_der(&value)?;
        let half = i32::try_from(half).unwrap_or(i32::MAX);
        Ok([pair.r().to_vec_padded(half)?, pair.s().to_vec_padded(half)?].concat())
    }
}

/// Length of a coordinate, for keys on the curves that are allowed.
fn field_bytes<T: HasPublic>(key: &PKeyRef<T>) -> Option<usize> {
    match key.ec_key().ok()?.group().curve_name()? {
        Nid::X9_62_PRIME256V1 => Some(32),
        Nid::SECP384R1 => Some(48),
        Nid::SECP521R1 => Some(66),
        _ => None,
    }
}
