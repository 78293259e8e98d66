//! A browser without a network: asks the router, keeps cookies, follows nothing by itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body as Content;
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt as _;

use super::world::{PASSWORD, World};
use portal::notifications;

/// What came back.
#[derive(Debug)]
pub struct Page {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Content.
    pub bytes: Vec<u8>,
}

impl Page {
    /// The content as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("only pages are read as text")
    }

    /// Where a redirect leads; empty for none.
    pub fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().expect("addresses are ASCII"))
    }
}

/// Addresses and headers are written by tests.
const WRITTEN: &str = "a test writes requests that are well formed";

/// One browser at one host.
#[derive(Clone, Debug)]
pub struct Browser {
    router: Router,
    host: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Nobody is signed in.
    pub fn new(router: Router, host: &str) -> Self {
        Self { router, host: host.to_owned(), cookies: BTreeMap::new() }
    }

    /// Signs in with username, password and the code from the outbox.
    pub async fn signed_in(router: Router, world: &World, username: &str) -> Self {
        let mut browser = Self::new(router, &world.body.host);
        // The message with the code is the newest one.
        world.clock.advance(chrono::TimeDelta::seconds(1));
        let fields = [("username", username), ("password", PASSWORD)];
        let page = browser.post("/accesso", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text());
        let code = notifications::newest(&world.portal.db, world.body.id, "", 1).await;
        let code = code.expect("the database of a test is open");
        let page = browser.post("/accesso/otp", &[("codice", &code[0].text[..6])]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text());
        browser
    }

    /// A cookie that the browser holds.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.request("GET", path).body(Content::empty()).expect(WRITTEN);
        self.send(request).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encoded: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", urlencoding::encode(value)))
            .collect();
        let request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Content::from(encoded.join("&")))
            .expect(WRITTEN);
        self.send(request).await
    }

    /// Sends a form with a file: its name and content.
    pub async fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        (name, content): (&str, &[u8]),
    ) -> Page {
        let mut body = Vec::new();
        for (field, value) in fields {
            let part = format!(
                "--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.into_bytes());
        }
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n--x--\r\n");
        let request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Content::from(body))
            .expect(WRITTEN);
        self.send(request).await
    }

    /// Sends any request; cookies, host and origin are this browser's.
    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::ORIGIN, format!("http://{}", self.host))
            .header(header::COOKIE, cookies.join("; "))
    }

    /// Sends what [`Browser::request`] began, and keeps the cookies of the answer.
    pub async fn send(&mut self, request: Request<Content>) -> Page {
        let answer = self.router.clone().oneshot(request).await.expect("a router answers");
        let (parts, content) = answer.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("cookies are ASCII").split(';').next();
            let pair = pair.unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let bytes = axum::body::to_bytes(content, usize::MAX).await;
        let bytes = bytes.expect("an answer is within memory").to_vec();
        Page { status: parts.status, headers: parts.headers, bytes }
    }
}
