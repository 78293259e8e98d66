//! The hub's clock, so that rules can be tested at the edge of a deadline.

use chrono::{DateTime, Utc};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that owns the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
