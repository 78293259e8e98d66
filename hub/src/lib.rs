//! The one binary: puts portal, rooms, signatures and the media test together.
//!
//! **Invariant:** this crate decides nothing about cases, rooms or signatures. It composes the
//! parts and translates between those that do not know each other.
//!
//! Deliberately absent: SQL (portal), rules (the three hearts), and any default for `mode`.

pub mod backup;
pub mod bench_sign;
pub mod demo;
pub mod error;
pub mod guard;
pub mod health;
pub mod identification;
mod limits;
pub mod media_test;
pub mod meetings;
pub mod minutes;
pub mod relay;
pub mod serve;
pub mod settings;
pub mod shell;
pub mod signatures;
pub mod telemetry;
pub mod verify;
pub mod verify_log;

pub use error::HubError;
