//! Documents: what is to be typeset, and who does it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Digest;

/// Makes the document. Pure computation, a few milliseconds; called off the async threads.
pub trait Typesetter: Send + Sync {
    /// Tagged PDF/A-2a + PDF/UA-1 of the minutes; with annexes, which are associated files then,
    /// PDF/A-3a + PDF/UA-1. The places for the signature fields come back
    /// beside the bytes, one per `form.signers` entry and in that order.
    fn minutes(&self, form: &MinutesForm) -> Result<Typeset, TypesetError>;

    /// Tagged PDF/A-3a + PDF/UA-1 of an evidence log, with the log itself as an associated file.
    fn evidence(&self, form: &EvidenceForm) -> Result<Vec<u8>, TypesetError>;

    /// The first character of `text` that cannot be printed.
    fn unprintable(&self, text: &str) -> Option<char>;

    /// A one-page PDF of exactly the given size (in points) with `lines`, to become the appearance
    /// of a signature. Fonts embedded.
    fn appearance(
        &self,
        lines: &[String],
        width: f32,
        height: f32,
    ) -> Result<Vec<u8>, TypesetError>;

    /// Tagged PDF/A-2a + PDF/UA-1 of a report. A character that cannot be printed comes out as a
    /// question mark: what a report tells of somebody's file may hold any.
    fn sheet(&self, sheet: &Sheet) -> Result<Vec<u8>, TypesetError>;
}

/// A typeset document and where its signature fields go.
#[derive(Clone, Debug, PartialEq)]
pub struct Typeset {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// One place per signer.
    pub fields: Vec<FieldPlace>,
}

/// Place of one signature field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldPlace {
    /// Field name, e.g. `client`.
    pub name: String,
    /// Page, from 1.
    pub page: u32,
    /// Left, bottom, right, top in PDF points.
    pub rect: [f32; 4],
    /// Accessible name of the field (`/TU`), e.g. "Firma di Anna Rossi, cliente".
    pub tooltip: String,
}

/// What the minutes are made from. Plain data; the words around it are in the template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesForm {
    /// Template name, e.g. `conciliazione/accordo`.
    pub template: String,
    /// Folder of the body's own templates, e.g. its host name; they go before those of the
    /// installation. Empty for none.
    pub house: String,
    /// Name of the body.
    pub body: String,
    /// Case number as shown, e.g. `N/2026/000123`.
    pub case_number: String,
    /// Document title, e.g. "Verbale di accordo – pratica N/2026/000123".
    pub title: String,
    /// Day of the meeting in words for the page, e.g. "20 novembre 2026".
    pub meeting_day: String,
    /// From–to, local time, e.g. "10:00–11:12"; the start alone where nobody saw the end.
    pub meeting_time: String,
    /// "Stanza virtuale" or "Call conference".
    pub mode: String,
    /// Everybody who takes part: role, name, fiscal code, powers.
    pub subjects: Vec<MinutesSubject>,
    /// Subject matter of the dispute.
    pub dispute: String,
    /// What the conciliator wrote, paragraphs separated by empty lines. Plain text.
    pub text: String,
    /// Who signs, in order of signature.
    pub signers: Vec<MinutesSigner>,
    /// Which copy this is, and whose (R-SIGN-27); empty where all sign the same document.
    pub mark: String,
    /// It is not frozen yet: every field says who will sign there (R-SIGN-26).
    pub is_preview: bool,
    /// It is printed and signed by hand (R-SIGN-37).
    pub by_hand: bool,
    /// Files that become part of the document, in order.
    pub annexes: Vec<MinutesAnnex>,
    /// The document's own date (UTC).
    pub made_at: DateTime<Utc>,
}

/// One line of the table of subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesSubject {
    /// E.g. "Cliente".
    pub role: String,
    /// Full name.
    pub name: String,
    /// Codice fiscale; may be empty.
    pub fiscal_code: String,
    /// E.g. "procura del 3 marzo 2026"; may be empty.
    pub powers: String,
}

/// A plain document of headed sections: reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Who makes it, e.g. "Servizio Conciliazione".
    pub body: String,
    /// Its title.
    pub title: String,
    /// When it is made.
    pub made_at: DateTime<Utc>,
    /// Its sections.
    pub sections: Vec<SheetSection>,
}

/// A section of a [`Sheet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetSection {
    /// Its heading.
    pub heading: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// What there is to know: label and value.
    pub facts: Vec<(String, String)>,
    /// The same for who wants to know exactly.
    pub details: Vec<(String, String)>,
}

/// What an evidence log looks like on paper (R-SIGN-38).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceForm {
    /// Title.
    pub title: String,
    /// Name of the body.
    pub body: String,
    /// Id of the process.
    pub process: String,
    /// Digest of the document after the last event.
    pub document: String,
    /// One line for each event.
    pub lines: Vec<EvidenceLine>,
    /// The log as [`crate::evidence::EvidenceLog::to_json`] exports it.
    #[serde(skip)]
    pub log: String,
    /// The time of the last event: the same log gives the same bytes.
    pub made_at: DateTime<Utc>,
}

/// One event of an evidence log in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// Position, from 1.
    pub seq: i64,
    /// When, local time.
    pub at: String,
    /// What happened.
    pub what: String,
    /// Who caused it; empty for the service itself.
    pub who: String,
    /// From where; may be empty.
    pub address: String,
    /// Digest of the document after it.
    pub document: String,
    /// Link of the chain.
    pub hash: String,
}

/// A file that becomes an associated file of the document; its digest stands in the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesAnnex {
    /// File name with extension.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// The content; never part of what a template reads as text.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// One signature field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesSigner {
    /// Field name: `client`, `operator_delegate`, `conciliator`, …
    pub field: String,
    /// Role as shown.
    pub role: String,
    /// Full name.
    pub name: String,
}

/// Why a document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TypesetError {
    /// No such template.
    #[error("no template named {0}")]
    NoTemplate(String),
    /// The template has an error; the text says where.
    #[error("template error: {0}")]
    Template(String),
    /// A character that the fonts cannot show; PDF/A has no place for a missing glyph.
    #[error("the character {0:?} cannot be printed")]
    Character(char),
    /// The PDF could not be written as PDF/A and PDF/UA.
    #[error("PDF export failed: {0}")]
    Export(String),
}
