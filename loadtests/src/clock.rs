//! The load generator's clock: it is an edge, so it may look at the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970. Participants compare it with the hub's clock, so they run on the hub's
/// machine or on one whose clock agrees with it to the millisecond.
pub fn now_ms() -> u64 {
    now_us() / 1_000
}

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this program measures a hub that runs beside it")]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}
