//! Forms with a file.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;

use super::upload::{MAX_BYTES, Upload, UploadRefusal};
use crate::portal::Portal;
use crate::web::PageError;

/// Names and texts around the file of a form.
const FORM_BYTES: usize = 64 * 1024;

/// Lets a form with a file of the allowed size in.
pub(crate) fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MAX_BYTES + FORM_BYTES)
}

/// A form with one file, in the field `file`.
#[derive(Debug)]
pub(crate) struct FileForm {
    fields: BTreeMap<String, String>,
    /// The file, checked.
    pub(crate) file: Result<Upload, UploadRefusal>,
}

impl FileForm {
    /// The text of a field, trimmed; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }
}

impl FromRequest<Portal> for FileForm {
    type Rejection = PageError;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, PageError> {
        let mut form = Self { fields: BTreeMap::new(), file: Err(UploadRefusal::Empty) };
        let unreadable = || PageError::Refused("Il modulo inviato non è leggibile.".to_owned());
        let mut parts = Multipart::from_request(request, portal).await.map_err(|_| unreadable())?;
        loop {
            let part = match parts.next_field().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(form),
                Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    form.file = Err(UploadRefusal::TooLarge);
                    return Ok(form);
                }
                Err(_) => return Err(unreadable()),
            };
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                let file_name = part.file_name().unwrap_or_default().to_owned();
                form.file = match part.bytes().await {
                    Ok(bytes) => Upload::check(&file_name, bytes.into()),
                    Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                        Err(UploadRefusal::TooLarge)
                    }
                    Err(_) => return Err(unreadable()),
                };
            } else {
                let text = part.text().await.map_err(|_| unreadable())?;
                form.fields.insert(name, text);
            }
        }
    }
}
