//! Every load against real rooms and real media in one process, for a few seconds: the figures mean
//! nothing at this size, what is counted does.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

mod support;

use loadtests::clock::now_ms;
use loadtests::load::{Done, Seats, Target, breakouts, churn, flaky, forwarding, sockets};
use loadtests::process::Process;
use loadtests::stamp::Canary;
use rand::SeedableRng as _;
use signaling::media::broken::ignore_epochs;
use std::net::{IpAddr, Ipv4Addr};
use support::{serve, tickets};
use uuid::Uuid;

/// As many seats as the media of a room have slots for.
const SEATS: usize = 10;

async fn stage(rooms: usize) -> (Target, Seats, Canary) {
    let hub = serve().await;
    let meetings = (1..=rooms).map(|n| Uuid::from_u128(n as u128)).collect();
    let seats = Seats::new(meetings, SEATS, Box::new(move |room, n| tickets(hub, room, n)));
    let target = Target {
        hub: format!("http://{hub}"),
        process: Some(Process(std::process::id())),
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    (target, seats, Canary::new(&mut rand::rngs::StdRng::seed_from_u64(now_ms())))
}

/// A number of the findings.
fn found(done: &Done, name: &str) -> f64 {
    done.findings.pointer(name).and_then(serde_json::Value::as_f64).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarding_counts_every_packet_and_names_its_cost() {
    let (target, seats, canary) = stage(3).await;
    let shapes =
        vec![forwarding::Shape { rooms: 2, people: 3 }, forwarding::Shape { rooms: 1, people: 5 }];
    let settings = forwarding::Settings { seconds: 2, janus: false, shapes };
    let done = forwarding::run(&target, &seats, &settings, canary).await.unwrap();
    assert_eq!(done.findings["shapes"].as_array().unwrap().len(), 2);
    // Both rooms' twelve ways carry 175 packets a second.
    assert!(found(&done, "/shapes/0/forwarded_per_second") > 1_000.0, "{}", done.findings);
    assert!(found(&done, "/cpu_us_per_forwarded_packet") > 0.0);
    assert!(found(&done, "/latency/p50") > 0.0);
    assert_eq!(found(&done, "/shapes/0/leaked_packets"), 0.0);
    assert!(done.findings["janus_ratio"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_read_every_line_once() {
    let (target, seats, canary) = stage(6).await;
    let settings = sockets::Settings { sockets: 60, people: 10, seconds: 2, lines_per_second: 20 };
    let done = sockets::run(&target, &seats, &settings, canary).await.unwrap();
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    assert_eq!((found(&done, "/sockets"), found(&done, "/read")), (60.0, 400.0));
    assert_eq!(found(&done, "/fanout/count"), 400.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_41_constant_moves_leak_nothing_unless_the_edge_is_broken() {
    let moves = async || {
        let (target, seats, canary) = stage(2).await;
        let settings = breakouts::Settings { rooms: 2, seconds: 4, stay_ms: 200 };
        breakouts::run(&target, &seats, &settings, canary).await.unwrap()
    };
    let done = moves().await;
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    assert_eq!(found(&done, "/leaked_packets"), 0.0);
    assert!(found(&done, "/moves") >= 4.0 && found(&done, "/packets") > 500.0);
    assert!(found(&done, "/breakout_switch/p95") > 0.0);
    ignore_epochs();
    let done = moves().await;
    assert!(found(&done, "/leaked_packets") > 0.0, "the check finds nothing");
    assert!(!done.failures.is_empty(), "the run does not fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_and_goes_leaves_nothing_behind() {
    let (target, seats, canary) = stage(2).await;
    let settings = churn::Settings {
        rooms: 2,
        people: 3,
        stay_ms: 300,
        warm_up_seconds: 3,
        seconds: 4,
        settle_seconds: 1,
        // The generator is in the same process.
        may_grow_kb: 100_000,
    };
    let done = churn::run(&target, &seats, &settings, canary).await.unwrap();
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    assert!(found(&done, "/joins") >= 6.0, "{}", done.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_27_torn_sockets_lose_and_double_nothing() {
    let (target, seats, canary) = stage(2).await;
    let settings =
        flaky::Settings { rooms: 2, people: 4, seconds: 5, cut_every_ms: 700, line_every_ms: 100 };
    let done = flaky::run(&target, &seats, &settings, canary).await.unwrap();
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    assert!(found(&done, "/cuts") > 10.0 && found(&done, "/lines") > 50.0, "{}", done.findings);
    assert!(found(&done, "/resume/p95") > 0.0);
}
