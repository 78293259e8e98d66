//! What we tell a peer of its packets: when they arrived, which are missing, how reception goes.

use super::peer::Peer;
use super::udp::Outbox;
use super::wire::{rtcp, twcc};
use std::time::{Duration, Instant};

/// Between two feedbacks on arrivals.
const ARRIVALS_EVERY: Duration = Duration::from_millis(50);
/// Between two reports.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Packets noted until feedback is due at the latest.
const MAX_NOTED: usize = 512;
/// Our own SSRC in feedback.
pub(super) const SELF: u32 = 1;

/// Arrival times of a peer's packets by transport-wide sequence number.
#[derive(Default)]
pub(super) struct Arrivals {
    noted: Vec<(u64, i64)>,
    highest: Option<u64>,
    count: u8,
    due: Option<Instant>,
    /// Some stream of the peer, which feedback has to name.
    ssrc: u32,
}

impl Arrivals {
    /// A packet of the stream `ssrc` came at `micros` of the worker's clock.
    pub(super) fn note(&mut self, ssrc: u32, seq: u16, micros: i64, now: Instant) {
        let seq = match self.highest {
            Some(highest) => {
                let ahead = seq.wrapping_sub(highest as u16) as i16;
                highest.saturating_add_signed(ahead.into())
            }
            None => 0x1_0000 + u64::from(seq),
        };
        self.highest = self.highest.max(Some(seq));
        self.ssrc = ssrc;
        if self.noted.len() < MAX_NOTED {
            self.noted.push((seq, micros));
        }
        self.due.get_or_insert(now + ARRIVALS_EVERY);
    }

    /// The feedback that is due, as a body for [`rtcp::arrivals`].
    fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.due? > now && self.noted.len() < MAX_NOTED {
            return None;
        }
        self.due = None;
        self.noted.sort_unstable();
        self.noted.dedup_by_key(|(seq, _)| *seq);
        // Only what one feedback can span: the sender went on long since.
        let last = self.noted.last()?.0;
        self.noted.retain(|(seq, _)| last - seq < twcc::MAX_PACKETS as u64);
        let body = twcc::write(&self.noted, self.count);
        self.count = self.count.wrapping_add(1);
        self.noted.clear();
        body
    }
}

impl Peer {
    /// Queues all feedback that is due. `micros` is the worker's clock.
    pub(super) fn give_feedback(&mut self, out: &mut Outbox, micros: i64, now: Instant) {
        if self.keys.is_none() {
            return;
        }
        let mut compound = vec![];
        if let Some(body) = self.arrivals.take(now) {
            rtcp::arrivals(&mut compound, SELF, self.arrivals.ssrc, &body);
        }
        for stream in self.streams.iter_mut().filter(|s| s.tracker.has_holes()) {
            let due = stream.tracker.ask(now, self.round_trip);
            if !due.is_empty() && stream.is_repaired() {
                rtcp::nack(&mut compound, SELF, stream.ssrc, &due);
            }
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_EVERY;
            self.report(&mut compound, micros, now);
        }
        if !compound.is_empty() {
            self.send_rtcp(out, &compound);
        }
    }

    fn report(&mut self, compound: &mut Vec<u8>, micros: i64, now: Instant) {
        let ntp = ntp(micros);
        let mut from = SELF;
        for slot in &self.slots {
            let (packets, bytes) = slot.sent;
            // A slot that rests has said all it had to say.
            let Some(timestamp) = slot.timestamp(now).filter(|_| slot.feeding().is_some()) else {
                continue;
            };
            from = slot.ssrc;
            rtcp::SenderReport { ssrc: slot.ssrc, ntp, timestamp, packets, bytes }.write(compound);
        }
        let receptions = self.streams.iter_mut().filter_map(|stream| {
            let mut reception = stream.tracker.report()?;
            reception.ssrc = stream.ssrc;
            if let Some((ntp, at)) = stream.reported {
                reception.last_report = ntp;
                let since = now.saturating_duration_since(at).as_micros() as u64;
                reception.delay = (since * 65_536 / 1_000_000) as u32;
            }
            Some(reception)
        });
        let receptions = receptions.collect::<Vec<_>>();
        rtcp::receiver_report(compound, from, &receptions);
        rtcp::description(compound, from, super::answer::CNAME.as_bytes());
    }

    /// Seals and queues a compound.
    pub(super) fn send_rtcp(&mut self, out: &mut Outbox, compound: &[u8]) {
        let (Some(path), Some(keys)) = (self.path, &mut self.keys) else { return };
        out.push(path, |bytes, start| {
            bytes.extend_from_slice(compound);
            keys.sealer.rtcp(bytes, start)
        });
    }

    /// A receiver says when it got our sender report: that tells the round trip.
    pub(super) fn heard_back(&mut self, block: rtcp::Block, micros: i64) {
        if block.last_report == 0 {
            return;
        }
        let elapsed =
            ((ntp(micros) >> 16) as u32).wrapping_sub(block.last_report).wrapping_sub(block.delay);
        let round_trip = Duration::from_micros(u64::from(elapsed) * 1_000_000 / 65_536);
        if round_trip < Duration::from_secs(5) {
            self.round_trip = (self.round_trip * 3 + round_trip) / 4;
        }
    }

    /// Notes arrival and timestamp of a packet, for the report's jitter.
    pub(super) fn time(&mut self, stream: usize, timestamp: u32, micros: i64) {
        let stream = &mut self.streams[stream];
        let clock = stream.input.kind().clock();
        stream
            .tracker
            .time((micros as u64).wrapping_mul(clock).div_euclid(1_000_000) as u32, timestamp);
    }
}

/// The worker's clock in NTP format. It tells time spans, not the time of day (RFC 3550 §4 lets
/// a sender without a wall clock do so).
fn ntp(micros: i64) -> u64 {
    let (seconds, rest) = (micros as u64 / 1_000_000, micros as u64 % 1_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
    fn arrivals_are_told_in_order_once_each_and_in_time() {
        let (mut arrivals, t0) = (Arrivals::default(), Instant::now());
        for (seq, micros) in [(65_535u16, 100_000), (1, 100_900), (0, 101_000), (1, 101_500)] {
            arrivals.note(7, seq, micros, t0);
        }
        assert_eq!(arrivals.take(t0 + Duration::from_millis(49)), None);
        let body = arrivals.take(t0 + Duration::from_millis(50)).expect("due");
        let told = twcc::parse(&body).expect("well-formed");
        assert_eq!(told.iter().map(|a| a.seq).collect::<Vec<_>>(), [65_535, 0, 1]);
        assert!(told.iter().all(|a| a.at.is_some()));
        assert_eq!(arrivals.take(t0 + Duration::from_secs(1)), None, "nothing new");
    }

    #[test]
    fn ntp_counts_seconds_and_their_fraction() {
        assert_eq!(ntp(2_500_000), (2 << 32) | (1 << 31));
    }
}
