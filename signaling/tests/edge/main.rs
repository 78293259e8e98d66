//! The edge with real sockets.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

mod support;

use signaling::edge::{Presence, RoomsConfig};
use signaling::media::{Media, MediaConfig};
use signaling::protocol::*;
use signaling::room::Terms;
use signaling::room::journal::JournalEvent;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::*;

fn config() -> RoomsConfig {
    RoomsConfig::default()
}

#[tokio::test]
async fn a_client_must_speak_the_subprotocol() {
    let node = Node::start(World::new(), config()).await;
    for protocol in [None, Some("chat")] {
        let Err(error) = Client::try_connect(node.address, protocol).await else {
            panic!("{protocol:?} was accepted");
        };
        assert!(error.to_string().contains("400"), "{error}");
    }
}

#[tokio::test]
async fn hello_comes_first_in_time_and_with_a_good_token() {
    let hello_within = Duration::from_millis(300);
    let node = Node::start(World::new(), RoomsConfig { hello_within, ..config() }).await;
    for (text, expected) in [
        (r#"{"id":3,"type":"start"}"#, (3, ErrorCode::BadHello)),
        (r#"{"id":3,"type":"hello"}"#, (3, ErrorCode::BadHello)),
        (r#"{"id":3,"type":"hello","token":"a","resume":"b"}"#, (3, ErrorCode::BadHello)),
        (r#"{"id":3,"type":"what"}"#, (3, ErrorCode::BadHello)),
        ("garbage", (0, ErrorCode::BadHello)),
        (r#"{"id":4,"type":"hello","token":"stolen"}"#, (4, ErrorCode::BadToken)),
        (r#"{"id":4,"type":"hello","resume":"x.y.z"}"#, (4, ErrorCode::BadToken)),
        ("", (0, ErrorCode::BadHello)),
    ] {
        let mut client = Client::connect(node.address).await;
        if !text.is_empty() {
            client.text(text).await;
        }
        match client.last_words().await {
            Some(ServerMessage::Error { re, code, .. }) => {
                assert_eq!((re, code), expected, "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(node.rooms.open(), []);
}

#[tokio::test]
async fn media_go_before_the_journal_and_the_journal_before_words() {
    let node = Node::start(World::new(), config()).await;
    let mut all = node.started().await;
    node.world.done.lock().unwrap().clear();
    let before = node.world.entries.lock().unwrap().len();
    all[0].ask(ClientMessage::Exclude { participant: id(1) }).await.unwrap();
    // The answer is there: routes and journal were before it.
    assert_eq!(*node.world.done.lock().unwrap(), ["routes", "journal"]);
    let entries = node.world.entries.lock().unwrap();
    assert!(
        matches!(entries[before].event, JournalEvent::Excluded { participant, .. } if participant == id(1))
    );
}

#[tokio::test]
async fn what_a_socket_sends_wrong_gets_an_answer_and_the_room_goes_on() {
    let node = Node::start(World::new(), config()).await;
    let mut client = node.join(0).await;
    client.text("{").await;
    let bad = |m: &ServerMessage, n: u64| matches!(m, ServerMessage::Error { re, code: ErrorCode::BadMessage, .. } if *re == n);
    client.until(|m| bad(m, 0)).await;
    client.text(r#"{"id":77,"type":"move","epoch":-1}"#).await;
    client.until(|m| bad(m, 77)).await;
    client.ask(ClientMessage::Hand { raised: true }).await.unwrap();
    assert_eq!(
        client.ask(ClientMessage::Offer { sdp: "x".into() }).await,
        Err(ErrorCode::BadOffer)
    );
    let answer = client.ask(ClientMessage::Offer { sdp: "v=0".into() }).await.unwrap();
    assert!(matches!(answer, ServerMessage::Answer { sdp, .. } if sdp == "v=0 answer"));

    let mut big = node.join(1).await;
    big.text(&"x".repeat(MAX_MESSAGE_BYTES + 1)).await;
    big.last_words().await;
    client
        .until(|m| matches!(m, ServerMessage::View(v) if v.people.iter().any(|p| p.id == id(1) && !p.connected)))
        .await;
}

#[tokio::test]
async fn r_meet_27_a_lost_socket_resumes_without_loss() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, lost, mut other] = node.started().await;
    let (secret, last_seq, known) = (lost.secret.clone(), lost.last_seq, lost.processed.len());
    drop(lost);
    for n in 0..20 {
        other.chat(&format!("line {n}")).await;
    }
    conciliator.until(|m| is_chat(m, "line 19")).await;
    let mut back = Client::connect(node.address).await;
    back.last_seq = last_seq;
    back.resume(&secret, last_seq).await;
    back.until(|m| is_chat(m, "line 19")).await;
    assert!(back.resumed);
    assert!(known > 0);
    let lines: Vec<_> = back
        .processed
        .iter()
        .filter_map(|m| match m {
            ServerMessage::Chat { text, .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, (0..20).map(|n| format!("line {n}")).collect::<Vec<_>>());

    // The secret was for one use; the new one works after this socket, too.
    back.ask(ClientMessage::Ack { seq: back.last_seq }).await.unwrap();
    let mut thief = Client::connect(node.address).await;
    thief.resume(&secret, 0).await;
    let words = thief.last_words().await;
    let (code, retry) = (ErrorCode::BadToken, Retry::Rejoin);
    assert!(
        matches!(words, Some(ServerMessage::Error { code: c, retry: r, .. }) if (c, r) == (code, retry))
    );
}

#[tokio::test]
async fn r_meet_27_the_same_seat_opened_elsewhere_wins() {
    let node = Node::start(World::new(), config()).await;
    let [_conciliator, mut old, _other] = node.started().await;
    let new = node.join(1).await;
    assert_eq!(new.session, Some(Session::Plenary));
    assert!(!new.resumed);
    let (reason, action) = (LeaveReason::Replaced, LeaveAction::Stop);
    assert_eq!(old.last_words().await, Some(ServerMessage::Leave { reason, action }));
}

#[tokio::test]
async fn a_socket_that_does_not_read_is_closed_and_delays_nobody() {
    let terms = Terms { burst: 1_000_000, ..Terms::default() };
    let node = Node::start(World::new(), RoomsConfig { terms, queue: 16, ..config() }).await;
    let [mut conciliator, slow, mut other] = node.started().await;
    // "slow" reads nothing from here on.
    let words = "𝄞".repeat(MAX_CHAT_CHARS);
    let mut noticed = false;
    for _ in 0..3_000 {
        conciliator.ask(ClientMessage::Notice { text: words.clone() }).await.unwrap();
        other.until(|m| matches!(m, ServerMessage::Notice { .. })).await;
        let status = node.rooms.status(ROOM).await.unwrap();
        if status.connected == 2 {
            noticed = true;
            break;
        }
    }
    assert!(noticed, "the room never closed the socket that does not read");
    let status = node.rooms.status(ROOM).await.unwrap();
    assert_eq!(status.inside, 3, "the seat keeps its place");
    drop(slow);
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_taken_for_lost() {
    let (ping_every, silence) = (Duration::from_millis(50), Duration::from_millis(250));
    let node = Node::start(World::new(), RoomsConfig { ping_every, silence, ..config() }).await;
    let mut conciliator = node.join(0).await;
    let silent = node.join(1).await;
    conciliator
        .until(|m| matches!(m, ServerMessage::View(v) if v.people.iter().any(|p| p.id == id(1) && !p.connected)))
        .await;
    // The conciliator's own socket lived through it by its pongs alone.
    conciliator.ask(ClientMessage::Hand { raised: true }).await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn an_offer_that_hangs_delays_nobody() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, mut offering, mut other] = node.started().await;
    node.world.media_hangs.store(true, Ordering::SeqCst);
    offering.say(ClientMessage::Offer { sdp: "v=0".into() }).await;
    offering.ask(ClientMessage::Hand { raised: true }).await.unwrap();
    other.chat("still here").await;
    conciliator.until(|m| is_chat(m, "still here")).await;
}

#[tokio::test]
async fn after_a_crash_the_journal_brings_everybody_back() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, one, mut two] = node.started().await;
    let (side, with_me) = (Side::Activating, false);
    let epoch = conciliator.epoch;
    conciliator
        .ask(ClientMessage::OpenBreakout { epoch, side, with_me, minutes: None, telephones: None })
        .await
        .unwrap();
    conciliator.ask(ClientMessage::Remove { participant: id(2) }).await.unwrap();
    two.last_words().await;
    let before = conciliator.epoch;

    let world = node.kill();
    world.generation.store(2, Ordering::SeqCst);
    let node = Node::start(world, config()).await;
    let mut back = Client::connect(node.address).await;
    back.resume(&one.secret, one.last_seq).await;
    let words = back.last_words().await;
    assert!(matches!(words, Some(ServerMessage::Error { retry: Retry::Rejoin, .. })), "{words:?}");
    let back = node.join(1).await;
    assert_eq!(back.session, Some(Session::Breakout(1)));
    assert!(back.epoch > before);
    let mut removed = Client::connect(node.address).await;
    let token = Some("seat-2".into());
    removed.say(ClientMessage::Hello { token, resume: None, last_seq: 0 }).await;
    let words = removed.last_words().await;
    assert!(matches!(words, Some(ServerMessage::Error { code: ErrorCode::Removed, .. })));
    assert!(node.rooms.status(ROOM).await.unwrap().started_at.is_some());
}

#[tokio::test]
async fn a_node_without_the_lease_stops_and_sends_its_people_to_join_again() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, mut one, mut two] = node.started().await;
    node.world.generation.store(2, Ordering::SeqCst);
    let written = node.world.entries.lock().unwrap().len();
    conciliator.say(ClientMessage::Lock { locked: true }).await;
    let (reason, action) = (LeaveReason::Closing, LeaveAction::Rejoin);
    for client in [&mut conciliator, &mut one, &mut two] {
        let words = client.last_words().await;
        assert_eq!(words, Some(ServerMessage::Leave { reason, action }), "and no ok before it");
    }
    assert_eq!(node.world.entries.lock().unwrap().len(), written);
    let mut again = node.join(1).await;
    assert_eq!(again.epoch.generation(), 2);
    again.ask(ClientMessage::Hand { raised: true }).await.unwrap();
}

#[tokio::test]
async fn the_end_closes_room_and_journal() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, mut one, _two] = node.started().await;
    conciliator.ask(ClientMessage::End).await.unwrap();
    let (reason, action) = (LeaveReason::Ended, LeaveAction::Stop);
    assert_eq!(one.last_words().await, Some(ServerMessage::Leave { reason, action }));
    conciliator.last_words().await;
    while !node.world.released.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let last = node.world.entries.lock().unwrap().last().unwrap().event.clone();
    let (forwarded, withheld) = (100, 50);
    assert_eq!(last, JournalEvent::Closed { forwarded, withheld, refused: 0, recorded: false });
    assert_eq!(node.rooms.status(ROOM).await, None);
}

#[tokio::test]
async fn outside_changes_reach_everybody_and_a_shutdown_says_where_to_go() {
    let node = Node::start(World::new(), config()).await;
    let mut all = node.started().await;
    node.rooms.changed(ROOM, Topic::Minutes).await;
    for client in &mut all {
        client.until(|m| *m == ServerMessage::Changed { topic: Topic::Minutes }).await;
    }
    assert_eq!(node.rooms.open(), [(ROOM, 1)]);
    node.rooms.shutdown().await;
    assert_eq!(node.rooms.open(), []);
    let (reason, action) = (LeaveReason::Closing, LeaveAction::Rejoin);
    for client in &mut all {
        assert_eq!(client.last_words().await, Some(ServerMessage::Leave { reason, action }));
    }
    let back = node.join(1).await;
    assert_eq!(back.session, Some(Session::Plenary), "same generation, same journal");
}

#[tokio::test]
async fn r_meet_19_a_full_node_opens_no_further_room_and_refuses_nobody_of_the_open_ones() {
    // Ten seats are promised to every room that is open.
    for (max_rooms, max_seats) in [(1, 1_000), (10, 19)] {
        let node =
            Node::start(World::new(), RoomsConfig { max_rooms, max_seats, ..config() }).await;
        let mut conciliator = node.join(0).await;
        let mut other = Client::connect(node.address).await;
        let token = Some("other-1".into());
        let hello = ClientMessage::Hello { token, resume: None, last_seq: 0 };
        other.say(hello.clone()).await;
        let words = other.last_words().await;
        let full = |m: &ServerMessage| {
            matches!(
                m,
                ServerMessage::Error { code: ErrorCode::Full, retry: Retry::AfterMs(_), .. }
            )
        };
        assert!(words.as_ref().is_some_and(full), "{words:?}");
        node.join(1).await;
        conciliator.ask(ClientMessage::Start).await.unwrap();
        conciliator.ask(ClientMessage::End).await.unwrap();
        conciliator.last_words().await;
        while !node.rooms.open().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut other = Client::connect(node.address).await;
        other.say(hello).await;
        other.until(|m| matches!(m, ServerMessage::Welcome { .. })).await;
        assert_eq!(node.rooms.open(), [(OTHER, 1)]);
    }
}

#[tokio::test]
async fn r_meet_09_the_board_tells_who_is_there_and_nothing_of_what_is_said() {
    let node = Node::start(World::new(), config()).await;
    let [mut conciliator, one, _two] = node.started().await;
    let (side, with_me, epoch) = (Side::Convened, true, conciliator.epoch);
    let open =
        ClientMessage::OpenBreakout { epoch, side, with_me, minutes: None, telephones: None };
    conciliator.ask(open).await.unwrap();
    let phone = ClientMessage::AddPhone {
        name: "Nonna Pina".into(),
        number: "0612345".into(),
        side: Side::Convened,
    };
    conciliator.ask(phone).await.unwrap();
    drop(one);
    conciliator
        .until(|m| matches!(m, ServerMessage::View(v) if v.people.iter().any(|p| !p.connected)))
        .await;
    let _waiting = node.join(3).await;
    let board = node.rooms.board().await;
    let [(room, status)] = board.as_slice() else { panic!("{board:?}") };
    assert_eq!((*room, status.breakouts, status.inside, status.connected), (ROOM, 1, 5, 3));
    assert!(status.started_at.is_some() && !status.past_end);
    let presence = |who| status.seats.iter().find(|s| s.participant == who).unwrap().presence;
    let expected = [
        (id(0), Presence::Inside),
        (id(1), Presence::Lost),
        (id(2), Presence::Inside),
        (id(3), Presence::Lobby),
        (id(50), Presence::Phone),
    ];
    for (who, is) in expected {
        assert_eq!(presence(who), is);
    }
}

#[tokio::test]
async fn the_real_media_edge_takes_the_routes_of_a_whole_meeting() {
    let media = Media::start(MediaConfig {
        bind: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        advertise: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        workers: 1,
        audio_slots: 9,
        video_slots: 10,
    })
    .unwrap();
    let node = Node::with_media(World::new(), config(), Arc::new(media)).await;
    let [mut conciliator, mut one, mut two] = node.started().await;
    assert_eq!(one.ask(ClientMessage::Offer { sdp: "v=0".into() }).await, Err(ErrorCode::BadOffer));
    let (side, with_me, epoch) = (Side::Activating, true, conciliator.epoch);
    conciliator
        .ask(ClientMessage::OpenBreakout { epoch, side, with_me, minutes: None, telephones: None })
        .await
        .unwrap();
    one.until(|m| matches!(m, ServerMessage::Moved { session: Session::Breakout(1), .. })).await;
    one.chat("private").await;
    conciliator.until(|m| is_chat(m, "private")).await;
    conciliator.ask(ClientMessage::Recall { at_once: true }).await.unwrap();
    two.chat("common").await;
    one.until(|m| is_chat(m, "common")).await;
    assert!(!two.processed.iter().any(|m| is_chat(m, "private")));
    conciliator.ask(ClientMessage::End).await.unwrap();
    two.last_words().await;
}
