//! The way into the room, its lease and its log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use portal::accounts::Role;
use portal::cases::commands::{self as cases, CaseError};
use portal::cases::rules::{Act, Refusal};
use portal::cases::{CaseState, store};
use portal::journal;
use portal::leases::{self, Lease};
use portal::meetings::attendance::{self, AttendanceError, Turn};
use portal::meetings::commands;
use portal::meetings::door::{self, DoorError, EntryError};
use portal::meetings::{MeetingId, MeetingState};
use portal::portal::{Parts, Portal};
use portal::signatures::ports::{Live, LiveTopic, SigningPorts};
use portal_testing::{databases, world};

use crate::support::{LEASE, ask, convened, people};

/// How often the rooms were told to look which meetings were taken off.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Live for Bell {
    fn changed(&self, _: MeetingId, _: LiveTopic) {}

    fn called_off(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn r_meet_11_12_13_25_the_door_by_clock_seat_token_and_notice() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;

        world.clock.set("2026-12-05T13:44:59Z");
        let early = ask(portal, body, &who.client, meeting, true).await;
        assert!(matches!(early, Err(DoorError::TooEarly { seconds: 1 })), "{name} {early:?}");
        world.clock.set("2026-12-05T13:45:00Z");
        for stranger in [&who.secretariat, &who.staff, &who.other_conciliator] {
            let refused = ask(portal, body, stranger, meeting, true).await;
            assert!(matches!(refused, Err(DoorError::NoSeat)), "{name} {refused:?}");
        }
        // Without the notice of confidentiality there is no token; afterwards it is remembered.
        assert_eq!(ask(portal, body, &who.client, meeting, false).await.unwrap(), None, "{name}");
        let token = ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap();
        assert!(ask(portal, body, &who.client, meeting, false).await.unwrap().is_some());

        let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
        assert_eq!((entered.meeting, entered.generation), (meeting, 1), "{name}");
        let spent = door::enter(portal, &token, "a", LEASE).await;
        assert!(matches!(spent, Err(EntryError::Token)), "{name} {spent:?}");
        let late = ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap();
        world.clock.advance(TimeDelta::seconds(60));
        let late = door::enter(portal, &late, "a", LEASE).await;
        assert!(matches!(late, Err(EntryError::Token)), "{name} {late:?}");

        // The same person sits on the same seat again; of two that spend one token, one gets in.
        let token = ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap();
        let enter = || door::enter(portal, &token, "a", LEASE);
        let (one, two) = tokio::join!(enter(), enter());
        let again = match (one, two) {
            (Ok(entered), Err(EntryError::Token)) | (Err(EntryError::Token), Ok(entered)) => {
                entered
            }
            both => panic!("{name} {both:?}"),
        };
        assert_eq!(again.seat_id, entered.seat_id, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_tech_14_a_lease_moves_only_when_it_ran_out_and_an_old_node_writes_nothing_more() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        world.clock.set("2026-12-05T13:50:00Z");
        let enter = async |node: &str| {
            let token = ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap();
            door::enter(portal, &token, node, LEASE).await
        };
        assert_eq!(enter("a").await.unwrap().generation, 1, "{name}");
        assert!(matches!(enter("b").await, Err(EntryError::Elsewhere)), "{name}");
        world.clock.advance(TimeDelta::seconds(14));
        let renew = async |node| {
            let rooms = [(meeting, 1)];
            leases::renew(db, node, &rooms, portal.now(), LEASE).await.unwrap()
        };
        assert_eq!(renew("a").await, [], "{name}");
        assert_eq!(renew("b").await, [(meeting, 1)], "{name}");
        world.clock.advance(TimeDelta::seconds(14));
        assert!(matches!(enter("b").await, Err(EntryError::Elsewhere)), "{name}");
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(renew("a").await, [(meeting, 1)], "{name}");
        assert_eq!(enter("b").await.unwrap().generation, 2, "{name}");

        let say = async |node: &str, generation| {
            let lease = Lease { node, generation };
            let entries = [(portal.now(), serde_json::json!({ "event": "locked" }))];
            attendance::append(portal, meeting, lease, &entries, &[]).await
        };
        assert!(matches!(say("a", 1).await, Err(AttendanceError::LeaseLost)), "{name}");
        assert!(matches!(say("b", 1).await, Err(AttendanceError::LeaseLost)), "{name}");
        say("b", 2).await.unwrap();
        assert_eq!(attendance::load(db, meeting).await.unwrap().len(), 1, "{name}");
        // Giving back what is another node's by now changes nothing.
        for (node, generation) in [("a", 1), ("b", 2)] {
            assert!(matches!(enter("c").await, Err(EntryError::Elsewhere)), "{name}");
            let lease = Lease { node, generation };
            leases::release(db, meeting, lease, portal.now()).await.unwrap();
        }
        assert_eq!(enter("c").await.unwrap().generation, 3, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_15_43_the_room_starts_and_ends_the_meeting_and_its_log_is_a_chain() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        world.clock.set("2026-12-05T14:00:00Z");
        let token = ask(portal, body, &who.conciliator, meeting, true).await.unwrap().unwrap();
        door::enter(portal, &token, "a", LEASE).await.unwrap();
        let lease = Lease { node: "a", generation: 1 };
        let turn = async |turn: Turn| {
            let entries = [(portal.now(), serde_json::json!({ "turn": format!("{turn:?}") }))];
            attendance::append(portal, meeting, lease, &entries, &[turn]).await.unwrap();
        };
        turn(Turn::Started).await;
        turn(Turn::Started).await;
        let record = portal::meetings::store::read(db, body.id, meeting).await.unwrap().unwrap();
        assert_eq!(record.rules.state, MeetingState::InProgress, "{name}");
        // R-CASE-20: from here on the delegate stays.
        let assign = Act::AssignDelegate { operator: who.seller, delegate: who.delegate.user };
        let refused = cases::act(portal, &who.secretariat, record.case, assign).await;
        assert!(matches!(refused, Err(CaseError::Refused(Refusal::MeetingStarted))), "{name}");
        turn(Turn::Ended).await;
        turn(Turn::Ended).await;
        let record = portal::meetings::store::read(db, body.id, meeting).await.unwrap().unwrap();
        assert_eq!(record.rules.state, MeetingState::Held, "{name}");
        let case = store::read(db, body.id, record.case).await.unwrap().unwrap();
        assert_eq!((case.rules.state, case.rules.meetings_held), (CaseState::Held, 1), "{name}");
        let over = ask(portal, body, &who.client, meeting, true).await;
        assert!(matches!(over, Err(DoorError::Over)), "{name} {over:?}");

        let export = attendance::export(db, body.id, meeting).await.unwrap();
        journal::verify(&export.entries).unwrap();
        assert_eq!(export.seats.len(), 1, "{name}: {:?}", export.seats);
        assert!(export.seats.iter().all(|seat| seat.accepted_at.is_some()), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_tech_11_more_people_enter_at_once_than_there_are_connections() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        world.clock.set("2026-12-05T13:50:00Z");
        let mut tokens = Vec::new();
        for _ in 0..40 {
            tokens.push(ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap());
        }
        let all = tokens.iter().map(|token| door::enter(portal, token, "a", LEASE));
        let all = tokio::time::timeout(
            std::time::Duration::from_secs(20),
            futures::future::join_all(all),
        );
        for entered in all.await.unwrap_or_else(|_| panic!("{name}: they wait for each other")) {
            assert_eq!(entered.unwrap().generation, 1, "{name}");
        }
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_20_a_delegate_who_was_replaced_does_not_come_in_with_an_old_token() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let case = portal::meetings::store::read(db, body.id, meeting).await.unwrap().unwrap().case;
        let other = world.user("del2.luce", Role::OperatorDelegate, Some(who.seller)).await;
        world.clock.set("2026-12-05T13:50:00Z");
        let token = ask(portal, body, &who.delegate, meeting, true).await.unwrap().unwrap();
        let assign = Act::AssignDelegate { operator: who.seller, delegate: other.user };
        cases::act(portal, &who.secretariat, case, assign).await.unwrap();
        let refused = door::enter(portal, &token, "a", LEASE).await;
        assert!(matches!(refused, Err(EntryError::Token)), "{name} {refused:?}");
        let refused = ask(portal, body, &who.delegate, meeting, true).await;
        assert!(matches!(refused, Err(DoorError::NoSeat)), "{name} {refused:?}");
        let token = ask(portal, body, &other, meeting, true).await.unwrap().unwrap();
        door::enter(portal, &token, "a", LEASE).await.unwrap();
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_28_a_meeting_that_was_taken_off_cannot_begin_and_its_room_is_named() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        world.clock.set("2026-12-05T13:50:00Z");
        let token = ask(portal, body, &who.conciliator, meeting, true).await.unwrap().unwrap();
        door::enter(portal, &token, "a", LEASE).await.unwrap();
        assert_eq!(leases::called_off(db, "a", portal.now()).await.unwrap(), [], "{name}");
        let bell = Arc::new(Bell::default());
        let signing = SigningPorts { live: bell.clone(), ..portal.signing.clone() };
        let heard = Portal::new(Parts { signing, ..Parts::clone(portal) });
        assert!(commands::cancel(&heard, &who.client, meeting).await.is_err(), "{name}");
        assert_eq!(bell.0.load(Ordering::Relaxed), 0, "{name}: nothing happened");
        commands::cancel(&heard, &who.staff, meeting).await.unwrap();
        assert_eq!(bell.0.load(Ordering::Relaxed), 1, "{name}: the rooms are told at once");
        assert_eq!(leases::called_off(db, "a", portal.now()).await.unwrap(), [meeting], "{name}");
        assert_eq!(leases::called_off(db, "b", portal.now()).await.unwrap(), [], "{name}");
        let lease = Lease { node: "a", generation: 1 };
        let entries = [(portal.now(), serde_json::json!({ "event": "started" }))];
        let begun = attendance::append(portal, meeting, lease, &entries, &[Turn::Started]).await;
        assert!(matches!(begun, Err(AttendanceError::CalledOff)), "{name} {begun:?}");
        assert!(attendance::load(db, meeting).await.unwrap().is_empty(), "{name}");
        // The end of such a room is written down all the same.
        attendance::append(portal, meeting, lease, &entries, &[Turn::Ended]).await.unwrap();
        let record = portal::meetings::store::read(db, body.id, meeting).await.unwrap().unwrap();
        assert_eq!(record.rules.state, MeetingState::Cancelled, "{name}");
    }
    databases.end().await;
}
