//! Meetings on both databases: fixing them, the way into the room, the attendance log, the pages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod board;
mod convening;
mod files;
mod guests;
mod pages;
mod room;
mod standing;
mod support;
