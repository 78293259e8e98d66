//! Leave to sign, given on the trust service's own page: the way there and back, and everything that
//! is not that way.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::Actor;
use portal_testing::{Page, databases};
use signing::process::Event;

use crate::parties::Mood;
use crate::reader::{Reader, TEXT, went_on};
use crate::stage::Stage;

/// Asks to sign; gives the address of the trust service's page.
async fn ask(reader: &mut Reader) -> String {
    let base = reader.base().await;
    let page = reader.send("firma/autorizzazione", &[("base", base.as_str())]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let (before, _) = page.text().split_once("data-testid=\"leave-go\"").unwrap();
    let address = before.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap();
    address.replace("&#38;", "&").replace("&amp;", "&")
}

/// Presses a button of the trust service's page.
async fn press(address: &str, action: &str, otp: &str) -> reqwest::Response {
    let (page, query) = address.split_once('?').unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let body = format!("{query}&action={action}&otp={otp}");
    let http = http.build().unwrap();
    let kind = "application/x-www-form-urlencoded";
    http.post(page).header("content-type", kind).body(body).send().await.unwrap()
}

/// The path that the trust service sends the browser back to.
fn path_back(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status().as_u16(), 302);
    let to = answer.headers()["location"].to_str().unwrap();
    let (_, rest) = to.split_once("://").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

/// Gives leave at the trust service; gives the path back.
async fn give(stage: &Stage, actor: &Actor, address: &str) -> String {
    let shown = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert!(shown.contains("N/2026/000001"), "{shown}");
    assert_eq!(press(address, "send", "").await.status().as_u16(), 200);
    let code = stage.code(actor).await;
    path_back(&press(address, "authorize", &code).await)
}

/// Nobody is let in: home, with a word.
fn turned_away(page: &Page) {
    went_on(page);
    assert_eq!(page.location(), "/");
}

async fn ready(stage: &Stage) -> Reader {
    stage.browser("conciliatore").await.freeze(TEXT).await;
    let mut client = stage.browser("cliente").await;
    client.get_ready().await;
    assert_eq!(client.next().await, "leave");
    client
}

fn told(page: &Page, text: &str) {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.text());
    assert!(page.text().contains(text), "{}", page.text());
}

#[tokio::test]
async fn r_sign_30_leave_given_on_the_providers_page_signs_once() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::with_leave(db, &databases.folder().join(name)).await;
        let mut client = ready(&stage).await;
        // Codes are not this provider's way.
        let page = client.send("firma/codice", &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(client.enter("123456").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let address = ask(&mut client).await;
        assert!(address.contains("code_challenge_method=S256") && !address.contains("verifier"));
        let back = give(&stage, &stage.client, &address).await;
        assert_eq!(stage.document().await.2, 0, "{name}: it is not signed by the leave alone");

        // Another person, another session of the same one, a wrong state and none at all.
        let mut delegate = stage.browser("del.luce").await;
        turned_away(&delegate.browser.get(&back).await);
        turned_away(&stage.browser("cliente").await.browser.get(&back).await);
        let (path, _) = back.split_once('?').unwrap();
        for query in ["code=c&state=guess", "code=c", "state=", ""] {
            turned_away(&client.browser.get(&format!("{path}?{query}")).await);
        }
        assert_eq!(stage.document().await.2, 0, "{name}");

        let page = client.browser.get(&back).await;
        went_on(&page);
        assert!(page.location().ends_with("/verbale"), "{}", page.location());
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 1, "{name} {report:?}");
        assert_eq!(client.next().await, "nothing");
        turned_away(&client.browser.get(&back).await);
        assert_eq!(stage.document().await.2, 1, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_30_without_leave_nothing_is_signed_and_one_may_try_again() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::with_leave(db, &databases.folder().join(name)).await;
    let mut client = ready(&stage).await;
    // The signer does not want to.
    let address = ask(&mut client).await;
    let back = path_back(&press(&address, "cancel", "").await);
    told(&client.browser.get(&back).await, "Non hai autorizzato la firma");
    turned_away(&client.browser.get(&back).await);
    // The provider does not, in words that are not known; they are not repeated.
    let state = |address: &str| {
        address.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    };
    let address = ask(&mut client).await;
    let back = format!("/firma/autorizzata?error=%3Cb%3Eodd&state={}", state(&address));
    told(&client.browser.get(&back).await, "non ha accettato la richiesta");
    // A code that is not one.
    let address = ask(&mut client).await;
    let back = format!("/firma/autorizzata?code=guess&state={}", state(&address));
    told(&client.browser.get(&back).await, "ha rifiutato la richiesta");
    // Too late.
    let address = ask(&mut client).await;
    let back = give(&stage, &stage.client, &address).await;
    stage.world.clock.advance(TimeDelta::minutes(15));
    told(&client.browser.get(&back).await, "troppo tardi");
    // A later question makes an earlier one void.
    let earlier = ask(&mut client).await;
    let address = ask(&mut client).await;
    let back = give(&stage, &stage.client, &earlier).await;
    turned_away(&client.browser.get(&back).await);
    assert_eq!(stage.document().await.2, 0);

    let back = give(&stage, &stage.client, &address).await;
    went_on(&client.browser.get(&back).await);
    let (_, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 1, "{report:?}");
    let row = stage.process().await;
    let log = portal::signatures::evidence::load(&stage.world.portal.db, &row).await.unwrap();
    let refused = log.entries.iter().filter_map(|entry| match &entry.recorded.event {
        Event::LeaveRefused { reason, .. } => Some(reason.as_str()),
        _ => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), ["access_denied", "other"]);
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_leave_is_for_one_revision_and_one_version() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::with_leave(db, &databases.folder().join(name)).await;
    let mut client = ready(&stage).await;
    let mut delegate = stage.browser("del.luce").await;
    delegate.get_ready().await;
    // Somebody else signs while the signer is away.
    let address = ask(&mut client).await;
    let back = give(&stage, &stage.client, &address).await;
    let others = ask(&mut delegate).await;
    let others = give(&stage, &stage.delegate, &others).await;
    went_on(&delegate.browser.get(&others).await);
    told(&client.browser.get(&back).await, "autorizza di nuovo");
    assert_eq!(stage.document().await.2, 1);
    let address = ask(&mut client).await;
    // The answer of the provider gets lost: its certificate is spent, another one signs.
    let back = give(&stage, &stage.client, &address).await;
    stage.mood(Mood::AnswerLost);
    told(&client.browser.get(&back).await, "non risponde");
    stage.mood(Mood::Good);
    let address = ask(&mut client).await;
    let back = give(&stage, &stage.client, &address).await;
    went_on(&client.browser.get(&back).await);
    let (_, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 2, "{report:?}");

    // A leave for a version that was taken back signs nothing.
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.get_ready().await;
    went_on(&conciliator.send("firma/verifica", &[]).await);
    let address = ask(&mut conciliator).await;
    let back = give(&stage, &stage.conciliator, &address).await;
    went_on(&conciliator.send("annulla", &[]).await);
    let page = conciliator.browser.get(&back).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.text());
    assert_eq!(stage.document().await.2, 2);
    databases.end().await;
}
