//! How much of something a peer may have. Pure.

use std::time::Instant;

/// A bucket that fills steadily and holds so much at most.
pub(super) struct Allowance {
    per_second: u32,
    most: u32,
    left: f64,
    at: Instant,
}

impl Allowance {
    /// A full bucket.
    pub(super) fn new(per_second: u32, most: u32, now: Instant) -> Self {
        Self { per_second, most, left: most.into(), at: now }
    }

    /// Takes one; false if none is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = f64::from(self.most).min(self.left + since * f64::from(self.per_second));
        self.at = now;
        let granted = self.left >= 1.0;
        self.left -= f64::from(u8::from(granted));
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
    fn a_burst_and_then_the_steady_rate() {
        let t0 = Instant::now();
        let mut allowance = Allowance::new(10, 5, t0);
        let granted =
            |allowance: &mut Allowance, at| (0..100).filter(|_| allowance.take(at)).count();
        assert_eq!(granted(&mut allowance, t0), 5);
        assert_eq!(granted(&mut allowance, t0 + Duration::from_millis(200)), 2);
        assert_eq!(granted(&mut allowance, t0 + Duration::from_secs(60)), 5);
    }
}
