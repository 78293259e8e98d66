//! The media edge with real peers on loopback. Every packet bears the mark that its sender had when
//! it was sent, so that a packet in the wrong place is known even if it was long on its way.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

mod chromium;
mod line;
mod peer;

use line::Line;
use peer::{Peer, SLOTS, id};
use signaling::media::{Media, MediaConfig, MediaError};
use signaling::protocol::{Epoch, RoomId, Session, VideoKind, VideoSource};
use signaling::room::routes::{Routes, Slots};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use uuid::Uuid;

const ROOM: RoomId = RoomId(Uuid::from_u128(1));

fn media() -> Media {
    Media::start(MediaConfig {
        bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        advertise: vec![],
        workers: 1,
        audio_slots: SLOTS,
        video_slots: SLOTS,
    })
    .unwrap()
}

/// Three peers in the room.
async fn three(media: &Media) -> [Peer; 3] {
    let [a, b, c] = [0, 1, 2].map(|n| Peer::connect(media, ROOM, n));
    [a.await, b.await, c.await]
}

/// Everybody is in the session given for them; everybody's slots point at all the others, wherever
/// they are: the media edge has to tell them apart by itself.
fn routes(counter: u64, sessions: &[(u8, Session)]) -> Routes {
    let mut routes = Routes { epoch: Epoch(counter), ..Routes::default() };
    for &(n, session) in sessions {
        routes.sessions.insert(id(n), session);
        let others = || sessions.iter().map(|(other, _)| *other).filter(|other| *other != n);
        let camera = |n| VideoSource { participant: id(n), kind: VideoKind::Camera };
        let audio = others().map(|n| Some(id(n))).collect();
        let video = others().map(|n| Some(camera(n))).collect();
        routes.viewers.insert(id(n), Slots { audio, video });
    }
    routes
}

/// Long enough that hundreds of packets would have come.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

const TOGETHER: [(u8, Session); 3] =
    [(0, Session::Plenary), (1, Session::Plenary), (2, Session::Plenary)];
const APART: [(u8, Session); 3] =
    [(0, Session::Plenary), (1, Session::Plenary), (2, Session::Breakout(1))];

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_41_a_moved_person_and_the_others_get_no_packet_of_each_other() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(1, &TOGETHER)).await.unwrap();
    for (n, others) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
        peers[n].hears(&others, 0).await;
    }

    media.route(ROOM, routes(2, &APART)).await.unwrap();
    peers.iter().for_each(|peer| peer.mark(1));
    peers[0].hears(&[1], 1).await;
    peers[1].hears(&[0], 1).await;
    a_while().await;
    let crossed =
        peers[0].heard(2, 1) + peers[1].heard(2, 1) + peers[2].heard(0, 1) + peers[2].heard(1, 1);
    // `loadtests/tests/in_process.rs` shows on a broken edge that such a count can rise.
    assert_eq!(crossed, 0);
    let counters = media.counters(ROOM).await.unwrap();
    assert!(counters.withheld > 100, "{counters:?}");

    media.route(ROOM, routes(3, &TOGETHER)).await.unwrap();
    peers.iter().for_each(|peer| peer.mark(2));
    for (n, others) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
        peers[n].hears(&others, 2).await;
    }
    let counters = media.counters(ROOM).await.unwrap();
    assert!(counters.forwarded > 100, "{counters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_14_nothing_is_forwarded_to_or_from_somebody_without_a_session() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(1, &TOGETHER[..2])).await.unwrap();
    peers[0].hears(&[1], 0).await;
    a_while().await;
    assert_eq!((peers[0].heard(2, 0), peers[1].heard(2, 0)), (0, 0));
    assert_eq!((peers[2].heard(0, 0), peers[2].heard(1, 0)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_of_an_older_epoch_are_refused_and_change_nothing() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(5, &APART)).await.unwrap();
    let refused = media.route(ROOM, routes(4, &TOGETHER)).await;
    assert!(matches!(refused, Err(MediaError::StaleEpoch)), "{refused:?}");
    peers[0].hears(&[1], 0).await;
    a_while().await;
    assert_eq!(peers[0].heard(2, 0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_27_a_new_network_path_keeps_the_connection() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(1, &TOGETHER)).await.unwrap();
    peers[0].hears(&[1, 2], 0).await;
    peers[1].restart(&media).await;
    peers[1].mark(1);
    peers[0].hears(&[1], 1).await;
    peers[0].mark(1);
    peers[1].hears(&[0], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_27_media_are_followed_to_an_address_that_nobody_told() {
    let media = media();
    let address = media.addresses()[0].bound;
    let line = Line::to(address).await;
    let peers = [
        Peer::connect(&media, ROOM, 0).await,
        Peer::connect_over(&media, ROOM, 1, Some(line.address)).await,
    ];
    media.route(ROOM, routes(1, &TOGETHER[..2])).await.unwrap();
    peers[1].hears(&[0], 0).await;

    // Who repeats what was sent gets nothing for it.
    line.is_echoed();
    a_while().await;
    peers[0].mark(1);
    peers[1].hears(&[0], 1).await;
    assert_eq!(line.strayed(), 0);

    for mark in 2..4 {
        line.moves();
        a_while().await;
        peers.iter().for_each(|peer| peer.mark(mark));
        peers[0].hears(&[1], mark).await;
        peers[1].hears(&[0], mark).await;
    }
    assert_eq!(line.strayed(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_of_a_seat_replaces_the_first() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(1, &TOGETHER)).await.unwrap();
    peers[0].hears(&[1, 2], 0).await;
    let again = Peer::connect(&media, ROOM, 1).await;
    again.mark(1);
    peers[0].hears(&[1], 1).await;
    again.hears(&[0, 2], 0).await;
    let before = peers[1].heard(0, 0);
    a_while().await;
    assert!(peers[1].heard(0, 0) <= before + 5, "the first connection still receives");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_peer_gets_and_gives_nothing() {
    let media = media();
    let peers = three(&media).await;
    media.route(ROOM, routes(1, &TOGETHER)).await.unwrap();
    peers[0].hears(&[1, 2], 0).await;
    media.disconnect(ROOM, id(2));
    // Commands are carried out in order: this one after that.
    media.counters(ROOM).await.unwrap();
    peers.iter().for_each(|peer| peer.mark(1));
    peers[0].hears(&[1], 1).await;
    a_while().await;
    assert_eq!(peers[0].heard(2, 1) + peers[2].heard(0, 1), 0);
}

/// `cargo nextest run --release -p signaling --test media --run-ignored only --no-capture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure of this machine, not a judgement"]
async fn cpu_per_forwarded_packet_at_five_rooms_of_four() {
    let media = media();
    let rooms: Vec<RoomId> = (1..=5).map(|n| RoomId(Uuid::from_u128(n))).collect();
    let mut peers = vec![];
    for &room in &rooms {
        for n in 0..4 {
            peers.push(Peer::connect(&media, room, n).await);
        }
        let together: Vec<_> = (0..4).map(|n| (n, Session::Plenary)).collect();
        media.route(room, routes(1, &together)).await.unwrap();
    }
    let forwarded = async || {
        let mut sum = 0;
        for &room in &rooms {
            sum += media.counters(room).await.unwrap().forwarded;
        }
        sum
    };
    a_while().await;
    let (packets, ticks) = (forwarded().await, media_ticks());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let packets = forwarded().await - packets;
    // USER_HZ is 100 on every Linux that we run on.
    let micros = (media_ticks() - ticks) as f64 * 10_000.0 / packets as f64;
    println!("{} packets/s forwarded, {micros:.1} µs of CPU each", packets / 10);
}

/// CPU time of the media threads so far, user and system, in clock ticks (proc(5)).
fn media_ticks() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).ok())
        .filter(|stat| stat.contains("(media-"))
        .map(|stat| {
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        })
        .sum()
}
