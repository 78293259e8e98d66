//! Requests that make no sense get a page of ours, in Italian.

use axum::body::Body;
use axum::http::{StatusCode, header};
use portal::accounts::Role;
use portal_testing::{Browser, databases, world};

#[tokio::test]
async fn what_cannot_be_read_is_answered_by_a_page() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let world = world(db, &databases.folder().join(name)).await;
    let router = portal::web::router(world.portal.clone());
    world.user("segreteria", Role::ServiceSecretariat, None).await;
    let mut staff = Browser::signed_in(router, &world, "segreteria").await;
    for (path, status, title) in [
        ("/pratiche/abc", 404, "Pagina non trovata"),
        ("/pratiche/abc/documenti/1", 404, "Pagina non trovata"),
        ("/pratiche/00000000-0000-0000-0000-000000000000", 404, "Pagina non trovata"),
        ("/incontri/%FF", 404, "Pagina non trovata"),
        ("/incontri/abc", 404, "Pagina non trovata"),
        ("/nessuna", 404, "Pagina non trovata"),
        ("/pratiche?q=a&q=b", 400, "Richiesta non valida"),
        ("/esci", 405, "Richiesta non valida"),
    ] {
        let page = staff.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text().contains(title), "{path}: {}", page.text());
    }
    // More than any form needs.
    let request = staff.request("POST", "/pratiche/nuova");
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let large = format!("descrizione={}", "x".repeat(3 * 1024 * 1024));
    let page = staff.send(request.body(Body::from(large)).unwrap()).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.text().contains("Richiesta troppo grande"), "{}", page.text());
    // A file's form that is none.
    let case = "/pratiche/00000000-0000-0000-0000-000000000000/documenti";
    let request = staff.request("POST", case).header(header::CONTENT_TYPE, "text/plain");
    let page = staff.send(request.body(Body::from("x")).unwrap()).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text().contains("Richiesta non valida"), "{}", page.text());
    // A form without its fields, and something that is no form.
    for (kind, content) in [("application/x-www-form-urlencoded", "x=1"), ("text/plain", "x")] {
        let request = staff.request("POST", "/accesso").header(header::CONTENT_TYPE, kind);
        let page = staff.send(request.body(Body::from(content)).unwrap()).await;
        assert!(page.status.is_client_error(), "{kind}: {}", page.status);
        assert_ne!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text().contains("<h1>"), "{kind}: {}", page.text());
    }
    databases.end().await;
}
