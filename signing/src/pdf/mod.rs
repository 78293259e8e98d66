//! PDF documents as a chain of revisions: every change is appended, and the bytes that were there
//! stay a prefix of the result.

mod appearance;
mod fields;
mod file;
mod seal;
mod syntax;
mod tags;
mod update;
mod validation_data;

pub(crate) use appearance::references;
pub(crate) use fields::decode_text;
pub use fields::{SignatureField, add_signature_fields, signature_fields};
pub use seal::Unsealed;
pub(crate) use seal::{DOCUMENT_TIMESTAMP, Entry, PADES, base64_bytes, reserve};
pub use validation_data::{ValidationData, add_validation_data, validation_data};

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, LoadOptions, Object};

use crate::pades::DocumentError;

/// Larger documents are refused: minutes with annexes stay far below (R-SIGN-04).
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;
/// An object or cross-reference stream that inflates to more than this is an attack.
const MAX_INFLATED_BYTES: usize = 16 << 20;

/// Reads a PDF strictly: no repair of cross-reference data, no skipped objects, no encryption. Two
/// readers that repair in two ways would see two documents under one signature.
///
/// # Errors
/// [`DocumentError::Unreadable`].
pub fn open(pdf: &[u8]) -> Result<Document, DocumentError> {
    let unreadable = |reason: &str| DocumentError::Unreadable(reason.to_owned());
    if pdf.len() > MAX_DOCUMENT_BYTES {
        return Err(unreadable("too large"));
    }
    let options = LoadOptions {
        strict: true,
        max_decompressed_size: Some(MAX_INFLATED_BYTES),
        ..LoadOptions::default()
    };
    // The parser is not ours and its input is whatever somebody uploads: should it panic, that is
    // one more way for a file to be unreadable.
    let mut document =
        catch_unwind(AssertUnwindSafe(|| Document::load_mem_with_options(pdf, options)))
            .map_err(|_| unreadable("the parser gave up"))?
            .map_err(|error| DocumentError::Unreadable(error.to_string()))?;
    if document.is_encrypted() || document.was_encrypted() {
        return Err(unreadable("encrypted"));
    }
    if document.xref_recovery.is_some() {
        return Err(unreadable("damaged cross-reference data"));
    }
    // The place of a stream in the file is no part of its value: revisions are compared by value.
    for object in document.objects.values_mut() {
        if let Object::Stream(stream) = object {
            stream.start_position = None;
        }
    }
    Ok(document)
}
