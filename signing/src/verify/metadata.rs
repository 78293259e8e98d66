//! What a document says about itself: a program that signs may note that it did, and nothing else.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Object, Stream};

use super::changes::same;

/// Longer metadata are taken for an attack: the longest of ours have some six kilobytes.
const MAX_BYTES: usize = 256 << 10;

/// ISO 32000-1 §14.3.3: who wrote the file last, and when.
const OF_THE_WRITER: [&[u8]; 2] = [b"ModDate", b"Producer"];

const DC: &str = "http://purl.org/dc/elements/1.1/";
const PDFA: &str = "http://www.aiim.org/pdfa/ns/id/";
const PDFUA: &str = "http://www.aiim.org/pdfua/ns/id/";

/// What readers show or rely on: title, author, language, and the claims to be PDF/A and PDF/UA.
const LASTING: [(&str, &str); 6] = [
    (DC, "title"),
    (DC, "creator"),
    (DC, "language"),
    (PDFA, "part"),
    (PDFA, "conformance"),
    (PDFUA, "part"),
];

/// Whether the information dictionary tells the same but for who wrote the file last.
pub(super) fn same_information(before: Option<&Dictionary>, after: &Dictionary) -> bool {
    let none = Dictionary::new();
    let before = before.unwrap_or(&none);
    let keys = before.iter().chain(after.iter()).map(|(key, _)| key.as_slice());
    keys.filter(|key| !OF_THE_WRITER.contains(key)).all(
        |key| matches!((before.get(key), after.get(key)), (Ok(old), Ok(new)) if same(old, new)),
    )
}

/// Whether the metadata are still plain XMP that says the same of all that lasts.
pub(super) fn same_metadata(before: Option<&Stream>, after: &Stream) -> bool {
    let entries = after.dict.iter().all(|(key, value)| match key.as_slice() {
        b"Type" => value.as_name().is_ok_and(|name| name == b"Metadata"),
        b"Subtype" => value.as_name().is_ok_and(|name| name == b"XML"),
        b"Length" => true,
        _ => false,
    });
    let Some(now) = lasting(after) else { return false };
    let kept = before.is_none_or(|before| lasting(before).is_some_and(|then| then == now));
    entries && kept
}

/// What lasts, by name; `None` for what is not plain XMP.
fn lasting(metadata: &Stream) -> Option<BTreeMap<(&'static str, &'static str), String>> {
    if metadata.dict.has(b"Filter") || metadata.content.len() > MAX_BYTES {
        return None;
    }
    let text = std::str::from_utf8(&metadata.content).ok()?;
    // A document type definition is refused by the parser.
    let xml = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).ok()?;
    let mut found: BTreeMap<_, String> = BTreeMap::new();
    for node in xml.descendants().filter(roxmltree::Node::is_element) {
        for name in LASTING {
            if node.has_tag_name(name) {
                let text =
                    node.descendants().filter_map(|one| one.text().filter(|_| one.is_text()));
                found.entry(name).or_default().push_str(text.collect::<String>().trim());
            }
            if let Some(value) = node.attribute(name) {
                found.entry(name).or_default().push_str(value.trim());
            }
        }
    }
    Some(found)
}

/// The dictionary that a trailer's entry stands for.
pub(super) fn information(document: &Document) -> Option<&Dictionary> {
    let entry = document.trailer.get(b"Info").ok()?;
    document.dereference(entry).ok()?.1.as_dict().ok()
}

/// The stream that an entry of the catalog stands for.
pub(super) fn stream<'a>(entry: &'a Object, document: &'a Document) -> Option<&'a Stream> {
    document.dereference(entry).ok()?.1.as_stream().ok()
}
