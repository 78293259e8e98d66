//! The revision that holds a signature: everything is written but the signature itself, for which
//! a gap of zeros is left (ISO 32000-1 §12.8.1).

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, dictionary};
use serde::{Deserialize, Serialize};

use super::{
    appearance,
    fields::{load_form, text},
    signature_fields,
    update::{Gap, Update, Written},
};
use crate::{Digest, pades::DocumentError};

/// `/SubFilter` of PAdES signatures (ETSI EN 319 142-1 §6.3).
pub(crate) const PADES: &str = "ETSI.CAdES.detached";
/// `/SubFilter` of document time stamps (ETSI EN 319 142-1 §5.4.3).
pub(crate) const DOCUMENT_TIMESTAMP: &str = "ETSI.RFC3161";

/// Stands for the byte range until the revision is written; as wide as any may become.
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
    let mut update = Update::lazily_after(pdf)?;
    load_form(&mut update, field)?;
    let found = signature_fields(update.before()).into_iter().find(|found| found.name == field);
    let found = found.ok_or_else(|| DocumentError::NoField(field.to_owned()))?;
    if found.signed {
        return Err(DocumentError::FieldInUse(field.to_owned()));
    }
    if let Entry::Signature { appearance: Some(page), .. } = entry {
        let form = appearance::import(&mut update, page)?;
        update.edit(found.id)?.set("AP", dictionary! { "N" => form });
    }
    let id = update.allot()?;
    update.edit(found.id)?.set("V", id);
    let dictionary = signature_dictionary(entry);
    let gap = Gap { id, dictionary: &dictionary, byte_range: BYTE_RANGE, room };
    Ok(Unsealed::close(update.write_around(Some(&gap))?, room))
}

impl Unsealed {
    /// Writes the byte range around the gap.
    fn close(written: Written, room: usize) -> Self {
        let Written { mut pdf, byte_range, contents: gap_start } = written;
        let gap_end = gap_start + 2 * room + 2;
        let range = format!("/ByteRange[0 {gap_start} {gap_end} {}]", pdf.len() - gap_end);
        let range = format!("{range:<width$}", width = BYTE_RANGE.len());
        pdf[byte_range..byte_range + BYTE_RANGE.len()].copy_from_slice(range.as_bytes());
        Self { pdf, gap_start, gap_end }
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
    pub fn seal(self, signature: &[u8]) -> Result<Vec<u8>, DocumentError> {
        let mut pdf = self.pdf;
        let gap = pdf.get_mut(self.gap_start + 1..self.gap_end.saturating_sub(1));
        let gap = gap.ok_or(DocumentError::Structure("the gap is outside the document"))?;
        let too_large =
            DocumentError::TooLarge { needed: signature.len(), reserved: gap.len() / 2 };
        let place = gap.get_mut(..2 * signature.len()).ok_or(too_large)?;
        hex::encode_to_slice(signature, place).expect("the place is twice as long as the value");
        Ok(pdf)
    }
}

/// Everything but byte range and contents.
fn signature_dictionary(entry: &Entry<'_>) -> Dictionary {
    let mut signature = dictionary! { "Filter" => "Adobe.PPKLite" };
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
