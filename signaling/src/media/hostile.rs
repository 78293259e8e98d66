//! The way of a stranger's bytes into the media edge, without sockets: for fuzzing.

use super::demux;
use super::offer::Offer;
use super::peer::Peer;
use super::vp8::{Descriptor, Numbers};
use crate::protocol::{ParticipantId, RoomId};
use bytes::Bytes;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rtc::rtp::Packet;
use rtc::shared::marshal::Unmarshal as _;
use std::net::SocketAddr;
use uuid::Uuid;

/// A datagram as it comes to the port, and as what a connection would find in it.
pub fn datagram(bytes: &[u8]) {
    let check = demux::check(bytes);
    assert!(check.is_none_or(|check| check.ufrag.len() <= bytes.len()));
    let _ = (demux::is_rtp(bytes), demux::ssrc(bytes), demux::is_success(bytes));
    let payload = Bytes::copy_from_slice(bytes);
    if let Some(descriptor) = Descriptor::parse(&payload) {
        let offset = Numbers { picture: 0x7fff, tl0: 0xff };
        let (renumbered, _) = descriptor.renumber(&payload, offset);
        assert_eq!(renumbered.len(), payload.len());
    }
    let _ = Packet::unmarshal(&mut payload.clone());
    let _ = rtc::rtcp::packet::unmarshal(&mut payload.clone());
}

/// An offer, up to its answer.
pub fn offer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(offer) = Offer::parse(text, 9, 10) else { return };
    let candidate = SocketAddr::from(([127, 0, 0, 1], 9));
    let (room, participant) = (RoomId(Uuid::nil()), ParticipantId(Uuid::nil()));
    let mut chance = StdRng::seed_from_u64(1);
    let now = super::clock();
    let _ = Peer::answer(room, participant, offer, &[candidate], &mut chance, now);
}
