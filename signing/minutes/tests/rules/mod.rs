//! Clauses of ISO 19005-2 that a revision could break.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, xref::XrefEntry};

/// Longest string (6.1.13), also for the contents of a signature.
const LONGEST_STRING: usize = 32_767;
const PRINT: i64 = 4;
/// Invisible, Hidden, `NoView`, `ToggleNoView`.
const UNSEEN: i64 = 1 | 2 | 32 | 256;
const ACTIONS: [&[u8]; 7] =
    [b"Launch", b"Sound", b"Movie", b"ResetForm", b"ImportData", b"JavaScript", b"Hide"];

/// What every revision has to leave as it was.
pub struct Base {
    metadata: Vec<u8>,
    intents: Object,
    info: Option<Object>,
    id: Vec<u8>,
}

impl Base {
    pub fn of(pdf: &[u8]) -> Self {
        let document = Document::load_mem(pdf).unwrap();
        Self {
            metadata: metadata(&document).unwrap(),
            intents: resolved(
                &document,
                document.catalog().unwrap().get(b"OutputIntents").unwrap(),
            ),
            info: document.trailer.get(b"Info").ok().map(|info| resolved(&document, info)),
            id: first_id(&document).unwrap(),
        }
    }
}

/// What `pdf` breaks; a word or two of each.
pub fn faults(pdf: &[u8], base: &Base) -> Vec<String> {
    let document = Document::load_mem(pdf).unwrap();
    let mut faults = Vec::new();
    let mut ask = |kept: bool, clause: &str| {
        if !kept {
            faults.push(clause.to_owned());
        }
    };
    let second = pdf.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    ask(pdf.starts_with(b"%PDF-1."), "6.1.2 header");
    ask(
        pdf[second] == b'%' && pdf[second + 1..second + 5].iter().all(|byte| *byte > 127),
        "6.1.2 comment",
    );
    let ending = [&b"%%EOF"[..], b"%%EOF\n", b"%%EOF\r\n"];
    ask(ending.iter().any(|end| pdf.ends_with(end)), "6.1.3 bytes after the end");
    ask(!document.trailer.has(b"Encrypt"), "6.1.3 encrypted");
    ask(first_id(&document).as_ref() == Some(&base.id), "6.1.3 identifier");
    ask(metadata(&document).as_ref() == Some(&base.metadata), "6.6.2 metadata");
    let info = document.trailer.get(b"Info").ok().map(|info| resolved(&document, info));
    ask(info == base.info, "6.6.3 information dictionary");
    let catalog = document.catalog().unwrap();
    let intents = catalog.get(b"OutputIntents").ok().map(|intents| resolved(&document, intents));
    ask(intents.as_ref() == Some(&base.intents), "6.2.3 output intent");
    ask(!catalog.has(b"AA") && !catalog.has(b"Perms"), "6.5.2 catalog");
    let marked = catalog.get_deref(b"MarkInfo", &document).and_then(Object::as_dict);
    ask(marked.is_ok_and(|info| info.has(b"Marked")), "6.7.2 marked");
    ask(catalog.has(b"StructTreeRoot") && catalog.has(b"Lang"), "6.7.3 structure");
    if let Ok(form) = catalog.get_deref(b"AcroForm", &document).and_then(Object::as_dict) {
        ask(!form.has(b"XFA"), "6.4.2 XFA");
        let asks = form.get(b"NeedAppearances").and_then(Object::as_bool).unwrap_or(false);
        ask(!asks, "6.4.1 appearances are to be made");
    }
    faults.extend(framing(pdf, &document));
    for object in document.objects.values() {
        of_object(&document, object, &mut faults);
    }
    for page in document.get_pages().into_values() {
        for id in annotations(&document, page) {
            of_annotation(document.get_dictionary(id).unwrap(), &mut faults);
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// 6.1.9 and 6.1.7.1: the ends of lines around objects and streams.
fn framing(pdf: &[u8], document: &Document) -> BTreeSet<String> {
    let mut faults = BTreeSet::new();
    let ends_line = |at: usize| matches!(pdf.get(at), Some(b'\n' | b'\r'));
    for (number, entry) in &document.reference_table.entries {
        let XrefEntry::Normal { offset, generation } = entry else { continue };
        let (number, at) = (*number, *offset as usize);
        let head = format!("{number} {generation} obj");
        let end = at + head.len();
        let framed = at > 0 && ends_line(at - 1) && pdf[at..].starts_with(head.as_bytes());
        if !framed || !ends_line(end) {
            faults.insert(format!("6.1.9 head of object {number}"));
        }
        let Some(length) = find(&pdf[end..], b"endobj") else {
            faults.insert(format!("6.1.9 object {number} without end"));
            continue;
        };
        if !ends_line(end + length - 1) || !ends_line(end + length + b"endobj".len()) {
            faults.insert(format!("6.1.9 end of object {number}"));
        }
        let body = &pdf[end..end + length];
        let Ok(stream) = document.get_object((number, *generation)).and_then(Object::as_stream)
        else {
            continue;
        };
        let opened = find(body, b"stream").map(|at| &body[at + b"stream".len()..]);
        let opened =
            opened.and_then(|rest| rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")));
        let closed = opened.and_then(|rest| rest.get(stream.content.len()..));
        let closed = closed.map(|rest| rest.trim_ascii_end());
        let kept = closed.is_some_and(|rest| {
            [&b"\nendstream"[..], b"\r\nendstream", b"\rendstream"].contains(&rest)
        });
        if !kept {
            faults.insert(format!("6.1.7.1 stream {number}"));
        }
    }
    faults
}

fn of_object(document: &Document, object: &Object, faults: &mut Vec<String>) {
    match object {
        Object::String(bytes, _) if bytes.len() > LONGEST_STRING => {
            faults.push("6.1.13 string".to_owned());
        }
        Object::Array(all) => all.iter().for_each(|one| of_object(document, one, faults)),
        Object::Dictionary(dictionary) => of_dictionary(document, dictionary, faults),
        Object::Stream(stream) => {
            let outside = [&b"F"[..], b"FFilter", b"FDecodeParms"];
            if outside.iter().any(|key| stream.dict.has(key)) {
                faults.push("6.1.7.1 stream outside".to_owned());
            }
            let filters = stream.filters().unwrap_or_default();
            if filters.iter().any(|filter| matches!(*filter, b"LZWDecode" | b"Crypt")) {
                faults.push("6.1.7.2 filter".to_owned());
            }
            of_dictionary(document, &stream.dict, faults);
        }
        _ => {}
    }
}

fn of_dictionary(document: &Document, dictionary: &Dictionary, faults: &mut Vec<String>) {
    for (key, value) in dictionary {
        if key.len() > 127 {
            faults.push("6.1.13 name".to_owned());
        }
        of_object(document, value, faults);
    }
    let name = |key: &[u8]| dictionary.get(key).and_then(Object::as_name).unwrap_or_default();
    if ACTIONS.contains(&name(b"S")) {
        faults.push("6.5.1 action".to_owned());
    }
    if dictionary.has(b"SMask") && name(b"SMask") != b"None" && name(b"Type") == b"ExtGState" {
        faults.push("6.2.10 transparency".to_owned());
    }
    if name(b"Type") == b"Font" && !is_embedded(document, dictionary) {
        faults.push("6.2.11.4 font".to_owned());
    }
}

/// A composite font is embedded in its descendant.
fn is_embedded(document: &Document, font: &Dictionary) -> bool {
    if font.has(b"DescendantFonts") {
        return true;
    }
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict);
    let files = [&b"FontFile"[..], b"FontFile2", b"FontFile3"];
    let type3 = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type3");
    type3 || descriptor.is_ok_and(|descriptor| files.iter().any(|file| descriptor.has(file)))
}

fn of_annotation(annotation: &Dictionary, faults: &mut Vec<String>) {
    let flags = annotation.get(b"F").and_then(Object::as_i64).unwrap_or(0);
    if flags & PRINT == 0 || flags & UNSEEN != 0 {
        faults.push("6.3.2 flags".to_owned());
    }
    if annotation.has(b"A") || annotation.has(b"AA") {
        faults.push("6.4.1 action".to_owned());
    }
    let side = |rect: &[Object], at: usize| rect[at].as_float().unwrap();
    let rect = annotation.get(b"Rect").and_then(Object::as_array).unwrap();
    let is_empty = side(rect, 0) == side(rect, 2) && side(rect, 1) == side(rect, 3);
    let appearance = annotation.get(b"AP").and_then(Object::as_dict);
    match appearance {
        Ok(shown) if shown.len() == 1 && shown.has(b"N") => {}
        Err(_) if is_empty => {}
        _ => faults.push("6.3.3 appearance".to_owned()),
    }
}

fn annotations(document: &Document, page: ObjectId) -> Vec<ObjectId> {
    let page = document.get_dictionary(page).unwrap();
    let all = page.get_deref(b"Annots", document).and_then(Object::as_array);
    let all = all.into_iter().flatten();
    all.map(|one| one.as_reference().unwrap()).collect()
}

fn metadata(document: &Document) -> Option<Vec<u8>> {
    let stream =
        document.catalog().ok()?.get_deref(b"Metadata", document).ok()?.as_stream().ok()?;
    Some(stream.decompressed_content().unwrap_or_else(|_| stream.content.clone()))
}

fn first_id(document: &Document) -> Option<Vec<u8>> {
    let id = document.trailer.get(b"ID").and_then(Object::as_array).ok()?;
    Some(id.first()?.as_str().ok()?.to_vec())
}

fn resolved(document: &Document, object: &Object) -> Object {
    document.dereference(object).unwrap().1.clone()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Each of these breaks the clause that it is about, and is seen.
pub fn are_not_blind(pdf: &[u8], base: &Base) {
    type Break = fn(&mut Document);
    let breaks: [(&str, Break); 7] = [
        ("6.1.3 identifier", |document| {
            document.trailer.remove(b"ID");
        }),
        ("6.6.2 metadata", |document| {
            document.catalog_mut().unwrap().remove(b"Metadata");
        }),
        ("6.2.3 output intent", |document| {
            document.catalog_mut().unwrap().remove(b"OutputIntents");
        }),
        ("6.3.2 flags", |document| widget(document).set("F", PRINT | 2)),
        ("6.3.3 appearance", |document| {
            widget(document).remove(b"AP");
        }),
        ("6.4.1 action", |document| widget(document).set("AA", Dictionary::new())),
        ("6.2.11.4 font", |document| {
            let mut font = Dictionary::new();
            font.set("Type", Object::Name(b"Font".to_vec()));
            document.add_object(font);
        }),
    ];
    for (clause, break_it) in breaks {
        let mut document = Document::load_mem(pdf).unwrap();
        break_it(&mut document);
        let mut broken = Vec::new();
        document.save_to(&mut broken).unwrap();
        assert!(faults(&broken, base).contains(&clause.to_owned()), "{clause}");
    }
    let late = [pdf, b"x"].concat();
    assert!(faults(&late, base).contains(&"6.1.3 bytes after the end".to_owned()));
}

/// The first one that shows something.
fn widget(document: &mut Document) -> &mut Dictionary {
    let fields = signing::pdf::signature_fields(document);
    let shown = |id: ObjectId| document.get_dictionary(id).is_ok_and(|widget| widget.has(b"AP"));
    let id = fields.into_iter().map(|field| field.id).find(|id| shown(*id)).unwrap();
    document.get_dictionary_mut(id).unwrap()
}
