//! From BER to DER, for containers whose writers stream: indefinite lengths become definite, octet
//! strings in pieces become one. What is DER already comes out as it went in, so the parts that are
//! signed as DER (certificates, signed attributes) stay what they are.

use super::asn1::{OCTET_STRING, tlv, unexpected};

/// Deeper values are taken for an attack.
const MAX_DEPTH: usize = 32;
const CONSTRUCTED: u8 = 0x20;
const HIGH_TAG: u8 = 0x1f;
const END: [u8; 2] = [0, 0];

/// The one BER value in `bytes`, as DER.
///
/// # Errors
/// Not BER, too deep, or something after it.
pub fn to_der(bytes: &[u8]) -> der::Result<Vec<u8>> {
    let (der, rest) = value(bytes, MAX_DEPTH)?;
    if rest.is_empty() { Ok(der) } else { Err(unexpected()) }
}

fn value(bytes: &[u8], depth: usize) -> der::Result<(Vec<u8>, &[u8])> {
    let depth = depth.checked_sub(1).ok_or_else(unexpected)?;
    let (&tag, after) = bytes.split_first().ok_or_else(unexpected)?;
    let (length, after) = length(after)?;
    if tag & HIGH_TAG == HIGH_TAG {
        return Err(unexpected());
    }
    let (mut body, rest) = match length {
        Some(length) => after.split_at_checked(length).ok_or_else(unexpected)?,
        None => (after, after),
    };
    if tag & CONSTRUCTED == 0 {
        return if length.is_some() { Ok((tlv(tag, body), rest)) } else { Err(unexpected()) };
    }
    let pieces = tag == OCTET_STRING | CONSTRUCTED;
    let mut content = Vec::new();
    loop {
        if length.is_none() && body.starts_with(&END) {
            body = &body[END.len()..];
            break;
        }
        if length.is_some() && body.is_empty() {
            break;
        }
        let (child, after) = value(body, depth)?;
        if pieces {
            content.extend_from_slice(super::asn1::Item::only(&child)?.expect(OCTET_STRING)?.value);
        } else {
            content.extend_from_slice(&child);
        }
        body = after;
    }
    let tag = if pieces { OCTET_STRING } else { tag };
    Ok((tlv(tag, &content), if length.is_some() { rest } else { body }))
}

/// The length octets; `None` for an indefinite length.
fn length(bytes: &[u8]) -> der::Result<(Option<usize>, &[u8])> {
    let (&first, rest) = bytes.split_first().ok_or_else(unexpected)?;
    match first {
        0..=0x7f => Ok((Some(usize::from(first)), rest)),
        0x80 => Ok((None, rest)),
        _ => {
            let count = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(count).ok_or_else(unexpected)?;
            if count > size_of::<u32>() {
                return Err(unexpected());
            }
            let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            Ok((Some(length), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streamed_values_become_definite() {
        for (ber, der) in [
            (&[0x30, 0x80, 2, 1, 1, 0, 0][..], &[0x30, 3, 2, 1, 1][..]),
            (&[0x24, 0x80, 4, 1, 7, 0x24, 3, 4, 1, 8, 0, 0], &[4, 2, 7, 8]),
            (&[0xa0, 0x80, 0x30, 0x80, 0, 0, 0, 0], &[0xa0, 2, 0x30, 0]),
            (&[4, 0x81, 1, 9], &[4, 1, 9]),
            (&[0x30, 3, 2, 1, 1], &[0x30, 3, 2, 1, 1]),
        ] {
            assert_eq!(to_der(ber).unwrap(), der, "{ber:?}");
        }
    }

    #[test]
    fn what_is_not_ber_is_refused() {
        let deep = [0x30, 0x80].repeat(100_000);
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 2, 0],
            &[4, 0x80, 0, 0],
            &[0x1f, 1, 0],
            &[0x24, 3, 2, 1, 1],
            &[4, 0x85, 0, 0, 0, 0, 1, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[4, 1, 7, 7],
            &deep,
        ] {
            assert!(to_der(bytes).is_err(), "{:?}", &bytes[..bytes.len().min(9)]);
        }
    }
}
