//! Verification of signed PDFs and files: what was signed, by whom, when, and what came after (R-SIGN-31,
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

mod archive;
mod changes;
mod claimed_time;
mod evidence;
mod file;
mod gaps;
mod listed;
mod metadata;
mod place;
mod qualification;
mod report;
mod revisions;
mod signature;
mod signer;
mod text;
mod trust;

pub(crate) use file::to_der;
pub use file::{verify_beside, verify_file};
pub(crate) use gaps::{is_status_told, trusted_path};
pub use listed::{Edition, ListedService, ServiceKind, Standing, TrustSource};
pub use qualification::{
    Assert, CertificateUse, Criteria, Criterion, KeyUsage, Qualification, Qualifier, Rule, Terms,
};
pub use report::{
    Chain, Content, Format, Indication, Integrity, Kind, LaterRevision, Level, Report, Revocation,
    SignatureReport, Signer, SubIndication, Timestamp,
};
pub use text::{Language, text};
pub use trust::{TrustAnchors, TrustError};

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, Object};

use crate::{
    Digest,
    pdf::{self, SignatureField, Work, validation_data_within},
};
use place::Place;

/// More signatures than this in one document are taken for an attack.
const MAX_SIGNATURES: usize = 200;
/// Of a longer text in a signature dictionary, this many characters are told.
const MAX_TEXT: usize = 500;

/// Verifies every signature of `pdf` as of `now`. Never fails: what cannot be read is reported.
pub fn verify(pdf: &[u8], trust: &TrustAnchors, now: DateTime<Utc>) -> Report {
    let mut report = Report::new(Digest::of(pdf), pdf.len(), now, !trust.is_empty());
    let work = Work::on(pdf.len());
    if let Err(problem) = check(pdf, trust, &work, &mut report) {
        report.problems.push(problem);
    }
    if let Some(what) = work.exceeded()
        && report.problems.is_empty()
    {
        report.problems.push(format!("the PDF cannot be read: {what}"));
    }
    report
}

fn check(pdf: &[u8], trust: &TrustAnchors, work: &Work, report: &mut Report) -> Result<(), String> {
    let document = pdf::open_within(pdf, work).map_err(|error| error.to_string())?;
    let fields = pdf::all_signature_fields(&document).ok_or("the form is too large")?;
    let (signed, open): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| field.signed);
    report.open_fields = open.into_iter().map(|field| field.name).collect();
    if signed.len() > MAX_SIGNATURES {
        return Err("too many signatures".to_owned());
    }
    let mut found = Vec::with_capacity(signed.len());
    let mut held = 0;
    for field in signed {
        let one = Found::locate(pdf, &document, field, work);
        held += one.place.as_ref().map_or(0, |place| place.contents.len());
        if held > pdf.len() {
            return Err("signatures inside signatures".to_owned());
        }
        found.push(one);
    }
    let data = validation_data_within(&document, work);
    drop(document); // two revisions are compared next, and that is as many as there is room for
    found.sort_by_key(|found| found.place.as_ref().map_or(usize::MAX, |place| place.end));
    place::refuse_overlaps(&mut found);

    let ends: Vec<_> =
        found.iter().filter_map(|found| Some(found.place.as_ref().ok()?.end)).collect();
    let later = revisions::after_first_signature(pdf, &ends, work);
    let evidence = evidence::Evidence::new(&data);
    let check = signature::Check::new(pdf, &evidence, trust, work, report.checked_at);
    report.signatures = check.all(&found, &later);
    Ok(())
}

/// What each revision after the first `length` bytes changed, signed or not, compared with the one
/// before it.
pub fn since(pdf: &[u8], length: usize) -> Vec<LaterRevision> {
    revisions::after_first_signature(pdf, &[length], &Work::on(pdf.len()))
}

/// A filled signature field: what its dictionary says, and the place of its signature or why there
/// is none.
struct Found {
    field: SignatureField,
    timestamp: bool,
    sub_filter: Vec<u8>,
    claimed_time: Option<String>,
    reason: Option<String>,
    place: Result<Place, &'static str>,
}

impl Found {
    fn locate(pdf: &[u8], document: &Document, field: SignatureField, work: &Work) -> Self {
        let dictionary = value_of(document, &field);
        let name = |key: &[u8]| {
            let name = dictionary.and_then(|value| value.get(key).and_then(Object::as_name).ok());
            name.unwrap_or_default()
        };
        let text = |key: &[u8]| {
            let bytes = dictionary?.get(key).and_then(Object::as_str).ok()?;
            Some(pdf::decode_text(bytes).chars().take(MAX_TEXT).collect::<String>())
        };
        let place = match dictionary {
            Some(dictionary) => Place::find(pdf, dictionary, &field, work),
            None => Err("the field holds no signature dictionary"),
        };
        Self {
            timestamp: name(b"Type") == b"DocTimeStamp"
                || name(b"SubFilter") == pdf::DOCUMENT_TIMESTAMP.as_bytes(),
            sub_filter: name(b"SubFilter").iter().copied().take(MAX_TEXT).collect(),
            claimed_time: text(b"M"),
            reason: text(b"Reason"),
            field,
            place,
        }
    }
}

/// The signature dictionary in a field.
fn value_of<'a>(document: &'a Document, field: &SignatureField) -> Option<&'a Dictionary> {
    let field = document.get_dictionary(field.id).ok()?;
    field.get_deref(b"V", document).ok()?.as_dict().ok()
}
