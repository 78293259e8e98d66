//! Verification of signed PDFs: what was signed, by whom, when, and what came after (R-SIGN-31,
//! R-SIGN-39).
//!
//! A signature is worth what its revision shows. So beside the cryptography the verifier asks, for
//! every later revision, what it changed in the document *as objects reachable from its catalog*,
//! and lets pass only further signatures in reserved fields, validation data and document time
//! stamps. The input is whatever somebody uploads: nothing here panics, and all work is bounded.
//!
//! Deliberately absent: the question *who should have signed*. A file cut back to an earlier
//! revision is a valid document with fewer signatures; the signature process compares
//! [`Report::signatures`] and [`Report::open_fields`] with what it expects.

mod changes;
mod evidence;
mod place;
mod report;
mod revisions;
mod signature;
mod text;
mod trust;

pub use report::{
    Chain, Indication, Integrity, Kind, LaterRevision, Level, Report, Revocation, SignatureReport,
    Signer, SubIndication, Timestamp,
};
pub use text::{Language, text};
pub use trust::{TrustAnchors, TrustError};

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, Object};

use crate::{
    Digest,
    pdf::{self, SignatureField, signature_fields, validation_data},
};
use place::Place;

/// More signatures than this in one document are taken for an attack.
const MAX_SIGNATURES: usize = 200;

/// Verifies every signature of `pdf` as of `now`. Never fails: what cannot be read is reported.
pub fn verify(pdf: &[u8], trust: &TrustAnchors, now: DateTime<Utc>) -> Report {
    let mut report = Report::new(Digest::of(pdf), pdf.len(), now, !trust.is_empty());
    let document = match pdf::open(pdf) {
        Ok(document) => document,
        Err(error) => {
            report.problems.push(error.to_string());
            return report;
        }
    };
    let (signed, open): (Vec<_>, Vec<_>) =
        signature_fields(&document).into_iter().partition(|field| field.signed);
    report.open_fields = open.into_iter().map(|field| field.name).collect();
    if signed.len() > MAX_SIGNATURES {
        report.problems.push("too many signatures".to_owned());
        return report;
    }

    let mut found: Vec<Found<'_>> =
        signed.into_iter().map(|field| Found::locate(pdf, &document, field)).collect();
    found.sort_by_key(|found| found.place.as_ref().map_or(usize::MAX, |place| place.end));
    place::refuse_overlaps(&mut found);

    let ends: Vec<_> =
        found.iter().filter_map(|found| Some(found.place.as_ref().ok()?.end)).collect();
    let later = revisions::after_first_signature(pdf, &ends);
    let evidence = evidence::Evidence::new(&validation_data(&document));
    report.signatures = signature::check_all(pdf, &found, &later, &evidence, trust, now);
    report
}

/// A filled signature field and the place of its signature, or why there is none.
struct Found<'a> {
    field: SignatureField,
    dictionary: Option<&'a Dictionary>,
    place: Result<Place, &'static str>,
}

impl<'a> Found<'a> {
    fn locate(pdf: &[u8], document: &'a Document, field: SignatureField) -> Self {
        let dictionary = value_of(document, &field);
        let place = match dictionary {
            Some(dictionary) => Place::find(pdf, dictionary, &field),
            None => Err("the field holds no signature dictionary"),
        };
        Self { field, dictionary, place }
    }

    fn text(&self, key: &[u8]) -> Option<String> {
        let bytes = self.dictionary?.get(key).and_then(Object::as_str).ok()?;
        Some(pdf::decode_text(bytes))
    }

    fn name(&self, key: &[u8]) -> &'a [u8] {
        self.dictionary
            .and_then(|dictionary| dictionary.get(key).and_then(Object::as_name).ok())
            .unwrap_or_default()
    }
}

/// The signature dictionary in a field.
fn value_of<'a>(document: &'a Document, field: &SignatureField) -> Option<&'a Dictionary> {
    let field = document.get_dictionary(field.id).ok()?;
    field.get_deref(b"V", document).ok()?.as_dict().ok()
}
