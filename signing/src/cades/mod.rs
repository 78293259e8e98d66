//! CAdES baseline signatures (ETSI EN 319 122-1) of a document that stays as it is: one signed file
//! (P7M) holds the document and, beside each other, everybody's signature of it (R-SIGN-29).
//!
//! In two steps, as [`crate::pades`]: [`prepare`] says what is to be signed, [`finish`] puts signature
//! and time stamp into the file. What somebody signed stays in it byte for byte; what nobody signed
//! (time stamps, certificates, revocation data) is added beside it. Levels: B-B without, B-T with a
//! time stamp (also later: [`add_time_stamps`]), B-LT by [`add_validation_data`], B-LTA by
//! [`prepare_archive`] after that.

mod archive;
mod parts;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Digest, cms,
    pades::{DocumentError, SignerChain, ValidationData},
    ports::SigningMode,
    tsa::token,
};

pub(crate) use archive::{ArchiveStamp, archive_stamps, attribute_digests, value_digest};
pub use archive::{PreparedArchive, finish_archive, prepare_archive};
pub(crate) use parts::open;

/// A signature that waits for its value. Serialisable, so that it can be stored meanwhile; it
/// holds the whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The document, or the signed file so far.
    #[serde(with = "crate::pdf::base64_bytes")]
    file: Vec<u8>,
    content: Digest,
    /// Empty where the trust service makes them.
    #[serde(with = "crate::pdf::base64_bytes")]
    attributes: Vec<u8>,
    chain: SignerChain,
    mode: SigningMode,
}

/// What the holder of `chain` signs of `file`: of a signed file the document in it, of anything else
/// the file itself. `at`: the claimed time.
///
/// # Errors
/// A signed file that holds no document.
pub fn prepare(
    file: Vec<u8>,
    chain: SignerChain,
    mode: SigningMode,
    at: DateTime<Utc>,
) -> Result<Prepared, DocumentError> {
    let content = Digest::of(open(&file)?.content);
    let attributes = match mode {
        SigningMode::Hash => cms::signed_attributes_at(&content, chain.signer(), at),
        SigningMode::Cms => Vec::new(),
    };
    Ok(Prepared { file, content, attributes, chain, mode })
}

impl Prepared {
    /// What the trust service is asked to sign: SHA-256 of the DER of the signed attributes, or, where
    /// it makes those, of the document.
    pub fn to_sign(&self) -> Digest {
        match self.mode {
            SigningMode::Hash => Digest::of(&self.attributes),
            SigningMode::Cms => self.content,
        }
    }

    /// What a time stamp is wanted for, if what the trust service gave is right.
    ///
    /// # Errors
    /// [`DocumentError::WrongSignature`], or a certificate that cannot be used.
    pub fn to_stamp(&self, given: &[u8]) -> Result<Digest, DocumentError> {
        let (attributes, value) = self.parts(given)?;
        cms::check_signature(&attributes, &value, self.chain.signer())?;
        Ok(Digest::of(&value))
    }

    /// Signed attributes and signature value.
    fn parts(&self, given: &[u8]) -> Result<(Vec<u8>, Vec<u8>), DocumentError> {
        match self.mode {
            SigningMode::Hash => Ok((self.attributes.clone(), given.to_vec())),
            SigningMode::Cms => cms::check_detached(given, &self.content, &self.chain.signer().der),
        }
    }
}

/// The signed file with this signature more. `given` is what the trust service gave, as for
/// [`crate::pades::finish`]; `timestamp` a token over [`Prepared::to_stamp`].
///
/// # Errors
/// A signature or time stamp that does not fit.
pub fn finish(
    prepared: &Prepared,
    given: &[u8],
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, DocumentError> {
    let (attributes, value) = prepared.parts(given)?;
    if let Some(token) = timestamp {
        token::check(token, &Digest::of(&value))?;
    }
    let info = cms::signer_info(&attributes, &value, prepared.chain.signer(), timestamp)?;
    let chain = prepared.chain.der().iter().map(Vec::as_slice);
    Ok(open(&prepared.file)?.with(&info, cms::SHA256, chain))
}

/// The document in a signed file; of anything else, the file itself.
///
/// # Errors
/// A signed file that holds no document.
pub fn document(file: &[u8]) -> Result<&[u8], DocumentError> {
    Ok(open(file)?.content)
}

/// What time stamps are wanted for: the digests of the signatures that have none.
///
/// # Errors
/// No signed file of ours.
pub fn unstamped(file: &[u8]) -> Result<Vec<Digest>, DocumentError> {
    let opened = open(file)?;
    Ok(opened.signers().filter(|signer| !is_stamped(signer)).map(value).collect())
}

/// The signed file with these time stamps, each in the signature whose value it stamps.
///
/// # Errors
/// A token that is none, or of no signature that waits for one.
pub fn add_time_stamps(file: &[u8], tokens: &[Vec<u8>]) -> Result<Vec<u8>, DocumentError> {
    let opened = open(file)?;
    let mut parts = opened.parts();
    for der in tokens {
        let imprint = token::parse(der)?.imprint;
        let mut open = opened.signers().filter(|signer| !is_stamped(signer));
        let signer = open.find(|signer| imprint == value(signer));
        let signer = signer.ok_or(DocumentError::WrongSignature)?;
        token::check(der, &value(signer))?;
        parts.extend_signer(signer.raw, cms::SIGNATURE_TIMESTAMP, der)?;
    }
    Ok(parts.write(opened.content))
}

/// The signed file with `data`, for everybody's signature; what it holds already is not doubled.
///
/// # Errors
/// No signed file of ours.
pub fn add_validation_data(file: &[u8], data: &ValidationData) -> Result<Vec<u8>, DocumentError> {
    let opened = open(file)?;
    let mut parts = opened.parts();
    parts.add_data(data);
    Ok(parts.write(opened.content))
}

/// What a signed file holds for whoever verifies it later.
pub(crate) fn validation_data(container: &cms::Container<'_>) -> ValidationData {
    let owned = |list: &[&[u8]]| list.iter().map(|der| der.to_vec()).collect();
    ValidationData {
        certificates: owned(&container.certificates),
        ocsp: owned(&container.ocsp),
        crls: owned(&container.crls),
    }
}

fn is_stamped(signer: &cms::SignedData<'_>) -> bool {
    signer.unsigned_values(cms::SIGNATURE_TIMESTAMP).next().is_some()
}

fn value(signer: &cms::SignedData<'_>) -> Digest {
    Digest::of(signer.signature)
}
