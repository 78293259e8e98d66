//! The estimate on simulated lines.

use super::*;
use proptest::prelude::*;

const MS: i64 = 1_000;

/// A line with a queue: rate in bits a second, delay, losses.
struct Line {
    rate: i64,
    delay: i64,
    /// Every n-th packet is lost.
    loses: Option<u64>,
    free_at: i64,
    count: u64,
}

impl Line {
    fn of(rate: i64) -> Self {
        Self { rate, delay: 40 * MS, loses: None, free_at: 0, count: 0 }
    }

    /// When a packet arrives; the queue holds half a second.
    fn carry(&mut self, bytes: usize, now: i64) -> Option<i64> {
        self.count += 1;
        if self.loses.is_some_and(|n| self.count.is_multiple_of(n)) || self.free_at - now > 500 * MS
        {
            return None;
        }
        self.free_at = self.free_at.max(now) + bytes as i64 * 8_000_000 / self.rate;
        Some(self.free_at + self.delay)
    }
}

/// Sends by the estimate, at most `wanted` bits a second, over a line; gives feedback every 100 ms and
/// probes. Returns the estimate at the end of each second.
fn run(line: &mut Line, downlink: &mut Downlink, wanted: u64, from: i64, seconds: i64) -> Vec<u64> {
    const BYTES: usize = 1_000;
    let (mut due, mut told, mut estimates) = (0.0, vec![], vec![]);
    for ms in from..from + seconds * 1_000 {
        let now = ms * MS;
        let rate = downlink.estimate().unwrap_or(wanted).min(wanted);
        due += rate as f64 / 8_000.0;
        while due >= BYTES as f64 {
            due -= BYTES as f64;
            told.push((downlink.sent(BYTES, now), line.carry(BYTES, now)));
        }
        if ms % 100 == 0 {
            downlink.tick(now);
            if let Some(bytes) = downlink.probe(wanted, now) {
                for _ in 0..bytes.div_ceil(BYTES) {
                    told.push((downlink.sent(BYTES, now), line.carry(BYTES, now)));
                }
                downlink.probe_sent();
            }
            let (ready, rest): (Vec<_>, _) =
                told.into_iter().partition(|(_, at)| at.is_none_or(|at| at <= now));
            told = rest;
            let arrivals: Vec<_> = ready.into_iter().map(|(seq, at)| Arrival { seq, at }).collect();
            if !arrivals.is_empty() {
                downlink.feedback(&arrivals, now, 80 * MS);
            }
        }
        if ms % 1_000 == 999 {
            estimates.push(downlink.estimate().unwrap_or(0));
        }
    }
    estimates
}

#[test]
fn a_wide_line_is_found_to_be_wide_within_seconds() {
    let (mut line, mut downlink) = (Line::of(50_000_000), Downlink::new(0));
    let estimates = run(&mut line, &mut downlink, 6_000_000, 0, 10);
    assert!(estimates[9] >= 6_000_000, "{estimates:?}");
}

#[test]
fn a_narrow_line_is_not_flooded_and_not_left_idle() {
    for rate in [300_000i64, 1_000_000, 3_000_000] {
        let (mut line, mut downlink) = (Line::of(rate), Downlink::new(0));
        let estimates = run(&mut line, &mut downlink, 6_000_000, 0, 40);
        let settled = &estimates[15..];
        let mean = settled.iter().sum::<u64>() as f64 / settled.len() as f64 / rate as f64;
        assert!((0.5..1.15).contains(&mean), "{rate}: {mean} {estimates:?}");
        let queue = line.free_at - 40_000 * MS;
        assert!(queue < 400 * MS, "{rate}: {queue} µs are queued");
    }
}

#[test]
fn a_line_that_gets_narrow_is_noticed_and_one_that_recovers_too() {
    let (mut line, mut downlink) = (Line::of(5_000_000), Downlink::new(0));
    run(&mut line, &mut downlink, 4_000_000, 0, 15);
    line.rate = 500_000;
    let narrow = run(&mut line, &mut downlink, 4_000_000, 15_000, 15);
    assert!(narrow[14] < 700_000, "{narrow:?}");
    line.rate = 5_000_000;
    let wide = run(&mut line, &mut downlink, 4_000_000, 30_000, 60);
    assert!(wide[59] > 2_500_000, "{wide:?}");
}

#[test]
fn a_little_loss_holds_the_estimate_and_much_loss_lowers_it() {
    for (loses, expected) in [(20u64, 1_000_000..1_600_000), (4, 0..500_000)] {
        let (mut line, mut downlink) = (Line::of(50_000_000), Downlink::new(0));
        line.loses = Some(loses);
        let estimates = run(&mut line, &mut downlink, 6_000_000, 0, 20);
        assert!(expected.contains(&estimates[19]), "1 of {loses}: {estimates:?}");
    }
}

#[test]
fn silence_lowers_the_estimate_and_a_client_without_feedback_is_not_limited() {
    let mut downlink = Downlink::new(0);
    downlink.sent(1_000, 0);
    downlink.tick(60_000 * MS);
    assert_eq!(downlink.estimate(), None);
    downlink.feedback(&[Arrival { seq: 0, at: Some(0) }], 10 * MS, 0);
    let before = downlink.estimate();
    downlink.sent(1_000, 20 * MS);
    downlink.tick(1_000 * MS);
    assert_eq!(downlink.estimate(), before);
    downlink.tick(3_000 * MS);
    assert!(downlink.estimate() < before);
}

proptest! {
    #[test]
    fn hostile_feedback_never_panics_and_the_estimate_keeps_its_bounds(
        feedback in proptest::collection::vec(
            proptest::collection::vec((any::<u16>(), proptest::option::of(0i64..1 << 40)), 0..40), 0..40),
    ) {
        let mut downlink = Downlink::new(0);
        for (n, arrivals) in feedback.into_iter().enumerate() {
            let now = n as i64 * 50 * MS;
            for _ in 0..10 {
                downlink.sent(1_200, now);
            }
            let arrivals: Vec<_> =
                arrivals.into_iter().map(|(seq, at)| Arrival { seq: seq % 500, at }).collect();
            downlink.feedback(&arrivals, now, 80 * MS);
            downlink.probe(10_000_000, now);
            downlink.probe_sent();
            let estimate = downlink.estimate().expect("feedback came") as f64;
            prop_assert!((BOUNDS.0..=BOUNDS.1).contains(&estimate));
        }
    }
}
