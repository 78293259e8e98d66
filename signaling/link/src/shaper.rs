//! What a line does to datagrams. Pure.

use serde::Deserialize;
use std::time::{Duration, Instant};

/// One direction of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Share of datagrams that are lost, 0 to 1.
    pub loss: f64,
    /// Everything is later by this, in milliseconds.
    pub delay_ms: u64,
    /// And by up to this more, differently for each datagram.
    pub jitter_ms: u64,
    /// Bits a second; none: as fast as the machine.
    pub bits_per_second: Option<u64>,
    /// A datagram that would wait longer than this for its turn is lost, in milliseconds.
    pub queue_ms: u64,
}

/// One direction of one line, and what is on it.
#[derive(Debug)]
pub struct Shaper {
    chance: u64,
    /// When the last datagram has left.
    free_at: Option<Instant>,
    /// When the last datagram arrives: none overtakes it.
    arrives: Option<Instant>,
}

/// Bytes of IP and UDP headers, which take their time on the line too.
const HEADERS: u64 = 28;

impl Shaper {
    /// The same seed gives the same losses.
    pub fn new(seed: u64) -> Self {
        Self { chance: seed, free_at: None, arrives: None }
    }

    /// When a datagram of so many bytes arrives; `None` if it is lost.
    pub fn pass(&mut self, bytes: usize, now: Instant, line: &Conditions) -> Option<Instant> {
        // Both are drawn for every datagram, so that one condition does not change the other's luck.
        let (luck, late) = (self.draw(), self.draw());
        if luck < line.loss {
            return None;
        }
        let mut leaves = now;
        if let Some(rate) = line.bits_per_second {
            let start = self.free_at.map_or(now, |free| free.max(now));
            if start.saturating_duration_since(now) > Duration::from_millis(line.queue_ms) {
                return None;
            }
            let micros = (bytes as u64 + HEADERS) * 8 * 1_000_000 / rate.max(1);
            leaves = start + Duration::from_micros(micros);
            self.free_at = Some(leaves);
        }
        let jitter = Duration::from_millis(line.jitter_ms).mul_f64(late);
        let at = leaves + Duration::from_millis(line.delay_ms) + jitter;
        let at = self.arrives.map_or(at, |before| before.max(at));
        self.arrives = Some(at);
        Some(at)
    }

    /// 0 to 1 (SplitMix64: small, and the same for ever).
    fn draw(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(clippy::disallowed_methods, reason = "any moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_clean_line_changes_nothing() {
        let (mut shaper, t0) = (Shaper::new(1), start());
        assert_eq!(shaper.pass(1_200, t0, &Conditions::default()), Some(t0));
    }

    #[test]
    fn a_twentieth_is_lost_and_the_same_each_time() {
        let line = Conditions { loss: 0.05, ..Conditions::default() };
        let t0 = start();
        let run = |seed| {
            let mut shaper = Shaper::new(seed);
            (0..10_000).map(|_| shaper.pass(100, t0, &line).is_none()).collect::<Vec<_>>()
        };
        let lost = run(7);
        assert_eq!(lost, run(7));
        assert_ne!(lost, run(8));
        let count = lost.iter().filter(|lost| **lost).count();
        assert!((400..600).contains(&count), "{count}");
    }

    #[test]
    fn a_narrow_line_takes_its_rate_and_its_queue() {
        let line = Conditions {
            bits_per_second: Some(300_000),
            queue_ms: 200,
            delay_ms: 20,
            ..Conditions::default()
        };
        let (mut shaper, t0) = (Shaper::new(1), start());
        // 972 bytes and headers are 8,000 bits: 26.7 ms each.
        let arrivals: Vec<_> = (0..20).map(|_| shaper.pass(972, t0, &line)).collect();
        let passed: Vec<_> = arrivals.iter().flatten().collect();
        assert_eq!(passed.len(), 8, "200 ms of queue hold seven behind the one on the line");
        assert_eq!(*passed[0] - t0, Duration::from_micros(20_000 + 26_666));
        assert!(shaper.pass(972, t0 + Duration::from_secs(1), &line).is_some());
    }

    proptest! {
        #[test]
        fn nothing_overtakes(seed: u64, gaps in proptest::collection::vec(0u64..50, 1..100)) {
            let line = Conditions { delay_ms: 80, jitter_ms: 40, loss: 0.1, ..Default::default() };
            let (mut shaper, mut now) = (Shaper::new(seed), start());
            let mut last = now;
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Some(at) = shaper.pass(200, now, &line) {
                    prop_assert!(at >= last && at >= now + Duration::from_millis(80));
                    prop_assert!(at <= last.max(now + Duration::from_millis(120)));
                    last = at;
                }
            }
        }
    }
}
