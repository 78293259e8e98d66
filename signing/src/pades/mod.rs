//! PAdES baseline signatures (ETSI EN 319 142-1) in two steps, with the signature made elsewhere.
//!
//! [`prepare`] fixes the revision and says what is to be signed; the trust service signs; then
//! [`finish`] puts signature and time stamp into the gap. Between the two a [`Prepared`] can be
//! stored, so that a restart in the middle loses nothing. Levels: B-B without, B-T with a time
//! stamp; B-LT by [`add_validation_data`]; B-LTA by [`prepare_timestamp`] after that.

mod chain;
mod error;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use crate::pdf::{ValidationData, add_signature_fields, add_validation_data};
pub use chain::SignerChain;
pub use error::DocumentError;

use crate::{
    Digest, cms,
    pdf::{Entry, Unsealed, reserve},
    ports::SigningMode,
    tsa::token,
};

/// Room for attributes, signature value and framing; RSA 4096 takes 512 bytes of it.
const SIGNATURE_ROOM: usize = 4 << 10;
/// Room for a time stamp token with its certificates; real ones take 3 to 8 KiB.
const TIMESTAMP_ROOM: usize = 12 << 10;

/// What the signature dictionary tells a reader. Empty texts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Who signs.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Where.
    pub location: String,
}

/// A signature that waits for its value. Serialisable, so that it can be stored meanwhile; it
/// holds the whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    unsealed: Unsealed,
    /// Empty where the trust service makes them.
    #[serde(with = "crate::pdf::base64_bytes")]
    signed_attributes: Vec<u8>,
    chain: SignerChain,
    #[serde(default)]
    mode: SigningMode,
}

/// Writes the revision for `field` and the signed attributes. `appearance` is a one-page PDF for the
/// field, `signing_time` the claimed time.
///
/// # Errors
/// See [`DocumentError`].
pub fn prepare(
    pdf: &[u8],
    field: &str,
    chain: &SignerChain,
    appearance: Option<&[u8]>,
    meta: &Meta,
    signing_time: DateTime<Utc>,
) -> Result<Prepared, DocumentError> {
    let certificates = chain.der().iter().map(Vec::len).sum::<usize>();
    let room = SIGNATURE_ROOM + TIMESTAMP_ROOM + certificates;
    let entry = Entry::Signature {
        name: &meta.name,
        reason: &meta.reason,
        location: &meta.location,
        at: signing_time,
        appearance,
    };
    let unsealed = reserve(pdf, field, &entry, room)?;
    let signed_attributes = cms::signed_attributes(&unsealed.digest(), chain.signer());
    Ok(Prepared { unsealed, signed_attributes, chain: chain.clone(), mode: SigningMode::Hash })
}

impl Prepared {
    /// The same, for a trust service of this mode.
    pub fn for_mode(self, mode: SigningMode) -> Self {
        match mode {
            SigningMode::Hash => self,
            SigningMode::Cms => Self { signed_attributes: Vec::new(), mode, ..self },
        }
    }

    /// What the trust service is asked to sign: SHA-256 of the DER of the signed attributes, or, where
    /// it makes those, of the document.
    pub fn to_sign(&self) -> Digest {
        match self.mode {
            SigningMode::Hash => Digest::of(&self.signed_attributes),
            SigningMode::Cms => self.unsealed.digest(),
        }
    }

    /// What a time stamp is wanted for: the digest of the signature value in what the trust service
    /// gave, if that is right. To be asked before a time stamp is spent on it.
    ///
    /// # Errors
    /// [`DocumentError::WrongSignature`], or a certificate that cannot be used.
    pub fn to_stamp(&self, given: &[u8]) -> Result<Digest, DocumentError> {
        match self.mode {
            SigningMode::Hash => {
                cms::check_signature(&self.signed_attributes, given, self.chain.signer())?;
                Ok(Digest::of(given))
            }
            SigningMode::Cms => Ok(Digest::of(&self.take_apart(given)?.1)),
        }
    }

    /// Signed attributes and signature value of a whole CMS.
    fn take_apart(&self, cms: &[u8]) -> Result<(Vec<u8>, Vec<u8>), DocumentError> {
        cms::check_detached(cms, &self.unsealed.digest(), &self.chain.signer().der)
    }
}

/// The signed document. `given` is what the trust service gave: the signature value (PKCS#1 v1.5 for
/// RSA, DER `ECDSA-Sig-Value` for ECDSA), or the whole CMS; `timestamp` a token (DER `ContentInfo`)
/// over [`Prepared::to_stamp`].
///
/// # Errors
/// A signature or time stamp that does not fit, or does not fit in; see [`DocumentError`].
pub fn finish(
    prepared: Prepared,
    given: &[u8],
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, DocumentError> {
    let whole = match prepared.mode {
        SigningMode::Hash => None,
        SigningMode::Cms => Some(prepared.take_apart(given)?),
    };
    let (signed_attributes, raw_signature) = match &whole {
        None => (prepared.signed_attributes.as_slice(), given),
        Some((attributes, value)) => (attributes.as_slice(), value.as_slice()),
    };
    if let Some(token) = timestamp {
        token::check(token, &Digest::of(raw_signature))?;
    }
    let (signer, certificates) = (prepared.chain.signer(), prepared.chain.der());
    // A whole CMS is written anew around its signed part: certificates and time stamp are ours.
    let signature =
        cms::detached(signed_attributes, raw_signature, signer, certificates, timestamp)?;
    prepared.unsealed.seal(&signature)
}

/// A document time stamp that waits for its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedTimestamp {
    unsealed: Unsealed,
}

/// Writes the revision of a document time stamp into the reserved `field`.
///
/// # Errors
/// See [`DocumentError`].
pub fn prepare_timestamp(pdf: &[u8], field: &str) -> Result<PreparedTimestamp, DocumentError> {
    Ok(PreparedTimestamp { unsealed: reserve(pdf, field, &Entry::Timestamp, TIMESTAMP_ROOM)? })
}

impl PreparedTimestamp {
    /// What the authority stamps.
    pub fn to_stamp(&self) -> Digest {
        self.unsealed.digest()
    }
}

/// The document with its time stamp.
///
/// # Errors
/// A token that stamps something else, or is too large.
pub fn finish_timestamp(
    prepared: PreparedTimestamp,
    token: &[u8],
) -> Result<Vec<u8>, DocumentError> {
    token::check(token, &prepared.to_stamp())?;
    prepared.unsealed.seal(token)
}
