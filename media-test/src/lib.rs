//! The check of browser, network, microphone and webcam before a meeting (R-TEST-01…09).
//!
//! **Invariant:** nothing measured here touches a room, and no media leaves the browser.
//!
//! Deliberately absent: accounts, storage, clocks. The browser measures against the two probe
//! endpoints, sends the figures, and gets the verdict of [`verdict::judge`].

pub mod probe;
pub mod verdict;

pub use probe::router;
