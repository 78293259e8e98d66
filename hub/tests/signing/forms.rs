//! By what means parties sign, and what the one document is in the end.

use std::collections::BTreeSet;
use std::process::Command;

use axum::http::StatusCode;
use portal::accounts::Actor;
use portal::cases::store as case_store;
use portal::db::Db;
use portal::documents::rules::Viewer;
use portal::documents::store as documents;
use portal::documents::{Kind, Sender};
use portal::signatures::store as signatures;
use portal_testing::databases;
use signing::process::{Format, Step};
use signing::verify;

use crate::own_device::subject;
use crate::paper::{agree, mediation, to_be_preserved};
use crate::reader::{Reader, TEXT, went_on};
use crate::stage::Stage;

/// How somebody signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    OwnDevice,
    OneShot,
}

async fn signs(stage: &Stage, reader: &mut Reader, (actor, field): (&Actor, &str), by: By) {
    match by {
        By::OneShot => {
            reader.get_ready().await;
            if reader.next().await == "check" {
                went_on(&reader.send("firma/verifica", &[]).await);
            }
            went_on(&reader.sign(stage, actor).await);
        }
        By::OwnDevice => {
            reader.look().await;
            let pdf = reader.open("documento.pdf").await.bytes;
            let signed =
                stage.qtsp.sign_on_device(&pdf, field, &subject(stage, actor).await).unwrap();
            went_on(&reader.hand_in("verbale.pdf", &signed).await);
        }
    }
}

/// The text of a document, as a reader of others takes it out.
fn text_of(stage: &Stage, pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verbale.pdf");
    std::fs::write(&file, pdf).unwrap();
    let printed = Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output().unwrap();
    assert!(printed.status.success(), "{:?} {:?}", stage.case, printed.stderr);
    String::from_utf8(printed.stdout).unwrap()
}

#[tokio::test]
async fn r_sign_01_on_agreement_each_party_signs_with_the_own_device_or_a_one_shot_certificate() {
    let databases = databases().await;
    let (_, db) = &databases.all[0];
    for (turn, (client_by, delegate_by)) in [
        (By::OwnDevice, By::OneShot),
        (By::OneShot, By::OwnDevice),
        (By::OneShot, By::OneShot),
        (By::OwnDevice, By::OwnDevice),
    ]
    .into_iter()
    .enumerate()
    {
        let db = if turn == 0 { db.clone() } else { fresh(&databases, turn).await };
        let stage = Stage::set(&db, &databases.folder().join(format!("turn-{turn}"))).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze(TEXT).await;
        let mut client = stage.browser("cliente").await;
        let mut delegate = stage.browser("del.luce").await;
        let what = format!("{client_by:?} {delegate_by:?}");
        // Both ways are offered, and no way costs the party another step than its own.
        let page = client.look().await;
        assert!(page.text().contains("data-testid=\"own-device\""), "{what}");
        assert!(page.text().contains("data-testid=\"sign-identify\""), "{what}");
        signs(&stage, &mut client, (&stage.client, "client"), client_by).await;
        signs(&stage, &mut delegate, (&stage.delegate, "operator_delegate"), delegate_by).await;
        signs(&stage, &mut conciliator, (&stage.conciliator, "neutral"), By::OneShot).await;
        let (_, report, count) = stage.document().await;
        assert!(report.accepted() && count == 3, "{what} {report:?}");
        // The evidence log tells the two ways apart.
        let row = stage.process().await;
        let process = signatures::replay(&db, &row).await.unwrap();
        for (field, by) in [("client", client_by), ("operator_delegate", delegate_by)] {
            let elsewhere = process.signer(field).unwrap().elsewhere;
            assert_eq!(elsewhere, by == By::OwnDevice, "{what} {field}");
        }
        if turn > 0 {
            db.close().await;
        }
    }
    databases.end().await;
}

async fn fresh(databases: &portal_testing::Databases, turn: usize) -> Db {
    let file = databases.folder().join(format!("turn-{turn}.db"));
    Db::open(&format!("sqlite://{}", file.display())).await.unwrap()
}

#[tokio::test]
async fn r_sign_02_03_32_a_mediation_is_one_native_digital_document_signed_by_all_of_it() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        mediation(db, &stage).await;
        let (mut mediator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
        agree(&mut client, &mut delegate).await;
        // R-SIGN-03: online, with everybody's consent, nothing is formed on paper.
        let paper = mediator.send("carta", &[("motivo", "comunque")]).await;
        assert_eq!(paper.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        mediator.freeze(TEXT).await;
        let row = stage.process().await;
        let process = signatures::replay(db, &row).await.unwrap();
        assert!(process.on_paper().is_none(), "{name}");
        assert_eq!(process.plan().format, Format::Pades, "{name}: signatures in the document");

        // R-SIGN-02: minutes and agreement are text of one document, before anybody signs.
        let (frozen, _, none) = stage.document().await;
        assert_eq!(none, 0, "{name}");
        let text = text_of(&stage, &frozen);
        for part in ["Verbale di accordo", "rimborsa 150,00 euro", "N/2026/000001", "Mediatore"] {
            assert!(text.contains(part), "{name}: {part} is missing in {text}");
        }
        for one in [&stage.client, &stage.delegate, &stage.conciliator] {
            assert!(text.contains(&one.name), "{name}: {}", one.name);
        }
        // R-SIGN-04: by what who acts for another signs.
        assert!(text.contains("Procura del 15/01/2026"), "{name}: {text}");

        signs(&stage, &mut client, (&stage.client, "client"), By::OneShot).await;
        signs(&stage, &mut delegate, (&stage.delegate, "operator_delegate"), By::OneShot).await;
        assert_eq!(to_be_preserved(db).await, 0, "{name}: not before the last signature");
        signs(&stage, &mut mediator, (&stage.conciliator, "neutral"), By::OneShot).await;

        let (signed, report, count) = stage.document().await;
        assert!(report.accepted() && count == 3, "{name} {report:?}");
        assert!(signed.starts_with(&frozen), "{name}: every signature extends what was frozen");
        assert_eq!(text_of(&stage, &signed).matches("rimborsa 150,00 euro").count(), 1, "{name}");
        let process = signatures::replay(db, &row).await.unwrap();
        let last = process.signers().max_by_key(|state| state.signed_at).unwrap();
        assert_eq!(last.signer.field, "neutral", "{name}: the mediator signs last");
        assert!(process.signers().all(|state| state.step == Step::Signed), "{name}");

        // R-SIGN-32: every party is told, it is filed, the mediator answers for it, and it is kept.
        for party in ["cliente", "del.luce", "conciliatore"] {
            assert_eq!(stage.mails(party, "Verbale firmato").await, 1, "{name} {party}");
        }
        let (body, neutral) = (stage.world.body.id, stage.conciliator.user);
        let filed = documents::of_case(db, body, stage.case, neutral, Viewer::Service).await;
        let filed: Vec<_> = filed
            .unwrap()
            .into_iter()
            .map(|listed| listed.document)
            .filter(|document| document.visibility.kind == Kind::FinalMinutes)
            .collect();
        assert_eq!(filed.len(), 1, "{name}: one document");
        assert_eq!(filed[0].sha256, signing::Digest::of(&signed).to_string(), "{name}");
        assert_eq!(filed[0].visibility.sender, Sender::Conciliator, "{name}");
        assert_eq!(filed[0].sent_by, Some(neutral), "{name}: the mediator deposits it");
        assert_eq!(to_be_preserved(db).await, 1, "{name}");
        // Anybody's verifier says the same.
        let again = verify::verify(&signed, &stage.trust, row.expires_at);
        assert!(again.accepted(), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_03_every_outcome_of_an_online_mediation_is_signed_digitally_by_who_must() {
    let databases = databases().await;
    let profile = portal::procedures::Procedures::shipped();
    let profile = profile.get("mediazione").unwrap();
    for (turn, outcome) in
        ["no_agreement", "adjourned", "withdrawal", "proposal"].into_iter().enumerate()
    {
        let db = fresh(&databases, turn + 1).await;
        let stage = Stage::set(&db, &databases.folder().join(outcome)).await;
        mediation(&db, &stage).await;
        let (mut mediator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
        agree(&mut client, &mut delegate).await;
        mediator.freeze_as(outcome, "Quanto segue è stato verbalizzato.").await;
        let row = stage.process().await;
        let process = signatures::replay(&db, &row).await.unwrap();
        assert!(process.on_paper().is_none(), "{outcome}");
        let fields: BTreeSet<String> =
            process.signers().map(|state| state.signer.field.clone()).collect();
        let rules = profile.minutes_of(outcome.parse().unwrap()).unwrap();
        let case = case_store::read(&db, stage.world.body.id, stage.case).await.unwrap().unwrap();
        let sitting =
            portal::meetings::commands::sitting(&stage.world.portal, &case).await.unwrap();
        let present = |seat| sitting.iter().any(|one| one.seat == seat);
        let expected: BTreeSet<String> =
            rules.signers_among(present).iter().map(|seat| seat.key().to_owned()).collect();
        assert_eq!(fields, expected, "{outcome}");
        assert!(fields.contains("neutral") && fields.contains("client"), "{outcome}");
        let (_, _, signatures) = stage.document().await;
        assert_eq!(signatures, 0, "{outcome}: formed, and nobody has signed");
        db.close().await;
    }
    databases.end().await;
}
