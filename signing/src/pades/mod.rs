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
    #[serde(with = "crate::pdf::base64_bytes")]
    signed_attributes: Vec<u8>,
    chain: SignerChain,
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
    Ok(Prepared { unsealed, signed_attributes, chain: chain.clone() })
}

impl Prepared {
    /// What the signer's key signs: SHA-256 of the DER of the signed attributes.
    pub fn to_sign(&self) -> Digest {
        Digest::of(&self.signed_attributes)
    }

    /// Whether `raw_signature` is the right one: to be asked before a time stamp is spent on it.
    ///
    /// # Errors
    /// [`DocumentError::WrongSignature`], or a certificate that cannot be used.
    pub fn check(&self, raw_signature: &[u8]) -> Result<(), DocumentError> {
        cms::check_signature(&self.signed_attributes, raw_signature, self.chain.signer())
    }
}

/// The signed document. `raw_signature` is PKCS#1 v1.5 for RSA, DER `ECDSA-Sig-Value` for ECDSA;
/// `timestamp` a token (DER `ContentInfo`) over `Digest::of(raw_signature)`.
///
/// # Errors
/// A signature or time stamp that does not fit, or does not fit in; see [`DocumentError`].
pub fn finish(
    prepared: Prepared,
    raw_signature: &[u8],
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, DocumentError> {
    if let Some(token) = timestamp {
        token::check(token, &Digest::of(raw_signature))?;
    }
    let Prepared { unsealed, signed_attributes, chain } = prepared;
    let (signer, certificates) = (chain.signer(), chain.der());
    let signature =
        cms::detached(&signed_attributes, raw_signature, signer, certificates, timestamp)?;
    unsealed.seal(&signature)
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
