//! The signature program that people have at home, with a card that belongs to whoever they say
//! (R-SIGN-29): a document goes in, and comes out with one PAdES signature more, or in a signed file
//! (CAdES).

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use chrono::TimeDelta;
use openssl::{ec::EcKey, pkey::Private};
use signing::{
    cades,
    pades::{DocumentError, Meta, SignerChain, finish, prepare},
    ports::{SigningMode, Subject},
};

use super::{DemoQtsp, authority, profile};
use crate::DemoError;

/// A card is valid so long.
const CARD_LIFE: TimeDelta = TimeDelta::days(3 * 365);
/// Larger files are refused.
const MAX_BYTES: usize = 16 << 20;

/// Why the program signs nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The card.
    #[error(transparent)]
    Card(#[from] DemoError),
    /// The document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl DemoQtsp {
    /// Signs the reserved `field` of a document with a card of this person: level B-B, as many
    /// programs do.
    ///
    /// # Errors
    /// A document without this field, or with the field signed; a card that cannot be made.
    pub fn sign_on_device(
        &self,
        pdf: &[u8],
        field: &str,
        person: &Subject,
    ) -> Result<Vec<u8>, DeviceError> {
        let (key, chain) = self.card(person)?;
        let meta =
            Meta { name: format!("{} {}", person.given_name, person.surname), ..Meta::default() };
        let prepared = prepare(pdf, field, &chain, None, &meta, self.now())?;
        let signature = authority::sign_digest(&key, &prepared.to_sign().0)?;
        Ok(finish(prepared, &signature, None)?)
    }

    /// Signs any file with a card of this person: a signed file (P7M) around it, or, if it is one
    /// already, with one signature more.
    ///
    /// # Errors
    /// A signed file without content; a card that cannot be made.
    pub fn sign_file_on_device(
        &self,
        file: &[u8],
        person: &Subject,
    ) -> Result<Vec<u8>, DeviceError> {
        let (key, chain) = self.card(person)?;
        let prepared = cades::prepare(file.to_vec(), chain, SigningMode::Hash, self.now())?;
        let signature = authority::sign_digest(&key, &prepared.to_sign().0)?;
        Ok(cades::finish(&prepared, &signature, None)?)
    }

    /// A card of this person.
    fn card(&self, person: &Subject) -> Result<(EcKey<Private>, SignerChain), DeviceError> {
        let (now, inner) = (self.now(), &self.inner);
        let key = authority::new_key()?;
        let validity = (now - TimeDelta::minutes(1), now + CARD_LIFE);
        let (name, serial) = (profile::person_name(person)?, authority::new_serial()?);
        let card = inner.authority.certify(name, &key, &serial, validity)?;
        let chain = SignerChain::from_der(vec![card, inner.authority.issuing.der.clone()])?;
        Ok((key, chain))
    }
}

pub(super) fn routes() -> Router<DemoQtsp> {
    Router::new()
        .route("/dispositivo", get(show).post(sign))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
}

/// What was typed.
#[derive(Debug, Default)]
struct Fields {
    given_name: String,
    surname: String,
    fiscal_code: String,
    field: String,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Page<'a> {
    form: &'a Fields,
    problem: Option<String>,
}

async fn show() -> Response {
    page(&Fields { field: "client".to_owned(), ..Fields::default() }, None)
}

fn page(form: &Fields, problem: Option<String>) -> Response {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    match (Page { form, problem }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page of the demo device");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn sign(State(qtsp): State<DemoQtsp>, mut parts: Multipart) -> Response {
    let (mut form, mut name, mut pdf) = (Fields::default(), String::new(), Vec::new());
    while let Ok(Some(part)) = parts.next_field().await {
        let key = part.name().unwrap_or_default().to_owned();
        if key == "file" {
            name = part.file_name().unwrap_or_default().replace(['"', '\\', '\r', '\n'], "");
            pdf = part.bytes().await.map(Vec::from).unwrap_or_default();
            continue;
        }
        let text = part.text().await.unwrap_or_default().trim().to_owned();
        match key.as_str() {
            "given_name" => form.given_name = text,
            "surname" => form.surname = text,
            "fiscal_code" => form.fiscal_code = text.to_uppercase(),
            "field" => form.field = text,
            _ => {}
        }
    }
    if form.given_name.is_empty() || form.surname.is_empty() || form.fiscal_code.len() != 16 {
        let text = "Scrivi nome, cognome e codice fiscale di 16 lettere e cifre.";
        return page(&form, Some(text.to_owned()));
    }
    let person = Subject {
        given_name: form.given_name.clone(),
        surname: form.surname.clone(),
        fiscal_code: form.fiscal_code.clone(),
    };
    let beside = form.field.is_empty();
    let signed = match beside {
        true => qtsp.sign_file_on_device(&pdf, &person),
        false => qtsp.sign_on_device(&pdf, &form.field, &person),
    };
    match signed {
        Ok(signed) => {
            // A header has no place for other letters.
            let name: String = name.chars().filter(char::is_ascii).collect();
            let (name, kind) = match beside {
                true => (format!("{name}.p7m"), "application/pkcs7-mime"),
                false => {
                    let name = name.strip_suffix(".pdf").unwrap_or(&name);
                    (format!("{name}-signed.pdf"), "application/pdf")
                }
            };
            let shown = format!("attachment; filename=\"{name}\"");
            let kind = (header::CONTENT_TYPE, kind.to_owned());
            ([kind, (header::CONTENT_DISPOSITION, shown)], signed).into_response()
        }
        Err(error) => page(&form, Some(format!("Il documento non si può firmare: {error}."))),
    }
}
