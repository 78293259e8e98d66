//! Forms with a file, and what a page shows of one that comes back.

use std::collections::BTreeMap;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};

use super::upload::{MAX_BYTES, Upload, UploadRefusal};
use crate::portal::Portal;
use crate::web::PageError;

/// Longest text of a field, in bytes.
const TEXT_BYTES: usize = 64 * 1024;

/// Bytes of a request that are read at all. A file that is too large is read to its end up to here
/// and not kept: a browser that is still sending would never see the answer otherwise.
const REQUEST_BYTES: usize = 4 * MAX_BYTES;

/// Lets a form with a file in.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(REQUEST_BYTES)
}

/// The texts of a form by field.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The text of a field, trimmed; empty if it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

/// A form with one file, in the field `file`.
#[derive(Debug)]
pub struct FileForm {
    /// The texts.
    pub fields: Fields,
    /// The file, checked.
    pub file: Result<Upload, UploadRefusal>,
}

/// What is wrong with a field, by its name.
pub(crate) type Faults = Vec<(&'static str, String)>;

/// A form that comes back to the person: why, what was typed, and what is wrong with it. A file
/// cannot be given back.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    /// Why, for the form as a whole.
    pub(crate) sentence: Option<String>,
    fields: Fields,
    faults: Faults,
}

impl Returned {
    /// Refused as a whole.
    pub(crate) fn told(sentence: String) -> Self {
        Self { sentence: Some(sentence), ..Self::default() }
    }

    /// Refused as a whole; what was typed stays.
    pub(crate) fn refused(sentence: String, fields: Fields) -> Self {
        Self { sentence: Some(sentence), fields, faults: Vec::new() }
    }

    /// With fields that have to be corrected.
    pub(crate) fn faulty(fields: Fields, faults: Faults) -> Self {
        let sentence = match faults.as_slice() {
            [_] => "Un campo è da correggere.",
            _ => "Alcuni campi sono da correggere.",
        };
        Self { sentence: Some(sentence.to_owned()), fields, faults }
    }

    /// What was typed.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.text(name)
    }

    /// What is wrong with a field.
    pub(crate) fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(field, _)| *field == name).map(|(_, told)| told.as_str())
    }

    /// The same on a page with several forms alike: of the one whose field `which` has this value.
    pub(crate) fn fault_of(&self, which: &str, value: &str, name: &str) -> Option<&str> {
        if self.text(which) == value { self.fault(name) } else { None }
    }
}

/// With which status a form comes back whose file was judged so.
pub fn status(file: &Result<Upload, UploadRefusal>) -> StatusCode {
    match file {
        Err(UploadRefusal::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn unreadable() -> PageError {
    PageError::Unreadable(StatusCode::BAD_REQUEST)
}

fn failed(error: &MultipartError) -> PageError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
        _ => unreadable(),
    }
}

/// The content of a field; nothing if it has more than `limit` bytes. It is read to its end.
async fn content(mut part: Field<'_>, limit: usize) -> Result<Option<Vec<u8>>, PageError> {
    let (mut content, mut fits) = (Vec::new(), true);
    while let Some(chunk) = part.chunk().await.map_err(|error| failed(&error))? {
        fits = fits && content.len() + chunk.len() <= limit;
        if fits {
            content.extend_from_slice(&chunk);
        }
    }
    Ok(fits.then_some(content))
}

impl FromRequest<Portal> for FileForm {
    type Rejection = PageError;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, PageError> {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > REQUEST_BYTES) {
            return Err(PageError::TooLarge);
        }
        let mut form = Self { fields: Fields::default(), file: Err(UploadRefusal::Empty) };
        let mut parts = Multipart::from_request(request, portal).await.map_err(|_| unreadable())?;
        while let Some(part) = parts.next_field().await.map_err(|error| failed(&error))? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                let file_name = part.file_name().unwrap_or_default().to_owned();
                form.file = match content(part, MAX_BYTES).await? {
                    Some(bytes) => Upload::check(&file_name, bytes),
                    None => Err(UploadRefusal::TooLarge),
                };
            } else {
                let text = content(part, TEXT_BYTES).await?.ok_or(PageError::TooLarge)?;
                let text = String::from_utf8(text).map_err(|_| unreadable())?;
                form.fields.0.insert(name, text);
            }
        }
        Ok(form)
    }
}
