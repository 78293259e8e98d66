//! What the media test needs of the hub: the very path that a meeting's media would take.

use async_trait::async_trait;
use serde::Serialize;

/// A relay as `RTCPeerConnection` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Relay {
    /// `turn:` and `turns:` addresses.
    pub urls: Vec<String>,
    /// Short-lived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Belongs to the username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// A connection that was answered.
pub struct Opened {
    /// SDP.
    pub answer: String,
    /// Ends the connection.
    pub end: Box<dyn FnOnce() + Send>,
}

/// Why no connection was answered.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The offer has not the shape of a room's.
    #[error("offer refused: {0}")]
    Offer(String),
    /// The media edge failed.
    #[error("media edge: {0}")]
    Failed(String),
}

/// The hub's media edge.
#[async_trait]
pub trait MediaEdge: Send + Sync + 'static {
    /// Answers an offer as a room would, where nobody else ever is (R-TEST-08).
    async fn open(&self, offer: &str) -> Result<Opened, EdgeError>;

    /// The relays that a room would name.
    fn relays(&self) -> Vec<Relay>;
}
