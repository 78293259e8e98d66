//! Where a signature stands in the file, and whether it covers its whole revision.

use lopdf::{Dictionary, Object};

use super::{Found, value_of};
use crate::pdf::{self, SignatureField, Work};

const TOO_MUCH: &str = "the document takes too much work";

/// The gap of a signature and the end of the revision that it covers.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Offset of `<`.
    pub gap_start: usize,
    /// Offset after `>`.
    pub gap_end: usize,
    /// Length of the revision.
    pub end: usize,
    /// What stands in the gap.
    pub contents: Vec<u8>,
}

impl Place {
    /// Checks `/ByteRange` strictly (ETSI EN 319 142-1 §5.2, ISO 32000-1 §12.8.1): it starts at 0,
    /// leaves out exactly the hexadecimal string of *this* dictionary's `/Contents`, and ends
    /// where a revision ends, in which the field holds this same dictionary.
    pub(super) fn find(
        pdf: &[u8],
        dictionary: &Dictionary,
        field: &SignatureField,
        work: &Work,
    ) -> Result<Self, &'static str> {
        let range = dictionary.get(b"ByteRange").and_then(Object::as_array);
        let range = range.map_err(|_| "the signature has no byte range")?;
        let range: Option<Vec<usize>> =
            range.iter().map(|number| usize::try_from(number.as_i64().ok()?).ok()).collect();
        let Some(&[0, gap_start, gap_end, rest]) = range.as_deref() else {
            return Err("the byte range is not of the form [0 a b c]");
        };
        let end = gap_end.checked_add(rest).filter(|end| *end <= pdf.len());
        let end = end.ok_or("the byte range reaches beyond the file")?;
        let gap = pdf.get(gap_start..gap_end).filter(|_| gap_end < end);
        // Its bytes are hashed, and searched for the revision that they are.
        if !work.spend(2 * end) {
            return Err(TOO_MUCH);
        }
        let hexadecimal = gap
            .and_then(|gap| gap.strip_prefix(b"<")?.strip_suffix(b">"))
            .ok_or("the byte range does not leave out exactly the signature")?;
        let written = hex::decode(hexadecimal)
            .map_err(|_| "the byte range leaves out more than the signature")?;
        let contents = dictionary.get(b"Contents").and_then(Object::as_str);
        if contents.ok() != Some(written.as_slice()) {
            return Err("the byte range leaves out something else than the signature");
        }
        if !ends_revision(&pdf[..end]) {
            return Err("the byte range does not end with a revision");
        }
        let revision = pdf::open_within(&pdf[..end], work)
            .map_err(|_| "the signed revision cannot be read on its own")?;
        if value_of(&revision, field) != Some(dictionary) {
            return Err("the signed revision holds another signature in this field");
        }
        Ok(Self { gap_start, gap_end, end, contents: written })
    }
}

/// Whether the bytes end with the marker of a revision's end and at most one line end.
pub(super) fn ends_revision(bytes: &[u8]) -> bool {
    [&b""[..], b"\r\n", b"\n", b"\r"]
        .iter()
        .any(|eol| bytes.strip_suffix(*eol).is_some_and(|bytes| bytes.ends_with(b"%%EOF")))
}

/// Two signatures in one revision, or one that reaches into another's: neither says what it seems
/// to say. `found` is sorted by the end of the revision.
pub(super) fn refuse_overlaps(found: &mut [Found]) {
    let mut covered = 0;
    for found in found {
        if let Ok(place) = &found.place {
            let (start, end) = (place.gap_start, place.end);
            if start < covered {
                found.place = Err("it stands in the revision of another signature");
            }
            covered = end;
        }
    }
}
