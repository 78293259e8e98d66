//! One incremental update in the making.

use std::{collections::BTreeMap, io::Write as _};

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, Writer};

use super::{
    file::{File, Layout},
    open,
};
use crate::{Digest, pades::DocumentError};

/// Keys of a trailer that are made anew for each revision.
const OWN_KEYS: [&[u8]; 9] =
    [b"XRefStm", b"DecodeParms", b"Index", b"W", b"Type", b"Length", b"Filter", b"Prev", b"Size"];
/// Room beside the document for what a revision adds.
const ADDED: usize = 96 << 10;

/// A revision being written after `pdf`. What is changed is copied first; nothing else is written.
pub(super) struct Update<'a> {
    file: File<'a>,
    before: Document,
    changed: BTreeMap<ObjectId, Object>,
    /// Objects of another file, as they will be written.
    adopted: Vec<(ObjectId, Vec<u8>)>,
    catalog: ObjectId,
    max_id: u32,
}

/// What is written last, and by hand, because a signature goes into the middle of it.
pub(super) struct Gap<'a> {
    /// Its object.
    pub(super) id: ObjectId,
    /// The signature dictionary without byte range and contents.
    pub(super) dictionary: &'a Dictionary,
    /// Stands for the byte range until that is known.
    pub(super) byte_range: &'a [u8],
    /// Bytes of the signature at most.
    pub(super) room: usize,
}

/// A written revision, and where in it the gap's object stands.
pub(super) struct Written {
    pub(super) pdf: Vec<u8>,
    pub(super) byte_range: usize,
    pub(super) contents: usize,
}

impl<'a> Update<'a> {
    /// Starts after the last revision of `pdf`, all of whose objects are at hand.
    pub(super) fn after(pdf: &'a [u8]) -> Result<Self, DocumentError> {
        Self::new(pdf, open(pdf)?)
    }

    /// The same with no object at hand but those that are [loaded](Self::load).
    pub(super) fn lazily_after(pdf: &'a [u8]) -> Result<Self, DocumentError> {
        Self::new(pdf, Document::new())
    }

    fn new(pdf: &'a [u8], mut before: Document) -> Result<Self, DocumentError> {
        let file = File::read(pdf)?;
        let catalog = file.trailer.get(b"Root").and_then(Object::as_reference);
        let catalog = catalog.map_err(|_| DocumentError::Structure("no catalog"))?;
        before.trailer = file.trailer.clone();
        let max_id = file.max_id.max(before.max_id);
        let (changed, adopted) = (BTreeMap::new(), Vec::new());
        Ok(Self { file, before, changed, adopted, catalog, max_id })
    }

    /// Reads an object, so that it is at hand. Whether it was not before.
    pub(super) fn load(&mut self, id: ObjectId) -> Result<bool, DocumentError> {
        if self.before.objects.contains_key(&id) {
            return Ok(false);
        }
        let object = self.file.get(id)?;
        self.before.objects.insert(id, object);
        Ok(true)
    }

    /// Notes that an object is there without reading it.
    pub(super) fn note(&mut self, id: ObjectId) {
        if self.file.has(id) {
            self.before.objects.entry(id).or_insert(Object::Boolean(true));
        }
    }

    /// The document as it was before this update, as far as it was read.
    pub(super) fn before(&self) -> &Document {
        &self.before
    }

    pub(super) fn catalog(&self) -> ObjectId {
        self.catalog
    }

    /// The object as it stands now.
    pub(super) fn get(&self, id: ObjectId) -> Result<&Object, DocumentError> {
        let changed = self.changed.get(&id);
        changed
            .or_else(|| self.before.objects.get(&id))
            .ok_or(DocumentError::Structure("a reference leads nowhere"))
    }

    /// The dictionary as it stands now.
    pub(super) fn dictionary(&self, id: ObjectId) -> Result<&Dictionary, DocumentError> {
        self.get(id)?.as_dict().map_err(|_| DocumentError::Structure("not a dictionary"))
    }

    /// The dictionary, to be changed in this revision.
    pub(super) fn edit(&mut self, id: ObjectId) -> Result<&mut Dictionary, DocumentError> {
        self.edit_object(id)?
            .as_dict_mut()
            .map_err(|_| DocumentError::Structure("not a dictionary"))
    }

    fn edit_object(&mut self, id: ObjectId) -> Result<&mut Object, DocumentError> {
        if !self.changed.contains_key(&id) {
            let object = self.get(id)?.clone();
            self.changed.insert(id, object);
        }
        self.changed.get_mut(&id).ok_or(DocumentError::Structure("a reference leads nowhere"))
    }

    /// An object number higher than all before, still without an object.
    pub(super) fn allot(&mut self) -> Result<ObjectId, DocumentError> {
        let next = self.max_id.checked_add(1);
        self.max_id = next.ok_or(DocumentError::Structure("object numbers have run out"))?;
        Ok((self.max_id, 0))
    }

    /// Puts an object under an allotted number.
    pub(super) fn put(&mut self, id: ObjectId, object: Object) {
        self.changed.insert(id, object);
    }

    /// Puts what was written elsewhere under an allotted number.
    pub(super) fn adopt(&mut self, id: ObjectId, written: Vec<u8>) {
        self.adopted.push((id, written));
    }

    /// Adds an object under a new number.
    pub(super) fn add(&mut self, object: impl Into<Object>) -> Result<ObjectId, DocumentError> {
        let id = self.allot()?;
        self.put(id, object.into());
        Ok(id)
    }

    /// Appends to the array under `key`, which may be inline, indirect or missing.
    pub(super) fn push(
        &mut self,
        owner: ObjectId,
        key: &[u8],
        values: impl IntoIterator<Item = Object>,
    ) -> Result<(), DocumentError> {
        let not_array = |_| DocumentError::Structure("not an array");
        match self.dictionary(owner)?.get(key).ok().cloned() {
            Some(Object::Reference(id)) => {
                self.edit_object(id)?.as_array_mut().map_err(not_array)?.extend(values);
            }
            Some(Object::Array(mut array)) => {
                array.extend(values);
                self.edit(owner)?.set(key, array);
            }
            Some(single @ Object::Dictionary(_)) => {
                let array = std::iter::once(single).chain(values).collect::<Vec<_>>();
                self.edit(owner)?.set(key, array);
            }
            Some(_) => return Err(DocumentError::Structure("not an array")),
            None => self.edit(owner)?.set(key, values.into_iter().collect::<Vec<_>>()),
        }
        Ok(())
    }

    /// The whole document with this revision at its end.
    pub(super) fn write(self) -> Result<Vec<u8>, DocumentError> {
        Ok(self.write_around(None)?.pdf)
    }

    /// The same with a signature's gap in it.
    pub(super) fn write_around(self, gap: Option<&Gap<'_>>) -> Result<Written, DocumentError> {
        let previous = self.file.bytes.len();
        let room = gap.map_or(0, |gap| 2 * gap.room);
        let mut pdf = Vec::with_capacity(previous + room + ADDED);
        pdf.extend_from_slice(self.file.bytes);
        if pdf.last() != Some(&b'\n') {
            pdf.push(b'\n');
        }
        let mut places = Vec::with_capacity(self.changed.len() + self.adopted.len() + 2);
        for (id, object) in &self.changed {
            places.push((*id, pdf.len()));
            object_at_end(&mut pdf, *id, object);
        }
        let mut written = Written { pdf, byte_range: 0, contents: 0 };
        let mut told = written.pdf.len();
        if let Some(gap) = gap {
            places.push((gap.id, told));
            gap.write(&mut written);
            told = written.byte_range;
        }
        let changes = Digest::of(&written.pdf[previous..told]);
        for (id, adopted) in &self.adopted {
            places.push((*id, written.pdf.len()));
            append(&mut written.pdf, format_args!("{} {} obj\n", id.0, id.1));
            written.pdf.extend_from_slice(adopted);
            written.pdf.extend_from_slice(b"\nendobj\n");
        }
        self.write_references(&mut written.pdf, places, &changes);
        Ok(written)
    }

    /// Cross-reference data for what stands at `places`; `changes` is a digest of what was said anew.
    fn write_references(
        &self,
        pdf: &mut Vec<u8>,
        mut places: Vec<(ObjectId, usize)>,
        changes: &Digest,
    ) {
        let start = pdf.len();
        let mut trailer = self.trailer(changes);
        let mut size = self.max_id + 1;
        if self.file.layout == Layout::Stream {
            places.push(((size, 0), start));
            size += 1;
        }
        trailer.set("Size", i64::from(size));
        places.sort_unstable();
        let parts = places.chunk_by(|(a, _), (b, _)| a.0 + 1 == b.0);
        match self.file.layout {
            Layout::Table => {
                pdf.extend_from_slice(b"xref\n0 1\n0000000000 65535 f \n");
                for part in parts {
                    append(pdf, format_args!("{} {}\n", part[0].0.0, part.len()));
                    for ((_, generation), offset) in part {
                        append(pdf, format_args!("{offset:010} {generation:05} n \n"));
                    }
                }
                pdf.extend_from_slice(b"trailer\n");
                object(pdf, &Object::Dictionary(trailer));
            }
            Layout::Stream => {
                let (mut index, mut rows) = (Vec::new(), Vec::with_capacity(7 * places.len()));
                for part in parts {
                    index.extend([i64::from(part[0].0.0).into(), (part.len() as i64).into()]);
                    for ((_, generation), offset) in part {
                        rows.push(1);
                        rows.extend_from_slice(&offset.to_be_bytes()[size_of::<usize>() - 4..]);
                        rows.extend_from_slice(&generation.to_be_bytes());
                    }
                }
                trailer.set("Type", "XRef");
                trailer.set("Index", index);
                trailer.set("W", [1, 4, 2].map(Object::Integer).to_vec());
                object_at_end(pdf, (size - 1, 0), &Stream::new(trailer, rows).into());
            }
        }
        append(pdf, format_args!("\nstartxref\n{start}\n%%EOF"));
    }

    fn trailer(&self, changes: &Digest) -> Dictionary {
        let mut trailer = self.file.trailer.clone();
        for key in OWN_KEYS {
            trailer.remove(key);
        }
        trailer.set("Prev", self.file.start as i64);
        // ISO 32000-1 §14.4: the second part of the ID changes with every revision.
        if let Ok(Object::Array(id)) = trailer.get_mut(b"ID")
            && let [_, second] = id.as_mut_slice()
        {
            let before = second.as_str().unwrap_or_default();
            let digest = Digest::of(&[before, &changes.0].concat()).0[..16].to_vec();
            *second = Object::String(digest, StringFormat::Hexadecimal);
        }
        trailer
    }
}

impl Gap<'_> {
    fn write(&self, written: &mut Written) {
        let pdf = &mut written.pdf;
        append(pdf, format_args!("{} {} obj\n<<", self.id.0, self.id.1));
        for (key, value) in self.dictionary.iter() {
            object(pdf, &Object::Name(key.clone()));
            if Writer::need_separator(value) {
                pdf.push(b' ');
            }
            object(pdf, value);
        }
        written.byte_range = pdf.len();
        pdf.extend_from_slice(self.byte_range);
        pdf.extend_from_slice(b"/Contents");
        written.contents = pdf.len();
        pdf.push(b'<');
        pdf.resize(pdf.len() + 2 * self.room, b'0');
        pdf.extend_from_slice(b">>>\nendobj\n");
    }
}

fn object_at_end(pdf: &mut Vec<u8>, id: ObjectId, value: &Object) {
    append(pdf, format_args!("{} {} obj\n", id.0, id.1));
    object(pdf, value);
    pdf.extend_from_slice(b"\nendobj\n");
}

fn object(pdf: &mut Vec<u8>, value: &Object) {
    Writer::write_object(pdf, value).expect("writing into memory does not fail");
}

pub(super) fn append(pdf: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    pdf.write_fmt(text).expect("writing into memory does not fail");
}
