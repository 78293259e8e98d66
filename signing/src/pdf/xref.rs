//! Cross-reference sections: where a file says that its objects are (ISO 32000-1 §7.5.4, §7.5.8).

use lopdf::{Dictionary, Object};

use super::{
    budget::Budget,
    indirect::{indirect, offset},
    inflated::inflate,
    syntax::{Cursor, is_white},
};

/// More parts than this in one section are taken for an attack.
const MAX_PARTS: usize = 100_000;
/// How far before the end of the file `startxref` may stand.
const TAIL: usize = 64;
/// `nnnnnnnnnn ggggg n` and a line end of two bytes (ISO 32000-1 §7.5.4).
const ENTRY: usize = 20;

/// One cross-reference section.
pub(super) struct Section {
    pub(super) parts: Vec<Part>,
    pub(super) rows: Rows,
    /// A table whose free entries may be filled by the section that follows it.
    pub(super) hybrid: bool,
}

/// Consecutive object numbers.
pub(super) struct Part {
    pub(super) first: u32,
    pub(super) count: u32,
    /// Offset in the file of the first entry, or number of the first row.
    start: usize,
}

pub(super) enum Rows {
    Table,
    Stream { widths: [usize; 3], rows: Vec<u8> },
}

/// What a section says of an object number.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Free,
    At { offset: usize, generation: u16 },
    In { container: u32 },
}

impl Section {
    /// The section at an offset and its trailer.
    pub(super) fn read(bytes: &[u8], at: usize, budget: &Budget) -> Option<(Self, Dictionary)> {
        let mut cursor = Cursor::new(bytes, at, budget)?;
        match cursor.keyword(b"xref") {
            Some(()) => Self::table(bytes, cursor, budget),
            None => Self::stream(bytes, at, budget),
        }
    }

    fn table<'a>(
        bytes: &'a [u8],
        mut cursor: Cursor<'a>,
        budget: &'a Budget,
    ) -> Option<(Self, Dictionary)> {
        let mut parts = Vec::new();
        loop {
            cursor.space();
            if cursor.keyword(b"trailer").is_some() {
                break;
            }
            let first = u32::try_from(cursor.unsigned()?).ok()?;
            cursor.literal(b" ")?;
            let count = u32::try_from(cursor.unsigned()?).ok()?;
            first.checked_add(count)?;
            while cursor.literal(b" ").is_some() {}
            let crlf = cursor.literal(b"\r\n");
            crlf.or_else(|| cursor.literal(b"\n")).or_else(|| cursor.literal(b"\r"))?;
            let start = cursor.position();
            let length = ENTRY.checked_mul(usize::try_from(count).ok()?)?;
            cursor = Cursor::new(bytes, start.checked_add(length)?, budget)?;
            parts.push(Part { first, count, start });
            if parts.len() > MAX_PARTS {
                return None;
            }
        }
        cursor.space();
        let Object::Dictionary(trailer) = cursor.object()? else { return None };
        Some((Self { parts, rows: Rows::Table, hybrid: false }, trailer))
    }

    fn stream(bytes: &[u8], at: usize, budget: &Budget) -> Option<(Self, Dictionary)> {
        let (_, Object::Stream(stream)) = indirect(bytes, at, budget, offset)? else { return None };
        if !stream.dict.has_type(b"XRef") {
            return None;
        }
        let widths: Option<Vec<usize>> =
            stream.dict.get(b"W").and_then(Object::as_array).ok()?.iter().map(offset).collect();
        let widths: [usize; 3] = widths?.try_into().ok()?;
        if widths.iter().any(|width| *width > 8) || widths[1] == 0 {
            return None;
        }
        let width: usize = widths.iter().sum();
        let rows = inflate(&stream, budget)?;
        let numbers = match stream.dict.get(b"Index") {
            Ok(index) => index.as_array().ok()?.iter().map(offset).collect::<Option<Vec<_>>>()?,
            Err(_) => vec![0, offset(stream.dict.get(b"Size").ok()?)?],
        };
        let (mut parts, mut start) = (Vec::new(), 0_usize);
        for pair in numbers.chunks(2) {
            let [first, count] = pair else { return None };
            let part = Part {
                first: u32::try_from(*first).ok()?,
                count: u32::try_from(*count).ok()?,
                start,
            };
            part.first.checked_add(part.count)?;
            start = start.checked_add(*count)?;
            parts.push(part);
        }
        if parts.len() > MAX_PARTS || start.checked_mul(width)? > rows.len() {
            return None;
        }
        Some((Self { parts, rows: Rows::Stream { widths, rows }, hybrid: false }, stream.dict))
    }

    /// What it says of an object number, if anything; the outer `None` if that is damaged.
    pub(super) fn entry(&self, bytes: &[u8], number: u32) -> Option<Option<Entry>> {
        let within = |part: &&Part| number.checked_sub(part.first).is_some_and(|n| n < part.count);
        let Some(part) = self.parts.iter().find(within) else { return Some(None) };
        Some(Some(self.row(bytes, part, number)?))
    }

    /// What a part says of one of its numbers; `None` if that is damaged.
    pub(super) fn row(&self, bytes: &[u8], part: &Part, number: u32) -> Option<Entry> {
        let index = usize::try_from(number - part.first).ok()?;
        match &self.rows {
            Rows::Table => {
                let at = part.start + ENTRY * index;
                table_entry(bytes.get(at..at + ENTRY)?.try_into().ok()?)
            }
            Rows::Stream { widths, rows } => {
                let width: usize = widths.iter().sum();
                stream_entry(*widths, rows.get((part.start + index) * width..)?.get(..width)?)
            }
        }
    }
}

fn table_entry(entry: &[u8; ENTRY]) -> Option<Entry> {
    let (offset, rest) = entry.split_at(10);
    let (generation, rest) = rest.strip_prefix(b" ")?.split_at(5);
    let digits = |digits: &[u8]| -> Option<u64> {
        let plain = digits.iter().all(u8::is_ascii_digit);
        plain.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
    };
    let (offset, generation) = (digits(offset)?, digits(generation)?);
    match rest {
        b" n \r" | b" n \n" | b" n\r\n" => Some(Entry::At {
            offset: usize::try_from(offset).ok()?,
            generation: u16::try_from(generation).ok()?,
        }),
        b" f \r" | b" f \n" | b" f\r\n" => Some(Entry::Free),
        _ => None,
    }
}

fn stream_entry(widths: [usize; 3], row: &[u8]) -> Option<Entry> {
    let (kind, rest) = row.split_at(widths[0]);
    let (second, third) = rest.split_at(widths[1]);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let kind = if kind.is_empty() { 1 } else { number(kind) }; // ISO 32000-1 table 17
    Some(match kind {
        0 => Entry::Free,
        1 => Entry::At {
            offset: usize::try_from(number(second)).ok()?,
            generation: u16::try_from(number(third)).ok()?,
        },
        2 => Entry::In { container: u32::try_from(number(second)).ok()? },
        _ => return None,
    })
}

/// What `startxref` at the end of the file says.
pub(super) fn last_section(bytes: &[u8], budget: &Budget) -> Option<usize> {
    let end = bytes.iter().rposition(|byte| !is_white(*byte))? + 1;
    let before = bytes[..end].strip_suffix(b"%%EOF")?;
    let tail = before.len().saturating_sub(TAIL);
    let word = before[tail..].windows(9).rposition(|nine| nine == b"startxref")?;
    let mut cursor = Cursor::new(before, tail + word + 9, budget)?;
    cursor.space();
    let start = usize::try_from(cursor.unsigned()?).ok()?;
    cursor.space();
    (cursor.position() == before.len()).then_some(start)
}
