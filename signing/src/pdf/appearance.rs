//! A page of another PDF as the appearance of a signature.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

use super::{MAX_INFLATED_BYTES, open, update::Update};
use crate::pades::DocumentError;

/// Imports the only page of `pdf` as a form XObject, with everything that its resources reach, so
/// that fonts stay embedded (PDF/A).
pub(super) fn import(update: &mut Update, pdf: &[u8]) -> Result<ObjectId, DocumentError> {
    let mut source = open(pdf)?;
    source.renumber_objects_with(update.max_id() + 1);
    let no_page = DocumentError::Structure("the appearance has no page");
    let page = source.page_iter().next().ok_or(no_page)?;
    let unreadable = |error: lopdf::Error| DocumentError::Unreadable(error.to_string());
    let content =
        source.get_page_content_with_limit(page, MAX_INFLATED_BYTES).map_err(unreadable)?;
    let bounds = inherited(&source, page, b"MediaBox")
        .ok_or(DocumentError::Structure("the appearance has no size"))?;
    let resources = inherited(&source, page, b"Resources")
        .unwrap_or_else(|| Object::Dictionary(Dictionary::new()));
    adopt_reachable(update, &source, &resources);
    let mut form = Stream::new(
        dictionary! {
            "Type" => "XObject",
            "Subtype" => "Form",
            "BBox" => bounds,
            "Resources" => resources,
        },
        content,
    );
    form.compress().map_err(unreadable)?;
    Ok(update.add(form))
}

/// A page attribute, own or inherited from the page tree (ISO 32000-1 §7.7.3.4).
fn inherited(source: &Document, page: ObjectId, key: &[u8]) -> Option<Object> {
    let mut node = source.get_dictionary(page).ok()?;
    for _ in 0..16 {
        if let Ok(value) = node.get_deref(key, source) {
            return Some(value.clone());
        }
        node = node.get_deref(b"Parent", source).ok()?.as_dict().ok()?;
    }
    None
}

fn adopt_reachable(update: &mut Update, source: &Document, from: &Object) {
    let mut open = Vec::new();
    references(from, &mut open);
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id)
            && let Some(object) = source.objects.get(&id)
        {
            references(object, &mut open);
            update.adopt(id, object.clone());
        }
    }
}

/// Appends every reference that `object` holds directly.
pub(crate) fn references(object: &Object, found: &mut Vec<ObjectId>) {
    match object {
        Object::Reference(id) => found.push(*id),
        Object::Array(items) => items.iter().for_each(|item| references(item, found)),
        Object::Dictionary(entries) => entries.iter().for_each(|(_, v)| references(v, found)),
        Object::Stream(stream) => stream.dict.iter().for_each(|(_, v)| references(v, found)),
        _ => {}
    }
}
