//! What a crowd sent and heard.

use crate::report::Percentiles;

/// Width of one step of the distribution, in µs.
const STEP_US: u64 = 10;
/// Longer ones count as this long: a fifth of a second is far beyond use.
const STEPS: usize = 20_000;

/// Counts and delays of one stretch of time.
#[derive(Clone)]
pub struct Tally {
    /// Packets sent.
    pub sent: u64,
    /// Packets heard, each by one peer.
    pub heard: u64,
    /// Heard, and sent in this stretch of time too: loss is measured on these.
    pub heard_fresh: u64,
    /// Heard in a room where they were not sent.
    pub leaked: u64,
    /// Without a stamp of this run.
    pub foreign: u64,
    /// When this stretch began, µs since 1970.
    pub began_us: u64,
    steps: Vec<u32>,
}

impl Tally {
    pub(super) fn new(began_us: u64) -> Self {
        Self {
            sent: 0,
            heard: 0,
            heard_fresh: 0,
            leaked: 0,
            foreign: 0,
            began_us,
            steps: vec![0; STEPS],
        }
    }

    pub(super) fn took(&mut self, us: u64) {
        let step = usize::try_from(us / STEP_US).unwrap_or(STEPS).min(STEPS - 1);
        self.steps[step] = self.steps[step].saturating_add(1);
    }

    /// From sending to arrival.
    pub fn latency(&self) -> Percentiles {
        let all: u64 = self.steps.iter().map(|n| u64::from(*n)).sum();
        let at = |percent: u64| {
            let rank = (all * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let step = self.steps.iter().position(|n| {
                seen += u64::from(*n);
                seen >= rank
            });
            step.map(|step| ((step as u64 + 1) * STEP_US) as f64 / 1_000.0)
        };
        Percentiles { p50: at(50), p95: at(95), p99: at(99), max: at(100), count: all as usize }
    }

    /// The distribution for a plot: share of all that took at most so many ms.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let all = self.steps.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
        let mut seen = 0.0;
        let mut curve = vec![];
        for (step, n) in self.steps.iter().enumerate().filter(|(_, n)| **n > 0) {
            seen += f64::from(*n);
            curve.push(((step as u64 + 1) as f64 * STEP_US as f64 / 1_000.0, seen / all));
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_come_from_the_steps() {
        let mut tally = Tally::new(0);
        assert_eq!(tally.latency().p50, None);
        (0..100).for_each(|n| tally.took(n * 1_000 + 5));
        tally.took(u64::MAX);
        let latency = tally.latency();
        assert_eq!(
            (latency.p50, latency.p99, latency.max),
            (Some(50.01), Some(99.01), Some(200.0))
        );
        assert_eq!(tally.curve().last().map(|(_, share)| *share), Some(1.0));
    }
}
