//! What tests of this and other crates stand on: fresh databases, a portal on them with a clock that
//! is set by hand, and a browser without a network.
#![expect(clippy::panic, reason = "a test fails by panicking")]

mod application;
mod browser;
mod databases;
mod parties;
mod world;

pub use application::application;
pub use browser::{Browser, Page};
pub use databases::{Databases, databases};
pub use parties::nobody;
pub use world::{PASSWORD, TestClock, World, portal_on, world, world_with};
