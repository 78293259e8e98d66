//! Who signs when, with what, and who only watches.

use axum::http::StatusCode;
use portal::cases::CaseState;
use portal::journal;
use portal_testing::databases;
use signing::verify::{Level, verify};

use crate::reader::{TEXT, attribute, went_on};
use crate::stage::Stage;

#[tokio::test]
async fn r_sign_24_32_34_35_36_38_parties_then_the_neutral_sign_one_valid_document() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        conciliator.freeze(TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        assert_eq!(stage.mails("cliente", "Verbale alla firma").await, 1);

        // Conditions unticked are named beside their boxes; a code needs every step before it.
        assert_eq!(client.next().await, "identify");
        client.identify("RSSMRA80A01H501U").await;
        let page = client.send("firma/condizioni", &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(page.text().matches("Per proseguire occorre accettare").count(), 3);
        assert_eq!(client.send("firma/codice", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        client.get_ready().await;
        delegate.get_ready().await;
        conciliator.get_ready().await;

        // The neutral person waits for the parties, then checks their signatures (R-SIGN-36).
        assert_eq!(conciliator.next().await, "others");
        went_on(&client.sign(&stage, &stage.client).await);
        assert_eq!(client.next().await, "nothing");
        let early = conciliator.send("firma/codice", &[]).await;
        assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        assert_eq!(conciliator.next().await, "check");
        went_on(&conciliator.send("firma/verifica", &[]).await);
        went_on(&conciliator.sign(&stage, &stage.conciliator).await);

        let (pdf, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 3, "{name} {report:?}");
        assert!(report.signatures.iter().all(|one| one.level == Some(Level::BT)), "{name}");
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        assert_eq!(stage.mails("del.luce", "Verbale firmato").await, 1);
        let page = client.look().await;
        assert_eq!(attribute(&page, "data-status"), "completed");
        let filed = client.browser.get(&format!("/pratiche/{}?scheda=documenti", stage.case)).await;
        assert!(filed.text().contains("data-kind=\"final_minutes\""), "{name}");
        assert_eq!(client.open("documento.pdf").await.bytes, pdf, "{name}");

        // One flipped byte, and our verifier refuses it.
        let mut flipped = pdf.clone();
        flipped[pdf.len() / 3] ^= 1;
        assert!(
            !verify(&flipped, &stage.trust, "2026-12-15T00:00:00Z".parse().unwrap()).accepted()
        );

        // The evidence log is a chain, read by the conciliator and the staff, not by parties.
        assert_eq!(client.open("evidenze.json").await.status, StatusCode::FORBIDDEN);
        let log = conciliator.open("evidenze.json").await;
        assert!(log.text().contains("otp_sent") && !log.text().contains("rimborsa"), "{name}");
        let audit = journal::audit(db).await.unwrap();
        assert!(audit.broken.is_empty(), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_15_23_wrong_person_wrong_code_and_the_limits_of_codes() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    stage.browser("conciliatore").await.freeze(TEXT).await;
    let mut client = stage.browser("cliente").await;
    let page = client.identify("VRDGLI68C43L219Z").await;
    assert!(page.text().contains("non è quello del tuo profilo"), "{}", page.text());
    // An answer that was not asked for from here says nothing.
    let forged = client.open("firma/identificazione?state=x&code=y").await;
    assert!(forged.text().contains("non è stata richiesta da qui"));
    assert_eq!(client.next().await, "identify");
    client.get_ready().await;
    assert_eq!(client.browser.get("/firma/condizioni/privacy").await.status, StatusCode::OK);

    // Three wrong codes use a credential up; a new one is issued; there is an end to it.
    let mut used_up = 0;
    for _ in 0..10 {
        let page = client.send("firma/codice", &[]).await;
        if page.status != StatusCode::SEE_OTHER {
            assert!(page.text().contains("Hai esaurito i codici"), "{}", page.text());
            break;
        }
        used_up += 1;
        let good = stage.code(&stage.client).await;
        for _ in 0..3 {
            let wrong = if good == "000000" { "000001" } else { "000000" };
            let page = client.enter(wrong).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            if client.next().await != "code" {
                break;
            }
        }
        assert_ne!(client.next().await, "code", "three wrong codes are the limit");
        assert_eq!(client.send("firma", &[("codice", good.as_str())]).await.status, 422);
    }
    assert!((1..10).contains(&used_up), "{used_up}");
    assert_eq!(stage.document().await.2, 0);
    databases.end().await;
}

#[tokio::test]
async fn r_sign_28_who_does_not_sign_watches_or_sees_nothing() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    stage.browser("conciliatore").await.freeze(TEXT).await;
    for (username, status, evidence) in [
        ("cliente", StatusCode::OK, StatusCode::FORBIDDEN),
        ("segreteria", StatusCode::OK, StatusCode::OK),
        ("seg.luce", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ("del.rete", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ("estraneo", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    ] {
        let mut reader = stage.browser(username).await;
        assert_eq!(reader.look().await.status, status, "{username}");
        assert_eq!(reader.open("evidenze.json").await.status, evidence, "{username}");
        assert_eq!(reader.open("documento.pdf").await.status, status, "{username}");
        for act in ["annulla", "abbandona"] {
            let page = reader.send(act, &[]).await;
            assert!(matches!(page.status.as_u16(), 403 | 404), "{username} {act} {}", page.status);
        }
        if username != "cliente" {
            let page = reader.send("firma/codice", &[]).await;
            assert!(matches!(page.status.as_u16(), 403 | 404), "{username} {}", page.status);
        }
    }
    databases.end().await;
}
