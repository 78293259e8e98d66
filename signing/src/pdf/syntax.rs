//! PDF syntax (ISO 32000-1 §7.2, §7.3): one object at a time, at a given place.
//!
//! Strict where readers differ: an unknown escape of a name, a missing bracket or a dictionary with
//! a key twice is an error, never a guess.

use std::ops::Range;

use lopdf::{Dictionary, Object, ObjectId, StringFormat};

use super::budget::{Budget, DICTIONARY, ITEM};

/// Deeper objects are taken for an attack.
const MAX_DEPTH: usize = 64;

/// What a document may have too many of.
const OBJECTS: &str = "too many objects";

/// Reads forward through the bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: &'a Budget,
}

impl<'a> Cursor<'a> {
    /// At an offset; `None` beyond the end.
    pub(super) fn new(bytes: &'a [u8], at: usize, budget: &'a Budget) -> Option<Self> {
        (at <= bytes.len()).then_some(Self { bytes, at, budget })
    }

    /// Where it stands.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips white space and comments.
    pub(super) fn space(&mut self) {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let line = self.rest();
                let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                self.at += end.unwrap_or(line.len());
            } else if is_white(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
        // Objects may begin inside each other's comments: going through those again and again is
        // work as well. Whoever reads on learns that there is nothing left.
        let _ = self.budget.spend((self.at - start) / 2, OBJECTS);
    }

    /// The bytes that were stepped over since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Steps over this many bytes.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..length)?;
        self.at += length;
        Some(taken)
    }

    /// Steps over exactly these bytes.
    pub(super) fn literal(&mut self, wanted: &[u8]) -> Option<()> {
        self.rest().starts_with(wanted).then(|| self.at += wanted.len())
    }

    /// Steps over a word that ends there.
    pub(super) fn keyword(&mut self, word: &[u8]) -> Option<()> {
        let mut ahead = *self;
        ahead.literal(word)?;
        if ahead.peek().is_some_and(is_regular) {
            return None;
        }
        *self = ahead;
        Some(())
    }

    /// Digits, and nothing else.
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 19 {
            return None;
        }
        let value = self.rest()[..digits].iter().try_fold(0_u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        self.at += digits;
        value
    }

    /// `number generation obj`.
    pub(super) fn header(&mut self) -> Option<(u32, u16)> {
        let id = self.pair()?;
        self.space();
        self.keyword(b"obj")?;
        self.space();
        Some(id)
    }

    fn pair(&mut self) -> Option<(u32, u16)> {
        let number = u32::try_from(self.unsigned()?).ok()?;
        self.some_space()?;
        let generation = u16::try_from(self.unsigned()?).ok()?;
        Some((number, generation))
    }

    fn some_space(&mut self) -> Option<()> {
        let before = self.at;
        self.space();
        (self.at > before).then_some(())
    }

    /// One direct object or reference. What follows it is left alone.
    pub(super) fn object(&mut self) -> Option<Object> {
        self.nested(MAX_DEPTH)
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        let depth = depth.checked_sub(1)?;
        self.budget.spend(ITEM, OBJECTS)?;
        match self.peek()? {
            b'/' => self.name().map(Object::Name),
            b'(' => self.string().map(|text| Object::String(text, StringFormat::Literal)),
            b'<' if self.rest().starts_with(b"<<") => {
                self.dictionary(depth).map(Object::Dictionary)
            }
            b'<' => self.hexadecimal().map(|text| Object::String(text, StringFormat::Hexadecimal)),
            b'[' => self.array(depth),
            b't' => self.keyword(b"true").map(|()| Object::Boolean(true)),
            b'f' => self.keyword(b"false").map(|()| Object::Boolean(false)),
            b'n' => self.keyword(b"null").map(|()| Object::Null),
            b'0'..=b'9' => self.reference().or_else(|| self.number()),
            b'+' | b'-' | b'.' => self.number(),
            _ => None,
        }
    }

    /// Steps over one object; every reference in it is added to `found` with its place.
    pub(super) fn references(&mut self, found: &mut Vec<(Range<usize>, ObjectId)>) -> Option<()> {
        self.nested_references(MAX_DEPTH, found)
    }

    fn nested_references(
        &mut self,
        depth: usize,
        found: &mut Vec<(Range<usize>, ObjectId)>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let start = self.at;
        let (keys, end): (bool, &[u8]) = if self.literal(b"<<").is_some() {
            (true, b">>")
        } else if self.literal(b"[").is_some() {
            (false, b"]")
        } else {
            if let Object::Reference(id) = self.nested(1)? {
                found.push((start..self.at, id));
            }
            return Some(());
        };
        loop {
            self.space();
            if self.literal(end).is_some() {
                return Some(());
            }
            if keys {
                self.name()?;
                self.space();
            }
            self.nested_references(depth, found)?;
        }
    }

    fn reference(&mut self) -> Option<Object> {
        let mut ahead = *self;
        let id = ahead.pair()?;
        ahead.some_space()?;
        ahead.keyword(b"R")?;
        *self = ahead;
        Some(Object::Reference(id))
    }

    fn number(&mut self) -> Option<Object> {
        let mut ahead = *self;
        if let Some(plain) = ahead.unsigned()
            && !ahead.peek().is_some_and(is_regular)
        {
            *self = ahead;
            return Some(Object::Integer(i64::try_from(plain).ok()?));
        }
        let length = self.rest().iter().take_while(|byte| is_regular(**byte)).count();
        let text = std::str::from_utf8(&self.rest()[..length]).ok()?;
        let digits = text.trim_start_matches(['+', '-']);
        if digits.len() + 1 < text.len() || !digits.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Object::Integer(text.parse().ok()?)
        } else if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            Object::Real(text.parse().ok()?)
        } else {
            return None;
        };
        self.at += length;
        Some(value)
    }

    fn name(&mut self) -> Option<Vec<u8>> {
        self.literal(b"/")?;
        let length = self.rest().iter().take_while(|byte| is_regular(**byte)).count();
        let written = &self.rest()[..length];
        self.at += length;
        self.budget.spend(length, OBJECTS)?;
        if !written.contains(&b'#') {
            return Some(written.to_vec());
        }
        let mut name = Vec::with_capacity(length);
        let mut left = written.iter();
        while let Some(&byte) = left.next() {
            name.push(match byte {
                b'#' => digit(*left.next()?)? << 4 | digit(*left.next()?)?,
                byte => byte,
            });
        }
        Some(name)
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        self.literal(b"(")?;
        let mut text = Vec::new();
        let mut open = 1;
        loop {
            match self.next()? {
                b'(' => {
                    open += 1;
                    text.push(b'(');
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        self.budget.spend(text.len(), OBJECTS)?;
                        return Some(text);
                    }
                    text.push(b')');
                }
                b'\r' => {
                    self.literal(b"\n");
                    text.push(b'\n');
                }
                b'\\' => self.escaped(&mut text)?,
                byte => text.push(byte),
            }
        }
    }

    fn escaped(&mut self, text: &mut Vec<u8>) -> Option<()> {
        match self.next()? {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\n' => {}
            b'\r' => {
                self.literal(b"\n");
            }
            first @ b'0'..=b'7' => {
                let mut value = u16::from(first - b'0');
                for _ in 0..2 {
                    let Some(next @ b'0'..=b'7') = self.peek() else { break };
                    value = value * 8 + u16::from(next - b'0');
                    self.at += 1;
                }
                text.push(value.to_be_bytes()[1]); // §7.3.4.2: overflow is ignored
            }
            other => text.push(other),
        }
        Some(())
    }

    fn hexadecimal(&mut self) -> Option<Vec<u8>> {
        self.literal(b"<")?;
        let length = self.rest().iter().position(|byte| *byte == b'>')?;
        let written = &self.rest()[..length];
        self.budget.spend(length, OBJECTS)?;
        self.at += length + 1;
        let mut text = vec![0; length / 2];
        if length % 2 == 0 && hex::decode_to_slice(written, &mut text).is_ok() {
            return Some(text);
        }
        let digits: Option<Vec<u8>> =
            written.iter().filter(|byte| !is_white(**byte)).map(|byte| digit(*byte)).collect();
        let byte = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
        Some(digits?.chunks(2).map(byte).collect())
    }

    fn array(&mut self, depth: usize) -> Option<Object> {
        self.literal(b"[")?;
        let mut items = Vec::new();
        loop {
            self.space();
            if self.literal(b"]").is_some() {
                return Some(Object::Array(items));
            }
            items.push(self.nested(depth)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Dictionary> {
        self.literal(b"<<")?;
        self.budget.spend(DICTIONARY, OBJECTS)?;
        let mut entries = Dictionary::new();
        loop {
            self.space();
            if self.literal(b">>").is_some() {
                return Some(entries);
            }
            let key = self.name()?;
            self.budget.spend(ITEM, OBJECTS)?;
            self.space();
            let value = self.nested(depth)?;
            if entries.has(&key) {
                return None;
            }
            entries.set(key, value);
        }
    }
}

/// ISO 32000-1 table 1.
pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    REGULAR[usize::from(byte)]
}

/// ISO 32000-1 §7.2.2: neither white space nor delimiter. A table, because every byte is asked.
const REGULAR: [bool; 256] = {
    let mut table = [true; 256];
    let others = b"\0\t\n\x0c\r ()<>[]{}/%";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = false;
        at += 1;
    }
    table
};

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::{super::budget::Work, *};

    fn read(text: &str) -> Option<Object> {
        let budget = Budget::of(0, &Work::on(0));
        Cursor::new(text.as_bytes(), 0, &budget)?.object()
    }

    #[test]
    fn objects_are_read_as_the_standard_writes_them() {
        let hex = |bytes: &[u8]| Object::String(bytes.to_vec(), StringFormat::Hexadecimal);
        let literal = |bytes: &[u8]| Object::String(bytes.to_vec(), StringFormat::Literal);
        for (text, expected) in [
            ("17", Object::Integer(17)),
            ("+17", Object::Integer(17)),
            ("-.002", Object::Real(-0.002)),
            ("4.", Object::Real(4.0)),
            ("12 0 R", Object::Reference((12, 0))),
            ("12 0 Rx", Object::Integer(12)),
            ("[1 2 3 0 R]", vec![1.into(), 2.into(), Object::Reference((3, 0))].into()),
            ("<901FA>", hex(&[0x90, 0x1f, 0xa0])),
            ("<90 1f\na3>", hex(&[0x90, 0x1f, 0xa3])),
            ("(a(b)\\)\\\\)", literal(b"a(b))\\")),
            ("(\\53\\0053\\q\\\r\nx\r\ny)", literal(b"+\x053qx\ny")),
            ("/A#42#20", Object::Name(b"AB ".to_vec())),
            ("/", Object::Name(Vec::new())),
            ("null", Object::Null),
            ("[true%x\nfalse]", vec![true.into(), false.into()].into()),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        let Some(Object::Dictionary(found)) = read("<</A/B/C<</D(e)>>>>") else { panic!() };
        assert_eq!(found.get(b"A").unwrap(), &Object::Name(b"B".to_vec()));
        assert!(found.get(b"C").unwrap().as_dict().unwrap().has(b"D"));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in [
            "",
            "nul",
            "nullx",
            "truer",
            "(a",
            "<9",
            "<9g>",
            "[1",
            "<</A>>",
            "<</A 1",
            "<<A 1>>",
            "<</A 1/A 2>>",
            "--1",
            "1-2",
            "1.2.3",
            "/A#4",
            "/A#GG",
            ">",
            "]",
            "{",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), None);
    }
}
