//! Token bucket: how many messages a seat may send.

use chrono::{DateTime, Utc};

/// One seat's allowance, in thousandths of a message.
#[derive(Debug)]
pub(super) struct Bucket {
    left: u64,
    filled_at: DateTime<Utc>,
    burst: u64,
    per_second: u64,
}

const ONE: u64 = 1_000;

impl Bucket {
    pub(super) fn new(burst: u32, per_second: u32, now: DateTime<Utc>) -> Self {
        let burst = u64::from(burst) * ONE;
        Self { left: burst, filled_at: now, burst, per_second: u64::from(per_second.max(1)) }
    }

    /// Takes `cost` messages, or says after how many milliseconds they will be there.
    pub(super) fn take(&mut self, cost: u64, now: DateTime<Utc>) -> Result<(), u64> {
        let passed_ms = (now - self.filled_at).num_milliseconds();
        if passed_ms > 0 {
            // per_second messages a second are per_second thousandths a millisecond
            let filled = (passed_ms as u64).saturating_mul(self.per_second);
            self.left = self.left.saturating_add(filled).min(self.burst);
            self.filled_at = now;
        }
        let cost = cost * ONE;
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err((cost - self.left).div_ceil(self.per_second)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn allows_a_burst_and_then_the_rate() {
        let t0 = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(3, 2, t0);
        for _ in 0..3 {
            assert_eq!(bucket.take(1, t0), Ok(()));
        }
        assert_eq!(bucket.take(1, t0), Err(500));
        assert_eq!(bucket.take(1, t0 + TimeDelta::milliseconds(400)), Err(100));
        assert_eq!(bucket.take(1, t0 + TimeDelta::milliseconds(500)), Ok(()));
        assert_eq!(bucket.take(3, t0 + TimeDelta::days(1)), Ok(()));
        assert_eq!(bucket.take(1, t0), Err(500), "a clock that goes back gives nothing");
    }
}
