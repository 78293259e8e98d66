//! What minutes can say, and what follows from it.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::cases::CaseState;
use portal::db::Db;
use portal::meetings::Mode;
use portal_testing::databases;

use crate::reader::{TEXT, went_on};
use crate::stage::Stage;

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
