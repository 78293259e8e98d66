//! Who may sign for another: at every point where it counts, on both databases (R-SIGN-05).

use axum::http::StatusCode;
use portal::accounts::{Actor, Role};
use portal::cases::CaseState;
use portal::cases::store as case_store;
use portal::organisations::OperatorId;
use portal::powers::commands::{self, Scope};
use portal::powers::{PowerId, PowerKind, store};
use portal::signatures::powers::pass_time;
use portal_testing::databases;

use crate::reader::{attribute, went_on};
use crate::stage::Stage;

const TEXT: &str = "L'operatore rimborsa 150,00 euro.";

async fn operator(stage: &Stage) -> OperatorId {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id);
    let case = case_store::read(db, body, stage.case).await.unwrap().unwrap();
    case.rules.convened().operator
}

/// The power of attorney that the stage's delegate holds is ended.
async fn without_attorney(stage: &Stage) {
    let (portal, body) = (&stage.world.portal, stage.world.body.id);
    for power in store::of_person(&portal.db, body, stage.delegate.user).await.unwrap() {
        commands::end(portal, &stage.staff, power.id).await.unwrap();
    }
}

async fn given(stage: &Stage, holder: &Actor, kind: PowerKind, dated: &str) -> PowerId {
    let scope = Scope::Operator(operator(stage).await);
    stage.world.powers(&stage.staff, holder.user, scope, (kind, dated)).await
}

#[tokio::test]
async fn r_sign_05_minutes_are_not_frozen_for_a_signer_without_powers() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        without_attorney(&stage).await;
        let before = stage.case_state().await;
        let mut conciliator = stage.browser("conciliatore").await;
        // The one who writes is told before the text is put to signature.
        let page = conciliator.look().await;
        assert!(page.text().contains("data-testid=\"without-powers\""), "{name}");
        for (kind, dated, why) in [
            (None, "", "è stata chiusa il 14/12/2026"),
            (Some(PowerKind::AidOnly), "2026-12-01", "è stata chiusa il 14/12/2026"),
            (Some(PowerKind::Commitment), "2026-11-13", "è scaduto il 13/12/2026"),
        ] {
            if let Some(kind) = kind {
                given(&stage, &stage.delegate, kind, dated).await;
            }
            let page = conciliator.freeze_suddenly("agreement", TEXT).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {kind:?}");
            let told = format!("{} (Delegato dell&#39;Operatore convenuto)", stage.delegate.name);
            assert!(page.text().contains(&told), "{name} {kind:?} {}", page.text());
            assert!(page.text().contains(why), "{name} {kind:?}");
        }
        assert_eq!(stage.case_state().await, before, "{name}: nothing happened");

        given(&stage, &stage.delegate, PowerKind::Commitment, "2026-11-14").await;
        conciliator.freeze(TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_05_a_commitment_that_runs_out_stops_the_code_and_the_signature() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        without_attorney(&stage).await;
        // The last day is 15 December, in Rome until 23:00 UTC.
        given(&stage, &stage.delegate, PowerKind::Commitment, "2026-11-15").await;
        let (mut conciliator, mut delegate) =
            (stage.browser("conciliatore").await, stage.browser("del.luce").await);
        conciliator.freeze(TEXT).await;
        let page = delegate.look().await;
        assert!(page.text().contains("valgono fino al 15/12/2026"), "{name}");
        delegate.get_ready().await;
        stage.world.clock.set("2026-12-15T22:55:00Z");
        let mut delegate = stage.browser("del.luce").await;
        went_on(&delegate.send("firma/codice", &[]).await);
        let code = stage.code(&stage.delegate).await;
        let base = delegate.base().await;
        let before = stage.codes(&stage.delegate).await;

        // The code came in time; the signature does not.
        stage.world.clock.set("2026-12-15T23:00:00Z");
        let fields = [("base", base.as_str()), ("codice", code.as_str())];
        let page = delegate.send("firma", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("scaduto il 15/12/2026"), "{name}");
        assert_eq!(stage.document().await.2, 0, "{name}");
        let page = delegate.send("firma/codice", &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(stage.codes(&stage.delegate).await, before, "{name}: no other code");
        assert_eq!(delegate.next().await, "powers", "{name}");

        // Who leads sees it, on the page and on the panel, and is told once.
        let mut conciliator = stage.browser("conciliatore").await;
        let page = conciliator.look().await;
        assert!(page.text().contains("data-testid=\"process-powers\""), "{name}");
        let panel = conciliator.browser.get("/firme").await;
        assert!(panel.text().contains("data-powers=\"true\""), "{name}");
        for _ in 0..2 {
            pass_time(&stage.world.portal).await.unwrap();
        }
        let subject = "Un firmatario non ha più poteri";
        assert_eq!(stage.mails("conciliatore", subject).await, 1, "{name}");
        assert_eq!(stage.mails("del.luce", subject).await, 0, "{name}");

        // The power of attorney comes, and the same process goes on.
        given(&stage, &stage.delegate, PowerKind::Poa, "2026-12-01").await;
        assert_eq!(delegate.next().await, "code", "{name}");
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        assert_eq!(stage.document().await.2, 1, "{name}");
        let page = conciliator.look().await;
        assert!(!page.text().contains("data-testid=\"process-powers\""), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_05_who_takes_over_must_hold_powers_too() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let operator = operator(&stage).await;
    let second = stage.world.user("del.luce2", Role::OperatorDelegate, Some(operator)).await;
    given(&stage, &second, PowerKind::Commitment, "2026-11-10").await;
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.freeze(TEXT).await;
    let page = conciliator.look().await;
    assert!(!page.text().contains("value=\"operator_delegate/"), "nobody can be chosen");
    assert!(page.text().contains("data-testid=\"hindered\""));
    assert!(page.text().contains("scaduto il 10/12/2026"));
    // Not even by a form that was made by hand.
    let choice = format!("operator_delegate/{}", second.user.0);
    let page = conciliator.send("sostituisci", &[("firmatario", choice.as_str())]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("id=\"firmatario-errore\""));
    assert_eq!(attribute(&page, "data-status"), "sent");

    given(&stage, &second, PowerKind::RegisterExtract, "2026-12-10").await;
    stage.world.clock.advance(chrono::TimeDelta::seconds(1));
    went_on(&conciliator.send("sostituisci", &[("firmatario", choice.as_str())]).await);
    databases.end().await;
}
