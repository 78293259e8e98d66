//! The clock of rules (R-TECH-16). Everything that depends on time gets `now` from here.

use chrono::{DateTime, Utc};

use crate::db::kept;

/// Says what time it is, in whole microseconds.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> DateTime<Utc> {
        kept(Utc::now())
    }
}
