//! The first page, by role, on both databases.

use portal::accounts::Role;
use portal::cases::commands::{self as cases, NewCase};
use portal::cases::rules::Act;
use portal::meetings::Mode;
use portal::meetings::commands::{self as meetings, Proposal};
use portal::organisations::OperatorKind;
use portal_testing::{Browser, application, databases, world};

#[tokio::test]
async fn r_log_11_12_the_first_page_tells_each_role_what_waits_for_it() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
        let staff = world.user("segreteria", Role::ServiceSecretariat, None).await;
        let conciliator = world.user("conciliatore", Role::Conciliator, None).await;
        let client = world.user("cliente", Role::Client, None).await;
        world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await;
        world.user("capo", Role::Administrator, None).await;
        world.user("referente", Role::ContactOfficer, Some(seller)).await;
        let mut seen = Vec::new();
        for username in ["segreteria", "conciliatore", "cliente", "seg.luce", "capo", "referente"] {
            seen.push((username, Browser::signed_in(router.clone(), &world, username).await));
        }
        let new = NewCase {
            client: client.user,
            client_delegate: None,
            operator: seller,
            aid: None,
            application: application(),
        };
        let case = cases::open(&world.portal, &staff, new).await.unwrap();
        for (username, person) in &mut seen {
            let page = person.get("/").await;
            let told = page.text().contains("Domande da esaminare");
            assert_eq!(told, *username == "segreteria", "{name} {username}");
        }
        for act in [Act::Admit, Act::AssignConciliator { conciliator: conciliator.user }] {
            cases::act(&world.portal, &staff, case, act).await.unwrap();
        }
        let proposal = Proposal {
            starts_at: "2026-12-01T14:00:00Z".parse().unwrap(),
            minutes: 60,
            mode: Mode::VirtualRoom,
            conciliator: conciliator.user,
        };
        let meeting = meetings::convene(&world.portal, &staff, case, proposal).await.unwrap();
        for (username, person) in &mut seen {
            let page = person.get("/").await;
            let told = page.text().contains(&format!("/incontri/{meeting}"));
            let expected = !matches!(*username, "capo" | "referente");
            assert_eq!(told, expected, "{name} {username}");
            let instead = page.text().contains("Oggi come referente puoi");
            assert_eq!(instead, *username == "referente", "{name} {username}");
            let waiting = page.text().contains("in attesa di adesione");
            assert_eq!(waiting, *username == "seg.luce", "{name} {username}");
        }

        let mut tx = db.begin().await.unwrap();
        let by = (&conciliator).into();
        let (portal, body) = (&world.portal, &world.body);
        meetings::start_in(&mut tx, portal, body, meeting, by).await.unwrap();
        meetings::end_in(&mut tx, portal, body, meeting, by).await.unwrap();
        tx.commit().await.unwrap();
        for (username, person) in &mut seen {
            let page = person.get("/").await;
            let told = page.text().contains("Verbali da completare");
            assert_eq!(told, *username == "conciliatore", "{name} {username}");
        }
    }
    databases.end().await;
}
