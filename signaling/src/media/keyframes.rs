//! Key frame requests: how often they are passed on to a sender.

use std::time::{Duration, Instant};

/// A request that no key frame answered is repeated after this and a round trip: it or the answer
/// was lost. An encoder answers with its next picture.
const REPEAT: Duration = Duration::from_millis(100);
/// Between two key frames of one stream. Several viewers that ask together get one frame.
const PAUSE: Duration = Duration::from_millis(60);

/// Coalesces the requests for one incoming stream.
#[derive(Default)]
pub(super) struct Gate {
    asked: Option<Instant>,
    answered: Option<Instant>,
}

impl Gate {
    /// Whether a request made now should go to the sender.
    pub(super) fn ask(&mut self, now: Instant, round_trip: Duration) -> bool {
        let within = |at: Option<Instant>, span| {
            at.is_some_and(|at| now.saturating_duration_since(at) < span)
        };
        if within(self.asked, REPEAT + round_trip) || within(self.answered, PAUSE) {
            return false;
        }
        self.asked = Some(now);
        true
    }

    /// A key frame of the stream began to arrive.
    pub(super) fn answer(&mut self, now: Instant) {
        self.asked = None;
        self.answered = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
    fn requests_are_coalesced_but_a_lost_one_is_repeated() {
        let (mut gate, t0) = (Gate::default(), Instant::now());
        let rtt = Duration::from_millis(50);
        let at = |ms| t0 + Duration::from_millis(ms);
        assert!(gate.ask(at(0), rtt));
        assert!(!gate.ask(at(149), rtt), "one is under way");
        assert!(gate.ask(at(150), rtt), "it was lost");
        gate.answer(at(160));
        assert!(!gate.ask(at(200), rtt), "everybody just got one");
        assert!(gate.ask(at(230), rtt), "the next viewer need not wait for the repeat time");
    }
}
