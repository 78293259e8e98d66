//! How the adapters call out: bounded in time and in size, and never led elsewhere by a redirect.

use std::time::Duration;

/// A client whose every call ends within `timeout`.
pub(crate) fn client(timeout: Duration) -> Result<reqwest::Client, String> {
    builder(timeout).build().map_err(describe)
}

/// The same, still to be restricted further.
pub(crate) fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("accordo-signing")
}

/// Whether what is sent to `url` can be read on the way by nobody: TLS, or this machine.
pub(crate) fn keeps_secrets(url: &reqwest::Url) -> bool {
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && here
}

/// The body of `response`, refused beyond `limit` bytes.
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if bytes.len() + chunk.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The error in words, with its causes, without the address (it may hold a secret).
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
