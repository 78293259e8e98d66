use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DocumentError;
use crate::cms::{
    Certificate,
    asn1::{Item, SEQUENCE},
};

/// The certificates of somebody who signs, read once for any number of signatures. Cheap to clone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct SignerChain(Arc<Read>);

#[derive(Debug)]
struct Read {
    der: Vec<Vec<u8>>,
    signer: Certificate,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Stored(#[serde(with = "crate::der_list")] Vec<Vec<u8>>);

impl SignerChain {
    /// From DER certificates, the signer's first, then the issuers'.
    ///
    /// # Errors
    /// No certificate, or something that is none.
    pub fn from_der(der: Vec<Vec<u8>>) -> Result<Self, DocumentError> {
        let signer = der.first().ok_or(DocumentError::NoCertificate)?;
        let signer = Certificate::from_der(signer).map_err(DocumentError::Certificate)?;
        // The issuers' are sent along as they are; whoever verifies reads them.
        for issuer in &der[1..] {
            Item::only(issuer)
                .and_then(|item| item.expect(SEQUENCE))
                .map_err(DocumentError::Certificate)?;
        }
        Ok(Self(Arc::new(Read { der, signer })))
    }

    pub(crate) fn signer(&self) -> &Certificate {
        &self.0.signer
    }

    pub(crate) fn der(&self) -> &[Vec<u8>] {
        &self.0.der
    }
}

impl PartialEq for SignerChain {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for SignerChain {}

impl TryFrom<Stored> for SignerChain {
    type Error = DocumentError;

    fn try_from(Stored(der): Stored) -> Result<Self, Self::Error> {
        Self::from_der(der)
    }
}

impl From<SignerChain> for Stored {
    fn from(chain: SignerChain) -> Self {
        Self(chain.0.der.clone())
    }
}
