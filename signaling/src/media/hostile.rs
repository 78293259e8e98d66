//! The way of a stranger's bytes into the media edge, without sockets: for fuzzing.

use super::dtls::Identity;
use super::offer::Offer;
use super::peer::Peer;
use super::wire::vp8::{Descriptor, Numbers};
use super::wire::{hello, protocol, rtcp, rtp, stun, twcc};
use crate::protocol::{ParticipantId, RoomId};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::net::SocketAddr;
use uuid::Uuid;

/// A datagram as it comes to the port, and as what a connection would find in it.
pub fn datagram(bytes: &[u8]) {
    let _ = protocol(bytes);
    let mut opening = hello::ClientHello::default();
    opening.add(bytes);
    let _ = opening.offers_aead();
    if let Some(check) = stun::Check::parse(bytes) {
        assert!(check.ufrag.len() <= bytes.len());
        check.is_authentic(&mut |_| Some([0; 20]));
        let from = SocketAddr::from(([127, 0, 0, 1], 9));
        assert!(check.success(from, &mut |_| Some([0; 20])).is_some());
    }
    if let Some(header) = rtp::Header::parse(bytes) {
        assert!(header.payload(bytes).is_none_or(|payload| payload.len() < bytes.len()));
        (0..=15).for_each(|id| drop(header.extension(bytes, id).map(<[u8]>::to_vec)));
    }
    for packet in rtcp::packets(bytes) {
        match packet {
            rtcp::Packet::SenderReport { blocks, .. } | rtcp::Packet::ReceiverReport(blocks) => {
                assert!(blocks.iter().count() <= rtcp::MAX_BLOCKS);
            }
            rtcp::Packet::Missing { pairs, .. } => {
                assert!(rtcp::missing(pairs).count() <= 17 * pairs.len() / 4);
            }
            rtcp::Packet::KeyframeWanted(wanted) => {
                assert!(wanted.ssrcs().count() <= bytes.len());
            }
            rtcp::Packet::Arrivals(body) => arrivals(body),
        }
    }
    arrivals(bytes);
    if let Some(descriptor) = Descriptor::parse(bytes) {
        let mut renumbered = bytes.to_vec();
        if let Some(numbers) = descriptor.shifted(Numbers { picture: 0x7fff, tl0: 0xff }) {
            descriptor.renumber(&mut renumbered, numbers);
        }
        descriptor.renumber(&mut renumbered, descriptor.numbers());
        assert_eq!(renumbered, bytes);
    }
}

fn arrivals(body: &[u8]) {
    assert!(twcc::parse(body).is_none_or(|arrivals| arrivals.len() <= twcc::MAX_PACKETS));
}

/// An offer, up to its answer.
pub fn offer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(offer) = Offer::parse(text, 9, 10) else { return };
    let candidate = SocketAddr::from(([127, 0, 0, 1], 9));
    let (room, participant) = (RoomId(Uuid::nil()), ParticipantId(Uuid::nil()));
    let mut chance = StdRng::seed_from_u64(1);
    let identity = Identity::generate().expect("a certificate can be made");
    let edge = (&identity, &[candidate][..]);
    let now = (super::clock(), 0);
    let answer = Peer::answer(room, participant, &offer, edge, &mut chance, now);
    assert!(answer.is_ok_and(|(_, sdp)| sdp.starts_with("v=0\r\n")));
}
