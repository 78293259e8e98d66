//! Another signer, and proposals that are accepted or not.

use std::process::Command;

use axum::http::StatusCode;
use portal::accounts::{Actor, Role};
use portal::cases::CaseState;
use portal::cases::store as case_store;
use portal::db::Db;
use portal::signatures::settling;
use portal::signatures::store::{self, ProcessRow};
use portal_testing::databases;
use signing::Digest;

use crate::reader::{Reader, attribute, went_on};
use crate::stage::Stage;

const TEXT: &str = "L'operatore rimborsa 150,00 euro.";

/// Another delegate of the convened operator.
pub async fn second_delegate(stage: &Stage) -> Actor {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id);
    let case = case_store::read(db, body, stage.case).await.unwrap().unwrap();
    let operator = case.rules.convened().operator;
    let second = stage.world.user("del.luce2", Role::OperatorDelegate, Some(operator)).await;
    stage.world.power_of_attorney(&stage.staff, &second).await;
    second
}

fn choice(actor: &Actor) -> String {
    format!("operator_delegate/{}", actor.user.0)
}

#[tokio::test]
async fn r_sign_33_another_delegate_signs_a_new_version_and_everybody_knows() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let second = second_delegate(&stage).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        conciliator.freeze(TEXT).await;
        client.get_ready().await;
        went_on(&client.sign(&stage, &stage.client).await);

        // Only who leads, only people with powers for this operator (R-SIGN-05), one at a time.
        let fields = [("firmatario", choice(&second))];
        let fields = [(fields[0].0, fields[0].1.as_str())];
        assert_eq!(client.send("sostituisci", &fields).await.status, StatusCode::FORBIDDEN);
        let page = conciliator.look().await;
        assert_eq!(page.text().matches("value=\"operator_delegate/").count(), 1, "{name}");
        for wrong in [choice(&stage.delegate), choice(&stage.client), String::new()] {
            let page = conciliator.send("sostituisci", &[("firmatario", &wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {wrong}");
            assert!(page.text().contains("id=\"firmatario-errore\""), "{name}");
        }

        let before = stage.process().await;
        stage.world.clock.advance(chrono::TimeDelta::seconds(1));
        went_on(&conciliator.send("sostituisci", &fields).await);
        let after = stage.process().await;
        assert_ne!(before.id, after.id, "{name}");
        let process = portal::signatures::store::replay(db, &before).await.unwrap();
        assert_eq!(process.status(), signing::process::Status::Cancelled, "{name}");
        let taken_over = process.signer("operator_delegate").unwrap().signer.person;
        assert_eq!(taken_over, second.user.0, "{name}: the evidence says who took over");
        assert_eq!(stage.document().await.2, 0, "{name}: it signs another document");
        assert_eq!(stage.mails("cliente", "Verbale alla firma").await, 2, "{name}");
        assert_eq!(stage.mails("del.luce2", "Verbale alla firma").await, 1, "{name}");
        assert_eq!(stage.mails("del.luce", "Firmatario sostituito").await, 1, "{name}");
        assert_eq!(delegate.look().await.status, StatusCode::NOT_FOUND, "{name}");

        let mut second_reader = stage.browser("del.luce2").await;
        for (reader, actor) in [(&mut client, &stage.client), (&mut second_reader, &second)] {
            reader.get_ready().await;
            went_on(&reader.sign(&stage, actor).await);
        }
        conciliator.get_ready().await;
        went_on(&conciliator.send("firma/verifica", &[]).await);
        went_on(&conciliator.sign(&stage, &stage.conciliator).await);
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 3, "{name}");
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        assert!(!conciliator.look().await.text().contains("process-replace"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_33_after_a_refusal_another_delegate_may_sign() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let second = second_delegate(&stage).await;
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.freeze(TEXT).await;
    let mut delegate = stage.browser("del.luce").await;
    went_on(&delegate.send("firma/rifiuto", &[("motivo", "Non ho più la procura")]).await);
    stage.world.clock.advance(chrono::TimeDelta::seconds(1));
    went_on(&conciliator.send("sostituisci", &[("firmatario", &choice(&second))]).await);
    assert_eq!(attribute(&conciliator.look().await, "data-status"), "sent");
    assert_eq!(stage.browser("del.luce2").await.next().await, "identify");
    assert_eq!(stage.case_state().await, CaseState::Signing);
    databases.end().await;
}

#[tokio::test]
async fn r_meet_37_a_proposal_is_accepted_by_signing_and_refused_or_not_answered_otherwise() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client) =
            (stage.browser("conciliatore").await, stage.browser("cliente").await);
        conciliator.freeze_as("proposal", TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        let row = stage.process().await;
        assert_eq!((row.expires_at - row.started_at).num_days(), 7, "{name}");
        assert!(client.look().await.text().contains("chi la firma la accetta"), "{name}");
        went_on(&client.send("firma/rifiuto", &[("motivo", "Non accetto")]).await);
        let page = conciliator.look().await;
        assert!(page.text().contains("La proposta non è stata accettata."), "{name}");
        went_on(&conciliator.send("abbandona", &[]).await);
        assert_eq!(stage.case_state().await, CaseState::NoAgreement, "{name}");
        let page = conciliator.look().await;
        assert!(page.text().contains("Proposta di accordo, rifiutata il"), "{name}");
        let proposed = frozen(&stage, &row).await;
        annexed_to_no_agreement(&stage, &mut conciliator, &proposed).await;
        // A corrected version holds it too.
        went_on(&conciliator.send("annulla", &[]).await);
        stage.world.clock.advance(chrono::TimeDelta::seconds(1));
        annexed_to_no_agreement(&stage, &mut conciliator, &proposed).await;
    }
    databases.end().await;
}

/// The document as it was put to signature.
async fn frozen(stage: &Stage, row: &ProcessRow) -> Vec<u8> {
    let portal = &stage.world.portal;
    let process = store::replay(&portal.db, row).await.unwrap();
    let content = portal.files.get(row.body, process.plan().document).await.unwrap();
    content.unwrap().into()
}

/// The minutes hold the proposal as a file, and its digest in the table of annexes.
async fn annexed_to_no_agreement(stage: &Stage, conciliator: &mut Reader, proposed: &[u8]) {
    conciliator.freeze_as("no_agreement", "La proposta non è stata accettata.").await;
    assert_eq!(attribute(&conciliator.look().await, "data-status"), "sent");
    let (pdf, ..) = stage.document().await;
    let document = lopdf::Document::load_mem(&pdf).unwrap();
    let files = document.catalog().unwrap().get_deref(b"AF", &document).unwrap();
    let [file] = files.as_array().unwrap().as_slice() else { panic!("one annex") };
    let file = document.dereference(file).unwrap().1.as_dict().unwrap();
    let inside = file.get_deref(b"EF", &document).unwrap().as_dict().unwrap();
    let inside = inside.get_deref(b"F", &document).unwrap().as_stream().unwrap();
    let inside = inside.decompressed_content().unwrap_or_else(|_| inside.content.clone());
    assert!(inside == proposed, "the proposal as it was put to signature");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no-agreement.pdf");
    std::fs::write(&path, &pdf).unwrap();
    let text = Command::new("pdftotext").arg(&path).arg("-").output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    let breaks = |letter: char| letter.is_whitespace() || letter == '\u{200b}';
    let text: String = text.split(breaks).collect();
    assert!(text.contains(&Digest::of(proposed).to_string()), "{text}");
    assert!(text.contains("Propostadiaccordo,"), "{text}");
}

#[tokio::test]
async fn r_meet_37_a_proposal_without_an_answer_is_annexed_and_one_that_was_withdrawn_is_not() {
    for withdrawn in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/db", folder.path().display())).await.unwrap();
        let stage = Stage::set(&db, folder.path()).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze_as("proposal", TEXT).await;
        let row = stage.process().await;
        let proposed = frozen(&stage, &row).await;
        if withdrawn {
            went_on(&conciliator.send("annulla", &[]).await);
            assert!(!conciliator.look().await.text().contains("minutes-proposal"));
            went_on(&conciliator.send("abbandona", &[]).await);
            conciliator.freeze_as("no_agreement", "Nessun accordo.").await;
            let (pdf, ..) = stage.document().await;
            let document = lopdf::Document::load_mem(&pdf).unwrap();
            assert!(!document.catalog().unwrap().has(b"AF"));
            continue;
        }
        stage.world.clock.set(&row.expires_at.to_rfc3339());
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        let mut conciliator = stage.browser("conciliatore").await;
        went_on(&conciliator.send("abbandona", &[]).await);
        let page = conciliator.look().await;
        assert!(page.text().contains("non accettata entro il termine"), "{}", page.text());
        annexed_to_no_agreement(&stage, &mut conciliator, &proposed).await;
    }
}
