//! A PDF file: cross-reference data, and those objects that are asked for.
//!
//! To add a revision, a handful of objects is enough. Reading the whole file, as
//! [`super::open`] does for verification, would cost many times what a signature costs. What is
//! read is read strictly (offsets are exact, objects carry their number, nothing is repaired) and
//! within one budget for the whole document.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, btree_map},
    rc::Rc,
};

use lopdf::{Dictionary, Object, ObjectId};

use super::{
    MAX_DOCUMENT_BYTES,
    budget::{Budget, ROW, Work},
    indirect::{Written, indirect, offset, written},
    inflated::Members,
    xref::{Entry, Rows, Section, last_section},
};
use crate::pades::DocumentError;

/// More revisions than this are taken for an attack.
const MAX_SECTIONS: usize = 512;
/// An indirect `/Length` may be read through this many others.
const MAX_LENGTHS: usize = 4;

/// How the last section of a file is written; the next one has to be of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Table,
    Stream,
}

/// A file and where its objects are.
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    /// Of the last section.
    pub(super) trailer: Dictionary,
    pub(super) layout: Layout,
    /// Offset of the last section.
    pub(super) start: usize,
    /// Highest object number in use.
    pub(super) max_id: u32,
    /// The newest first.
    sections: Vec<Section>,
    streams: RefCell<BTreeMap<u32, Rc<Members>>>,
    budget: Rc<Budget>,
}

fn unreadable(reason: &str) -> DocumentError {
    DocumentError::Unreadable(reason.to_owned())
}

impl<'a> File<'a> {
    /// Reads the cross-reference data of all revisions.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        Self::read_within(bytes, Rc::new(Budget::of(bytes.len(), &Work::on(bytes.len()))))
    }

    /// The same; all reading together costs no more than the `budget`.
    pub(super) fn read_within(bytes: &'a [u8], budget: Rc<Budget>) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(unreadable("too large"));
        }
        if !bytes.starts_with(b"%PDF-") {
            return Err(unreadable("not a PDF"));
        }
        let start = last_section(bytes, &budget);
        let start = start.ok_or_else(|| unreadable("no startxref at the end"))?;
        let damaged = || unreadable(budget.exceeded().unwrap_or("damaged cross-reference data"));
        let section = |at| Section::read(bytes, at, &budget).ok_or_else(damaged);
        let (newest, trailer) = section(start)?;
        let layout = match newest.rows {
            Rows::Table => Layout::Table,
            Rows::Stream { .. } => Layout::Stream,
        };
        let (mut sections, mut seen) = (vec![newest], vec![start]);
        let mut older = trailer.clone();
        loop {
            // ISO 32000-1 §7.5.8.4: a hybrid section's stream comes right after its table.
            if let Ok(hybrid) = older.get(b"XRefStm") {
                let (hidden, _) = section(offset(hybrid).ok_or_else(damaged)?)?;
                sections.last_mut().expect("the table is there").hybrid = true;
                sections.push(hidden);
            }
            let Ok(previous) = older.get(b"Prev") else { break };
            let at = offset(previous).ok_or_else(damaged)?;
            if seen.contains(&at) || sections.len() > MAX_SECTIONS {
                return Err(damaged());
            }
            seen.push(at);
            let (next, dictionary) = section(at)?;
            sections.push(next);
            older = dictionary;
        }
        if trailer.has(b"Encrypt") {
            return Err(unreadable("encrypted"));
        }
        let size = trailer.get(b"Size").and_then(Object::as_i64).ok();
        let size = size.and_then(|size| u32::try_from(size).ok()).ok_or_else(damaged)?;
        let parts = sections.iter().flat_map(|section| &section.parts);
        let last = parts.map(|part| part.first + part.count).max();
        let max_id = last.unwrap_or(0).max(size).saturating_sub(1);
        let streams = RefCell::default();
        Ok(Self { bytes, trailer, layout, start, max_id, sections, streams, budget })
    }

    /// Every object that is in use, by what the newest section says of its number.
    pub(super) fn objects(&self) -> Result<BTreeMap<ObjectId, Object>, DocumentError> {
        let damaged = || unreadable(self.budget.exceeded().unwrap_or("a damaged object"));
        let mut objects = BTreeMap::new();
        for (number, entry) in self.entries().ok_or_else(damaged)? {
            let generation = match entry {
                Entry::Free => continue,
                Entry::At { generation, .. } => generation,
                Entry::In { .. } => 0,
            };
            let id = (number, generation);
            let object = self.located(id, entry, MAX_LENGTHS).ok_or_else(damaged)?;
            objects.insert(id, object);
        }
        Ok(objects)
    }

    fn entries(&self) -> Option<BTreeMap<u32, Entry>> {
        let mut entries = BTreeMap::new();
        let mut hidden = BTreeSet::new();
        for (index, section) in self.sections.iter().enumerate() {
            let after_hybrid = index > 0 && self.sections[index - 1].hybrid;
            for part in &section.parts {
                for number in part.first..part.first + part.count {
                    self.budget.spend(ROW, "too many objects")?;
                    let entry = section.row(self.bytes, part, number)?;
                    let fills = after_hybrid && hidden.remove(&number);
                    match entries.entry(number) {
                        btree_map::Entry::Vacant(place) => {
                            place.insert(entry);
                            if section.hybrid && matches!(entry, Entry::Free) {
                                hidden.insert(number);
                            }
                        }
                        btree_map::Entry::Occupied(mut place) if fills => {
                            place.insert(entry);
                        }
                        btree_map::Entry::Occupied(_) => {}
                    }
                }
            }
            if after_hybrid {
                hidden.clear();
            }
        }
        Some(entries)
    }

    /// The object of this number; [`Object::Null`] when there is none.
    pub(super) fn get(&self, id: ObjectId) -> Result<Object, DocumentError> {
        let damaged = || unreadable(self.budget.exceeded().unwrap_or("a damaged object"));
        self.find(id, MAX_LENGTHS).ok_or_else(damaged)
    }

    /// The object of this number as it is written.
    pub(super) fn written(&self, id: ObjectId) -> Result<Written, DocumentError> {
        let damaged = || unreadable(self.budget.exceeded().unwrap_or("a damaged object"));
        let found = self.entry(id.0).and_then(|entry| match entry {
            Entry::At { offset, generation } if generation == id.1 => {
                let length = |length: &Object| self.length(length, MAX_LENGTHS);
                let (found, written) = written(self.bytes, offset, &self.budget, length)?;
                (found == id).then_some(written)
            }
            Entry::In { container } if id.1 == 0 => {
                self.stream(container)?.written(id.0, &self.budget)
            }
            _ => Some(Written::null()),
        });
        found.ok_or_else(damaged)
    }

    /// The object itself, or the one that it refers to.
    pub(super) fn resolve(&self, object: &Object) -> Result<Object, DocumentError> {
        match object {
            Object::Reference(id) => self.get(*id),
            direct => Ok(direct.clone()),
        }
    }

    /// Whether there is an object of this number.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        match self.entry(id.0) {
            Some(Entry::At { generation, .. }) => generation == id.1,
            Some(Entry::In { .. }) => id.1 == 0,
            Some(Entry::Free) | None => false,
        }
    }

    fn find(&self, id: ObjectId, lengths: usize) -> Option<Object> {
        self.located(id, self.entry(id.0)?, lengths)
    }

    fn located(&self, id: ObjectId, entry: Entry, lengths: usize) -> Option<Object> {
        match entry {
            Entry::At { offset, generation } if generation == id.1 => self.at(offset, id, lengths),
            Entry::In { container } if id.1 == 0 => {
                self.stream(container)?.read(id.0, &self.budget)
            }
            _ => Some(Object::Null),
        }
    }

    /// The newest entry; `None` if it is damaged.
    fn entry(&self, number: u32) -> Option<Entry> {
        let mut sections = self.sections.iter();
        while let Some(section) = sections.next() {
            match section.entry(self.bytes, number)? {
                None => {}
                Some(Entry::Free) if section.hybrid => {
                    let hidden = sections.next()?.entry(self.bytes, number)?;
                    return Some(hidden.unwrap_or(Entry::Free));
                }
                Some(entry) => return Some(entry),
            }
        }
        Some(Entry::Free)
    }

    fn at(&self, offset: usize, id: ObjectId, lengths: usize) -> Option<Object> {
        let length = |length: &Object| self.length(length, lengths);
        let (found, object) = indirect(self.bytes, offset, &self.budget, length)?;
        (found == id).then_some(object)
    }

    /// The length of a stream, which may stand in an object of its own.
    fn length(&self, length: &Object, lengths: usize) -> Option<usize> {
        match length {
            Object::Reference(id) => offset(&self.find(*id, lengths.checked_sub(1)?)?),
            direct => offset(direct),
        }
    }

    fn stream(&self, container: u32) -> Option<Rc<Members>> {
        if let Some(known) = self.streams.borrow().get(&container) {
            return Some(Rc::clone(known));
        }
        let Some(Entry::At { offset, generation: 0 }) = self.entry(container) else { return None };
        let object = self.at(offset, (container, 0), MAX_LENGTHS)?;
        let read = Rc::new(Members::of(object.as_stream().ok()?, &self.budget)?);
        self.streams.borrow_mut().insert(container, Rc::clone(&read));
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Document, LoadOptions, SaveOptions, Stream, dictionary, xref::XrefType};

    use super::*;

    /// A document whose objects need every part of the syntax.
    fn sample(layout: Layout) -> Vec<u8> {
        let mut document = Document::with_version("1.7");
        let text = Object::String(b"a(b)\\\r\n\0\xff".to_vec(), lopdf::StringFormat::Literal);
        let parts = dictionary! {
            "A B#" => text, "Real" => -0.25_f32, "Yes" => true, "None" => Object::Null,
            "Hex" => Object::String(vec![0, 255], lopdf::StringFormat::Hexadecimal),
            "List" => vec![1.into(), vec![Object::Reference((2, 0)), "Name".into()].into()],
        };
        let parts = document.add_object(parts);
        let drawn = document.add_object(Stream::new(dictionary! {}, b"endstream endobj".to_vec()));
        let catalog = dictionary! { "Type" => "Catalog", "Parts" => parts, "Drawn" => drawn };
        let catalog = document.add_object(catalog);
        document.trailer.set("Root", catalog);
        let streams = layout == Layout::Stream;
        if !streams {
            document.reference_table.cross_reference_type = XrefType::CrossReferenceTable;
        }
        let options = SaveOptions {
            use_object_streams: streams,
            use_xref_streams: streams,
            ..SaveOptions::default()
        };
        let mut out = Vec::new();
        document.save_with_options(&mut out, options).unwrap();
        out
    }

    #[test]
    fn every_object_is_the_one_that_a_full_reading_finds() {
        for layout in [Layout::Table, Layout::Stream] {
            let mut pdf = sample(layout);
            for revision in 0..3_i64 {
                // Another reader, which reads the whole file anyway.
                let strict = LoadOptions { strict: true, ..LoadOptions::default() };
                let full = Document::load_mem_with_options(&pdf, strict).unwrap();
                let ours = super::super::open(&pdf).unwrap();
                let lazy = File::read(&pdf).unwrap();
                assert_eq!(lazy.layout, layout);
                assert_eq!(lazy.max_id, full.reference_table.max_id());
                for (id, object) in &full.objects {
                    let mut found = lazy.get(*id).unwrap();
                    if let (Object::Stream(stream), Object::Stream(other)) = (&mut found, object) {
                        stream.start_position = other.start_position;
                    }
                    assert_eq!(&found, object, "{layout:?} {revision} {id:?}");
                    assert!(ours.objects.contains_key(id), "{layout:?} {revision} {id:?}");
                }
                assert_eq!(lazy.get((9_999, 0)).unwrap(), Object::Null);
                let mut update = super::super::update::Update::lazily_after(&pdf).unwrap();
                let catalog = update.catalog();
                update.load(catalog).unwrap();
                let added = update.add(dictionary! { "Revision" => revision }).unwrap();
                update.edit(catalog).unwrap().set("Newest", added);
                pdf = update.write().unwrap();
            }
        }
    }

    #[test]
    fn what_is_taken_over_as_it_is_written_is_the_same_object_with_other_numbers_in_it() {
        use super::super::appearance::references;
        for layout in [Layout::Table, Layout::Stream] {
            let pdf = sample(layout);
            let file = File::read(&pdf).unwrap();
            let rewritten = |id, by: u32| {
                let moved = |(number, generation)| Ok::<_, ()>((number + by, generation));
                let written = file.written(id).unwrap().renumbered(moved).unwrap();
                let whole = [b"1 0 obj\n", &written[..], b"\nendobj\n"].concat();
                indirect(&whole, 0, &file.budget, offset).unwrap().1
            };
            let found = |object: &Object, by: u32| {
                let mut found = Vec::new();
                references(object, &mut found);
                found.iter().map(|(number, _)| number + by).collect::<Vec<_>>()
            };
            for (id, object) in file.objects().unwrap() {
                assert_eq!(rewritten(id, 0), object, "{layout:?} {id:?}");
                let moved = rewritten(id, 1_000);
                assert_eq!(found(&moved, 0), found(&object, 1_000), "{layout:?} {id:?}");
            }
            assert_eq!(rewritten((9_999, 0), 0), Object::Null);
        }
    }

    #[test]
    fn damage_is_never_repaired() {
        // One character for each byte.
        let good: String = sample(Layout::Table).into_iter().map(char::from).collect();
        let bytes = |text: &str| -> Vec<u8> {
            text.chars().map(|letter| u8::try_from(letter).unwrap()).collect()
        };
        assert!(File::read(&bytes(&good)).unwrap().get((1, 0)).is_ok());
        let start = good.rfind("startxref\n").unwrap();
        let moved = |by: i64| {
            let number: i64 = good[start + 10..].lines().next().unwrap().parse().unwrap();
            format!("{}startxref\n{}\n%%EOF", &good[..start], number + by)
        };
        let replaced = |from: &str, to: &str| good.replacen(from, to, 1);
        for (what, pdf) in [
            ("no header", good[1..].to_owned()),
            ("no end", good[..good.len() - 1].to_owned()),
            ("something after the end", format!("{good}x")),
            ("section one byte later", moved(1)),
            ("section one byte earlier", moved(-1)),
            ("section beyond the end", moved(1 << 40)),
            ("section twice", replaced("/Root", "/Prev 0/Root")),
            ("encrypted", replaced("/Root", "/Encrypt 1 0 R/Root")),
            ("size negative", replaced("/Size ", "/Size -")),
        ] {
            assert!(File::read(&bytes(&pdf)).is_err(), "{what}");
        }
        let other = bytes(&replaced("1 0 obj", "7 0 obj"));
        assert!(File::read(&other).unwrap().get((1, 0)).is_err(), "another number");
        let entry = bytes(&replaced(" 00000 n", " 0000x n"));
        assert!(File::read(&entry).unwrap().get((1, 0)).is_err(), "damaged entry");
    }
}
