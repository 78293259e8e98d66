//! Answers that are no pages of a feature.

use askama::Template;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::random::{Random as _, SystemRandom};

/// Why a page is not shown.
#[derive(Debug)]
pub enum PageError {
    /// No such thing, or not for this person: the two are not told apart.
    NotFound,
    /// The person's role does not do this.
    Forbidden,
    /// It cannot be done now, in words for the person.
    Refused(String),
    /// The request makes no sense; with the status that says why.
    Unreadable(StatusCode),
    /// More than any form needs.
    TooLarge,
    /// The answer is ready (a redirect, a JSON refusal).
    Answer(Box<Response>),
    /// Our fault.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// Whatever a handler can fail with and does not explain itself is our fault.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Internal(Box::new(error))
    }
}

#[derive(Template)]
#[template(path = "web/error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    text: &'a str,
    /// Under which the log tells more.
    reference: Option<String>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, text, reference) = match self {
            Self::Answer(answer) => return *answer,
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Pagina non trovata",
                "La pagina non esiste, oppure non fa parte delle tue pratiche.".to_owned(),
                None,
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Operazione non consentita",
                "Il tuo profilo non prevede questa operazione.".to_owned(),
                None,
            ),
            Self::Refused(text) => (StatusCode::CONFLICT, "Operazione non possibile", text, None),
            Self::TooLarge | Self::Unreadable(StatusCode::PAYLOAD_TOO_LARGE) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Richiesta troppo grande",
                "Il modulo inviato è troppo grande: un file deve essere più piccolo di 15 MB. \
                 Torna indietro e riprova con meno testo o con un file più piccolo."
                    .to_owned(),
                None,
            ),
            Self::Unreadable(status) => (
                status,
                "Richiesta non valida",
                "Il portale non può leggere la richiesta. Torna indietro e riprova.".to_owned(),
                None,
            ),
            Self::Internal(error) => {
                let reference = reference();
                tracing::error!(%reference, error = &*error, "a request failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Qualcosa non ha funzionato",
                    "Il guasto è nostro, non tuo. Riprova tra un momento; se si ripete, comunica \
                     all'assistenza il codice qui sotto."
                        .to_owned(),
                    Some(reference),
                )
            }
        };
        let page = ErrorPage { title, text: &text, reference };
        let content = page.render().unwrap_or_else(|_| title.to_owned());
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (status, headers, content).into_response()
    }
}

/// What is refused before a handler sees it (a form without its fields, a wrong method) is answered
/// in English words for programs: people get a page with the same status.
pub(super) async fn in_words(request: Request, next: Next) -> Response {
    let for_people = !request.uri().path().starts_with("/api/");
    let answer = next.run(request).await;
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let has_page = kind.is_some_and(|kind| !kind.starts_with("text/plain"));
    if for_people && answer.status().is_client_error() && !has_page {
        return PageError::Unreadable(answer.status()).into_response();
    }
    answer
}

/// Short, so that it can be read over the telephone.
fn reference() -> String {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()[..8].to_owned()
}
