//! What was just done, told once on the page that follows.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;

use super::see_other;

const COOKIE: &str = "avviso";

/// Sends the browser to a page that shows `text` once.
pub fn done(path: &str, text: &str) -> Response {
    let mut answer = see_other(path);
    let cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
        urlencoding::encode(text)
    );
    let value = HeaderValue::try_from(cookie).expect("an encoded text fits a header");
    answer.headers_mut().append(header::SET_COOKIE, value);
    answer
}

/// The text of the request's notice.
pub(super) fn of(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    urlencoding::decode(jar.get(COOKIE)?.value()).ok().map(std::borrow::Cow::into_owned)
}

/// Forgets the notice once a page was sent.
pub(super) async fn shown_once(request: Request, next: Next) -> Response {
    let shown = of(request.headers()).is_some();
    let mut answer = next.run(request).await;
    let page = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if shown && page {
        let gone = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        let value = HeaderValue::try_from(gone).expect("a constant");
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}
