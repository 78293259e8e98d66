//! CMS (RFC 5652) as PAdES uses it (one signer, signed attributes, raw DER kept) and as signed
//! files do (several signers, the content inside).
//!
//! Certificates go in and come out byte for byte, and a signature is checked over the attributes
//! as they were transmitted: re-encoding would hide what was really signed. Reading stands on the
//! strict DER tokens of the `der` crate (no indefinite lengths: ETSI EN 319 142-1 §6.2.1 wants DER).

pub mod asn1;
pub mod ber;
mod build;
mod certificate;
mod read;
mod scheme;

pub(crate) use build::{
    check_detached, check_signature, ocsp_choice, signed_data, signer_info, token_with_unsigned,
    with_unsigned,
};
pub use build::{detached, signed_attributes, signed_attributes_at};
pub use certificate::{Certificate, QcStatements};
pub(crate) use read::ocsp_response;
pub use read::{Attribute, Container, SignedData};
pub use scheme::{Scheme, digest};

use const_oid::ObjectIdentifier as Oid;

/// `id-data` (RFC 5652 §4).
pub const ID_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.1");
/// `id-signedData` (RFC 5652 §5.1).
pub const ID_SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
/// `id-contentType` (RFC 5652 §11.1).
pub const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
/// `id-messageDigest` (RFC 5652 §11.2).
pub const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
/// `id-signingTime` (RFC 5652 §11.3).
pub const SIGNING_TIME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.5");
/// `id-aa-signingCertificateV2` (RFC 5035 §3).
pub const SIGNING_CERTIFICATE_V2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// `id-aa-signatureTimeStampToken` (RFC 3161 appendix A).
pub const SIGNATURE_TIMESTAMP: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.14");
/// `id-aa-ets-archiveTimestampV3` (ETSI EN 319 122-1 §5.5.3).
pub const ARCHIVE_TIMESTAMP: Oid = Oid::new_unwrap("0.4.0.1733.2.4");
/// `id-aa-ATSHashIndex-v3` (ETSI EN 319 122-1 §5.5.2).
pub const ATS_HASH_INDEX: Oid = Oid::new_unwrap("0.4.0.19122.1.5");
/// `id-ri-ocsp-response` (RFC 5940 §2.1).
pub const OCSP_RESPONSE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.16.2");
/// `id-sha256`.
pub const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
/// `id-sha384`.
pub const SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
/// `id-sha512`.
pub const SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");
