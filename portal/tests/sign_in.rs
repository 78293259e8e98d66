//! Signing in, over HTTP, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::Router;
use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::Role;
use portal::notifications;
use portal_testing::{Browser, PASSWORD, World, databases, world};

async fn begun(router: &Router, world: &World, username: &str) -> Browser {
    let mut browser = Browser::new(router.clone(), &world.body.host);
    let fields = [("username", username), ("password", PASSWORD), ("ritorno", "/profilo")];
    let page = browser.post("/accesso", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text());
    assert_eq!(page.location(), "/accesso/otp?ritorno=%2Fprofilo");
    browser
}

async fn newest_code(world: &World) -> String {
    let sent = notifications::newest(&world.portal.db, world.body.id, "", 1).await.unwrap();
    sent[0].text[..6].to_owned()
}

/// A code that is not the newest one.
async fn wrong_code(world: &World) -> &'static str {
    if newest_code(world).await == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn r_log_02_password_then_always_a_code_and_the_session_changes_its_token() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        world.user("anna", Role::Conciliator, None).await;

        let mut nobody = Browser::new(router.clone(), "localhost");
        assert_eq!(nobody.get("/profilo").await.location(), "/accesso?ritorno=%2Fprofilo");
        for (username, password) in [("anna", "Prova-2027"), ("Anna", PASSWORD), ("berta", "x")] {
            let page =
                nobody.post("/accesso", &[("username", username), ("password", password)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {username}");
            assert!(page.text().contains("Nome utente o password non corretti."));
        }

        let mut anna = begun(&router, &world, "anna").await;
        let before = anna.clone();
        // Without the code there is no right to anything.
        assert!(anna.get("/profilo").await.location().starts_with("/accesso"), "{name}");
        let code = newest_code(&world).await;
        let page = anna.post("/accesso/otp", &[("codice", &code), ("ritorno", "/profilo")]).await;
        assert_eq!(page.location(), "/profilo", "{name}");
        assert!(anna.get("/profilo").await.text().contains("anna@example.it"), "{name}");
        // The token from before the code is worth nothing, nor is the code a second time.
        let mut before = before;
        assert!(before.get("/profilo").await.location().starts_with("/accesso"), "{name}");
        assert_eq!(
            before.post("/accesso/otp", &[("codice", &code)]).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );

        anna.post("/esci", &[]).await;
        assert!(anna.get("/profilo").await.location().starts_with("/accesso"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_log_04_05_three_resends_and_five_wrong_codes_across_them() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        world.user("anna", Role::Conciliator, None).await;
        world.user("capo", Role::Administrator, None).await;

        let mut anna = begun(&router, &world, "anna").await;
        for _ in 0..3 {
            assert_eq!(anna.post("/accesso/otp/nuovo", &[]).await.status, StatusCode::OK);
        }
        let page = anna.post("/accesso/otp/nuovo", &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("disabled"), "{name}");

        let wrong = wrong_code(&world).await;
        for attempt in 1..=5 {
            let page = anna.post("/accesso/otp", &[("codice", wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(page.text().contains("bloccato"), attempt == 5, "{name} {attempt}");
        }
        let fields = [("username", "anna"), ("password", PASSWORD)];
        let page = Browser::new(router.clone(), "localhost").post("/accesso", &fields).await;
        assert!(page.text().contains("bloccato"), "{name}");

        // R-LOG-06: staff unlock.
        let mut capo = Browser::signed_in(router.clone(), &world, "capo").await;
        let list = capo.get("/amministrazione/utenti").await;
        let (_, rest) = list.text().split_once("/amministrazione/utenti/").unwrap();
        assert!(rest.contains("Bloccato"), "{name}");
        let (address, _) = list.text().split_once("/sblocca").unwrap();
        let (_, id) = address.rsplit_once('/').unwrap();
        capo.post(&format!("/amministrazione/utenti/{id}/sblocca"), &[]).await;
        Browser::signed_in(router.clone(), &world, "anna").await;
    }
    databases.end().await;
}

#[tokio::test]
async fn r_log_16_codes_and_idle_sessions_end_by_the_clock() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        world.user("anna", Role::Conciliator, None).await;

        let mut late = begun(&router, &world, "anna").await;
        let code = newest_code(&world).await;
        world.clock.advance(TimeDelta::minutes(5));
        let page = late.post("/accesso/otp", &[("codice", &code)]).await;
        assert!(page.text().contains("Il codice è scaduto"), "{name}");

        let mut anna = Browser::signed_in(router.clone(), &world, "anna").await;
        for _ in 0..4 {
            world.clock.advance(TimeDelta::minutes(29));
            assert_eq!(anna.get("/profilo").await.status, StatusCode::OK, "{name}");
        }
        world.clock.advance(TimeDelta::minutes(30));
        assert!(anna.get("/profilo").await.location().starts_with("/accesso"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_acc_59_five_wrong_passwords_suspend_and_r_tech_19_another_body_knows_nobody() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let other = world.other_body("mediazione.localhost").await;
        let router = portal::web::router(world.portal.clone());
        world.user("anna", Role::Conciliator, None).await;

        let anna = Browser::signed_in(router.clone(), &world, "anna").await;
        let mut elsewhere = Browser::new(router.clone(), &other.host);
        let page =
            elsewhere.post("/accesso", &[("username", "anna"), ("password", PASSWORD)]).await;
        assert!(page.text().contains("non corretti"), "{name}");
        // The same cookie at the other body's host opens nothing.
        let request = anna
            .request("GET", "/profilo")
            .header("host", &other.host)
            .body(axum::body::Body::empty())
            .unwrap();
        let mut request = request;
        request.headers_mut().insert("host", other.host.parse().unwrap());
        let mut anna = anna;
        assert!(anna.send(request).await.location().starts_with("/accesso"), "{name}");

        let mut thief = Browser::new(router.clone(), "localhost");
        for attempt in 1..=5 {
            let fields = [("username", "anna"), ("password", "Sbagliata-1")];
            let page = thief.post("/accesso", &fields).await;
            assert_eq!(page.text().contains("sospesa"), attempt == 5, "{name} {attempt}");
        }
        let page = thief.post("/accesso", &[("username", "anna"), ("password", PASSWORD)]).await;
        assert!(page.text().contains("sospesa"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_tech_07_a_form_of_another_site_changes_nothing_and_wrong_roles_are_refused() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        world.user("anna", Role::Conciliator, None).await;
        let mut anna = Browser::signed_in(router.clone(), &world, "anna").await;

        let mut forged = anna.request("POST", "/esci").body(axum::body::Body::empty()).unwrap();
        forged.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
        assert_eq!(anna.send(forged).await.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(anna.get("/profilo").await.status, StatusCode::OK, "{name}");

        assert_eq!(anna.get("/amministrazione/utenti").await.status, StatusCode::FORBIDDEN);
        let page = anna.post("/amministrazione/utenti/nuovo", &[("username", "x")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(anna.get("/non/esiste").await.status, StatusCode::NOT_FOUND, "{name}");
    }
    databases.end().await;
}
