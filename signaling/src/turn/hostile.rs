//! The way of a stranger's bytes into the relay, without sockets: for fuzzing.

use super::allocation::Allocation;
use super::credentials::{Relay, Secret, User};
use super::door::{NoFrame, Peer, Terms, Verdict, Wish, frame};
use crate::protocol::ParticipantId;
use chrono::{DateTime, TimeDelta, Utc};
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Reads `bytes` as a stream would, and gives every frame first to the door and then to an open
/// allocation, whose time passes meanwhile. Panics where the relay would.
pub fn read(bytes: &[u8]) {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (client, media) = (address(1), address(2));
    let secret = Secret::new("only for fuzzing, only here").expect("long enough");
    let relay = Relay { urls: vec![], secret: secret.clone() };
    let mut now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    let name = relay.ice_server(ParticipantId(Uuid::nil()), now).username.unwrap_or_default();
    let Some(user) = User::read(&name, &secret, "hub", now) else { return };
    let peers = vec![Peer { told: media, at: media }];
    let terms = Arc::new(Terms { realm: "hub".into(), secret, nonce_key: [0; 20], peers });
    let wish = Wish { user, transaction: [0; 12], ipv6: false };
    let mut allocation = Allocation::new(Arc::clone(&terms), wish, (client, address(3)), true, now);
    let mut rest = bytes;
    while let Some(length) = frame(rest) {
        let taken = length.map(|length| rest.split_at_checked(length));
        let Ok(Some((packet, after))) = taken else {
            let _: Result<_, NoFrame> = taken;
            break;
        };
        if let Verdict::Reply(reply) = terms.judge(packet, client, now) {
            assert!(reply.len() <= 512, "an answer to a stranger of {} bytes", reply.len());
        }
        let _ = allocation.handle(packet, now);
        let _ = allocation.wrap(media, packet, now);
        now += TimeDelta::seconds(1);
        rest = after;
    }
    let _ = terms.judge(rest, client, now);
    let _ = allocation.handle(rest, now);
}
