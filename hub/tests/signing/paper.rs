//! Consent to the digital form, and minutes that are signed by hand without it.

use axum::http::StatusCode;
use portal::cases::CaseState;
use portal::db::Db;
use portal::on_db;
use portal_testing::databases;
use signing::Digest;
use signing::process::Status;

use crate::reader::{Reader, attribute, went_on};
use crate::stage::Stage;

const TEXT: &str = "L'operatore rimborsa 150,00 euro.";
const SCAN: &[u8] = b"%PDF-1.7\nscan of three pages\n%%EOF\n";

/// The stage's case is a mediation.
pub async fn mediation(db: &Db, stage: &Stage) {
    let changed: Result<(), portal::db::DbError> = async {
        let mut tx = db.begin().await?;
        on_db!(&mut tx, |c| sqlx::query(
            "UPDATE cases SET procedure = 'mediazione' WHERE id = $1"
        )
        .bind(stage.case.0)
        .execute(c)
        .await
        .map(drop))?;
        tx.commit().await
    }
    .await;
    changed.unwrap();
}

pub async fn to_be_preserved(db: &Db) -> i64 {
    let count: Result<i64, portal::db::DbError> = async {
        Ok(on_db!(read db, |c| sqlx::query_scalar("SELECT COUNT(*) FROM signature_preservations")
            .fetch_one(c)
            .await?))
    }
    .await;
    count.unwrap()
}

fn answer<'a>(seat: &'a str, answer: &'a str, given: &'a str) -> [(&'a str, &'a str); 3] {
    [("parte", seat), ("risposta", answer), ("modo", given)]
}

/// Both parties consent to the digital form, each for itself.
pub async fn agree(client: &mut Reader, delegate: &mut Reader) {
    went_on(&client.send("consenso", &answer("client", "si", "")).await);
    went_on(&delegate.send("consenso", &answer("operator_delegate", "si", "")).await);
}

#[tokio::test]
async fn r_sign_37_nothing_is_signed_digitally_before_every_party_has_consented() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        mediation(db, &stage).await;
        let (mut mediator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
        let early = mediator.freeze_suddenly("agreement", TEXT).await;
        assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(early.text().contains("Manca il consenso di tutte le parti"), "{name}");
        assert_eq!(stage.case_state().await, CaseState::Convened, "{name}");

        // Each for itself; the mediator for who has not answered.
        let own = answer("client", "si", "");
        assert_eq!(delegate.send("consenso", &own).await.status, StatusCode::FORBIDDEN);
        went_on(&client.send("consenso", &own).await);
        assert_eq!(stage.mails("conciliatore", "Forma digitale della procedura").await, 1);
        let page = mediator.send("consenso", &answer("client", "no", "spoken")).await;
        assert!(page.text().contains("ha già risposto personalmente"), "{name}");
        let forged = mediator.send("consenso", &answer("operator_delegate", "si", "portal")).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{name}");
        went_on(&mediator.send("consenso", &answer("operator_delegate", "no", "spoken")).await);
        assert_eq!(stage.mails("del.luce", "Forma digitale della procedura").await, 1);
        let page = mediator.look().await;
        assert!(page.text().contains("a voce, nell&#39;incontro"), "{name}");
        let still = mediator.freeze_suddenly("agreement", TEXT).await;
        assert!(still.text().contains("Manca il consenso"), "{name}");

        // Who changes its mind until the start is heard; then the paper is not offered any more.
        went_on(&delegate.send("consenso", &answer("operator_delegate", "si", "")).await);
        let paper = mediator.send("carta", &[("motivo", "comunque")]).await;
        assert!(paper.text().contains("hanno acconsentito alla forma digitale"), "{name}");
        mediator.freeze(TEXT).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        let late = client.send("consenso", &answer("client", "no", "")).await;
        assert!(late.text().contains("già alla firma"), "{name}");
        let history = format!("/pratiche/{}?scheda=storia", stage.case);
        let page = mediator.browser.get(&history).await;
        assert!(page.text().contains("Forma digitale: consenso negato"), "{name} {}", page.text());
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_37_without_consent_the_scan_of_the_paper_ends_the_case_like_signatures() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        mediation(db, &stage).await;
        let (mut mediator, mut client) =
            (stage.browser("conciliatore").await, stage.browser("cliente").await);
        let draft = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
        went_on(&mediator.send("bozza", &draft).await);
        went_on(&client.send("consenso", &answer("client", "no", "")).await);
        let page = mediator.send("carta", &[("motivo", " ")]).await;
        assert!(page.text().contains("id=\"motivo-carta-errore\""), "{name}");
        assert_eq!(client.send("carta", &[]).await.status, StatusCode::FORBIDDEN, "{name}");
        went_on(
            &mediator.send("carta", &[("motivo", "La parte istante preferisce la carta")]).await,
        );
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        assert_eq!(stage.mails("cliente", "Verbale alla firma").await, 1, "{name}");

        // Nobody is led to a digital signature.
        let page = client.look().await;
        assert_eq!(attribute(&page, "data-own"), "", "{name}");
        assert!(page.text().contains("si firma a mano"), "{name}");
        assert!(!page.text().contains("preferisce la carta"), "{name}: the reason is for staff");
        assert_eq!(client.send("firma/codice", &[]).await.status, 422, "{name}");
        let panel = stage.browser("segreteria").await.browser.get("/firme").await;
        assert!(panel.text().contains("Firma a mano, su carta"), "{name}");

        let wrong = mediator.upload("scansione", "verbale.pdf", b"GIF89a").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let stranger = client.upload("scansione", "verbale.pdf", SCAN).await;
        assert_eq!(stranger.status, StatusCode::FORBIDDEN, "{name}");
        went_on(&mediator.upload("scansione", "verbale.pdf", SCAN).await);
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        assert_eq!(stage.mails("cliente", "Verbale firmato").await, 1, "{name}");
        let row = stage.process().await;
        assert_eq!((row.status.as_str(), row.digest().unwrap()), ("completed", Digest::of(SCAN)));
        let process = portal::signatures::store::replay(db, &row).await.unwrap();
        assert_eq!(process.status(), Status::Completed, "{name}");
        assert_eq!(process.on_paper(), Some("La parte istante preferisce la carta"), "{name}");
        assert_eq!(client.open("documento.pdf").await.bytes, SCAN, "{name}");
        let page = client.look().await;
        assert!(page.text().contains("stato firmato a mano, su carta"), "{name} {}", page.text());
        assert!(page.text().contains("Firmato a mano"), "{name}");
        assert!(!page.text().contains("Hai firmato"), "{name}: not with a signature of this kind");
        let mails = stage.mail_texts("cliente", "Verbale firmato").await;
        assert!(mails.iter().all(|text| text.contains("firmato a mano, su carta")), "{mails:?}");
        let filed = client.browser.get(&format!("/pratiche/{}?scheda=documenti", stage.case)).await;
        assert!(filed.text().contains("firmato a mano. Motivo:"), "{name}");
        let log = mediator.open("evidenze.json").await;
        assert!(log.text().contains("signed_on_paper"), "{name}");
        assert_eq!(mediator.open("evidenze.pdf").await.status, StatusCode::OK, "{name}");
        let package = mediator.open("conservazione.zip").await;
        assert_eq!(package.status, StatusCode::OK, "{name} {}", package.text());
        assert!(package.bytes.windows(SCAN.len()).any(|window| window == SCAN), "{name}");
        assert_eq!(to_be_preserved(db).await, 0, "{name}: there is no signature to make last");
    }
    databases.end().await;
}
