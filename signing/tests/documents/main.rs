//! Whole documents: signed by a certification authority in memory, tampered with, and shown to
//! validators that are not ours.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod archived_files;
mod attacks;
mod authority;
mod bombs;
mod cades;
mod forged;
mod hostile;
mod hybrid;
mod later_revisions;
mod levels;
mod listed;
mod matrix;
mod outside_validators;
mod process;
mod returned;
mod sample;
mod shadow;
mod signed_files;
mod tampering;
