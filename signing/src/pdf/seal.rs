//! The revision that holds a signature: everything is written but the signature itself, for which
//! a gap of zeros is left (ISO 32000-1 §12.8.1).

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Object, StringFormat, dictionary};
use serde::{Deserialize, Serialize};

use super::{appearance, fields::text, signature_fields, update::Update};
use crate::{Digest, pades::DocumentError};

/// `/SubFilter` of PAdES signatures (ETSI EN 319 142-1 §6.3).
pub(crate) const PADES: &str = "ETSI.CAdES.detached";
/// `/SubFilter` of document time stamps (ETSI EN 319 142-1 §5.4.3).
pub(crate) const DOCUMENT_TIMESTAMP: &str = "ETSI.RFC3161";

/// Stands for a byte offset until the revision is written; as wide as any offset may become.
const OFFSET: i64 = 9_999_999_999;
const BYTE_RANGE: &[u8] = b"/ByteRange[0 9999999999 9999999999 9999999999]";

/// What goes into a signature dictionary beside the signature.
pub(crate) enum Entry<'a> {
    /// A person's signature.
    Signature {
        name: &'a str,
        reason: &'a str,
        location: &'a str,
        /// Claimed time (`/M`).
        at: DateTime<Utc>,
        /// One-page PDF shown in the field.
        appearance: Option<&'a [u8]>,
    },
    /// A document time stamp.
    Timestamp,
}

/// A document whose last revision waits for its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsealed {
    #[serde(with = "base64_bytes")]
    pdf: Vec<u8>,
    /// Offset of `<`.
    gap_start: usize,
    /// Offset after `>`.
    gap_end: usize,
}

/// Writes a revision that fills `field` with a signature of at most `room` bytes, still missing.
pub(crate) fn reserve(
    pdf: &[u8],
    field: &str,
    entry: &Entry<'_>,
    room: usize,
) -> Result<Unsealed, DocumentError> {
    let mut update = Update::after(pdf)?;
    let found = signature_fields(update.before()).into_iter().find(|found| found.name == field);
    let found = found.ok_or_else(|| DocumentError::NoField(field.to_owned()))?;
    if found.signed {
        return Err(DocumentError::FieldInUse(field.to_owned()));
    }
    if let Entry::Signature { appearance: Some(page), .. } = entry {
        let form = appearance::import(&mut update, page)?;
        update.edit(found.id)?.set("AP", dictionary! { "N" => form });
    }
    // Added last, so that its number is the highest and it is written after everything else.
    let signature = update.add(signature_dictionary(entry, room));
    update.edit(found.id)?.set("V", signature);
    let header = format!("\n{} {} obj", signature.0, signature.1);
    Unsealed::close(update.write()?, header.as_bytes(), room)
}

impl Unsealed {
    /// Finds the gap and writes the byte range around it.
    fn close(mut pdf: Vec<u8>, header: &[u8], room: usize) -> Result<Self, DocumentError> {
        let lost = DocumentError::Structure("the signature was not written as expected");
        let places = || {
            let object = pdf.windows(header.len()).rposition(|bytes| bytes == header)?;
            let range = object + find(&pdf[object..], BYTE_RANGE)?;
            let contents = range + find(&pdf[range..], b"/Contents<")?;
            Some((range, contents + b"/Contents".len()))
        };
        let Some((range, gap_start)) = places() else { return Err(lost) };
        let gap_end = gap_start + 2 * room + 2;
        if pdf.get(gap_end - 1) != Some(&b'>') {
            return Err(lost);
        }
        let written = format!("/ByteRange[0 {gap_start} {gap_end} {}]", pdf.len() - gap_end);
        let written = format!("{written:<width$}", width = BYTE_RANGE.len());
        pdf[range..range + BYTE_RANGE.len()].copy_from_slice(written.as_bytes());
        Ok(Self { pdf, gap_start, gap_end })
    }

    /// SHA-256 of everything but the gap.
    pub fn digest(&self) -> Digest {
        use sha2::Digest as _;
        let mut hash = sha2::Sha256::new();
        hash.update(self.pdf.get(..self.gap_start).unwrap_or_default());
        hash.update(self.pdf.get(self.gap_end..).unwrap_or_default());
        Digest(hash.finalize().into())
    }

    /// The document with `signature` (DER) in the gap.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub fn seal(&self, signature: &[u8]) -> Result<Vec<u8>, DocumentError> {
        let mut pdf = self.pdf.clone();
        let gap = pdf.get_mut(self.gap_start + 1..self.gap_end.saturating_sub(1));
        let gap = gap.ok_or(DocumentError::Structure("the gap is outside the document"))?;
        let too_large =
            DocumentError::TooLarge { needed: signature.len(), reserved: gap.len() / 2 };
        let place = gap.get_mut(..2 * signature.len()).ok_or(too_large)?;
        hex::encode_to_slice(signature, place).expect("the place is twice as long as the value");
        Ok(pdf)
    }
}

fn signature_dictionary(entry: &Entry<'_>, room: usize) -> Dictionary {
    let mut signature = dictionary! {
        "ByteRange" => vec![0.into(), OFFSET.into(), OFFSET.into(), OFFSET.into()],
        "Contents" => Object::String(vec![0; room], StringFormat::Hexadecimal),
        "Filter" => "Adobe.PPKLite",
    };
    match entry {
        Entry::Timestamp => {
            signature.set("Type", "DocTimeStamp");
            signature.set("SubFilter", DOCUMENT_TIMESTAMP);
        }
        Entry::Signature { name, reason, location, at, .. } => {
            signature.set("Type", "Sig");
            signature.set("SubFilter", PADES);
            signature.set("M", text(&at.format("D:%Y%m%d%H%M%S+00'00'").to_string()));
            for (key, value) in [("Name", name), ("Reason", reason), ("Location", location)] {
                if !value.is_empty() {
                    signature.set(key, text(value));
                }
            }
        }
    }
    signature
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Bytes as base64 in JSON.
pub(crate) mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
