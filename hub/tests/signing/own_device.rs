//! Signatures made on people's own devices (R-SIGN-29).

use axum::http::StatusCode;
use portal::cases::CaseState;
use portal_testing::databases;
use signing::ports::Subject;
use signing::verify::{Level, verify};

use crate::reader::{Reader, TEXT, attribute, went_on};
use crate::stage::Stage;

pub async fn subject(stage: &Stage, actor: &portal::accounts::Actor) -> Subject {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id);
    let person = portal::accounts::store::person(db, body, actor.user).await.unwrap().unwrap();
    Subject {
        given_name: person.given_name,
        surname: person.surname,
        fiscal_code: person.fiscal_code,
    }
}

/// Downloads, signs at home, uploads.
async fn signs(stage: &Stage, reader: &mut Reader, actor: &portal::accounts::Actor, field: &str) {
    let pdf = reader.open("documento.pdf").await.bytes;
    let person = subject(stage, actor).await;
    let signed = stage.qtsp.sign_on_device(&pdf, field, &person).unwrap();
    went_on(&reader.hand_in("verbale-signed.pdf", &signed).await);
}

#[tokio::test]
async fn r_sign_29_own_devices_and_codes_sign_one_document() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        conciliator.freeze(TEXT).await;
        // Neither identification nor conditions: the certificate says who signs.
        assert!(client.look().await.text().contains("Firma con il tuo dispositivo"), "{name}");
        signs(&stage, &mut client, &stage.client, "client").await;
        assert_eq!(client.next().await, "nothing", "{name}");
        // The neutral person's turn comes after the parties, with the check (R-SIGN-36).
        let pdf = conciliator.open("documento.pdf").await.bytes;
        let person = subject(&stage, &stage.conciliator).await;
        let early = stage.qtsp.sign_on_device(&pdf, "neutral", &person).unwrap();
        let page = conciliator.hand_in("v.pdf", &early).await;
        assert!(page.text().contains("Prima devono firmare"), "{name} {}", page.text());
        delegate.get_ready().await;
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        let pdf = conciliator.open("documento.pdf").await.bytes;
        let unchecked = stage.qtsp.sign_on_device(&pdf, "neutral", &person).unwrap();
        let page = conciliator.hand_in("v.pdf", &unchecked).await;
        assert!(page.text().contains("occorre verificare"), "{name} {}", page.text());
        assert!(page.text().contains("device-check"), "{name}");
        went_on(&conciliator.send("firma/verifica", &[]).await);
        signs(&stage, &mut conciliator, &stage.conciliator, "neutral").await;

        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 3, "{name} {report:?}");
        let levels: Vec<_> = report.signatures.iter().map(|one| one.level).collect();
        assert_eq!(levels, [Some(Level::BB), Some(Level::BT), Some(Level::BB)], "{name}");
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        let log = conciliator.open("evidenze.json").await;
        assert_eq!(log.text().matches("signed_elsewhere").count(), 2, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_29_what_is_not_taken_is_told_beside_the_file_and_changes_nothing() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let (mut conciliator, mut client) =
        (stage.browser("conciliatore").await, stage.browser("cliente").await);
    conciliator.freeze(TEXT).await;
    client.look().await;
    let pdf = client.open("documento.pdf").await.bytes;
    let (own, other) = (
        subject(&stage, &stage.client).await,
        Subject {
            given_name: "Bruno".to_owned(),
            surname: "Bianchi".to_owned(),
            fiscal_code: "BNCBRN75C10F205X".to_owned(),
        },
    );
    let sign = |pdf: &[u8], field: &str, person: &Subject| {
        stage.qtsp.sign_on_device(pdf, field, person).unwrap()
    };
    let good = sign(&pdf, "client", &own);
    let mut flipped = good.clone();
    flipped[pdf.len() / 2] ^= 1;
    let huge = [good.as_slice(), &vec![b' '; 3 << 20]].concat();
    for (what, file, content, told) in [
        ("nothing", "v.pdf", Vec::new(), "vuoto"),
        ("unsigned", "v.pdf", pdf.clone(), "non contiene la tua firma"),
        ("changed", "v.pdf", flipped, "non è il documento da firmare"),
        ("another person", "v.pdf", sign(&pdf, "client", &other), "intestato a «Bruno Bianchi»"),
        ("another field", "v.pdf", sign(&pdf, "neutral", &own), "riquadro di un altro"),
        ("too much", "v.pdf", huge, "molto più grande"),
        ("P7M", "v.pdf.p7m", b"\x30\x82\x01\x00\x06\x09".to_vec(), "formato PAdES"),
        ("far too large", "v.pdf", vec![b'%'; 16 << 20], "più piccolo di 15 MB"),
    ] {
        let page = client.hand_in(file, &content).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        assert!(page.text().contains(told), "{what}: {}", page.text());
        assert!(page.text().contains("file-firmato-errore"), "{what}: beside the file");
    }
    assert_eq!(stage.document().await.2, 0);

    // What was signed for an earlier version belongs to nothing.
    went_on(&conciliator.send("annulla", &[]).await);
    conciliator.freeze("Testo corretto.").await;
    client.look().await;
    let page = client.hand_in("v.pdf", &good).await;
    assert!(page.text().contains("non è il documento da firmare"), "{}", page.text());

    // Two at once: one is in, the other is told to download again.
    let mut delegate = stage.browser("del.luce").await;
    delegate.look().await;
    let pdf = client.open("documento.pdf").await.bytes;
    let theirs = subject(&stage, &stage.delegate).await;
    let (first, second) = (sign(&pdf, "client", &own), sign(&pdf, "operator_delegate", &theirs));
    let (one, two) =
        tokio::join!(client.hand_in("v.pdf", &first), delegate.hand_in("v.pdf", &second));
    let taken = [&one, &two].iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
    assert_eq!(taken, 1, "{} {}", one.text(), two.text());
    let told = one.text().contains("Nel frattempo") || two.text().contains("Nel frattempo");
    let changed = one.text().contains("è cambiato") || two.text().contains("è cambiato");
    assert!(told || changed, "{} {}", one.text(), two.text());
    let (pdf, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 1, "{report:?}");
    assert!(verify(&pdf, &stage.trust, stage.world.portal.now()).accepted());
    assert_eq!(attribute(&conciliator.look().await, "data-status"), "partially_signed");
    databases.end().await;
}

#[tokio::test]
async fn r_sign_28_33_the_panel_shows_every_signer_and_reminds() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client) =
            (stage.browser("conciliatore").await, stage.browser("cliente").await);
        conciliator.freeze(TEXT).await;
        signs(&stage, &mut client, &stage.client, "client").await;
        let portal = &stage.world.portal;
        for (username, status) in [
            ("segreteria", StatusCode::OK),
            ("conciliatore", StatusCode::OK),
            ("cliente", StatusCode::FORBIDDEN),
            ("del.luce", StatusCode::FORBIDDEN),
            ("seg.luce", StatusCode::FORBIDDEN),
        ] {
            let page = stage.browser(username).await.browser.get("/firme").await;
            assert_eq!(page.status, status, "{name} {username}");
            let rows = page.text().matches("data-testid=\"panel-process\"").count();
            assert_eq!(rows, usize::from(status == StatusCode::OK), "{name} {username}");
        }
        stage.world.user("altro.conciliatore", portal::accounts::Role::Conciliator, None).await;
        let page = stage.browser("altro.conciliatore").await.browser.get("/firme").await;
        assert!(!page.text().contains("panel-process"), "{name}: not of that one's cases");
        let mut staff = stage.browser("segreteria").await;
        let page = staff.browser.get("/firme").await;
        let done = page.text().matches("data-point=\"signed\"><span class=\"state").count();
        assert_eq!(done, 1, "{name} {}", page.text());
        assert_eq!(page.text().matches("data-point=\"opened\"><time").count(), 1, "{name}");

        // Reminders: nobody within a day, then whose turn it is; three days before the end by itself.
        let remind = format!("/firme/{}/sollecito", stage.process().await.id);
        went_on(&staff.browser.post(&remind, &[]).await);
        assert_eq!(stage.mails("del.luce", "Promemoria di firma").await, 0, "{name}");
        stage.world.clock.advance(chrono::TimeDelta::hours(25));
        let mut staff = stage.browser("segreteria").await;
        went_on(&staff.browser.post(&remind, &[]).await);
        went_on(&staff.browser.post(&remind, &[]).await);
        assert_eq!(stage.mails("del.luce", "Promemoria di firma").await, 1, "{name}");
        assert_eq!(stage.mails("cliente", "Promemoria di firma").await, 0, "{name}: has signed");
        assert_eq!(stage.mails("conciliatore", "Promemoria di firma").await, 0, "{name}: later");
        for (days, mails) in [(3, 1), (4, 2), (5, 2), (6, 3)] {
            let at = stage.process().await.started_at + chrono::TimeDelta::days(days);
            stage.world.clock.set(&(at + chrono::TimeDelta::hours(1)).to_rfc3339());
            for _ in 0..2 {
                portal::signatures::reminders::pass_time(portal).await.unwrap();
            }
            let sent = stage.mails("del.luce", "Promemoria di firma").await;
            assert_eq!(sent, mails, "{name} after {days} days");
        }

        // Taken back: everybody is told, and the next version says which it is.
        let mut conciliator = stage.browser("conciliatore").await;
        went_on(&conciliator.send("annulla", &[]).await);
        for username in ["cliente", "del.luce"] {
            let told = stage.mails(username, "Verbale ritirato dalla firma").await;
            assert_eq!(told, 1, "{name} {username}");
        }
        conciliator.freeze("Testo corretto.").await;
        assert!(
            stage.browser("cliente").await.look().await.text().contains("Versione 2"),
            "{name}"
        );
        let page = staff.browser.get("/firme?visualizza=concluse").await;
        assert!(page.status != StatusCode::OK || page.text().contains("data-status=\"cancelled\""));
    }
    databases.end().await;
}
