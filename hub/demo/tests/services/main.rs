//! The demo services over real loopback HTTP, spoken to by our own adapters and by outsiders.

#![expect(clippy::unwrap_used, reason = "what helpers of tests unwrap fails the test")]

mod evidence;
mod identity;
mod leave;
mod signing_service;
mod support;
mod time_stamps;
mod trust_lists;
