//! The live board of the service staff (R-MEET-09).

use std::collections::BTreeMap;

use portal::accounts::{Actor, Role};
use portal::leases::Lease;
use portal::meetings::attendance::{self, Turn};
use portal::meetings::board::{self, Live, Presence};
use portal::meetings::door;
use portal::web::{Chrome, PageError, Visit};
use portal_testing::{World, databases, world};

use crate::support::{LEASE, ask, convened, people};

/// The page as somebody sees it.
async fn seen(
    world: &World,
    actor: &Actor,
    live: &BTreeMap<portal::meetings::MeetingId, Live>,
) -> Result<String, PageError> {
    let chrome = Chrome::outside(&world.body, true);
    let visit =
        Visit { body: world.body.clone(), actor: actor.clone(), chrome, query: String::new() };
    let lines = board::today(&world.portal, world.body.id).await.unwrap();
    let page = board::page(&world.portal, visit, lines, live).await?;
    let bytes = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn r_meet_09_staff_see_the_rooms_of_today_with_state_presence_and_what_runs_late() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let nobody = BTreeMap::new();
        world.clock.set("2026-12-04T22:59:59Z");
        let page = seen(&world, &who.staff, &nobody).await.unwrap();
        assert!(page.contains("data-testid=\"board-empty\""), "{name}");
        world.clock.set("2026-12-05T13:50:00Z");
        let page = seen(&world, &who.staff, &nobody).await.unwrap();
        assert!(page.contains("Aperto") && page.contains("Nessuno"), "{name} {page}");

        let token = ask(portal, body, &who.client, meeting, true).await.unwrap().unwrap();
        let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
        let page = seen(&world, &who.staff, &nobody).await.unwrap();
        assert!(page.contains("Servita da un altro nodo"), "{name}");
        let lease = Lease { node: "a", generation: entered.generation };
        let begun = [(portal.now(), serde_json::json!({ "event": "started" }))];
        attendance::append(portal, meeting, lease, &begun, &[Turn::Started]).await.unwrap();
        let seats = vec![(entered.seat_id, Presence::Inside), (uuid::Uuid::nil(), Presence::Phone)];
        let live = BTreeMap::from([(meeting, Live { seats, locked: true })]);
        for (now, state, late) in [
            ("2026-12-05T14:30:00Z", "In corso", false),
            ("2026-12-05T15:20:00Z", "In corso", true),
            // It runs past midnight.
            ("2026-12-06T00:20:00Z", "In corso", true),
        ] {
            world.clock.set(now);
            let page = seen(&world, &who.staff, &live).await.unwrap();
            assert!(page.contains(state), "{name} {now}");
            assert!(page.contains(&format!("{}, Cliente: presente", who.client.name)), "{name}");
            assert!(page.contains("stanza chiusa a nuovi ingressi"), "{name} {now}");
            assert_eq!(page.contains("data-testid=\"late\""), late, "{name} {now}");
        }
        for (actor, role) in [
            (&who.conciliator, Role::Conciliator),
            (&who.client, Role::Client),
            (&who.secretariat, Role::OperatorSecretariat),
            (&who.delegate, Role::OperatorDelegate),
        ] {
            let refused = seen(&world, actor, &nobody).await;
            assert!(matches!(refused, Err(PageError::Forbidden)), "{name} {role:?}");
        }
        // Another body's staff sees its own rooms only.
        let other = world.other_body("mediazione.localhost").await;
        assert!(board::today(portal, other.id).await.unwrap().is_empty(), "{name}");
    }
    databases.end().await;
}
