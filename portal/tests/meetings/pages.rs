//! The pages.

use axum::http::StatusCode;
use portal_testing::{Browser, databases, world};

use crate::support::{case, people};

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
        // One at a time, and none once the procedure is over: the form is not even shown.
        let page = staff.get(&new).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
        assert!(page.text().contains("ha già un incontro convocato"), "{name}");

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
        let page = client.post(&format!("/pratiche/{case}/rinuncia"), &[]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name}: {}", page.text());
        let page = staff.get(&new).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
        assert!(page.text().contains("Non è possibile convocare"), "{name}: {}", page.text());
    }
    databases.end().await;
}
