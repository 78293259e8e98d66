//! The standing room of a mediation (R-MEET-23).

use chrono::TimeDelta;
use portal::guests::persons;
use portal::leases;
use portal::meetings::commands::{self, Proposal};
use portal::meetings::door::{self, DoorError, EntryError};
use portal::meetings::standing::{self, Turn};
use portal::meetings::{MeetingId, Mode};
use portal::notifications;
use portal_testing::{World, databases, world};

use crate::guests::{actor, guest, lawyer, link};
use crate::support::{LEASE, ask, at, case, people, proposal};

/// The same installation, seen by a mediation body.
async fn mediation(world: &World) -> World {
    let body = world.other_body("mediazione.localhost").await;
    World { portal: world.portal.clone(), clock: world.clock.clone(), body }
}

#[tokio::test]
async fn r_meet_22_23_a_mediation_has_one_room_for_ninety_days_and_its_meetings_in_it() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let conciliation = world(db, &databases.folder().join(name)).await;
        let world = mediation(&conciliation).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let case = case(&world, &who).await;
        persons::add(portal, &who.staff, case, &lawyer()).await.unwrap();
        assert_eq!(standing::live(db, case, portal.now()).await.unwrap(), None, "{name}");
        let fixed = proposal(&who.conciliator, "2026-12-05T14:00:00Z");
        let online = Proposal { mode: Mode::VirtualRoom, minutes: 120, ..fixed };
        world.clock.advance(TimeDelta::minutes(1));
        let meeting = commands::convene(portal, &who.staff, case, online).await.unwrap();
        let room = standing::live(db, case, portal.now()).await.unwrap().unwrap();
        assert_eq!(room.ends_at, portal.now() + TimeDelta::days(90), "{name}");
        let id = MeetingId(room.id);
        for person in ["cliente@example.it", "del.luce@example.it", "conciliatore@example.it"] {
            let mail = notifications::newest(db, body.id, person, 1).await.unwrap();
            let address = format!("/stanza/{}", room.id);
            assert!(mail[0].text.contains(&address), "{name} {person}: {}", mail[0].text);
        }

        // Whoever may enter finds it on the first page.
        for (person, count) in [
            (&who.client, 1),
            (&who.delegate, 1),
            (&who.conciliator, 1),
            (&who.other_conciliator, 0),
        ] {
            let own = standing::of_actor(db, person, portal.now()).await.unwrap();
            assert_eq!(own.len(), count, "{name} {}", person.name);
            assert!(own.iter().all(|one| one.id == room.id && one.case_id == case.0), "{name}");
        }

        // Before T−15 the parties talk without the mediator; nobody else gets in.
        let personal = link(&world, "avvocata@example.it").await;
        let browser = guest(&world, &personal, "+393471234567").await;
        let lawyer = actor(&world, &browser).await.unwrap();
        let meeting_early = ask(portal, body, &who.client, meeting, true).await;
        assert!(matches!(meeting_early, Err(DoorError::TooEarly { .. })), "{name}");
        for person in [&who.client, &lawyer, &who.delegate, &who.conciliator] {
            let token = ask(portal, body, person, id, true).await.unwrap().unwrap();
            let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
            assert_eq!((entered.meeting, entered.standing), (id, true), "{name}");
            assert_eq!(entered.capacity, 4, "{name}");
        }
        for stranger in [&who.staff, &who.secretariat, &who.other_conciliator] {
            let refused = ask(portal, body, stranger, id, true).await;
            assert!(matches!(refused, Err(DoorError::NoSeat)), "{name} {refused:?}");
        }
        assert_eq!(standing::to_close(portal, "a").await.unwrap(), [], "{name}");

        // At T−15 the room yields to the meeting: the same address leads into its lobby.
        let token = ask(portal, body, &who.client, id, true).await.unwrap().unwrap();
        world.clock.set("2026-12-05T13:44:59Z");
        let mut tx = db.begin().await.unwrap();
        leases::take(&mut tx, body.id, id, "a", portal.now(), LEASE).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.set("2026-12-05T13:45:00Z");
        let closing = standing::to_close(portal, "a").await.unwrap();
        assert_eq!(closing, [(room.id, Turn::Yields)], "{name}");
        let late = door::enter(portal, &token, "a", LEASE).await;
        assert!(matches!(late, Err(EntryError::Token)), "{name} {late:?}");
        for person in [&who.client, &lawyer] {
            let token = ask(portal, body, person, id, true).await.unwrap().unwrap();
            let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
            assert_eq!((entered.meeting, entered.standing), (meeting, false), "{name}");
        }

        let browser = guest(&world, &personal, "+393471234567").await;

        // A further date is held in the same room, and the link is replaced.
        commands::cancel(portal, &who.staff, meeting).await.unwrap();
        assert!(actor(&world, &browser).await.is_some(), "{name}: the room stays");
        world.clock.advance(TimeDelta::minutes(1));
        let again = Proposal { starts_at: at("2026-12-20T14:00:00Z"), ..online };
        commands::convene(portal, &who.staff, case, again).await.unwrap();
        let same = standing::live(db, case, portal.now()).await.unwrap();
        assert_eq!(same.map(|room| room.id), Some(room.id), "{name}");
        assert!(actor(&world, &browser).await.is_none(), "{name}");
        assert_ne!(link(&world, "avvocata@example.it").await, personal, "{name}");

        // Its days end.
        world.clock.set("2027-02-28T09:00:00Z");
        assert!(ask(portal, body, &who.client, id, true).await.is_ok(), "{name}");
        let mut tx = db.begin().await.unwrap();
        leases::take(&mut tx, body.id, id, "a", portal.now(), TimeDelta::days(9)).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.set("2027-03-01T09:02:00Z");
        assert_eq!(standing::of_actor(db, &who.client, portal.now()).await.unwrap().len(), 0);
        let over = ask(portal, body, &who.client, id, true).await;
        assert!(
            matches!(over, Err(DoorError::StandingOver { case: of, .. }) if of == case),
            "{name} {over:?}"
        );
        let closing = standing::to_close(portal, "a").await.unwrap();
        assert_eq!(closing, [(room.id, Turn::Over)], "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_23_a_conciliation_has_no_standing_room() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = case(&world, &who).await;
        let proposal = proposal(&who.conciliator, "2026-12-05T14:00:00Z");
        commands::convene(&world.portal, &who.staff, case, proposal).await.unwrap();
        assert_eq!(standing::live(db, case, world.portal.now()).await.unwrap(), None, "{name}");
    }
    databases.end().await;
}
