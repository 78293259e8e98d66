//! DER values: reading into borrowed items, writing by concatenation.

use const_oid::ObjectIdentifier as Oid;
use der::{AnyRef, Decode, Encode, Reader, SliceReader, Tagged};

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `SET`.
pub const SET: u8 = 0x31;
/// `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `OBJECT IDENTIFIER`.
pub const OBJECT_IDENTIFIER: u8 = 0x06;

/// More items than this in one value are taken for an attack.
const MAX_ITEMS: usize = 10_000;

/// One DER value, borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The content octets.
    pub value: &'a [u8],
    /// The whole encoding.
    pub raw: &'a [u8],
}

impl<'a> Item<'a> {
    /// The only value in `bytes`.
    ///
    /// # Errors
    /// Not DER, or bytes left over.
    pub fn only(bytes: &'a [u8]) -> der::Result<Self> {
        let any = AnyRef::from_der(bytes)?;
        Ok(Self { tag: any.tag().octet(), value: any.value(), raw: bytes })
    }

    /// The first value in `bytes`, and what follows it.
    ///
    /// # Errors
    /// Not DER.
    pub fn first(bytes: &'a [u8]) -> der::Result<(Self, &'a [u8])> {
        let mut reader = SliceReader::new(bytes)?;
        let raw = reader.tlv_bytes()?;
        Ok((Self::only(raw)?, &bytes[raw.len()..]))
    }

    /// The values inside this one, which must carry `tag`.
    ///
    /// # Errors
    /// Another tag, or content that is not DER.
    pub fn items(self, tag: u8) -> der::Result<Vec<Item<'a>>> {
        let mut rest = self.expect(tag)?.value;
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, after) = Item::first(rest)?;
            items.push(item);
            rest = after;
            if items.len() > MAX_ITEMS {
                return Err(der::ErrorKind::Overlength.into());
            }
        }
        Ok(items)
    }

    /// Itself, when it carries `tag`.
    ///
    /// # Errors
    /// Another tag.
    pub fn expect(self, tag: u8) -> der::Result<Self> {
        if self.tag == tag { Ok(self) } else { Err(unexpected()) }
    }

    /// Its object identifier.
    ///
    /// # Errors
    /// Not an object identifier.
    pub fn oid(self) -> der::Result<Oid> {
        Oid::from_der(self.raw)
    }
}

/// The error for a value that has not the shape it should have.
pub fn unexpected() -> der::Error {
    der::ErrorKind::Failed.into()
}

/// Object identifier of an `AlgorithmIdentifier`.
///
/// # Errors
/// Another shape.
pub fn algorithm(item: Item<'_>) -> der::Result<Oid> {
    item.items(SEQUENCE)?.first().ok_or_else(unexpected)?.oid()
}

/// One value with this identifier octet.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.extend(u8::try_from(length));
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        out.extend(u8::try_from(bytes.len() - skip).map(|count| 0x80 | count));
        out.extend(&bytes[skip..]);
    }
    out.extend(content);
    out
}

/// A `SEQUENCE` of encoded values.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A DER `SET OF`, sorted (X.690 §11.6), with the given identifier octet.
pub fn set_of(tag: u8, mut values: Vec<Vec<u8>>) -> Vec<u8> {
    values.sort();
    tlv(tag, &values.concat())
}

/// An object identifier.
pub fn oid(oid: Oid) -> Vec<u8> {
    oid.to_der().expect("an object identifier always has a DER form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lengths_are_minimal_and_read_back() {
        for length in [0_usize, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let encoded = tlv(OCTET_STRING, &vec![7; length]);
            let item = Item::only(&encoded).unwrap();
            assert_eq!((item.tag, item.value.len()), (OCTET_STRING, length));
        }
    }

    #[test]
    fn indefinite_length_is_refused() {
        assert!(Item::first(&[0x30, 0x80, 0x02, 0x01, 0x01, 0, 0]).is_err());
    }
}
