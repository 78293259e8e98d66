use crate::ports::TsaError;

/// Why a document could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The PDF cannot be read strictly: damaged, encrypted, or too large.
    #[error("the PDF cannot be read: {0}")]
    Unreadable(String),
    /// The PDF can be read, but lacks what a signed document must have.
    #[error("the PDF has not the right structure: {0}")]
    Structure(&'static str),
    /// No signature field of this name is reserved.
    #[error("no signature field named {0}")]
    NoField(String),
    /// The field is signed already, or its name is taken.
    #[error("the signature field {0} is already in use")]
    FieldInUse(String),
    /// The chain of certificates is empty.
    #[error("the signer's certificate is missing")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("a certificate cannot be read: {0}")]
    Certificate(der::Error),
    /// The signer's key is neither RSA nor ECDSA of sufficient length.
    #[error("the signer's key is not acceptable")]
    WeakKey,
    /// The signature value is not what the certificate's key makes of the document.
    #[error("the signature does not fit certificate and document")]
    WrongSignature,
    /// The time stamp is not one over this signature or document.
    #[error(transparent)]
    Timestamp(#[from] TsaError),
    /// The signature needs more room than was reserved in the document.
    #[error("the signature takes {needed} bytes, reserved are {reserved}")]
    TooLarge {
        /// Bytes that the signature takes.
        needed: usize,
        /// Bytes that were reserved.
        reserved: usize,
    },
}
