//! A person's browser without scripts: cookies, pages, forms.

mod page;

pub use page::{Form, Page};

use reqwest::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Longer than the slowest page, signatures included.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Why a page or its form did not do what a person wanted.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Nobody answered: whether something was done must be looked up.
    #[error("no answer from {path}: {error}")]
    Lost {
        /// The address asked.
        path: String,
        /// What the network said.
        error: reqwest::Error,
    },
    /// The hub said no.
    #[error("{path} answered {status}: {told}")]
    Refused {
        /// The address asked.
        path: String,
        /// The answer's status.
        status: StatusCode,
        /// Alerts and complaints beside fields.
        told: String,
    },
    /// The page has no such thing.
    #[error("{path} has no {what}; it says: {told}")]
    Missing {
        /// The page.
        path: String,
        /// What was looked for.
        what: String,
        /// Its heading and alerts.
        told: String,
    },
}

impl BrowserError {
    /// Trying again may help: the hub was away, or is busy.
    pub fn passing(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Refused { status, .. } => status.is_server_error(),
            Self::Missing { .. } => false,
        }
    }
}

/// One browser with its own cookies. Clones share them.
#[derive(Clone)]
pub struct Browser {
    http: Client,
    /// `http://host:port`, without a slash at the end.
    hub: String,
}

impl Browser {
    /// A new browser for the hub at this origin.
    pub fn new(hub: &str) -> Self {
        let http = Client::builder()
            .cookie_store(true)
            .timeout(ANSWERED_WITHIN)
            .user_agent("accordo-loadtests")
            .build()
            .expect("these options fit together");
        Self { http, hub: hub.trim_end_matches('/').to_owned() }
    }

    /// The hub's origin.
    pub fn hub(&self) -> &str {
        &self.hub
    }

    /// Opens a page of the hub.
    ///
    /// # Errors
    /// [`BrowserError`] unless it is there.
    pub async fn open(&self, path: &str) -> Result<Page, BrowserError> {
        self.page(path, self.request(Method::GET, path)).await
    }

    /// Sends a form; the page that follows.
    ///
    /// # Errors
    /// [`BrowserError`], also when the hub shows the form again with complaints.
    pub async fn submit(&self, form: Form) -> Result<Page, BrowserError> {
        let path = form.action.clone();
        let request = self.request(Method::POST, &path);
        let request = if form.multipart {
            let mut parts = reqwest::multipart::Form::new();
            for (name, value) in form.fields {
                parts = parts.text(name, value);
            }
            for file in form.files {
                let part = reqwest::multipart::Part::bytes(file.bytes).file_name(file.file_name);
                parts = parts.part(file.field, part);
            }
            request.multipart(parts)
        } else {
            request.form(&form.fields)
        };
        self.page(&path, request).await
    }

    /// Downloads a file.
    ///
    /// # Errors
    /// [`BrowserError`] unless it is there.
    pub async fn download(&self, path: &str) -> Result<Vec<u8>, BrowserError> {
        let answer = self.send(path, self.request(Method::GET, path)).await?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| lost(path, error))?;
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        let told = String::from_utf8_lossy(&bytes).chars().take(200).collect();
        Err(BrowserError::Refused { path: path.to_owned(), status, told })
    }

    /// Posts JSON as the room's page does; status and JSON of the answer.
    ///
    /// # Errors
    /// [`BrowserError::Lost`] when there is none.
    pub async fn post_json(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(StatusCode, Value), BrowserError> {
        let request =
            self.request(Method::POST, path).header(ACCEPT, "application/json").json(body);
        let answer = self.send(path, request).await?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| lost(path, error))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Sends a file in the field `file`, as the room's page does; status and JSON of the answer.
    ///
    /// # Errors
    /// [`BrowserError::Lost`] when there is none.
    pub async fn send_file(
        &self,
        path: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(StatusCode, Value), BrowserError> {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let answer = self.send(path, self.request(Method::POST, path).multipart(form)).await?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| lost(path, error))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = format!("{}{path}", self.hub);
        let request = self.http.request(method.clone(), address);
        if method == Method::GET { request } else { request.header(ORIGIN, &self.hub) }
    }

    async fn page(&self, path: &str, request: RequestBuilder) -> Result<Page, BrowserError> {
        let answer = self.send(path, request).await?;
        let status = answer.status();
        let at = path_of(&answer);
        let html = answer
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let text = answer.text().await.map_err(|error| lost(path, error))?;
        let page = Page::new(at, text);
        if status.is_success() && html {
            return Ok(page);
        }
        let told = if html { page.told() } else { page.text().chars().take(200).collect() };
        Err(BrowserError::Refused { path: path.to_owned(), status, told })
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Response, BrowserError> {
        request.send().await.map_err(|error| lost(path, error))
    }
}

fn lost(path: &str, error: reqwest::Error) -> BrowserError {
    BrowserError::Lost { path: path.to_owned(), error }
}

/// Where redirects led to: path and query.
fn path_of(answer: &Response) -> String {
    let url = answer.url();
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
