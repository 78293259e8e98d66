//! A page of another PDF as the appearance of a signature.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Object, ObjectId, Stream, dictionary};

use super::{MAX_INFLATED_BYTES, file::File, update::Update};
use crate::pades::DocumentError;

/// Deeper page trees are taken for an attack.
const MAX_TREE_DEPTH: usize = 16;
/// Appearances of more objects are taken for an attack.
const MAX_OBJECTS: usize = 5_000;

/// Imports the first page of `pdf` as a form XObject, with everything that its resources reach, so
/// that fonts stay embedded (PDF/A).
pub(super) fn import(update: &mut Update<'_>, pdf: &[u8]) -> Result<ObjectId, DocumentError> {
    let source = File::read(pdf)?;
    let page = first_page(&source)?;
    let mut form = content(&source, &page)?;
    let bounds = page.get(b"MediaBox").cloned();
    let bounds = bounds.map_err(|_| DocumentError::Structure("the appearance has no size"))?;
    let resources = page.get(b"Resources").cloned();
    form.dict.extend(&dictionary! {
        "Type" => "XObject",
        "Subtype" => "Form",
        "BBox" => bounds,
        "Resources" => resources.unwrap_or_else(|_| Dictionary::new().into()),
    });
    let mut form = Object::Stream(form);
    let mut adopted = Adopted::default();
    renumber(update, &mut form, &mut adopted)?;
    while let Some((old, new)) = adopted.open.pop() {
        let written = source.written(old)?.renumbered(|id| adopted.number(update, id))?;
        update.adopt(new, written);
    }
    update.add(form)
}

/// What is taken over from the other file.
#[derive(Default)]
struct Adopted {
    numbers: BTreeMap<ObjectId, ObjectId>,
    /// Not taken over yet.
    open: Vec<(ObjectId, ObjectId)>,
}

impl Adopted {
    /// The number in the update of an object of the other file.
    fn number(&mut self, update: &mut Update<'_>, id: ObjectId) -> Result<ObjectId, DocumentError> {
        if let Some(known) = self.numbers.get(&id) {
            return Ok(*known);
        }
        if self.numbers.len() == MAX_OBJECTS {
            return Err(DocumentError::Structure("the appearance has too many parts"));
        }
        let new = update.allot()?;
        self.numbers.insert(id, new);
        self.open.push((id, new));
        Ok(new)
    }
}

/// The page with what it inherits from the page tree (ISO 32000-1 §7.7.3.4).
fn first_page(source: &File<'_>) -> Result<Dictionary, DocumentError> {
    let no_page = || DocumentError::Structure("the appearance has no page");
    let step = |from: &Dictionary, key: &[u8]| -> Result<Dictionary, DocumentError> {
        let object = source.resolve(from.get(key).map_err(|_| no_page())?)?;
        object.as_dict().cloned().map_err(|_| no_page())
    };
    let mut page = step(&step(&source.trailer, b"Root")?, b"Pages")?;
    for _ in 0..MAX_TREE_DEPTH {
        let Ok(kids) = page.get(b"Kids") else { return Ok(page) };
        let kids = source.resolve(kids)?;
        let kid = kids.as_array().ok().and_then(|kids| kids.first()).ok_or_else(no_page)?;
        let kid = source.resolve(kid)?;
        let mut own = kid.as_dict().cloned().map_err(|_| no_page())?;
        for key in [&b"MediaBox"[..], b"Resources"] {
            if let (false, Ok(inherited)) = (own.has(key), page.get(key)) {
                own.set(key, inherited.clone());
            }
        }
        page = own;
    }
    Err(no_page())
}

/// What the page draws; a single stream is taken over as it is.
fn content(source: &File<'_>, page: &Dictionary) -> Result<Stream, DocumentError> {
    let unreadable = |error: lopdf::Error| DocumentError::Unreadable(error.to_string());
    let parts = match page.get(b"Contents").map(|contents| source.resolve(contents)) {
        Err(_) => Vec::new(),
        Ok(contents) => match contents? {
            Object::Array(parts) => {
                parts.iter().map(|part| source.resolve(part)).collect::<Result<_, _>>()?
            }
            single => vec![single],
        },
    };
    if let [Object::Stream(single)] = parts.as_slice()
        && single.dict.get(b"Filter").is_ok_and(|filter| *filter == Object::from("FlateDecode"))
        && !single.dict.has(b"DecodeParms")
    {
        let flate = dictionary! { "Filter" => "FlateDecode" };
        return Ok(Stream::new(flate, single.content.clone()));
    }
    let mut drawn = Vec::new();
    for part in &parts {
        let part = part.as_stream().map_err(unreadable)?;
        drawn.extend(part.get_plain_content_with_limit(MAX_INFLATED_BYTES).map_err(unreadable)?);
        drawn.push(b'\n');
    }
    let mut content = Stream::new(Dictionary::new(), drawn);
    content.compress().map_err(unreadable)?;
    Ok(content)
}

/// Gives every reference in `object` its number in the update.
fn renumber(
    update: &mut Update<'_>,
    object: &mut Object,
    adopted: &mut Adopted,
) -> Result<(), DocumentError> {
    match object {
        Object::Reference(id) => *id = adopted.number(update, *id)?,
        Object::Array(items) => {
            for item in items {
                renumber(update, item, adopted)?;
            }
        }
        Object::Dictionary(entries) | Object::Stream(Stream { dict: entries, .. }) => {
            for (_, value) in entries.iter_mut() {
                renumber(update, value, adopted)?;
            }
        }
        _ => {}
    }
    Ok(())
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
