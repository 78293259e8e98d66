//! How much the way to a viewer can take: an estimate from transport-wide feedback, after
//! draft-ietf-rmcat-gcc-02 (delay trend and loss), with probes to find out whether it could take more.
//! Pure; times are microseconds of the worker's clock.

use super::trend::{Trend, Usage};
use super::wire::twcc::Arrival;
use std::collections::VecDeque;

/// Bits a second before anything is known: two upper layers, or one and several lower ones.
const START: f64 = 1_500_000.0;
/// The estimate stays within these bounds.
const BOUNDS: (f64, f64) = (60_000.0, 30_000_000.0);
/// Packets remembered until feedback on them comes.
const HISTORY: usize = 4_096;
/// Over so long is measured what arrives.
const RATE_SPAN: i64 = 500_000;
/// Delay alone takes the estimate no further down than voices and a small picture need: an
/// old laptop that is busy looks like a queue, and gains nothing by getting less. Loss and silence do.
const DELAY_FLOOR: f64 = 250_000.0;
/// On overuse the estimate falls to this share of what arrives.
const BACK_OFF: f64 = 0.85;
/// The estimate does not fall twice for one and the same queue.
const BACK_OFF_PAUSE: i64 = 300_000;
/// Growth in a second.
const GROWTH: f64 = 1.08;
/// An estimate that is not used does not grow beyond this multiple of what arrives.
const UNUSED: f64 = 1.5;
/// Shares of lost packets: below the first all is well, above the second the line is full.
const LOSS: (f64, f64) = (0.02, 0.10);
/// Packets over which loss is counted.
const LOSS_PACKETS: u32 = 50;
/// Sent bytes without any feedback for this long: the way is broken or choked.
const SILENCE: i64 = 1_500_000;
/// Between two probes, at first and at most; it doubles when a probe finds nothing.
const PROBE_PAUSE: (i64, i64) = (1_000_000, 4_000_000);
/// A probe is to find out whether the way takes this multiple.
const PROBE_REACH: f64 = 2.0;
/// Bytes of a probe: enough to be measured, little enough not to fill a slow line.
const PROBE_BYTES: (usize, usize) = (4_000, 16_000);

struct Sent {
    at: i64,
    bytes: u32,
    probe: bool,
}

/// One probe under way: a burst whose spread on arrival tells the rate.
#[derive(Clone, Copy)]
struct Probe {
    target: f64,
    /// Sequence number behind its last packet.
    end: u64,
    bytes: u32,
    first: Option<i64>,
    last: i64,
}

/// The estimator of one viewer.
pub(super) struct Downlink {
    next: u64,
    history: VecDeque<Sent>,
    trend: Trend,
    estimate: f64,
    /// What arrived lately: time in the receiver's clock, bytes.
    arrived: VecDeque<(i64, u32)>,
    /// The receiver's clock wraps: as told, and as counted on.
    clock: Option<(i64, i64)>,
    backed_off: i64,
    grown: i64,
    counted: (u32, u32),
    lossy: bool,
    heard: Option<i64>,
    sent_since: bool,
    probe: Option<Probe>,
    next_probe: i64,
    probe_pause: i64,
}

impl Downlink {
    pub(super) fn new(now: i64) -> Self {
        Self {
            next: 0,
            history: VecDeque::new(),
            trend: Trend::default(),
            estimate: START,
            arrived: VecDeque::new(),
            clock: None,
            backed_off: now,
            grown: now,
            counted: (0, 0),
            lossy: false,
            heard: None,
            sent_since: false,
            probe: None,
            next_probe: now + PROBE_PAUSE.0,
            probe_pause: PROBE_PAUSE.0,
        }
    }

    /// A packet goes out; returns its transport-wide sequence number.
    pub(super) fn sent(&mut self, bytes: usize, now: i64) -> u16 {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        let seq = self.next;
        self.next += 1;
        let probe = self.probe.is_some_and(|probe| seq < probe.end);
        self.history.push_back(Sent { at: now, bytes: bytes as u32, probe });
        if !self.sent_since {
            self.sent_since = true;
            // Silence counts from the first packet that could be answered.
            self.heard = self.heard.map(|_| now);
        }
        seq as u16
    }

    /// Bits a second that the way takes; `None` until the viewer gave feedback: a client that knows
    /// no such feedback gets what it looks at.
    pub(super) fn estimate(&self) -> Option<u64> {
        self.heard.map(|_| self.estimate as u64)
    }

    /// Feedback of the viewer on packets that were sent.
    pub(super) fn feedback(&mut self, arrivals: &[Arrival], now: i64, round_trip: i64) {
        let first = self.next.saturating_sub(self.history.len() as u64);
        for arrival in arrivals {
            let behind = (self.next as u16).wrapping_sub(arrival.seq);
            let Some(seq) = self.next.checked_sub(u64::from(behind)).filter(|seq| *seq >= first)
            else {
                continue;
            };
            let Some(sent) = self.history.get((seq - first) as usize) else { continue };
            let &Sent { at, bytes, probe } = sent;
            self.counted.0 += 1;
            match arrival.at {
                Some(told) => {
                    let arrived = self.count_on(told);
                    self.trend.arrived(at, arrived);
                    self.arrived.push_back((arrived, bytes));
                    if probe && let Some(probe) = &mut self.probe {
                        // The first packet opens the measurement; its own bytes came before.
                        probe.bytes += if probe.first.is_some() { bytes } else { 0 };
                        probe.first.get_or_insert(arrived);
                        probe.last = probe.last.max(arrived);
                    }
                }
                None => self.counted.1 += 1,
            }
            if self.probe.is_some_and(|probe| seq + 1 >= probe.end) {
                self.end_probe();
            }
        }
        self.heard = Some(now);
        self.sent_since = false;
        self.adapt(now, round_trip);
    }

    /// Looks whether feedback stopped coming.
    pub(super) fn tick(&mut self, now: i64) {
        if self.sent_since && self.heard.is_some_and(|heard| now - heard > SILENCE) {
            self.fall(0.5 * self.estimate, now);
            self.heard = Some(now);
        }
    }

    /// Bytes to send at once to find out whether `wanted` bits a second would pass; `None` if there
    /// is nothing to find out, or not now.
    pub(super) fn probe(&mut self, wanted: u64, now: i64) -> Option<usize> {
        let calm = self.trend.usage() != Usage::Over && !self.lossy;
        let wanted = wanted as f64;
        if self.heard.is_none() || !calm || wanted <= self.estimate || now < self.next_probe {
            return None;
        }
        self.next_probe = now + self.probe_pause;
        self.probe_pause = (2 * self.probe_pause).min(PROBE_PAUSE.1);
        let target = wanted.min(PROBE_REACH * self.estimate);
        let bytes = (target / 8.0 * 0.015) as usize;
        self.probe = Some(Probe { target, end: u64::MAX, bytes: 0, first: None, last: 0 });
        Some(bytes.clamp(PROBE_BYTES.0, PROBE_BYTES.1))
    }

    /// All packets of the probe are out.
    pub(super) fn probe_sent(&mut self) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.end == u64::MAX) {
            probe.end = self.next;
        }
    }

    fn end_probe(&mut self) {
        let Some(probe) = self.probe.take() else { return };
        let Some(first) = probe.first.filter(|_| probe.bytes > 0) else { return };
        let spread = (probe.last - first).max(250) as f64;
        let found = (f64::from(probe.bytes) * 8_000_000.0 / spread).min(probe.target);
        if found > self.estimate * 1.05 {
            self.estimate = found.clamp(BOUNDS.0, BOUNDS.1);
            // The way is wider than was thought: look on at once.
            self.probe_pause = PROBE_PAUSE.0;
            self.next_probe = self.grown + PROBE_PAUSE.0 / 4;
        }
    }

    /// The receiver's time without its wrap after 2²⁴ × 64 ms.
    fn count_on(&mut self, told: i64) -> i64 {
        const WRAP: i64 = (1 << 24) * 64_000;
        let (before, counted) = self.clock.unwrap_or((told, told));
        let ahead = (told - before + WRAP / 2).rem_euclid(WRAP) - WRAP / 2;
        self.clock = Some((told, counted + ahead));
        counted + ahead
    }

    fn arriving(&mut self) -> f64 {
        let newest = self.arrived.iter().map(|(at, _)| *at).max().unwrap_or(0);
        while self.arrived.front().is_some_and(|(at, _)| newest - at > RATE_SPAN) {
            self.arrived.pop_front();
        }
        let bytes: u64 = self.arrived.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        (bytes * 8_000_000) as f64 / RATE_SPAN as f64
    }

    fn adapt(&mut self, now: i64, round_trip: i64) {
        let arriving = self.arriving();
        let elapsed = (now - self.grown).clamp(0, 1_000_000) as f64 / 1_000_000.0;
        self.grown = now;
        let (counted, lost) = self.counted;
        if counted >= LOSS_PACKETS {
            self.counted = (0, 0);
            let share = f64::from(lost) / f64::from(counted);
            self.lossy = share > LOSS.0;
            if share > LOSS.1 && now - self.backed_off > BACK_OFF_PAUSE + round_trip {
                self.fall(self.estimate * (1.0 - 0.5 * share), now);
            }
        }
        match self.trend.usage() {
            Usage::Over if now - self.backed_off > BACK_OFF_PAUSE + round_trip => {
                // What arrives may be little because little was sent: then the queue is another's.
                self.fall((BACK_OFF * arriving).max(0.5 * self.estimate).max(DELAY_FLOOR), now);
            }
            Usage::Normal if !self.lossy && now - self.backed_off > BACK_OFF_PAUSE => {
                let ceiling = UNUSED * arriving + 10_000.0;
                let grown = self.estimate * GROWTH.powf(elapsed);
                self.estimate = grown.min(ceiling).max(self.estimate).min(BOUNDS.1);
            }
            _ => {}
        }
    }

    fn fall(&mut self, to: f64, now: i64) {
        self.estimate = to.min(self.estimate).clamp(BOUNDS.0, BOUNDS.1);
        self.backed_off = now;
        self.probe = None;
        self.next_probe = self.next_probe.max(now + PROBE_PAUSE.0);
    }
}

#[cfg(test)]
#[path = "downlink_tests.rs"]
mod tests;
