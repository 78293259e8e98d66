//! What no request gets past: the origin of changes, and the headers of every answer.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Only our own pages and files; no frame but our own (the room shows the minutes in one).
const CSP: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
    frame-ancestors 'self'";

/// Refuses changes that another site's page sends (CSRF): the cookie alone proves nothing.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || from_ourselves(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "La richiesta non proviene da questo sito.\n").into_response()
    }
}

/// Browsers say where a request comes from; one that says nothing is refused.
fn from_ourselves(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| Some(host) == text(header::HOST))
}

/// Puts the security headers on every answer.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_tech_07_only_our_own_pages_change_anything() {
        let (own, other) = ("https://portal.example", "https://evil.example");
        for (fetch_site, origin, good) in [
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), Some(own), false),
            (Some("cross-site"), Some(own), false),
            (None, Some(own), true),
            (None, Some(other), false),
            (None, Some("null"), false),
            (None, Some("https://portal.example.evil.example"), false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("portal.example"));
            if let Some(site) = fetch_site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(from_ourselves(&headers), good, "{fetch_site:?} {origin:?}");
        }
    }
}
