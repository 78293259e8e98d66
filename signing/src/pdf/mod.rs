//! PDF documents as a chain of revisions: every change is appended, and the bytes that were there
//! stay a prefix of the result.

mod appearance;
mod budget;
mod fields;
mod file;
mod indirect;
mod inflated;
mod seal;
mod syntax;
mod tags;
mod update;
mod validation_data;
mod xref;

pub(crate) use appearance::references;
pub(crate) use budget::Work;
pub(crate) use fields::all_signature_fields;
pub(crate) use fields::decode_text;
pub use fields::{SignatureField, add_signature_fields, signature_fields};
pub use seal::Unsealed;
pub(crate) use seal::{DOCUMENT_TIMESTAMP, Entry, PADES, base64_bytes, reserve};
pub(crate) use validation_data::validation_data_within;
pub use validation_data::{ValidationData, add_validation_data, validation_data};

use std::rc::Rc;

use lopdf::Document;

use crate::pades::DocumentError;
use budget::Budget;
use file::File;

/// Larger documents are refused: minutes with annexes stay far below (R-SIGN-04).
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;
/// A stream that inflates to more than this is an attack.
const MAX_INFLATED_BYTES: usize = 16 << 20;

/// Reads a PDF strictly: no repair of cross-reference data, no skipped objects, no encryption. Two
/// readers that repair in two ways would see two documents under one signature.
///
/// # Errors
/// [`DocumentError::Unreadable`], also when the objects together take too much memory.
pub fn open(pdf: &[u8]) -> Result<Document, DocumentError> {
    open_within(pdf, &Work::on(pdf.len()))
}

/// The same as one of several readings, which together cost no more than `work`.
pub(crate) fn open_within(pdf: &[u8], work: &Work) -> Result<Document, DocumentError> {
    let budget = Rc::new(Budget::of(pdf.len(), work));
    let granted = budget.left();
    let read = File::read_within(pdf, Rc::clone(&budget)).and_then(|file| {
        let objects = file.objects()?;
        Ok((file.trailer, file.max_id, objects))
    });
    work.settle(pdf.len(), &budget, granted);
    let (trailer, max_id, objects) = read?;
    let mut document = Document::new();
    document.trailer = trailer;
    document.max_id = max_id;
    document.objects = objects;
    Ok(document)
}
