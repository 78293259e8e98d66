//! The participants against real rooms and real media, in one process.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

mod support;

use loadtests::clock::now_ms;
use loadtests::isolation::{Arrival, Isolation};
use loadtests::participant::{Entrance, Participant};
use loadtests::stamp::Canary;
use rand::SeedableRng as _;
use signaling::media::broken::ignore_epochs;
use signaling::protocol::*;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use support::{serve, tickets};
use uuid::Uuid;

const ROOM: RoomId = RoomId(Uuid::from_u128(1));

async fn enter(hub: SocketAddr, n: u8, canary: Canary, isolation: &Arc<Isolation>) -> Participant {
    let entrance = Entrance {
        name: format!("seat {n}"),
        room: ROOM,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        canary,
        isolation: Arc::clone(isolation),
        tickets: tickets(hub, ROOM.0, n.into()),
        patience: Duration::from_secs(20),
    };
    Participant::enter(entrance).await.unwrap()
}

/// Everybody in `all` hears voice and picture of all others there.
async fn all_hear(all: &[&Participant], session: Session, epoch: Epoch) {
    for one in all {
        for other in all.iter().filter(|other| other.me() != one.me()) {
            let heard = |ears: &loadtests::media::Ears| ears.both(other.me(), session, epoch);
            one.hears(&format!("{} in {session}", other.name), heard).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_41_a_breakout_leaks_nothing_unless_the_edge_is_broken() {
    let leaks = meet().await;
    assert!(leaks.is_empty(), "{} leaks, such as {:?}", leaks.len(), leaks.first());
    ignore_epochs();
    assert!(!meet().await.is_empty(), "the check finds nothing");
}

/// A meeting with a breakout; the packets that crossed.
async fn meet() -> Vec<Arrival> {
    let hub = serve().await;
    let isolation = Arc::new(Isolation::new(ROOM));
    let canary = Canary::new(&mut rand::rngs::StdRng::seed_from_u64(now_ms()));
    let (conciliator, client, operator) = (
        enter(hub, 0, canary, &isolation).await,
        enter(hub, 1, canary, &isolation).await,
        enter(hub, 2, canary, &isolation).await,
    );
    let all = [&conciliator, &client, &operator];

    let started = |k: &loadtests::room::Known| k.view.as_ref().is_some_and(|v| v.started);
    conciliator.bring_about("start", |_| ClientMessage::Start, started).await.unwrap();
    let together = |k: &loadtests::room::Known| k.others().len() == 2;
    conciliator.bring_about("admit", |_| ClientMessage::AdmitAll, together).await.unwrap();
    all_hear(&all, Session::Plenary, Epoch::default()).await;

    let open = |k: &loadtests::room::Known| ClientMessage::OpenBreakout {
        epoch: k.epoch,
        side: Side::Activating,
        with_me: true,
        minutes: None,
        telephones: None,
    };
    let aside = Session::Breakout(1);
    let inside = |k: &loadtests::room::Known| k.session == Some(aside) && k.others().len() == 1;
    conciliator.bring_about("breakout", open, inside).await.unwrap();
    let epoch = client.until("breakout", inside).await.unwrap().epoch;
    all_hear(&[&conciliator, &client], aside, epoch).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    // A lost socket keeps its place and its media; what was said meanwhile comes once.
    client.room.cut().await;
    let words = canary.as_str().to_owned();
    let say =
        |k: &loadtests::room::Known| ClientMessage::Chat { epoch: k.epoch, text: words.clone() };
    conciliator.bring_about("chat", say, |k| k.heard(&words) == 1).await.unwrap();
    let back = client.until("return", |k| k.welcomes == 2 && k.heard(&words) > 0).await.unwrap();
    assert!(back.returns[0].resumed, "{back:?}");
    assert_eq!((back.heard(&words), back.out_of_order, back.fresh), (1, 0, 1));

    let recalled = |k: &loadtests::room::Known| k.session == Some(Session::Plenary) && together(k);
    conciliator
        .bring_about("recall", |_| ClientMessage::Recall { at_once: true }, recalled)
        .await
        .unwrap();
    let epoch = client.until("recall", recalled).await.unwrap().epoch;
    operator.until("recall", recalled).await.unwrap();
    all_hear(&all, Session::Plenary, epoch).await;
    assert_eq!(operator.known().heard(&words), 0);

    // A page that is loaded again comes back to the same session with new media.
    client.room.reload().await;
    let again = |k: &loadtests::room::Known| k.fresh == 2 && k.session == Some(Session::Plenary);
    client.until("reload", again).await.unwrap();
    client.hears("a first frame", |ears| ears.first_frame()).await.unwrap();

    let (judged, leaks) = isolation.conclude();
    assert!(judged > 100, "{judged} packets arrived");
    conciliator.bring_about("end", |_| ClientMessage::End, |k| k.ended.is_some()).await.ok();
    let ended = operator.until("the end", |k| k.ended.is_some()).await.unwrap();
    assert_eq!(ended.ended, Some(Ok(LeaveReason::Ended)));
    leaks
}
