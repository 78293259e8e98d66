//! Minutes and their signatures through the portal's pages, with the demo's trust service and
//! identity provider behind HTTP, on both databases.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod accidents;
mod beside;
mod boundaries;
mod minutes;
mod own_device;
mod paper;
mod preservation;
mod replacing;
mod stage;
mod trust_lists;
mod verification;

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::Role;
use portal::cases::CaseState;
use portal::cases::commands as cases;
use portal::cases::rules::Act;
use portal::db::Db;
use portal::journal;
use portal::meetings::Mode;
use portal::signatures::{apply, waiting};
use portal_testing::databases;
use signing::verify::{Level, verify};
use stage::{Stage, attribute, went_on};

const TEXT: &str = "L'operatore rimborsa 150,00 euro.";

#[tokio::test]
async fn r_sign_24_32_34_35_36_38_parties_then_the_neutral_sign_one_valid_document() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
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

#[tokio::test]
async fn r_sign_33_a_refusal_ends_it_clearly_and_the_conciliator_makes_a_new_version() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
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
        apply::resume_all(&stage.world.portal, None).await.unwrap();
        assert_eq!(stage.process().await.status, "sent", "{name}");
        // Signing in takes the second that is left.
        let mut client = stage.browser("cliente").await;
        assert_eq!(stage.world.portal.now(), term);
        let late = client.send("firma", &[("base", "00"), ("codice", &code)]).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        apply::resume_all(&stage.world.portal, None).await.unwrap();
        apply::resume_all(&stage.world.portal, None).await.unwrap();
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
async fn r_meet_34_every_outcome_has_its_signers_its_state_and_its_document() {
    let folder = tempfile::tempdir().unwrap();
    for (outcome, by_client, state, kind) in [
        ("no_agreement", false, CaseState::NoAgreement, "final_minutes"),
        ("no_show_convened", false, CaseState::NoShow, "final_minutes"),
        ("withdrawal", true, CaseState::Withdrawn, "final_minutes"),
        // The next meeting is convened by the secretariat (R-MEET-35).
        ("adjourned", false, CaseState::Held, "adjournment_minutes"),
    ] {
        let place = folder.path().join(outcome);
        std::fs::create_dir_all(&place).unwrap();
        let db = Db::open(&format!("sqlite://{}/db", place.display())).await.unwrap();
        let stage = Stage::set(&db, &place).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze_as(outcome, TEXT).await;
        // Nobody withdraws for the client.
        let frozen = if by_client { CaseState::Signing } else { state };
        assert_eq!(stage.case_state().await, frozen, "{outcome}");
        if by_client {
            let mut client = stage.browser("cliente").await;
            client.get_ready().await;
            went_on(&client.sign(&stage, &stage.client).await);
        }
        conciliator.get_ready().await;
        if by_client {
            went_on(&conciliator.send("firma/verifica", &[]).await);
        }
        // The text can still be put right, without another outcome being recorded twice.
        went_on(&conciliator.send("annulla", &[]).await);
        conciliator.freeze_as(outcome, "Testo corretto.").await;
        if by_client {
            let mut client = stage.browser("cliente").await;
            client.get_ready().await;
            went_on(&client.sign(&stage, &stage.client).await);
        }
        conciliator.get_ready().await;
        if by_client {
            went_on(&conciliator.send("firma/verifica", &[]).await);
        }
        went_on(&conciliator.sign(&stage, &stage.conciliator).await);
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted(), "{outcome} {report:?}");
        assert_eq!(signatures, 1 + usize::from(by_client), "{outcome}");
        assert_eq!(stage.case_state().await, state, "{outcome}");
        let mut client = stage.browser("cliente").await;
        let documents = format!("/pratiche/{}?scheda=documenti", stage.case);
        let page = client.browser.get(&documents).await;
        assert_eq!(page.text().matches(&format!("data-kind=\"{kind}\"")).count(), 1, "{outcome}");
        db.close().await;
    }
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

#[tokio::test]
async fn r_meet_34_what_minutes_can_say_by_mode_and_time() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let mut stage = Stage::set(db, &databases.folder().join(name)).await;
    let all = [
        "agreement",
        "proposal",
        "no_agreement",
        "no_show_activating",
        "no_show_convened",
        "adjourned",
        "withdrawal",
    ];
    let met = ["agreement", "proposal", "no_agreement", "adjourned", "withdrawal"];
    let nobody_came = ["no_show_activating", "no_show_convened"];
    for (mode, starts_at, times) in [
        (
            Mode::VirtualRoom,
            "2026-12-21T10:00:00Z",
            [
                ("2026-12-20T10:00:00Z", &[][..]),
                ("2026-12-21T10:29:59Z", &[]),
                ("2026-12-21T10:30:00Z", &nobody_came),
            ],
        ),
        (
            Mode::CallConference,
            "2026-12-22T10:00:00Z",
            [
                ("2026-12-22T09:59:59Z", &[][..]),
                ("2026-12-22T10:29:59Z", &met),
                ("2026-12-22T10:30:00Z", &all),
            ],
        ),
    ] {
        let earlier = stage.meeting;
        stage.adjourn_to(starts_at, mode).await;
        for (now, offered) in times {
            stage.world.clock.set(now);
            stage.world.clock.advance(TimeDelta::minutes(-10));
            let mut conciliator = stage.browser("conciliatore").await;
            stage.world.clock.set(now);
            assert_eq!(conciliator.outcomes().await, offered, "{mode:?} {now}");
            // The meeting before has its outcome.
            conciliator.turn_to(earlier);
            assert_eq!(conciliator.outcomes().await, ["adjourned"], "{mode:?} {now}");
        }
    }
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.freeze_as("agreement", TEXT).await;
    assert_eq!(stage.case_state().await, CaseState::Signing);
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_an_agreement_without_one_of_the_sides_is_not_put_to_signature() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::without_delegate(db, &databases.folder().join(name)).await;
    let mut conciliator = stage.browser("conciliatore").await;
    let fields = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
    let page = conciliator.send("congela", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("manca chi può firmare per l&#39;operatore convenuto"));
    databases.end().await;
}
