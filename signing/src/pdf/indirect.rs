//! Indirect objects (ISO 32000-1 §7.3.10): a number, an object, and the bytes of a stream.

use std::ops::Range;

use lopdf::{Object, ObjectId, Stream};

use super::{budget::Budget, syntax::Cursor, update::append};

/// What a document may have too many of.
const STREAMS: &str = "streams inside streams";

/// The indirect object at an offset.
pub(super) fn indirect(
    bytes: &[u8],
    at: usize,
    budget: &Budget,
    length: impl FnOnce(&Object) -> Option<usize>,
) -> Option<(ObjectId, Object)> {
    let mut cursor = Cursor::new(bytes, at, budget)?;
    cursor.space();
    let id = cursor.header()?;
    let mut object = cursor.object()?;
    cursor.space();
    if cursor.literal(b"stream").is_some() {
        let Object::Dictionary(dict) = object else { return None };
        let content = content(&mut cursor, length(dict.get(b"Length").ok()?)?)?;
        budget.spend(content.len(), STREAMS)?;
        let content = content.to_vec();
        cursor.space();
        object = Object::Stream(Stream {
            dict,
            content,
            allows_compression: true,
            start_position: None,
        });
    }
    cursor.keyword(b"endobj")?;
    Some((id, object))
}

/// The same as it is written.
pub(super) fn written(
    bytes: &[u8],
    at: usize,
    budget: &Budget,
    length: impl FnOnce(&Object) -> Option<usize>,
) -> Option<(ObjectId, Written)> {
    let mut cursor = Cursor::new(bytes, at, budget)?;
    cursor.space();
    let id = cursor.header()?;
    let start = cursor;
    let mut written = Written::read(&mut cursor, budget)?;
    cursor.space();
    if cursor.literal(b"stream").is_some() {
        let Object::Dictionary(dict) = { start }.object()? else { return None };
        content(&mut cursor, length(dict.get(b"Length").ok()?)?)?;
        let stream = &cursor.since(start.position())[written.bytes.len()..];
        budget.spend(stream.len(), STREAMS)?;
        written.bytes.extend_from_slice(stream);
        cursor.space();
    }
    cursor.keyword(b"endobj")?;
    Some((id, written))
}

/// Steps from behind `stream` to behind `endstream`.
fn content<'a>(cursor: &mut Cursor<'a>, length: usize) -> Option<&'a [u8]> {
    cursor.literal(b"\r\n").or_else(|| cursor.literal(b"\n"))?;
    let content = cursor.take(length)?;
    cursor.space();
    cursor.keyword(b"endstream")?;
    Some(content)
}

/// An object as somebody wrote it, and what it refers to: enough to write it elsewhere, under other
/// numbers, without building it up and taking it apart.
pub(super) struct Written {
    bytes: Vec<u8>,
    references: Vec<(Range<usize>, ObjectId)>,
}

impl Written {
    /// The object at the cursor, which steps over it.
    pub(super) fn read(cursor: &mut Cursor<'_>, budget: &Budget) -> Option<Self> {
        let start = cursor.position();
        let mut references = Vec::new();
        cursor.references(&mut references)?;
        let bytes = cursor.since(start);
        budget.spend(bytes.len(), STREAMS)?;
        for (place, _) in &mut references {
            *place = place.start - start..place.end - start;
        }
        Some(Self { bytes: bytes.to_vec(), references })
    }

    /// What stands for a missing object.
    pub(super) fn null() -> Self {
        Self { bytes: b"null".to_vec(), references: Vec::new() }
    }

    /// Its bytes, with the numbers that `renumber` gives for what it refers to.
    pub(super) fn renumbered<E>(
        self,
        mut renumber: impl FnMut(ObjectId) -> Result<ObjectId, E>,
    ) -> Result<Vec<u8>, E> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 4 * self.references.len());
        let mut done = 0;
        for (place, id) in self.references {
            let (number, generation) = renumber(id)?;
            bytes.extend_from_slice(&self.bytes[done..place.start]);
            append(&mut bytes, format_args!("{number} {generation} R"));
            done = place.end;
        }
        bytes.extend_from_slice(&self.bytes[done..]);
        Ok(bytes)
    }
}

/// A non-negative integer.
pub(super) fn offset(object: &Object) -> Option<usize> {
    usize::try_from(object.as_i64().ok()?).ok()
}
