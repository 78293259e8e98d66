//! Indirect objects (ISO 32000-1 §7.3.10): a number, an object, and the bytes of a stream.

use lopdf::{Object, ObjectId, Stream};

use super::{budget::Budget, syntax::Cursor};

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
        cursor.literal(b"\r\n").or_else(|| cursor.literal(b"\n"))?;
        let start = cursor.position();
        let end = start.checked_add(length(dict.get(b"Length").ok()?)?)?;
        let content = bytes.get(start..end)?;
        budget.spend(content.len(), "streams inside streams")?;
        let content = content.to_vec();
        cursor = Cursor::new(bytes, end, budget)?;
        cursor.space();
        cursor.keyword(b"endstream")?;
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

/// A non-negative integer.
pub(super) fn offset(object: &Object) -> Option<usize> {
    usize::try_from(object.as_i64().ok()?).ok()
}
