//! Streams that have to be inflated to read a document, all within its budget.

use std::collections::BTreeMap;

use lopdf::{Object, Stream};

use super::{
    MAX_INFLATED_BYTES,
    budget::{Budget, ITEM},
    indirect::Written,
    syntax::Cursor,
};

/// More filters on one stream are taken for an attack: each may inflate what another inflated.
const MAX_FILTERS: usize = 2;
/// What an inflated stream is when it is too large.
const BOMB: &str = "streams that inflate to too much";

/// The plain content of a stream; `None` when it is damaged or inflates to more than is left.
pub(super) fn inflate(stream: &Stream, budget: &Budget) -> Option<Vec<u8>> {
    let filters = match stream.dict.get(b"Filter") {
        Ok(Object::Array(filters)) => filters.len(),
        _ => 1,
    };
    if filters > MAX_FILTERS {
        return None;
    }
    let plain = match stream.get_plain_content_with_limit(budget.left().min(MAX_INFLATED_BYTES)) {
        Err(lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. })) => {
            budget.spend(usize::MAX, BOMB)?;
            return None;
        }
        plain => plain.ok()?,
    };
    // What is in between two filters was there as well.
    budget.spend(plain.len().saturating_mul(filters), BOMB)?;
    Some(plain)
}

/// An object stream (ISO 32000-1 §7.5.7): its members are read when they are asked for.
pub(super) struct Members {
    content: Vec<u8>,
    places: BTreeMap<u32, usize>,
}

impl Members {
    /// Reads the numbers and places of the members.
    pub(super) fn of(stream: &Stream, budget: &Budget) -> Option<Self> {
        let number = |key: &[u8]| -> Option<usize> {
            usize::try_from(stream.dict.get(key).and_then(Object::as_i64).ok()?).ok()
        };
        let (count, first) = (number(b"N")?, number(b"First")?);
        let content = inflate(stream, budget)?;
        let mut places = BTreeMap::new();
        let mut cursor = Cursor::new(content.get(..first)?, 0, budget)?;
        for _ in 0..count {
            budget.spend(ITEM, "too many objects")?;
            cursor.space();
            let id = u32::try_from(cursor.unsigned()?).ok()?;
            cursor.space();
            let place = first.checked_add(usize::try_from(cursor.unsigned()?).ok()?)?;
            // Readers differ on which of two objects of one number counts.
            if places.insert(id, place).is_some() {
                return None;
            }
        }
        Some(Self { content, places })
    }

    /// The member of this number, null when there is none.
    pub(super) fn read(&self, number: u32, budget: &Budget) -> Option<Object> {
        let Some(mut cursor) = self.find(number, budget)? else { return Some(Object::Null) };
        cursor.object()
    }

    /// The same as it is written.
    pub(super) fn written(&self, number: u32, budget: &Budget) -> Option<Written> {
        let Some(mut cursor) = self.find(number, budget)? else { return Some(Written::null()) };
        Written::read(&mut cursor, budget)
    }

    /// The beginning of a member, if there is one of this number; `None` outside when it is damaged.
    fn find<'a>(&'a self, number: u32, budget: &'a Budget) -> Option<Option<Cursor<'a>>> {
        let Some(place) = self.places.get(&number) else { return Some(None) };
        let mut cursor = Cursor::new(&self.content, *place, budget)?;
        cursor.space();
        Some(Some(cursor))
    }
}
