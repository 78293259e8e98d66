//! Who asks, and in which body.

use axum::Json;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse as _;
use axum_extra::extract::cookie::CookieJar;

use super::notice;
use super::{Chrome, PageError, see_other};
use crate::accounts::{Actor, Role, sessions};
use crate::bodies::{self, Body};
use crate::guests;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::random;

/// Name of the cookie that holds the session's token.
pub const SESSION_COOKIE: &str = "accordo";

/// A request by a signed-in person.
///
/// Without a session a page sends to the sign-in and back; an address under `/api/` answers 401. A
/// guest gets only where [`guests::rules::may`] says.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The body whose host was asked.
    pub body: Body,
    /// Who.
    pub actor: Actor,
    /// Frame of the answer.
    pub chrome: Chrome,
    /// What stands behind the question mark of the address; may be empty.
    pub query: String,
}

impl Visit {
    /// Goes on only for one of these roles.
    pub fn require(&self, roles: &[Role]) -> Result<(), PageError> {
        if roles.contains(&self.actor.role) { Ok(()) } else { Err(PageError::Forbidden) }
    }
}

impl FromRequestParts<Portal> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PageError> {
        let visit = visitor(parts, portal).await?;
        let Some(visit) = visit else { return Err(PageError::Answer(Box::new(signed_out(parts)))) };
        match &visit.actor.guest {
            Some(_) if parts.uri.path() == "/" => {
                Err(PageError::Answer(Box::new(see_other(guests::pages::OWN))))
            }
            Some(guest) if !guests::rules::may(guest, parts.uri.path()) => Err(PageError::NotFound),
            _ => Ok(visit),
        }
    }
}

impl OptionalFromRequestParts<Portal> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &Portal,
    ) -> Result<Option<Self>, PageError> {
        let visit = visitor(parts, portal).await?;
        let path = parts.uri.path();
        let kept_out =
            |visit: &Self| visit.actor.guest.as_ref().is_some_and(|g| !guests::rules::may(g, path));
        Ok(visit.filter(|visit| !kept_out(visit)))
    }
}

/// Who asks, wherever a guest may go.
async fn visitor(parts: &mut Parts, portal: &Portal) -> Result<Option<Visit>, PageError> {
    let body = <Body as FromRequestParts<Portal>>::from_request_parts(parts, portal).await?;
    let Some(token) = cookie_of(&parts.headers) else { return Ok(None) };
    let (hash, idle) = (random::hash(&token), portal.settings.idle);
    let actor = sessions::actor(&portal.db, body.id, hash, idle, portal.now()).await?;
    Ok(actor.map(|actor| {
        let notice = notice::of(&parts.headers);
        let (path, demo) = (parts.uri.path(), portal.settings.demo);
        let framed = parts.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
        let mut chrome = Chrome { framed, ..Chrome::of(&body, &actor, path, demo, notice) };
        if actor.role == Role::Conciliator {
            // R-SIGN-40: a mediation has mediators.
            let seats = &portal.profile(&body.procedure).seats;
            chrome.role = seats.of(SeatKind::Neutral).to_owned();
        }
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Visit { body, actor, chrome, query }
    }))
}

impl FromRequestParts<Portal> for Body {
    type Rejection = PageError;

    /// The body of the host that was asked; the oldest one serves every other host.
    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PageError> {
        let host = parts.headers.get(header::HOST).and_then(|h| h.to_str().ok());
        let host = host.or(parts.uri.host()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let mut all = bodies::all(&portal.db).await?;
        let place = all.iter().position(|body| body.host == name).unwrap_or(0);
        if all.is_empty() { Err(PageError::NotFound) } else { Ok(all.swap_remove(place)) }
    }
}

fn signed_out(parts: &Parts) -> axum::response::Response {
    if wants_json(&parts.headers) || parts.uri.path().starts_with("/api/") {
        let answer = serde_json::json!({
            "code": "signed_out",
            "message": "La sessione è terminata. Accedi di nuovo.",
        });
        return (StatusCode::UNAUTHORIZED, Json(answer)).into_response();
    }
    let asked = match parts.method {
        Method::GET => parts.uri.path_and_query().map_or("/", |p| p.as_str()),
        // A form's address shows nothing: back to the page that the form stands on.
        _ => referring_page(&parts.headers).unwrap_or("/"),
    };
    see_other(&format!("/accesso?ritorno={}", urlencoding::encode(asked)))
}

/// Whether a script asks, and not a person.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"))
}

/// Path of the page that sent a request.
fn referring_page(headers: &HeaderMap) -> Option<&str> {
    let address = headers.get(header::REFERER)?.to_str().ok()?;
    let (_, rest) = address.split_once("://")?;
    Some(local_path(&rest[rest.find('/')?..]))
}

/// The session's token in a request.
pub fn cookie_of(headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(SESSION_COOKIE).map(|c| c.value().to_owned())
}

/// `path` if it leads to a page of this portal, else the home: nobody is sent elsewhere after
/// signing in.
pub fn local_path(path: &str) -> &str {
    let bytes = path.as_bytes();
    let elsewhere = matches!(bytes.get(1), Some(b'/' | b'\\'));
    let clean = !path.chars().any(|c| c.is_control() || c == '\\');
    if bytes.first() == Some(&b'/') && !elsewhere && clean { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn r_tech_07_a_sign_in_leads_back_into_the_portal_only() {
        for (path, to) in [
            ("/pratiche?q=a", "/pratiche?q=a"),
            ("/", "/"),
            ("", "/"),
            ("//example.org", "/"),
            ("/\\example.org", "/"),
            ("https://example.org", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("pratiche", "/"),
        ] {
            assert_eq!(local_path(path), to, "{path}");
        }
    }
}
