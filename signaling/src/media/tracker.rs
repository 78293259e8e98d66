//! The sequence numbers of one incoming stream: what arrived twice, what is missing and should be
//! asked for, and how reception goes (RFC 3550 §6.4.1). Pure.

use super::wire::rtcp::Reception;
use std::time::{Duration, Instant};

/// Missing packets remembered: about a second of video at its densest. Older ones are of no use.
const MAX_MISSING: usize = 256;
/// A stream that jumps further than this has begun anew.
const MAX_JUMP: i16 = 1_000;
/// A packet may be overtaken for so long before it counts as missing.
const REORDERING: Duration = Duration::from_millis(10);
/// Requests for one missing packet. Without an end to it a hole that cannot be filled eats the
/// sender's bandwidth for as long as it is in sight.
const ASK_TIMES: u8 = 5;
/// Between two requests for one packet, above a round trip.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Packets asked for at once: what fits one datagram.
const ASK_AT_ONCE: usize = 128;
/// Sequence numbers begin here, so that a packet from before the first has one too.
const ORIGIN: u64 = 1 << 16;

struct Missing {
    seq: u64,
    asked: u8,
    next: Instant,
}

/// The state of one stream.
#[derive(Default)]
pub(super) struct Tracker {
    first: u64,
    highest: Option<u64>,
    /// In rising order.
    missing: Vec<Missing>,
    received: u64,
    reported: (u64, u64),
    jitter: f64,
    transit: Option<u32>,
}

impl Tracker {
    /// A packet came; false if it came before, or is too late to be of use.
    pub(super) fn arrive(&mut self, seq: u16, now: Instant) -> bool {
        let Some(highest) = self.highest else {
            self.first = ORIGIN + u64::from(seq);
            self.highest = Some(self.first);
            self.received = 1;
            return true;
        };
        let ahead = seq.wrapping_sub(highest as u16) as i16;
        if ahead > 0 {
            let seq = highest + ahead as u64;
            if ahead <= MAX_JUMP {
                let next = now + REORDERING;
                self.missing.extend((highest + 1..seq).map(|seq| Missing { seq, asked: 0, next }));
            } else {
                self.missing.clear();
            }
            let surplus = self.missing.len().saturating_sub(MAX_MISSING);
            self.missing.drain(..surplus);
            self.highest = Some(seq);
        } else {
            let seq = highest.wrapping_add_signed(ahead.into());
            let Ok(hole) = self.missing.binary_search_by_key(&seq, |m| m.seq) else { return false };
            self.missing.remove(hole);
        }
        self.received += 1;
        true
    }

    /// The packets to ask the sender for now.
    pub(super) fn ask(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        let mut due = vec![];
        for missing in &mut self.missing {
            if missing.next <= now && missing.asked < ASK_TIMES && due.len() < ASK_AT_ONCE {
                due.push(missing.seq as u16);
                missing.asked += 1;
                missing.next = now + round_trip + ASK_AGAIN;
            }
        }
        // What was asked for often enough may still come until the last answer is due.
        self.missing.retain(|m| m.asked < ASK_TIMES || m.next > now);
        due
    }

    /// Something is missing.
    pub(super) fn has_holes(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Notes how regularly packets come: arrival and timestamp in the codec's clock.
    pub(super) fn time(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let change = f64::from((transit.wrapping_sub(before) as i32).unsigned_abs());
            // A pause in the stream is no jitter.
            if change < 90_000.0 {
                self.jitter += (change - self.jitter) / 16.0;
            }
        }
    }

    /// A report block on what came since the last one; the caller adds SSRC and times.
    pub(super) fn report(&mut self) -> Option<Reception> {
        let highest = self.highest?;
        let expected = highest - self.first + 1;
        let (expected_before, received_before) = self.reported;
        let (expected_now, received_now) =
            (expected - expected_before, self.received - received_before);
        self.reported = (expected, self.received);
        let lost = expected_now.saturating_sub(received_now);
        let share = (lost * 256).checked_div(expected_now).unwrap_or(0);
        Some(Reception {
            lost: share.min(255) as u8,
            lost_ever: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            highest: (highest - ORIGIN) as u32,
            jitter: self.jitter as u32,
            ..Default::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_hole_is_asked_for_a_few_times_and_then_given_up() {
        let (mut tracker, t0) = (Tracker::default(), origin());
        let (at, rtt) = (|ms| t0 + Duration::from_millis(ms), Duration::from_millis(50));
        assert!(tracker.arrive(65_534, at(0)));
        assert!(tracker.arrive(2, at(0)));
        assert!(tracker.ask(at(5), rtt).is_empty(), "it may only be overtaken");
        assert_eq!(tracker.ask(at(10), rtt), [65_535, 0, 1]);
        assert!(tracker.ask(at(60), rtt).is_empty(), "the answer is under way");
        assert!(tracker.arrive(0, at(61)));
        assert!(!tracker.arrive(0, at(62)), "twice");
        let mut asked = 1;
        for ms in 63..2_000 {
            match &tracker.ask(at(ms), rtt)[..] {
                [] => {}
                seqs => {
                    assert_eq!(seqs, [65_535, 1]);
                    asked += 1;
                }
            }
        }
        assert_eq!(asked, u64::from(ASK_TIMES));
        assert!(!tracker.has_holes());
        let report = tracker.report().expect("something came");
        assert_eq!((report.lost_ever, report.lost), (2, 102));
    }

    proptest! {
        /// However packets are swapped, repeated and lost, each is let through once at most.
        #[test]
        fn nothing_passes_twice(
            start in any::<u16>(), steps in proptest::collection::vec(-40i32..60, 1..400),
        ) {
            let (mut tracker, now) = (Tracker::default(), origin());
            let mut passed = std::collections::HashSet::new();
            let mut at = i32::from(start) + 0x1_0000;
            for step in steps {
                at += step;
                if tracker.arrive(at as u16, now) {
                    prop_assert!(passed.insert(at), "{at} passed twice");
                }
            }
        }
    }
}
