//! Refused, taken back, expired: how signatures end without a document.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::Role;
use portal::cases::CaseState;
use portal::cases::commands as cases;
use portal::cases::rules::Act;
use portal::signatures::{settling, waiting};
use portal_testing::databases;

use crate::reader::{TEXT, attribute, went_on};
use crate::stage::Stage;

#[tokio::test]
async fn r_sign_33_a_refusal_ends_it_clearly_and_the_conciliator_makes_a_new_version() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        conciliator.freeze(TEXT).await;
        delegate.get_ready().await;
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        let page = client.send("firma/rifiuto", &[("motivo", " ")]).await;
        assert!(page.text().contains("Scrivi il motivo del rifiuto."), "{name}");
        went_on(&client.send("firma/rifiuto", &[("motivo", "L'importo è sbagliato")]).await);
        assert_eq!(stage.mails("conciliatore", "Firma rifiutata").await, 1);
        let page = conciliator.look().await;
        assert_eq!(attribute(&page, "data-status"), "refused");
        assert!(page.text().contains("importo è sbagliato"), "{name}");
        assert!(!delegate.look().await.text().contains("importo è sbagliato"), "{name}");

        let first = stage.process().await;
        stage.world.clock.advance(TimeDelta::seconds(1));
        conciliator.freeze("L'operatore rimborsa 250,00 euro.").await;
        let second = stage.process().await;
        assert_ne!(first.id, second.id, "{name}");
        // What was signed before counts for the earlier version only.
        assert_eq!(stage.document().await.2, 0, "{name}");
        assert_eq!(delegate.next().await, "conditions", "{name}: known from before");
        for (reader, actor) in [(&mut client, &stage.client), (&mut delegate, &stage.delegate)] {
            reader.get_ready().await;
            went_on(&reader.sign(&stage, actor).await);
        }
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 2, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_04_taking_it_back_voids_signatures_and_pages_of_the_old_version() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let (mut conciliator, mut client) =
        (stage.browser("conciliatore").await, stage.browser("cliente").await);
    conciliator.freeze(TEXT).await;
    client.get_ready().await;
    went_on(&client.send("firma/codice", &[]).await);
    let old_base = client.base().await;
    let old_code = stage.code(&stage.client).await;
    went_on(&conciliator.send("annulla", &[]).await);
    let page = client.look().await;
    assert_eq!(attribute(&page, "data-status"), "cancelled");
    assert_eq!(attribute(&page, "data-own"), "");
    conciliator.freeze("Altro testo.").await;
    client.get_ready().await;
    went_on(&client.send("firma/codice", &[]).await);
    let late = client.send("firma", &[("base", &old_base), ("codice", &old_code)]).await;
    assert!(late.text().contains("Il documento è cambiato"), "{}", late.text());
    assert_eq!(stage.document().await.2, 0);
    let code = stage.code(&stage.client).await;
    went_on(&client.enter(&code).await);
    assert_eq!(stage.document().await.2, 1);
    databases.end().await;
}

#[tokio::test]
async fn r_sign_33_the_term_passes_and_the_case_ends_without_agreement() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze(TEXT).await;
        let mut client = stage.browser("cliente").await;
        client.get_ready().await;
        went_on(&client.send("firma/codice", &[]).await);
        let code = stage.code(&stage.client).await;
        let abandon = conciliator.send("abbandona", &[]).await;
        assert!(abandon.text().contains("Prima annulla"), "{name}");

        // At the last second it can be signed, not after it, whatever the clock's round did.
        let term = stage.process().await.expires_at;
        stage.world.clock.set(&(term - TimeDelta::seconds(1)).to_rfc3339());
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        assert_eq!(stage.process().await.status, "sent", "{name}");
        // Signing in takes the second that is left.
        let mut client = stage.browser("cliente").await;
        assert_eq!(stage.world.portal.now(), term);
        let late = client.send("firma", &[("base", "00"), ("codice", &code)]).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        let row = stage.process().await;
        assert_eq!((row.status.as_str(), row.open), ("expired", false), "{name}");
        assert_eq!(stage.mails("conciliatore", "Firma scaduta").await, 1, "{name}");

        let mut conciliator = stage.browser("conciliatore").await;
        went_on(&conciliator.send("abbandona", &[]).await);
        assert_eq!(stage.case_state().await, CaseState::NoAgreement, "{name}");
        assert!(waiting::interrupted(db).await.unwrap().is_empty());
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_33_a_withdrawal_that_the_client_does_not_sign_has_no_effect() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client) =
            (stage.browser("conciliatore").await, stage.browser("cliente").await);
        conciliator.freeze_as("withdrawal", TEXT).await;
        went_on(&client.send("firma/rifiuto", &[("motivo", "Non rinuncio")]).await);
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        assert_eq!(conciliator.outcomes().await, ["withdrawal"], "{name}");
        let page = conciliator.look().await;
        assert!(page.text().contains("Se la rinuncia non viene firmata"), "{name}");
        went_on(&conciliator.send("abbandona", &[]).await);
        assert_eq!(stage.case_state().await, CaseState::Held, "{name}");
        let offered = conciliator.outcomes().await;
        assert!(offered.iter().any(|outcome| outcome == "agreement"), "{name} {offered:?}");
        // The withdrawal can be tried again, and another outcome recorded instead.
        conciliator.freeze_as("withdrawal", TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        went_on(&conciliator.send("annulla", &[]).await);
        went_on(&conciliator.send("abbandona", &[]).await);
        conciliator.freeze_as("no_agreement", TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::NoAgreement, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_63_a_case_that_goes_another_way_takes_its_document_back() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze(TEXT).await;
        let mut delegate = stage.browser("del.luce").await;
        delegate.get_ready().await;
        went_on(&delegate.sign(&stage, &stage.delegate).await);

        // Another conciliator: nobody waits for one who cannot sign any more.
        let portal = &stage.world.portal;
        let new = stage.world.user("altro", Role::Conciliator, None).await;
        let assign = Act::AssignConciliator { conciliator: new.user };
        cases::act(portal, &stage.staff, stage.case, assign).await.unwrap();
        assert_eq!(stage.process().await.status, "cancelled", "{name}");
        assert_eq!(stage.mails("del.luce", "Firma annullata").await, 1, "{name}");
        assert_eq!(conciliator.look().await.status, StatusCode::NOT_FOUND, "{name}");
        let mut conciliator = stage.browser("altro").await;
        conciliator.freeze("Nuovo testo.").await;
        assert_eq!(stage.process().await.status, "sent", "{name}");

        // The client withdraws while the agreement is at signature.
        cases::act(portal, &stage.client, stage.case, Act::Withdraw).await.unwrap();
        assert_eq!(stage.process().await.status, "cancelled", "{name}");
        assert_eq!(stage.case_state().await, CaseState::Withdrawn, "{name}");
        let fields = [("revision", "9"), ("esito", "agreement"), ("testo", "Ancora")];
        let page = conciliator.send("congela", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(stage.process().await.status, "cancelled", "{name}");
        // What is void is shown to nobody as the minutes.
        assert_eq!(delegate.open("documento.pdf").await.status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(conciliator.open("documento.pdf").await.status, StatusCode::OK, "{name}");
    }
    databases.end().await;
}
