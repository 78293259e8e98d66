//! What people agree to keep of a media test, over HTTP and on both databases.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::Role;
use portal::media_tests::{self, Check};
use portal_testing::{Browser, databases, world};

fn checks(green: bool) -> Vec<Check> {
    let (label, words) = ("Microfono".to_owned(), "Il microfono è spento.".to_owned());
    vec![Check { label, green, words, figures: vec!["12 ms".to_owned()] }]
}

#[tokio::test]
async fn r_test_09_an_outcome_is_its_owners_and_the_staffs_and_ends_at_its_term() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, world.body.id);
        let router = portal::web::router(portal.clone());
        let anna = world.user("anna", Role::Client, None).await;
        world.user("berta", Role::Client, None).await;
        world.user("segreteria", Role::ServiceSecretariat, None).await;
        let other = world.other_body("altrove.localhost").await;

        for n in 0..12 {
            world.clock.advance(TimeDelta::minutes(1));
            media_tests::keep(portal, &anna, n % 2 == 0, &checks(n % 2 == 0)).await.unwrap();
        }
        let kept = media_tests::of(db, body, anna.user, portal.now()).await.unwrap();
        assert_eq!(kept.len(), 10, "{name}: the oldest give way");
        assert!(!kept[0].ready && kept[1].ready, "{name}: newest first");
        assert_eq!(kept[0].checks, checks(false), "{name}");
        assert_eq!(kept[0].expires_at - kept[0].taken_at, TimeDelta::days(90), "{name}");
        let elsewhere = media_tests::of(db, other.id, anna.user, portal.now()).await.unwrap();
        assert_eq!(elsewhere, [], "{name}: another body sees nothing");

        let mut anna_sees = Browser::signed_in(router.clone(), &world, "anna").await;
        let page = anna_sees.get("/profilo/prove").await;
        assert!(page.text().contains("Il microfono è spento."), "{name}");
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let of_anna = format!("/persone/{}/prove", anna.user.0);
        assert!(staff.get(&of_anna).await.text().contains("12 ms"), "{name}");
        let mut berta = Browser::signed_in(router.clone(), &world, "berta").await;
        assert_eq!(berta.get(&of_anna).await.status, StatusCode::FORBIDDEN, "{name}");
        assert!(berta.get("/profilo/prove").await.text().contains("no-tests"), "{name}");
        let delete = format!("/profilo/prove/{}/cancella", kept[0].id);
        assert_eq!(berta.post(&delete, &[]).await.status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(anna_sees.post(&delete, &[]).await.status, StatusCode::SEE_OTHER, "{name}");
        let kept = media_tests::of(db, body, anna.user, portal.now()).await.unwrap();
        assert_eq!(kept.len(), 9, "{name}");

        world.clock.advance(TimeDelta::days(90));
        assert_eq!(media_tests::of(db, body, anna.user, portal.now()).await.unwrap(), [], "{name}");
        media_tests::sweep(db, portal.now()).await.unwrap();
        let early = portal.now() - TimeDelta::days(80);
        assert_eq!(media_tests::of(db, body, anna.user, early).await.unwrap(), [], "{name}: gone");
    }
    databases.end().await;
}
