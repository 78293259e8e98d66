//! Minutes and their signatures through the portal's pages, with the demo's trust service and
//! identity provider behind HTTP, on both databases.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod accidents;
mod beside;
mod boundaries;
mod copies;
mod forms;
mod leave;
mod minutes;
mod order;
mod outcomes;
mod own_device;
mod paper;
mod parties;
mod powers;
mod preservation;
mod reader;
mod refusal;
mod replacing;
mod stage;
mod taking_over;
mod trust_lists;
mod verification;
