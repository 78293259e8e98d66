//! What one revision changed, as objects.
//!
//! Whatever the earlier revision could show is reachable from its trailer. Each such object that
//! has another value afterwards, references to objects that did not exist included, must be
//! explained by one of four rules; new objects can then only hang on an explained place.

use std::collections::{BTreeMap, BTreeSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::metadata;
use super::report::{Kind, LaterRevision};
use crate::pdf::{decode_text, references, signature_fields};

/// More forbidden changes than this are not listed one by one.
const MAX_FORBIDDEN: usize = 100;
/// Longer lists in the security store are taken for an attack.
const MAX_LIST: usize = 1_000;
const DSS_LISTS: [&[u8]; 3] = [b"Certs", b"OCSPs", b"CRLs"];

/// Compares two revisions of one document.
pub(super) fn between(
    before: &Document,
    after: &Document,
    start: usize,
    end: usize,
) -> LaterRevision {
    let mut comparison = Comparison {
        before,
        after,
        reachable: reachable(before, None),
        revision: LaterRevision::empty(start, end),
    };
    comparison.trailer();
    comparison.reused_numbers();
    comparison.objects();
    comparison.revision
}

struct Comparison<'a> {
    before: &'a Document,
    after: &'a Document,
    reachable: BTreeSet<ObjectId>,
    revision: LaterRevision,
}

impl<'a> Comparison<'a> {
    fn forbid(&mut self, what: impl Into<String>) {
        self.revision.forbidden.push(what.into());
    }

    fn trailer(&mut self) {
        for key in [&b"Root"[..], b"Encrypt"] {
            if self.before.trailer.get(key).ok() != self.after.trailer.get(key).ok() {
                self.forbid(format!("the trailer's /{} changed", String::from_utf8_lossy(key)));
            }
        }
        let information = (metadata::information(self.before), metadata::information(self.after));
        let same = match information {
            (before, Some(after)) => metadata::same_information(before, after),
            (Some(_), None) => false,
            (None, None) => !self.after.trailer.has(b"Info"),
        };
        if !same {
            self.forbid("the document's /Info changed");
        }
        let first = |document: &Document| {
            let id = document.trailer.get(b"ID").and_then(Object::as_array).ok()?;
            id.first().cloned()
        };
        if first(self.before) != first(self.after) {
            self.forbid("the document's /ID changed");
        }
    }

    /// Readers differ on which generation of an object number wins.
    fn reused_numbers(&mut self) {
        let generations: BTreeMap<u32, u16> = self.before.objects.keys().copied().collect();
        let reused = self.after.objects.keys().find(|(number, generation)| {
            generations.get(number).is_some_and(|known| known != generation)
        });
        if let Some((number, _)) = reused {
            self.forbid(format!("object number {number} is used again"));
        }
    }

    fn objects(&mut self) {
        let catalog = self.before.trailer.get(b"Root").and_then(Object::as_reference).ok();
        let form = self.catalog_reference(b"AcroForm");
        let store = self.catalog_reference(b"DSS");
        let store_parts = self.store_parts();
        let metadata = self.catalog_reference(b"Metadata");
        let information = self.before.trailer.get(b"Info").and_then(Object::as_reference).ok();
        let open: BTreeMap<_, _> = signature_fields(self.before)
            .into_iter()
            .filter(|field| !field.signed)
            .map(|field| (field.id, field.name))
            .collect();
        for id in self.reachable.clone() {
            let old = self.before.objects.get(&id).unwrap_or(&Object::Null);
            let new = self.after.objects.get(&id).unwrap_or(&Object::Null);
            if old == new {
                continue;
            }
            if self.revision.forbidden.len() == MAX_FORBIDDEN {
                return;
            }
            match (old, new) {
                (Object::Dictionary(old), Object::Dictionary(new)) if Some(id) == catalog => {
                    self.catalog(old, new);
                }
                (Object::Dictionary(old), Object::Dictionary(new)) if Some(id) == form => {
                    self.form(old, new);
                }
                (Object::Dictionary(old), Object::Dictionary(new)) if open.contains_key(&id) => {
                    self.field(&open[&id], old, new);
                }
                (Object::Stream(old), Object::Stream(new))
                    if Some(id) == metadata && metadata::same_metadata(Some(old), new) => {}
                // Compared with the trailer.
                (Object::Dictionary(_), Object::Dictionary(_)) if Some(id) == information => {}
                _ if Some(id) == store || store_parts.contains(&id) => self.store(),
                _ => self.forbid(self.describe(id, old)),
            }
        }
    }

    fn catalog(&mut self, old: &Dictionary, new: &Dictionary) {
        for key in changed_keys(old, new) {
            match (key.as_slice(), old.get(&key), new.get(&key)) {
                (b"DSS", ..) => self.store(),
                (b"AcroForm", Ok(Object::Dictionary(old)), Ok(Object::Dictionary(new))) => {
                    self.form(old, new);
                }
                (b"Extensions", _, Ok(now))
                    if self.declares_more(old.get(b"Extensions").ok(), now) => {}
                // ISO 32000-1 §7.5.2: the version that a later revision uses; no page shows it.
                (b"Version", _, Ok(Object::Name(version)))
                    if [&b"1.7"[..], b"2.0"].contains(&version.as_slice()) => {}
                (b"Metadata", _, Ok(now))
                    if self.describes_the_same(old.get(b"Metadata").ok(), now) => {}
                _ => self.forbid(format!("the catalog's /{} changed", name(&key))),
            }
        }
    }

    fn describes_the_same(&self, before: Option<&Object>, now: &Object) -> bool {
        let then = before.map(|before| metadata::stream(before, self.before));
        let now = metadata::stream(now, self.after);
        match (then, now) {
            (Some(None), _) | (_, None) => false,
            (then, Some(now)) => metadata::same_metadata(then.flatten(), now),
        }
    }

    /// A program that signs may declare the extensions that it uses (ISO 32000-1 §7.12): names and
    /// numbers that no page shows. Nothing that was declared may go.
    fn declares_more(&self, before: Option<&Object>, now: &Object) -> bool {
        let Ok((_, Object::Dictionary(now))) = self.after.dereference(now) else { return false };
        let kept = match before {
            None => true,
            Some(before) => match self.before.dereference(before) {
                Ok((_, Object::Dictionary(before))) => before.iter().all(|(key, _)| now.has(key)),
                _ => false,
            },
        };
        kept && now.iter().all(|(_, value)| is_plain(value, self.after, 3))
    }

    /// ISO 32000-1 §12.7.2: signing may raise `/SigFlags`; the fields are fixed.
    fn form(&mut self, old: &Dictionary, new: &Dictionary) {
        for key in changed_keys(old, new) {
            let flags = |form: &Dictionary| form.get(&key).and_then(Object::as_i64).unwrap_or(0);
            if key != b"SigFlags" || flags(old) & !flags(new) != 0 || flags(new) & !3 != 0 {
                self.forbid(format!("the form's /{} changed", name(&key)));
            }
        }
    }

    /// A reserved field may get its signature and that signature's appearance.
    fn field(&mut self, field: &str, old: &Dictionary, new: &Dictionary) {
        for key in changed_keys(old, new) {
            if ![&b"V"[..], b"AP", b"M"].contains(&key.as_slice()) {
                self.forbid(format!("/{} of the field {field} changed", name(&key)));
            }
        }
        if let Ok(Object::Reference(id)) = new.get(b"V")
            && self.reachable.contains(id)
        {
            self.forbid(format!("the field {field} points to an older object"));
        }
        let value = new.get_deref(b"V", self.after).and_then(Object::as_dict);
        match value.and_then(|value| value.get(b"Type")).and_then(Object::as_name) {
            Ok(b"Sig") => self.revision.filled.push((field.to_owned(), Kind::Signature)),
            Ok(b"DocTimeStamp") => {
                self.revision.filled.push((field.to_owned(), Kind::DocumentTimestamp));
            }
            _ => self.forbid(format!("the field {field} changed without a signature")),
        }
    }

    /// The security store may only grow (ETSI EN 319 142-1 §5.4.2).
    fn store(&mut self) {
        if self.revision.validation_data {
            return;
        }
        self.revision.validation_data = true;
        let old = store_of(self.before);
        let Some(new) = store_of(self.after) else {
            return self.forbid("the security store was removed");
        };
        for (key, value) in new.iter() {
            let well_formed = match key.as_slice() {
                b"Type" => value.as_name().is_ok(),
                b"VRI" => self.after.dereference(value).is_ok_and(|(_, v)| v.as_dict().is_ok()),
                key if DSS_LISTS.contains(&key) => {
                    let list = list(new, key, self.after);
                    let stream = |entry: &Object| {
                        self.after.dereference(entry).is_ok_and(|(_, v)| v.as_stream().is_ok())
                    };
                    list.is_some_and(|list| list.len() <= MAX_LIST && list.iter().all(stream))
                }
                _ => false,
            };
            if !well_formed {
                self.forbid(format!("the security store has a strange /{}", name(key)));
            }
        }
        for key in DSS_LISTS {
            let kept = old.and_then(|old| list(old, key, self.before)).unwrap_or_default();
            let now = list(new, key, self.after).unwrap_or_default();
            if kept.len().max(now.len()) > MAX_LIST || !kept.iter().all(|entry| now.contains(entry))
            {
                self.forbid(format!("the security store lost entries of /{}", name(key)));
            }
        }
    }

    /// Lists and dictionaries of the store, which may change in place; not what they point to, and
    /// nothing that the document uses elsewhere as well.
    fn store_parts(&self) -> BTreeSet<ObjectId> {
        let Some(store) = store_of(self.before) else { return BTreeSet::new() };
        let mut parts = BTreeSet::new();
        let mut open = Vec::new();
        store.iter().for_each(|(_, value)| references(value, &mut open));
        if let Ok(vri) = store.get_deref(b"VRI", self.before) {
            references(vri, &mut open);
        }
        for id in open {
            let container = |object: &Object| object.as_stream().is_err();
            if self.before.objects.get(&id).is_some_and(container) {
                parts.insert(id);
            }
        }
        let elsewhere = reachable(self.before, Some(b"DSS"));
        parts.retain(|id| !elsewhere.contains(id));
        parts
    }

    fn catalog_reference(&self, key: &[u8]) -> Option<ObjectId> {
        let catalog = self.before.catalog().ok()?;
        catalog.get(key).and_then(Object::as_reference).ok()
    }

    fn describe(&self, id: ObjectId, old: &Object) -> String {
        let kind = match old {
            Object::Dictionary(dictionary)
            | Object::Stream(lopdf::Stream { dict: dictionary, .. }) => {
                dictionary.get(b"Type").and_then(Object::as_name).ok()
            }
            _ => None,
        };
        let pages = self.before.page_iter().take(10_000);
        let what = match kind {
            Some(b"Page") => match pages.into_iter().position(|page| page == id) {
                Some(index) => format!("page {}", index + 1),
                None => "a page".to_owned(),
            },
            Some(kind) => format!("an object of type /{}", name(kind)),
            None => "an object".to_owned(),
        };
        format!("{what} changed ({} {})", id.0, id.1)
    }
}

/// The same value, also when another program wrote it in another way: a text in another encoding, a number
/// with fewer digits.
pub(super) fn same(old: &Object, new: &Object) -> bool {
    match (old, new) {
        (Object::String(old, _), Object::String(new, _)) => {
            old == new || decode_text(old) == decode_text(new)
        }
        (Object::Real(_), Object::Real(_) | Object::Integer(_))
        | (Object::Integer(_), Object::Real(_)) => {
            matches!((old.as_float(), new.as_float()), (Ok(a), Ok(b)) if (a - b).abs() < 0.01)
        }
        (Object::Array(old), Object::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new))
        }
        (Object::Dictionary(old), Object::Dictionary(new)) => changed_keys(old, new).is_empty(),
        _ => old == new,
    }
}

/// Names, numbers and short texts in dictionaries and lists, `depth` of them inside one another.
fn is_plain(value: &Object, document: &Document, depth: u8) -> bool {
    let Ok((_, value)) = document.dereference(value) else { return false };
    let inner = |value: &Object| depth > 0 && is_plain(value, document, depth - 1);
    match value {
        Object::Name(_) | Object::Integer(_) => true,
        Object::String(text, _) => text.len() < 200,
        Object::Array(values) => values.iter().all(inner),
        Object::Dictionary(entries) => entries.iter().all(|(_, value)| inner(value)),
        _ => false,
    }
}

/// All object ids that the document refers to, directly or not, whether they exist or not. With
/// `without`, the catalog's entry of that name is not followed.
fn reachable(document: &Document, without: Option<&[u8]>) -> BTreeSet<ObjectId> {
    let mut open = Vec::new();
    for key in [&b"Root"[..], b"Info"] {
        if let Ok(value) = document.trailer.get(key) {
            references(value, &mut open);
        }
    }
    let catalog = document.trailer.get(b"Root").and_then(Object::as_reference).ok();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match document.objects.get(&id) {
            Some(Object::Dictionary(entries)) if Some(id) == catalog => {
                let followed = entries.iter().filter(|(key, _)| Some(key.as_slice()) != without);
                followed.for_each(|(_, value)| references(value, &mut open));
            }
            Some(object) => references(object, &mut open),
            None => {}
        }
    }
    seen
}

fn store_of(document: &Document) -> Option<&Dictionary> {
    document.catalog().ok()?.get_deref(b"DSS", document).ok()?.as_dict().ok()
}

fn list<'a>(store: &'a Dictionary, key: &[u8], document: &'a Document) -> Option<&'a [Object]> {
    let list = store.get_deref(key, document).ok()?.as_array().ok()?;
    Some(list.as_slice())
}

fn changed_keys(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
    let keys = old.iter().chain(new.iter()).map(|(key, _)| key);
    let is_same = |key: &[u8]| match (old.get(key), new.get(key)) {
        (Ok(old), Ok(new)) => same(old, new),
        _ => false,
    };
    keys.filter(|key| !is_same(key)).cloned().collect()
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(40).collect()
}
