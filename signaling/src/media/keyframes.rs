//! Key frame requests: those of the viewers that reach us, and how often we pass one on.

use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A request that no key frame answered is repeated after this: it or the answer was lost.
const REPEAT: Duration = Duration::from_millis(250);
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
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        let waiting = self.asked.is_some_and(|at| now.saturating_duration_since(at) < REPEAT);
        let fresh = self.answered.is_some_and(|at| now.saturating_duration_since(at) < PAUSE);
        if waiting || fresh {
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

/// Lets PLI and FIR through to the worker. By default `rtc` ends all RTCP inside its interceptor
/// chain; a packet reaches the application only with `DeliverToApplication` on it.
#[derive(Default)]
pub(super) struct Keyframes {
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Keyframes {
    /// Distance from the wire: behind everything that consumes RTCP itself.
    pub(super) const STAGE: usize = 14_000;
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Keyframes {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &mut msg.message.packet {
            packets.retain(|packet| {
                let packet = packet.as_any();
                packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
            });
            if packets.is_empty() {
                return Ok(());
            }
            msg.message.add(Attribute::DeliverToApplication);
        }
        self.reads.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for Keyframes {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
    fn requests_are_coalesced_but_a_lost_one_is_repeated() {
        let (mut gate, t0) = (Gate::default(), Instant::now());
        let at = |ms| t0 + Duration::from_millis(ms);
        assert!(gate.ask(at(0)));
        assert!(!gate.ask(at(10)), "one is under way");
        assert!(gate.ask(at(251)), "it was lost");
        gate.answer(at(260));
        assert!(!gate.ask(at(300)), "everybody just got one");
        assert!(gate.ask(at(330)), "the next viewer need not wait for the repeat time");
    }
}
