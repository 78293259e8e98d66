//! Does a queue grow on the way to a viewer? The trend of one-way delay over groups of packets, after
//! the delay-based controller of draft-ietf-rmcat-gcc-02 with libwebrtc's trend line. Pure; times are
//! microseconds of the sender's and of the receiver's clock.

use std::collections::VecDeque;

/// Packets sent within this time are one group.
const GROUP: i64 = 5_000;
/// Groups that the trend is fitted to.
const WINDOW: usize = 20;
/// How strongly the newest delay counts.
const SMOOTHING: f64 = 0.1;
const GAIN: f64 = 4.0;
/// A trend above the threshold for this long, in ms, is overuse.
const OVERUSE_MS: f64 = 10.0;
/// The threshold follows the trend, down faster than up, within these bounds.
const THRESHOLD: (f64, f64, f64) = (6.0, 12.5, 600.0);
const THRESHOLD_GAINS: (f64, f64) = (0.0087, 0.039);

/// A queue of this many ms above the shortest delay seen is too long, even if it grows no more.
const LONG_QUEUE_MS: f64 = 200.0;
/// The shortest delay is forgotten by so many ms a second: clocks drift, and ways change.
const FORGET_MS: f64 = 2.0;

/// What the queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// It stands.
    #[default]
    Normal,
    /// It grows.
    Over,
    /// It empties.
    Under,
}

#[derive(Clone, Copy)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    last_arrived: i64,
}

/// The detector of one path.
pub(super) struct Trend {
    group: Option<Group>,
    before: Option<Group>,
    accumulated: f64,
    smoothed: f64,
    /// The lowest of `smoothed` lately.
    shortest: f64,
    /// Arrival and smoothed delay, in ms.
    points: VecDeque<(f64, f64)>,
    threshold: f64,
    over_for: Option<f64>,
    last: f64,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            group: None,
            before: None,
            accumulated: 0.0,
            smoothed: 0.0,
            shortest: 0.0,
            points: VecDeque::new(),
            threshold: THRESHOLD.1,
            over_for: None,
            last: 0.0,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    /// A packet that was sent then arrived then.
    pub(super) fn arrived(&mut self, sent: i64, arrived: i64) {
        match &mut self.group {
            Some(group) if sent < group.first_sent => {}
            Some(group) if sent - group.first_sent <= GROUP => {
                group.last_sent = group.last_sent.max(sent);
                group.last_arrived = group.last_arrived.max(arrived);
            }
            _ => {
                let next = Group { first_sent: sent, last_sent: sent, last_arrived: arrived };
                let ended = self.group.replace(next);
                if let (Some(ended), Some(before)) = (ended, self.before) {
                    self.compare(before, ended);
                }
                self.before = ended;
            }
        }
    }

    /// What the queue did at last.
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    fn compare(&mut self, before: Group, group: Group) {
        let sent = (group.last_sent - before.last_sent) as f64 / 1_000.0;
        let arrived = (group.last_arrived - before.last_arrived) as f64 / 1_000.0;
        // After a pause, or when the receiver's clock jumped, the past tells nothing.
        if sent > 3_000.0 || !(-3_000.0..3_000.0).contains(&(arrived - sent)) {
            let threshold = self.threshold;
            *self = Self { group: self.group, threshold, ..Self::default() };
            return;
        }
        self.accumulated += arrived - sent;
        self.smoothed += SMOOTHING * (self.accumulated - self.smoothed);
        let forgotten = self.shortest + FORGET_MS * arrived.max(0.0) / 1_000.0;
        self.shortest = forgotten.min(self.smoothed);
        self.points.push_back((group.last_arrived as f64 / 1_000.0, self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
            let trend = self.slope() * WINDOW as f64 * GAIN;
            self.judge(trend, sent);
        }
    }

    fn slope(&self) -> f64 {
        let count = self.points.len() as f64;
        let origin = self.points.front().map_or(0.0, |(at, _)| *at);
        let mean =
            |value: fn(&(f64, f64)) -> f64| self.points.iter().map(value).sum::<f64>() / count;
        let (at, delay) = (mean(|p| p.0) - origin, mean(|p| p.1));
        let (mut up, mut down) = (0.0, 0.0);
        for (x, y) in &self.points {
            up += (x - origin - at) * (y - delay);
            down += (x - origin - at).powi(2);
        }
        if down > 0.0 { up / down } else { 0.0 }
    }

    fn judge(&mut self, trend: f64, elapsed: f64) {
        self.usage = if trend > self.threshold {
            let over_for = self.over_for.map_or(elapsed / 2.0, |before| before + elapsed);
            let confirmed = self.over_for.is_some() && over_for > OVERUSE_MS && trend >= self.last;
            self.over_for = Some(over_for);
            if confirmed { Usage::Over } else { self.usage }
        } else {
            self.over_for = None;
            if trend < -self.threshold { Usage::Under } else { Usage::Normal }
        };
        if self.smoothed - self.shortest > LONG_QUEUE_MS && trend > -self.threshold {
            self.usage = Usage::Over;
        }
        self.last = trend;
        let size = trend.abs();
        // A spike says nothing of what is usual here.
        if size <= self.threshold + 15.0 {
            let gain = if size < self.threshold { THRESHOLD_GAINS.1 } else { THRESHOLD_GAINS.0 };
            let step = gain * (size - self.threshold) * elapsed.min(100.0);
            self.threshold = (self.threshold + step).clamp(THRESHOLD.0, THRESHOLD.2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packets every 20 ms over a way whose queue grows by so much each time.
    fn run(trend: &mut Trend, from: i64, count: i64, growth: i64) -> Vec<Usage> {
        let mut seen = vec![];
        for n in from..from + count {
            trend.arrived(n * 20_000, n * 20_000 + 50_000 + (n - from) * growth);
            seen.push(trend.usage());
        }
        seen
    }

    #[test]
    fn a_growing_queue_is_overuse_and_a_standing_one_is_not() {
        let mut trend = Trend::default();
        assert!(run(&mut trend, 0, 200, 0).iter().all(|usage| *usage == Usage::Normal));
        let growing = run(&mut trend, 200, 60, 4_000);
        let noticed = growing.iter().position(|usage| *usage == Usage::Over);
        assert!(noticed.is_some_and(|n| n < 40), "{noticed:?}");
    }

    proptest! {
        #[test]
        fn jitter_alone_is_no_lasting_overuse(
            jitter in proptest::collection::vec(0i64..8_000, 400),
        ) {
            let mut trend = Trend::default();
            let mut over = 0;
            for (n, jitter) in (0i64..).zip(jitter) {
                trend.arrived(n * 20_000, n * 20_000 + 30_000 + jitter);
                over += usize::from(trend.usage() == Usage::Over);
            }
            prop_assert!(over < 20, "{over} of 400");
        }

        #[test]
        fn no_times_make_it_panic(
            times in proptest::collection::vec((any::<i32>(), any::<i32>()), 0..200),
        ) {
            let mut trend = Trend::default();
            for (sent, arrived) in times {
                trend.arrived(sent.into(), arrived.into());
            }
        }
    }
}
