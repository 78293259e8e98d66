//! The demo's letter box, where everybody reads their codes and mail.

use crate::browser::{Browser, BrowserError};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// A message that would have left the house.
#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    /// Which.
    pub id: Uuid,
    /// `sms` or `mail`.
    pub channel: String,
    /// Empty for SMS.
    pub subject: String,
    /// The words.
    pub text: String,
}

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The page.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// It is not what it should be.
    #[error("the outbox is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Nothing came.
    #[error("no {what} came to {to}")]
    Nothing {
        /// What was waited for.
        what: &'static str,
        /// The recipient.
        to: String,
    },
}

/// Where a code will be the first one that was not there before.
#[derive(Clone, Copy, Debug)]
pub struct Before(Option<Uuid>);

/// One recipient's messages.
pub struct Outbox {
    browser: Browser,
    to: String,
}

impl Outbox {
    /// Messages to a mobile or an address.
    pub fn new(hub: &str, to: &str) -> Self {
        Self { browser: Browser::new(hub), to: to.to_owned() }
    }

    /// All of them, newest first.
    ///
    /// # Errors
    /// [`OutboxError`] when they cannot be read.
    pub async fn messages(&self) -> Result<Vec<Message>, OutboxError> {
        let path = format!("/dev/outbox.json?to={}", urlencoding::encode(&self.to));
        Ok(serde_json::from_slice(&self.browser.download(&path).await?)?)
    }

    /// What is there at present.
    ///
    /// # Errors
    /// [`OutboxError`] when it cannot be read.
    pub async fn before(&self) -> Result<Before, OutboxError> {
        Ok(Before(self.messages().await?.first().map(|message| message.id)))
    }

    /// The code of the newest SMS, as soon as there is one that was not there `before`.
    ///
    /// # Errors
    /// [`OutboxError::Nothing`] when none comes in time.
    pub async fn code(&self, before: Before, patience: Duration) -> Result<String, OutboxError> {
        let end = Instant::now() + patience;
        loop {
            let newest = self.messages().await?.into_iter().next();
            let newest = newest.filter(|message| Some(message.id) != before.0);
            if let Some(code) = newest.and_then(|message| code(&message.text)) {
                return Ok(code);
            }
            if Instant::now() > end {
                return Err(OutboxError::Nothing { what: "code", to: self.to.clone() });
            }
            sleep(LOOKS_EVERY).await;
        }
    }
}

/// The first run of exactly six digits.
fn code(text: &str) -> Option<String> {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| run.len() == 6).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_is_six_digits_and_no_others() {
        for (text, found) in [
            ("123456 è il codice di accesso. Vale 10 minuti.", Some("123456")),
            ("Codice di firma: 654321, documento 2026-0001234.", Some("654321")),
            ("Chiama il numero 800123456.", None),
            ("", None),
        ] {
            assert_eq!(code(text).as_deref(), found, "{text}");
        }
    }
}
