//! The frame around every page: who asks ([`Visit`]), in which frame the answer stands ([`Chrome`]),
//! how it fails ([`PageError`]), and what no request gets past ([`guard`]).

mod assets;
mod chrome;
mod error;
pub mod guard;
mod home;
mod notice;
mod outbox;
mod path;
mod visit;

pub use chrome::{Chrome, NavLink};
pub use error::PageError;
pub use notice::done;
pub use path::Path;
pub(crate) use visit::wants_json;
pub use visit::{SESSION_COOKIE, Visit, cookie_of, local_path};

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};

use crate::portal::Portal;
use crate::{
    accounts, cases, documents, guests, identification, media_tests, meetings, minutes, powers,
    signatures, verification,
};

/// What a handler answers.
pub type Answer = Result<Response, PageError>;

/// Every page of the portal. The hub adds [`guard::headers`] around everything it serves.
pub fn router(portal: Portal) -> Router {
    let mut pages = Router::new()
        .merge(home::routes())
        .merge(assets::routes())
        .merge(accounts::pages::routes())
        .merge(accounts::staff_pages::routes())
        .merge(cases::pages::routes())
        .merge(documents::pages::routes())
        .merge(identification::person_pages::routes())
        .merge(identification::operator_pages::routes())
        .merge(media_tests::pages::routes())
        .merge(guests::pages::routes())
        .merge(guests::persons_pages::routes())
        .merge(meetings::pages::routes())
        .merge(minutes::pages::routes())
        .merge(powers::pages::routes())
        .merge(signatures::pages::routes())
        .merge(signatures::beside_pages::routes())
        .merge(signatures::leave_pages::routes())
        .merge(signatures::panel_pages::routes())
        .merge(signatures::ending_pages::routes())
        .merge(signatures::opening_pages::routes())
        .merge(signatures::recipients_pages::routes())
        .merge(signatures::replacing_pages::routes())
        .merge(signatures::consent_pages::routes())
        .merge(verification::pages::routes());
    if portal.settings.demo {
        pages = pages.merge(outbox::routes());
    }
    pages
        .fallback(|| async { PageError::NotFound })
        .layer(middleware::from_fn(notice::shown_once))
        .layer(middleware::from_fn(error::in_words))
        .layer(middleware::from_fn(guard::same_origin))
        .with_state(portal)
}

/// A page.
pub fn html<T: Template>(template: &T) -> Answer {
    html_with(StatusCode::OK, template)
}

/// A page with another status: 422 for a form with errors.
pub fn html_with<T: Template>(status: StatusCode, template: &T) -> Answer {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // Nothing of a case stays in the browser's cache after signing out.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((status, headers, template.render()?).into_response())
}

/// Sends the browser to another page with GET.
pub fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}
