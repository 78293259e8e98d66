//! The check of browser, network, microphone and webcam before a meeting (R-TEST-01…09).
//!
//! **Invariant:** nothing measured here touches a room, and nothing that a microphone or a webcam
//! delivers leaves the browser. The connection that tries the media path carries a tone that the
//! browser makes itself, is alone, and ends by itself.
//!
//! Deliberately absent: accounts and storage. The browser measures against [`probe`]'s endpoints,
//! sends the figures, and gets the verdict of [`verdict::judge`]. The media path is the hub's own,
//! reached through [`edge::MediaEdge`]; [`limits`] bounds what a stranger can ask for.

pub mod edge;
pub mod limits;
pub mod probe;
pub mod verdict;

pub use probe::router;
