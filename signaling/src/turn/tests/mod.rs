//! The relay as a client meets it: its rules without sockets; over loopback in `ways`.

mod ways;

use super::allocation::{Act, Allocation};
use super::credentials::{Key, User};
use super::door::{Verdict, frame};
use super::stun::{Message, Writer, attribute as a, kind};
use super::*;
use crate::protocol::ParticipantId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

const REALM: &str = "accordo";
const SEAT: ParticipantId = ParticipantId(Uuid::from_u128(7));
const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 9], 5000);
const MEDIA: ([u8; 4], u16) = ([203, 0, 113, 10], 40_000);
/// Where `MEDIA` is reached from this machine.
const INSIDE: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);

fn secret() -> Secret {
    Secret::new("a secret of the relay").unwrap()
}

fn t0() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Who asks, and with which key.
#[derive(Clone)]
struct Who {
    name: String,
    key: Key,
}

fn seat(seat: ParticipantId, now: DateTime<Utc>) -> Who {
    let relay = Relay { urls: vec![], secret: secret() };
    let name = relay.ice_server(seat, now).username.unwrap();
    let key = User::read(&name, &secret(), REALM, now).unwrap().key;
    Who { name, key }
}

type Attributes<'a> = &'a [(u16, &'a [u8])];

fn request(kind: u16, who: &Who, nonce: &str, attributes: Attributes<'_>) -> Vec<u8> {
    with_peers(kind, who, nonce, attributes, &[])
}

fn with_peers(
    kind: u16,
    who: &Who,
    nonce: &str,
    attributes: Attributes<'_>,
    peers: &[SocketAddr],
) -> Vec<u8> {
    let mut transaction = [3; 12];
    transaction[..2].copy_from_slice(&kind.to_be_bytes());
    let mut writer = Writer::new(kind, transaction)
        .put(a::USERNAME, who.name.as_bytes())
        .put(a::REALM, REALM.as_bytes())
        .put(a::NONCE, nonce.as_bytes());
    for (kind, value) in attributes {
        writer = writer.put(*kind, value);
    }
    for peer in peers {
        writer = writer.put_address(a::XOR_PEER_ADDRESS, *peer);
    }
    writer.sign(&who.key)
}

const WISH: Attributes<'static> = &[(a::REQUESTED_TRANSPORT, &[17, 0, 0, 0])];

fn code(reply: &[u8]) -> u16 {
    let message = Message::parse(reply).unwrap();
    match message.get(a::ERROR_CODE) {
        Some(value) => u16::from(value[2]) * 100 + u16::from(value[3]),
        None => 0,
    }
}

fn nonce_in(reply: &[u8]) -> String {
    Message::parse(reply).unwrap().text(a::NONCE).unwrap().to_owned()
}

fn terms() -> Arc<Terms> {
    let peers = vec![Peer { told: MEDIA.into(), at: INSIDE.into() }];
    Arc::new(Terms { realm: REALM.into(), secret: secret(), nonce_key: [5; 20], peers })
}

fn reply(verdict: Verdict) -> Vec<u8> {
    match verdict {
        Verdict::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn answer(act: Act<'_>) -> Vec<u8> {
    match act {
        Act::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

/// A nonce for `CLIENT`.
fn nonce(terms: &Terms) -> String {
    let bare = Writer::new(kind::ALLOCATE, [1; 12]).finish();
    let asked = reply(terms.judge(&bare, CLIENT.into(), t0()));
    assert_eq!(code(&asked), 401);
    nonce_in(&asked)
}

fn allocation(padded: bool) -> (Allocation, Who, String) {
    let (terms, who) = (terms(), seat(SEAT, t0()));
    let nonce = nonce(&terms);
    let packet = request(kind::ALLOCATE, &who, &nonce, WISH);
    let Verdict::Allocate(wish) = terms.judge(&packet, CLIENT.into(), t0()) else {
        panic!("a valid wish is refused");
    };
    let relayed = (MEDIA.0, 50_000).into();
    (Allocation::new(terms, wish, (CLIENT.into(), relayed), padded, t0()), who, nonce)
}

#[test]
fn r_meet_38_only_a_living_credential_of_a_seat_opens_an_allocation() {
    let terms = terms();
    let nonce = nonce(&terms);
    let good = seat(SEAT, t0());
    let ended = seat(SEAT, t0() - CREDENTIAL_LIFE);
    let forged = Who { name: good.name.clone(), key: [0; 16] };
    let other_name = Who { name: good.name.replace("1800", "1900"), key: good.key };
    let late = t0() + TimeDelta::minutes(10);
    for (what, who, nonce, now, expected) in [
        ("ended", &ended, nonce.as_str(), t0(), 401),
        ("late", &good, &nonce, late, 401),
        ("forged", &forged, &nonce, t0(), 401),
        ("lengthened", &other_name, &nonce, t0(), 401),
        ("a nonce of our own making", &good, "6b49d200-0000000000000000", t0(), 438),
        ("garbage for a nonce", &good, "", t0(), 438),
        ("an old nonce", &good, &nonce, t0() + TimeDelta::hours(1), 438),
    ] {
        let packet = request(kind::ALLOCATE, who, nonce, WISH);
        assert_eq!(code(&reply(terms.judge(&packet, CLIENT.into(), now))), expected, "{what}");
    }
    let packet = request(kind::ALLOCATE, &good, &nonce, WISH);
    let elsewhere = ([192, 0, 2, 10], 5000).into();
    let stolen = reply(terms.judge(&packet, elsewhere, t0()));
    assert_eq!(code(&stolen), 438, "a nonce is for one address");
    assert!(matches!(terms.judge(&packet, CLIENT.into(), t0()), Verdict::Allocate(_)));
}

#[test]
fn wishes_that_nobody_fulfils_are_refused_in_words_of_the_rfc() {
    let terms = terms();
    let (who, nonce) = (seat(SEAT, t0()), nonce(&terms));
    for (what, attributes, expected) in [
        ("no transport", &[][..], 400),
        ("TCP to the peer", &[(a::REQUESTED_TRANSPORT, &[6, 0, 0, 0][..])][..], 442),
        ("IPv6", &[WISH[0], (a::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])], 440),
        ("an even port", &[WISH[0], (0x0018, &[0x80])], 420),
    ] {
        let packet = request(kind::ALLOCATE, &who, &nonce, attributes);
        assert_eq!(code(&reply(terms.judge(&packet, CLIENT.into(), t0()))), expected, "{what}");
    }
    let refresh = request(kind::REFRESH, &who, &nonce, &[]);
    assert_eq!(code(&reply(terms.judge(&refresh, CLIENT.into(), t0()))), 437);
    assert!(matches!(terms.judge(b"GET / HTTP/1.1\r\n", CLIENT.into(), t0()), Verdict::Silence));
}

#[test]
fn r_meet_45_nobody_but_the_media_edge_is_a_peer() {
    let stranger = SocketAddr::from(([198, 51, 100, 1], 40_000));
    let same_machine = SocketAddr::from((MEDIA.0, 22));
    let inside = SocketAddr::from(INSIDE);
    let (mut allocation, who, nonce) = allocation(false);
    let permit = |peers: &[_]| with_peers(kind::CREATE_PERMISSION, &who, &nonce, &[], peers);
    for (peers, expected) in [
        (vec![stranger], 403),
        (vec![inside], 403),
        (vec![MEDIA.into(), stranger], 403),
        (vec![], 400),
        (vec![MEDIA.into()], 0),
    ] {
        let packet = permit(&peers);
        assert_eq!(code(&answer(allocation.handle(&packet, t0()))), expected, "{peers:?}");
    }
    for (number, peer, expected) in [
        (0x4000_u16, stranger, 403),
        (0x4000, same_machine, 403),
        (0x4000, inside, 403),
        (0x3fff, MEDIA.into(), 400),
        (0x5000, MEDIA.into(), 400),
        (0x4000, MEDIA.into(), 0),
        (0x4001, MEDIA.into(), 400),
    ] {
        let number = [&number.to_be_bytes()[..], &[0, 0]].concat();
        let attributes = [(a::CHANNEL_NUMBER, &number[..])];
        let packet = with_peers(kind::CHANNEL_BIND, &who, &nonce, &attributes, &[peer]);
        let got = code(&answer(allocation.handle(&packet, t0())));
        assert_eq!(got, expected, "{number:?} {peer}");
    }
    for (peer, expected) in [
        (stranger, Act::Silence),
        (same_machine, Act::Silence),
        (inside, Act::Silence),
        (MEDIA.into(), Act::Forward { to: inside, data: b"hello" }),
    ] {
        let packet = Writer::new(kind::SEND_INDICATION, [4; 12])
            .put_address(a::XOR_PEER_ADDRESS, peer)
            .put(a::DATA, b"hello")
            .finish();
        assert_eq!(allocation.handle(&packet, t0()), expected, "{peer}");
    }
    let channel = [0x40, 0, 0, 2, b'h', b'i', 0, 0];
    let forwarded = Act::Forward { to: inside, data: b"hi" };
    assert_eq!(allocation.handle(&channel, t0()), forwarded);
    assert_eq!(allocation.handle(&[0x40, 1, 0, 2, 0, 0], t0()), Act::Silence, "no such channel");
    assert_eq!(allocation.handle(&[0x40, 0, 0, 9, 0, 0], t0()), Act::Silence, "cut short");
    assert!(allocation.wrap(inside, b"to you", t0()).is_some());
    for other in [stranger, same_machine, MEDIA.into()] {
        assert_eq!(allocation.wrap(other, b"to you", t0()), None, "{other}");
    }
}

#[test]
fn permissions_and_channels_run_out_and_a_second_has_an_end() {
    let inside = SocketAddr::from(INSIDE);
    let (mut allocation, who, nonce) = allocation(true);
    assert_eq!(allocation.wrap(inside, b"early", t0()), None, "nobody asked for it");
    let bind = with_peers(
        kind::CHANNEL_BIND,
        &who,
        &nonce,
        &[(a::CHANNEL_NUMBER, &[0x40, 0, 0, 0])],
        &[MEDIA.into()],
    );
    assert_eq!(code(&answer(allocation.handle(&bind, t0()))), 0);
    let frame = allocation.wrap(inside, b"abcde", t0()).unwrap();
    assert_eq!(frame, b"\x40\0\0\x05abcde\0\0\0", "padded for a stream");
    let packet = [&[0x40, 0, 0x04, 0xb0][..], &[1; 1200]].concat();
    let after = |s| t0() + TimeDelta::seconds(s);
    let sent = (0..2_000).filter(|_| allocation.handle(&packet, after(1)) != Act::Silence).count();
    assert_eq!(sent, 1_666);
    assert_ne!(allocation.handle(&packet, after(2)), Act::Silence);
    assert_eq!(allocation.wrap(inside, b"late", after(300)), None);
    assert_eq!(allocation.handle(&packet, after(300)), Act::Silence);
}

#[test]
fn r_meet_38_what_a_credential_opened_outlives_it_for_its_owner_alone() {
    let (mut allocation, who, nonce) = allocation(false);
    let minutes = |m| t0() + TimeDelta::minutes(m);
    assert_eq!(allocation.until(), minutes(10));
    let refresh = request(kind::REFRESH, &who, &nonce, &[]);
    assert_eq!(code(&answer(allocation.handle(&refresh, minutes(9)))), 0);
    assert_eq!(allocation.until(), minutes(19));
    assert_eq!(code(&answer(allocation.handle(&refresh, minutes(18)))), 0);
    let longer = request(kind::REFRESH, &who, &nonce, &[(a::LIFETIME, &[0, 0, 0xff, 0xff])]);
    assert_eq!(code(&answer(allocation.handle(&longer, minutes(20)))), 0);
    assert_eq!(allocation.until(), minutes(30), "no longer than ten minutes at once");
    let other = seat(ParticipantId(Uuid::from_u128(8)), t0());
    let takeover = request(kind::REFRESH, &other, &nonce, &[]);
    assert_eq!(code(&answer(allocation.handle(&takeover, minutes(20)))), 441);
    let wish = request(kind::ALLOCATE, &who, &nonce, WISH);
    let again = answer(allocation.handle(&wish, minutes(20)));
    assert_eq!(code(&again), 0, "the same request gets the same answer");
    assert!(Message::parse(&again).unwrap().get(a::XOR_RELAYED_ADDRESS).is_some());
    let end = request(kind::REFRESH, &who, &nonce, &[(a::LIFETIME, &[0; 4])]);
    assert_eq!(code(&answer(allocation.handle(&end, minutes(20)))), 0);
    assert_eq!(allocation.until(), minutes(20));
}

#[test]
fn a_stream_is_cut_into_frames() {
    for (bytes, expected) in [
        (&[0, 1, 0][..], None),
        (&[0, 1, 0, 8], Some(Ok(28))),
        (&[0x40, 0, 0, 5], Some(Ok(12))),
        (&[0x4f, 0xff, 0, 0], Some(Ok(4))),
        (&[0x80, 0, 0, 5], Some(Err(door::NoFrame))),
        (b"GET ", Some(Err(door::NoFrame))),
    ] {
        assert_eq!(frame(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn kept_seeds_and_random_bytes_never_panic() {
    use proptest::prelude::*;
    let bytes = proptest::collection::vec(any::<u8>(), 0..400);
    proptest!(|(bytes in bytes, kind in 0u16..0x20)| {
        hostile::read(&bytes);
        let mut packet = Writer::new(kind, [1; 12]).finish();
        packet[3] = (bytes.len() % 256) as u8;
        packet.extend(&bytes);
        hostile::read(&packet);
    });
}
