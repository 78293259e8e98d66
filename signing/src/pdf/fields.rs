//! Signature fields: reserved all at once before the first signature, found by name afterwards.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, dictionary};

use super::{appearance::references, tags, update::Update};
use crate::{pades::DocumentError, ports::FieldPlace};

/// Print and Locked (ISO 32000-1 §12.5.3). PDF/A wants Print set and Hidden clear, also for the
/// invisible field of the document time stamp (ISO 19005-2 §6.3.2).
const PRINT_AND_LOCKED: i64 = 4 | 128;
/// SignaturesExist and AppendOnly (ISO 32000-1 §12.7.2).
const SIGNATURES_EXIST_APPEND_ONLY: i64 = 1 | 2;
const TIMESTAMP_TOOLTIP: &str = "Marca temporale del documento";
/// Deeper or larger forms are taken for an attack.
const MAX_FIELD_DEPTH: usize = 8;
const MAX_FIELDS: usize = 10_000;
const MAX_KIDS: usize = 200_000;

/// A signature field of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureField {
    /// Its object.
    pub id: ObjectId,
    /// Full name.
    pub name: String,
    /// Whether it has a value, that is, whether it was signed.
    pub signed: bool,
}

/// Reserves a signature field at each place and an invisible one for each of `timestamp_fields`: the
/// document time stamp, and those that will renew it. Done once, before the first signature, so that later revisions only fill
/// fields in. In a tagged document every field hangs on a `/Form` element (PDF/UA-1 §7.18.4).
///
/// # Errors
/// An unreadable document, a page that does not exist, a name twice.
pub fn add_signature_fields(
    pdf: &[u8],
    places: &[FieldPlace],
    timestamp_fields: &[&str],
) -> Result<Vec<u8>, DocumentError> {
    let mut update = Update::after(pdf)?;
    let mut names: BTreeSet<_> =
        signature_fields(update.before()).into_iter().map(|field| field.name).collect();
    let form = form(&mut update)?;
    let timestamps = timestamp_fields.iter().map(|name| FieldPlace {
        name: (*name).to_owned(),
        page: 1,
        rect: [0.0; 4],
        tooltip: TIMESTAMP_TOOLTIP.to_owned(),
    });
    let timestamps: Vec<FieldPlace> = timestamps.collect();
    let pages = update.before().get_pages();
    for place in places.iter().chain(&timestamps) {
        if !names.insert(place.name.clone()) {
            return Err(DocumentError::FieldInUse(place.name.clone()));
        }
        let page = *pages.get(&place.page).ok_or(DocumentError::Structure("no such page"))?;
        let widget = add_widget(&mut update, place, page)?;
        update.push(page, b"Annots", [widget.into()])?;
        update.push(form, b"Fields", [widget.into()])?;
        tags::tag_widget(&mut update, widget, page)?;
    }
    update.write()
}

/// Reads the form of a document as far as the field of this name, and nothing else.
pub(super) fn load_form(update: &mut Update<'_>, wanted: &str) -> Result<(), DocumentError> {
    let catalog = update.catalog();
    update.load(catalog)?;
    let form = match update.dictionary(catalog)?.get(b"AcroForm").ok().cloned() {
        Some(Object::Reference(id)) => {
            update.load(id)?;
            update.dictionary(id)?.clone()
        }
        Some(Object::Dictionary(inline)) => inline,
        _ => return Ok(()),
    };
    for root in load_list(update, form.get(b"Fields").ok())? {
        if load_field(update, root, wanted)? {
            break;
        }
    }
    Ok(())
}

/// Reads one field of the form with all that is under it. Whether it is the one that is wanted.
fn load_field(
    update: &mut Update<'_>,
    root: ObjectId,
    wanted: &str,
) -> Result<bool, DocumentError> {
    let mut open = vec![root];
    let mut is_wanted = false;
    while let Some(id) = open.pop() {
        if !update.load(id)? || update.before().objects.len() > MAX_FIELDS {
            continue;
        }
        let Ok(field) = update.dictionary(id).cloned() else { continue };
        if let Ok(Object::Reference(name)) = field.get(b"T") {
            update.load(*name)?;
        }
        // That there is a signature is enough.
        if let Ok(Object::Reference(value)) = field.get(b"V") {
            update.note(*value);
        }
        let kids = load_list(update, field.get(b"Kids").ok())?;
        // A field with fields under it may have a namesake that holds the other ones.
        is_wanted = id == root
            && kids.is_empty()
            && field
                .get_deref(b"T", update.before())
                .and_then(Object::as_str)
                .is_ok_and(|name| decode_text(name) == wanted);
        open.extend(kids);
    }
    Ok(is_wanted)
}

fn load_list(
    update: &mut Update<'_>,
    list: Option<&Object>,
) -> Result<Vec<ObjectId>, DocumentError> {
    let mut found = Vec::new();
    match list {
        Some(Object::Reference(id)) => {
            update.load(*id)?;
            references(update.get(*id)?, &mut found);
        }
        Some(direct) => references(direct, &mut found),
        None => {}
    }
    Ok(found)
}

/// All signature fields, in the order of the form. Hostile forms are read up to a bound.
pub fn signature_fields(document: &Document) -> Vec<SignatureField> {
    walk(document).found
}

/// The same; `None` when the form is too large or too deep to be read to its end.
pub(crate) fn all_signature_fields(document: &Document) -> Option<Vec<SignatureField>> {
    let walk = walk(document);
    walk.complete.then_some(walk.found)
}

fn walk(document: &Document) -> Walk<'_> {
    let mut walk =
        Walk { document, seen: BTreeSet::new(), found: Vec::new(), kids: 0, complete: true };
    let roots = form_of(document)
        .and_then(|form| form.get_deref(b"Fields", document).ok())
        .and_then(|fields| fields.as_array().ok());
    for field in roots.into_iter().flatten() {
        walk.visit(field, "", false, MAX_FIELD_DEPTH);
    }
    walk
}

/// The interactive form of a document.
fn form_of(document: &Document) -> Option<&Dictionary> {
    document.catalog().ok()?.get_deref(b"AcroForm", document).ok()?.as_dict().ok()
}

struct Walk<'a> {
    document: &'a Document,
    seen: BTreeSet<ObjectId>,
    found: Vec<SignatureField>,
    /// Entries in lists of kids that were looked at.
    kids: usize,
    complete: bool,
}

impl Walk<'_> {
    fn visit(&mut self, field: &Object, parent: &str, inherited: bool, depth: usize) {
        let Ok(id) = field.as_reference() else { return };
        if self.seen.contains(&id) {
            return;
        }
        if depth == 0 || self.seen.len() > MAX_FIELDS || self.kids > MAX_KIDS {
            self.complete = false;
            return;
        }
        self.seen.insert(id);
        let Ok(field) = self.document.get_dictionary(id) else { return };
        let signature = match field.get(b"FT").and_then(Object::as_name) {
            Ok(kind) => kind == b"Sig",
            Err(_) => inherited,
        };
        let name = match field.get_deref(b"T", self.document).and_then(Object::as_str) {
            Ok(own) if parent.is_empty() => decode_text(own),
            Ok(own) => format!("{parent}.{}", decode_text(own)),
            Err(_) => parent.to_owned(),
        };
        let kids = field.get_deref(b"Kids", self.document).and_then(Object::as_array);
        self.kids += kids.as_ref().map_or(0, |kids| kids.len());
        let has_child_fields = kids.as_ref().is_ok_and(|kids| {
            kids.iter().any(|kid| {
                let kid = kid.as_reference().and_then(|id| self.document.get_dictionary(id));
                kid.is_ok_and(|kid| kid.has(b"T"))
            })
        });
        if signature && !has_child_fields {
            let signed = field
                .get_deref(b"V", self.document)
                .is_ok_and(|value| !matches!(value, Object::Null));
            self.found.push(SignatureField { id, name, signed });
        } else {
            for kid in kids.into_iter().flatten() {
                self.visit(kid, &name, signature, depth - 1);
            }
        }
    }
}

fn form(update: &mut Update<'_>) -> Result<ObjectId, DocumentError> {
    let catalog = update.catalog();
    let form = match update.dictionary(catalog)?.get(b"AcroForm").ok().cloned() {
        Some(Object::Reference(id)) => id,
        Some(Object::Dictionary(inline)) => move_form(update, inline)?,
        _ => move_form(update, dictionary! { "Fields" => Vec::<Object>::new() })?,
    };
    update.edit(form)?.set("SigFlags", SIGNATURES_EXIST_APPEND_ONLY);
    Ok(form)
}

fn move_form(update: &mut Update<'_>, form: Dictionary) -> Result<ObjectId, DocumentError> {
    let id = update.add(form)?;
    let catalog = update.catalog();
    update.edit(catalog)?.set("AcroForm", id);
    Ok(id)
}

fn add_widget(
    update: &mut Update<'_>,
    place: &FieldPlace,
    page: ObjectId,
) -> Result<ObjectId, DocumentError> {
    let rect: Vec<Object> = place.rect.iter().map(|side| Object::Real(*side)).collect();
    let mut widget = dictionary! {
        "Type" => "Annot",
        "Subtype" => "Widget",
        "FT" => "Sig",
        "T" => text(&place.name),
        "TU" => text(&place.tooltip),
        "F" => PRINT_AND_LOCKED,
        "P" => page,
        "Rect" => rect,
    };
    let [left, bottom, right, top] = place.rect;
    if right > left && top > bottom {
        // ISO 19005-2 §6.3.3: whatever has an area has an appearance, empty until it is signed.
        let bounds = [0.0, 0.0, right - left, top - bottom].map(Object::Real).to_vec();
        let empty = dictionary! {
            "Type" => "XObject",
            "Subtype" => "Form",
            "BBox" => bounds,
            "Resources" => Dictionary::new(),
        };
        let empty = update.add(Stream::new(empty, Vec::new()))?;
        widget.set("AP", dictionary! { "N" => empty });
    }
    update.add(widget)
}

/// A text string (ISO 32000-1 §7.9.2.2), written in hexadecimal so that no text of a person ever
/// looks like PDF syntax.
pub(crate) fn text(text: &str) -> Object {
    let bytes = if text.is_ascii() {
        text.as_bytes().to_vec()
    } else {
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        [0xfe, 0xff].into_iter().chain(units).collect()
    };
    Object::String(bytes, StringFormat::Hexadecimal)
}

/// Reads a text string; what cannot be read comes out as replacement characters.
pub(crate) fn decode_text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, utf16 @ ..] => {
            let units = utf16.chunks(2).map(|pair| match *pair {
                [high, low] => u16::from_be_bytes([high, low]),
                _ => 0xfffd,
            });
            char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
        }
        [0xef, 0xbb, 0xbf, utf8 @ ..] => String::from_utf8_lossy(utf8).into_owned(),
        latin => latin.iter().map(|byte| char::from(*byte)).collect(),
    }
}
