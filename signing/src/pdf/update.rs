//! One incremental update in the making.

use lopdf::{Dictionary, Document, IncrementalDocument, Object, ObjectId, StringFormat};

use super::open;
use crate::{Digest, pades::DocumentError};

/// Keys of a cross-reference stream that the writer makes anew for each revision.
const XREF_STREAM_KEYS: [&[u8]; 7] =
    [b"XRefStm", b"DecodeParms", b"Index", b"W", b"Type", b"Length", b"Filter"];

/// A revision being written after `pdf`. What was changed is copied first; nothing else is written.
pub(super) struct Update {
    inner: IncrementalDocument,
    catalog: ObjectId,
    previous: usize,
}

impl Update {
    /// Starts after the last revision of `pdf`.
    pub(super) fn after(pdf: &[u8]) -> Result<Self, DocumentError> {
        let document = open(pdf)?;
        let catalog = document
            .trailer
            .get(b"Root")
            .and_then(Object::as_reference)
            .map_err(|_| DocumentError::Structure("no catalog"))?;
        let mut inner = IncrementalDocument::create_from(pdf.to_vec(), document);
        let trailer = &mut inner.new_document.trailer;
        for key in XREF_STREAM_KEYS {
            trailer.remove(key);
        }
        // ISO 32000-1 §14.4: the second part of the ID changes with every revision.
        if let Ok(Object::Array(id)) = trailer.get_mut(b"ID")
            && let [_, second] = id.as_mut_slice()
        {
            let digest = Digest::of(pdf).0[..16].to_vec();
            *second = Object::String(digest, StringFormat::Hexadecimal);
        }
        Ok(Self { inner, catalog, previous: pdf.len() })
    }

    /// The document as it was before this update.
    pub(super) fn before(&self) -> &Document {
        self.inner.get_prev_documents()
    }

    pub(super) fn catalog(&self) -> ObjectId {
        self.catalog
    }

    /// Highest object number in use.
    pub(super) fn max_id(&self) -> u32 {
        self.inner.new_document.max_id
    }

    /// The object as it stands now.
    pub(super) fn get(&self, id: ObjectId) -> Result<&Object, DocumentError> {
        let changed = self.inner.new_document.objects.get(&id);
        changed
            .or_else(|| self.before().objects.get(&id))
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
        self.inner
            .opt_clone_object_to_new_document(id)
            .and_then(|()| self.inner.new_document.get_object_mut(id))
            .map_err(|_| DocumentError::Structure("a reference leads nowhere"))
    }

    /// Adds an object under a new number, higher than all before.
    pub(super) fn add(&mut self, object: impl Into<Object>) -> ObjectId {
        self.inner.new_document.add_object(object)
    }

    /// Adds an object under the number that it has in a renumbered foreign document.
    pub(super) fn adopt(&mut self, id: ObjectId, object: Object) {
        self.inner.new_document.set_object(id, object);
        self.inner.new_document.max_id = self.inner.new_document.max_id.max(id.0);
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
    pub(super) fn write(mut self) -> Result<Vec<u8>, DocumentError> {
        let mut out = Vec::with_capacity(self.previous + (64 << 10));
        self.inner
            .save_to(&mut out)
            .map_err(|error| DocumentError::Unreadable(error.to_string()))?;
        Ok(out)
    }
}
