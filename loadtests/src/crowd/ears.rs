//! Takes what arrived where it was just decrypted: the rest of `rtc` costs more than all before it
//! and is of no use here.

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What came to one peer since this was looked at last.
#[derive(Default)]
pub(super) struct Heard {
    /// Payloads.
    pub(super) payloads: Vec<bytes::Bytes>,
    /// The server asked for a key frame.
    pub(super) keyframe: bool,
}

/// Shared by a peer and its interceptor; both live on one thread.
pub(super) type Inbox = Arc<Mutex<Heard>>;

pub(super) fn take(inbox: &Inbox) -> Heard {
    // Nothing panics halfway through a change.
    std::mem::take(&mut *inbox.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) struct Ears {
    inbox: Inbox,
    outbound: VecDeque<TaggedPacket>,
}

impl Ears {
    /// The first stage behind the keys.
    pub(super) const STAGE: usize = 1;

    pub(super) fn new(inbox: Inbox) -> Self {
        Self { inbox, outbound: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Ears {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, tagged: TaggedPacket) -> Result<(), Error> {
        let mut heard = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match tagged.message.packet {
            Packet::Rtp(packet) => heard.payloads.push(packet.payload),
            Packet::Rtcp(packets) => {
                heard.keyframe |= packets.iter().any(|packet| {
                    let packet = packet.as_any();
                    packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        None
    }

    fn handle_write(&mut self, tagged: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(tagged);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for Ears {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
