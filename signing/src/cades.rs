//! CAdES baseline signatures (ETSI EN 319 122-1) of a document that stays as it is: one signed file
//! (P7M) holds the document and, beside each other, everybody's signature of it (R-SIGN-29).
//!
//! In two steps, as [`crate::pades`]: [`prepare`] says what is to be signed, [`finish`] puts signature
//! and time stamp into the file. What was in the file before stays in it byte for byte.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Digest,
    cms::{self, Container},
    pades::{DocumentError, SignerChain},
    ports::SigningMode,
    tsa::token,
};

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

/// A document with the signatures that it has so far.
pub(crate) struct Open<'a> {
    /// The document.
    pub content: &'a [u8],
    /// Who signed it; absent in a file that nobody signed.
    pub container: Option<Container<'a>>,
}

/// Opens a signed file of ours (DER), or a document that nobody signed.
pub(crate) fn open(file: &[u8]) -> Result<Open<'_>, DocumentError> {
    // Neither a PDF nor text begins like a SEQUENCE.
    if file.first() != Some(&0x30) {
        return Ok(Open { content: file, container: None });
    }
    let container = Container::read(file);
    let container = container.map_err(|_| DocumentError::Structure("no signed file"))?;
    let content = container.content.ok_or(DocumentError::Structure("no document inside"))?;
    Ok(Open { content, container: Some(container) })
}

impl Open<'_> {
    /// The signed file with one signature (DER `SignerInfo`) more, made with this digest algorithm, and
    /// the certificates that it needs.
    pub fn with<'b>(
        &self,
        info: &[u8],
        digest: const_oid::ObjectIdentifier,
        chain: impl Iterator<Item = &'b [u8]>,
    ) -> Vec<u8> {
        let signers = self.container.iter().flat_map(|container| &container.signers);
        let mut infos = vec![info.to_vec()];
        let (mut digests, mut certificates) = (vec![digest], Vec::new());
        for der in chain {
            keep(&mut certificates, der.to_vec());
        }
        for signer in signers {
            keep(&mut infos, signer.raw.to_vec());
            keep(&mut digests, signer.digest_algorithm);
            for der in &signer.certificates {
                keep(&mut certificates, der.to_vec());
            }
        }
        cms::signed_data(Some(self.content), &digests, &certificates, infos)
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
