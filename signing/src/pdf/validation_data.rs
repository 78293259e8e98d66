//! The document security store: what a verifier needs later, kept in the document
//! (ETSI EN 319 142-1 §5.4.2).

use lopdf::{Dictionary, Document, Object, Stream};
use serde::{Deserialize, Serialize};

use super::{budget::Work, update::Update};
use crate::pades::DocumentError;

/// Certificates and revocation data, all DER.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationData {
    /// Certificates.
    #[serde(with = "crate::der_list")]
    pub certificates: Vec<Vec<u8>>,
    /// OCSP responses (`OCSPResponse`).
    #[serde(with = "crate::der_list")]
    pub ocsp: Vec<Vec<u8>>,
    /// Certificate revocation lists.
    #[serde(with = "crate::der_list")]
    pub crls: Vec<Vec<u8>>,
}

/// More entries than this in one list are taken for an attack.
const MAX_ENTRIES: usize = 200;
/// What the entries of a store may take together; revocation lists are the largest of them.
const MAX_STORE_BYTES: usize = 12 << 20;

/// Adds a revision with `data`; what the document already holds stays and is not doubled.
///
/// # Errors
/// An unreadable document.
pub fn add_validation_data(pdf: &[u8], data: &ValidationData) -> Result<Vec<u8>, DocumentError> {
    let mut update = Update::after(pdf)?;
    let known = validation_data(update.before());
    let catalog = update.catalog();
    let before = update.before();
    let store = store_of(before);
    let mut store = store.cloned().unwrap_or_default();
    for (key, list, known) in [
        ("Certs", &data.certificates, &known.certificates),
        ("OCSPs", &data.ocsp, &known.ocsp),
        ("CRLs", &data.crls, &known.crls),
    ] {
        let held = store.get_deref(key.as_bytes(), update.before());
        let mut entries = held.and_then(Object::as_array).cloned().unwrap_or_default();
        for der in list.iter().filter(|der| !known.contains(der)) {
            let mut stream = Stream::new(Dictionary::new(), der.clone());
            stream.compress().map_err(|error| DocumentError::Unreadable(error.to_string()))?;
            entries.push(update.add(stream)?.into());
        }
        if !entries.is_empty() {
            store.set(key, entries);
        }
    }
    let store = update.add(store)?;
    update.edit(catalog)?.set("DSS", store);
    update.write()
}

/// What the document's security store holds; entries that cannot be read are left out.
pub fn validation_data(document: &Document) -> ValidationData {
    validation_data_within(document, &Work::on(0))
}

/// The same as one of several readings of a document.
pub(crate) fn validation_data_within(document: &Document, work: &Work) -> ValidationData {
    let Some(store) = store_of(document) else { return ValidationData::default() };
    let mut left = MAX_STORE_BYTES;
    let mut list = |key: &[u8]| {
        let entries = store.get_deref(key, document).and_then(Object::as_array);
        let entries = entries.into_iter().flatten().take(MAX_ENTRIES);
        let read = entries.filter_map(|entry| {
            let bytes = stream_bytes(document, entry, left)?;
            left -= bytes.len();
            work.spend(bytes.len()).then_some(bytes)
        });
        read.collect()
    };
    ValidationData { certificates: list(b"Certs"), ocsp: list(b"OCSPs"), crls: list(b"CRLs") }
}

fn store_of(document: &Document) -> Option<&Dictionary> {
    document.catalog().ok()?.get_deref(b"DSS", document).ok()?.as_dict().ok()
}

fn stream_bytes(document: &Document, entry: &Object, left: usize) -> Option<Vec<u8>> {
    let stream = document.dereference(entry).ok()?.1.as_stream().ok()?;
    let filters = stream.filters().map_or(0, |filters| filters.len());
    (filters <= 1).then(|| stream.get_plain_content_with_limit(left).ok())?
}
