//! Meetings on both databases: fixing them, the way into the room, the attendance log, the pages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use portal::accounts::{Actor, Role};
use portal::bodies::Body;
use portal::cases::application::Application;
use portal::cases::commands::{self as cases, CaseError, NewCase};
use portal::cases::rules::{Act, Refusal};
use portal::cases::{CaseId, CaseState, store};
use portal::journal;
use portal::meetings::attendance::{self, AttendanceError, Lease, Turn};
use portal::meetings::commands::{self, MeetingError, Proposal};
use portal::meetings::door::{self, DoorError, EntryError};
use portal::meetings::{MeetingId, MeetingState, Mode};
use portal::notifications;
use portal::organisations::{OperatorId, OperatorKind};
use portal::portal::Portal;
use portal::testing::{Browser, World, databases, world};

const LEASE: TimeDelta = TimeDelta::seconds(15);

struct People {
    staff: Actor,
    conciliator: Actor,
    other_conciliator: Actor,
    client: Actor,
    secretariat: Actor,
    delegate: Actor,
    seller: OperatorId,
}

async fn people(world: &World) -> People {
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    People {
        staff: world.user("segreteria", Role::ServiceSecretariat, None).await,
        conciliator: world.user("conciliatore", Role::Conciliator, None).await,
        other_conciliator: world.user("conciliatore2", Role::Conciliator, None).await,
        client: world.user("cliente", Role::Client, None).await,
        secretariat: world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await,
        delegate: world.user("del.luce", Role::OperatorDelegate, Some(seller)).await,
        seller,
    }
}

/// A case with all its people.
async fn case(world: &World, who: &People) -> CaseId {
    let new = NewCase {
        client: who.client.user,
        client_delegate: None,
        operator: who.seller,
        aid: None,
        application: Application::sample(),
    };
    let case = cases::open(&world.portal, &who.staff, new).await.unwrap();
    for (actor, act) in [
        (&who.staff, Act::Admit),
        (&who.staff, Act::AssignConciliator { conciliator: who.conciliator.user }),
        (&who.secretariat, Act::Adhere { operator: who.seller }),
        (
            &who.secretariat,
            Act::AssignDelegate { operator: who.seller, delegate: who.delegate.user },
        ),
    ] {
        cases::act(&world.portal, actor, case, act).await.unwrap();
    }
    case
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn proposal(who: &Actor, time: &str) -> Proposal {
    Proposal { starts_at: at(time), minutes: 60, mode: Mode::VirtualRoom, conciliator: who.user }
}

async fn convened(world: &World, who: &People, time: &str) -> MeetingId {
    let case = case(world, who).await;
    let proposal = proposal(&who.conciliator, time);
    commands::convene(&world.portal, &who.staff, case, proposal).await.unwrap()
}

#[tokio::test]
async fn r_meet_04_conflicts_are_refused_with_names_also_of_two_at_once() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let other = case(&world, &who).await;
        let fix = |conciliator: &Actor, time: &'static str| {
            let (portal, staff) = (world.portal.clone(), who.staff.clone());
            let proposal = proposal(conciliator, time);
            async move { commands::convene(&portal, &staff, other, proposal).await }
        };
        match fix(&who.other_conciliator, "2026-12-05T14:30:00Z").await {
            Err(MeetingError::Conflict(names)) => {
                assert_eq!(names.len(), 2, "{name}: client and delegate, {names:?}");
            }
            result => panic!("{name}: {result:?}"),
        }
        // Nothing of the refused attempt stays: the conciliator was not replaced either.
        let record = store::read(db, world.body.id, other).await.unwrap().unwrap();
        assert_eq!(record.rules.conciliator, Some(who.conciliator.user), "{name}");
        assert_eq!(record.rules.state, CaseState::Assigned, "{name}");
        for (time, refusal) in [
            ("2026-12-01T08:59:00Z", Refusal::TooSoon),
            ("2027-03-02T09:00:00Z", Refusal::AfterDeadline),
        ] {
            let result = fix(&who.conciliator, time).await;
            assert!(
                matches!(&result, Err(MeetingError::Case(CaseError::Refused(r))) if *r == refusal),
                "{name} {time}: {result:?}"
            );
        }
        // The end is not part of a meeting.
        fix(&who.conciliator, "2026-12-05T15:00:00Z").await.unwrap();

        let (one, two) = (case(&world, &who).await, case(&world, &who).await);
        let convene = |case| {
            let proposal = proposal(&who.conciliator, "2026-12-09T10:00:00Z");
            commands::convene(&world.portal, &who.staff, case, proposal)
        };
        let (one, two) = tokio::join!(convene(one), convene(two));
        assert!(one.is_ok() != two.is_ok(), "{name}: {one:?} {two:?}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_05_everybody_with_a_seat_is_told_once_and_r_meet_12_secretariats_have_none() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let moved =
            commands::move_to(&world.portal, &who.staff, meeting, at("2026-12-06T14:00:00Z")).await;
        let moved = moved.unwrap();
        commands::cancel(&world.portal, &who.staff, moved).await.unwrap();
        let again = commands::cancel(&world.portal, &who.staff, moved).await;
        assert!(matches!(again, Err(MeetingError::Refused(_))), "{name} {again:?}");
        for (address, told) in [
            ("cliente@example.it", 3),
            ("del.luce@example.it", 3),
            ("conciliatore@example.it", 3),
            ("seg.luce@example.it", 0),
        ] {
            let mails = notifications::newest(db, world.body.id, address, 50).await.unwrap();
            let about = |mail: &&notifications::Sent| {
                ["Convocazione –", "Incontro"].iter().any(|word| mail.subject.starts_with(word))
            };
            assert_eq!(mails.iter().filter(about).count(), told, "{name} {address}");
        }
        for (actor, allowed) in [(&who.conciliator, false), (&who.delegate, false)] {
            let result = commands::cancel(&world.portal, actor, moved).await;
            assert_eq!(result.is_ok(), allowed, "{name}");
        }
    }
    databases.end().await;
}

async fn ask(
    portal: &Portal,
    body: &Body,
    actor: &Actor,
    meeting: MeetingId,
    accepted: bool,
) -> Result<Option<String>, DoorError> {
    let ticket = door::ask(portal, body, actor, meeting, accepted).await?;
    Ok(ticket.token.map(|token| token.reveal().to_owned()))
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
        assert!(door::renew_lease(db, meeting, "a", 1, portal.now(), LEASE).await.unwrap());
        world.clock.advance(TimeDelta::seconds(14));
        assert!(matches!(enter("b").await, Err(EntryError::Elsewhere)), "{name}");
        world.clock.advance(TimeDelta::seconds(1));
        assert!(!door::renew_lease(db, meeting, "a", 1, portal.now(), LEASE).await.unwrap());
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
        door::release_lease(db, meeting, "b", 2, portal.now()).await.unwrap();
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
async fn r_meet_06_10_pages_convene_with_errors_beside_the_fields_and_show_the_door_at_t15() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = case(&world, &who).await;
        let router = portal::web::router(world.portal.clone());
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let new = format!("/pratiche/{case}/incontri/nuovo");
        assert!(staff.get(&new).await.text().contains("Tutto il giorno"), "{name}");
        let conciliator = who.conciliator.user.0.to_string();
        let form = |date: &'static str, time: &'static str| {
            let conciliator = conciliator.clone();
            let fields =
                [("data", date), ("ora", time), ("durata", "60"), ("modalita", "virtual_room")];
            let mut fields = fields.map(|(n, v)| (n, v.to_owned())).to_vec();
            fields.push(("conciliatore", conciliator));
            fields
        };
        for (date, time, field) in [
            ("", "15:30", "data-errore"),
            ("2026-12-05", "25:00", "ora-errore"),
            ("2026-11-05", "15:30", "data-errore"),
            // The hour that is skipped in spring.
            ("2027-03-28", "02:30", "ora-errore"),
        ] {
            let fields = form(date, time);
            let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let page = staff.post(&new, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {date} {time}");
            assert!(page.text().contains(&format!("id=\"{field}\"")), "{name} {date} {time}");
        }
        let fields = form("2026-12-05", "15:00");
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let page = staff.post(&new, &fields).await;
        let address = page.location().to_owned();
        assert!(address.starts_with("/incontri/"), "{name} {}", page.text());
        assert!(staff.get(&address).await.text().contains("è convocato"), "{name}");

        world.clock.set("2026-12-05T13:30:00Z");
        let mut visitors = Vec::new();
        for username in ["cliente", "del.luce", "conciliatore", "segreteria", "seg.luce"] {
            visitors.push((username, Browser::signed_in(router.clone(), &world, username).await));
        }
        for (now, open) in [("2026-12-05T13:44:59Z", false), ("2026-12-05T13:45:00Z", true)] {
            world.clock.set(now);
            for (username, person) in &mut visitors {
                let seat = !username.starts_with("seg");
                for page in ["/agenda", &address] {
                    let page = person.get(page).await;
                    let shown = page.text().contains("data-testid=\"enter-room\"");
                    assert_eq!(shown, open && seat, "{name} {now} {username}");
                }
            }
        }
        let mut stranger = Browser::signed_in(router.clone(), &world, "conciliatore2").await;
        assert_eq!(stranger.get(&address).await.status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(stranger.get(&new).await.status, StatusCode::NOT_FOUND, "{name}");
        let mut client = Browser::signed_in(router.clone(), &world, "cliente").await;
        assert_eq!(client.get(&new).await.status, StatusCode::FORBIDDEN, "{name}");
        let log = format!("{address}/presenze.json");
        assert_eq!(client.get(&log).await.status, StatusCode::FORBIDDEN, "{name}");
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        assert_eq!(staff.get(&log).await.status, StatusCode::OK, "{name}");
    }
    databases.end().await;
}
