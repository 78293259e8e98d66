//! Who may sign a list.

use std::ops::Deref;

use openssl::x509::X509;

use crate::ListError;

/// Certificates that may sign a list.
#[derive(Clone, Debug)]
pub struct Signers(Vec<X509>);

impl Signers {
    /// Reads PEM certificates.
    ///
    /// # Errors
    /// [`ListError::Crypto`] when they are none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ListError> {
        X509::stack_from_pem(pem).map(Self).map_err(ListError::Crypto)
    }

    /// Adds those of another source.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl From<Vec<X509>> for Signers {
    fn from(certificates: Vec<X509>) -> Self {
        Self(certificates)
    }
}

impl Deref for Signers {
    type Target = [X509];

    fn deref(&self) -> &[X509] {
        &self.0
    }
}
