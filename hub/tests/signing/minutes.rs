//! The draft: who writes it, who sees it, and two windows.

use axum::http::{StatusCode, header};
use portal::db::Db;
use portal::documents::Kind;
use portal::documents::filing::{self, Sent};
use portal::documents::upload::Upload;
use portal_testing::databases;

use crate::reader::went_on;
use crate::stage::Stage;

#[tokio::test]
async fn r_sign_24_25_the_draft_is_the_conciliators_until_it_is_shown() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client) =
            (stage.browser("conciliatore").await, stage.browser("cliente").await);
        let page = conciliator.look().await;
        assert!(page.text().contains("Anna Di cliente e da Anna Di del.luce"), "{}", page.text());
        let fields = |revision: &'static str, text: &'static str| {
            [("revision", revision), ("esito", "agreement"), ("testo", text)]
        };
        for act in ["bozza", "mostra", "congela"] {
            let page = client.send(act, &fields("0", "mio")).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{name} {act}");
        }
        went_on(&conciliator.send("bozza", &fields("0", "Riservato per ora.")).await);
        assert!(client.look().await.text().contains("non è ancora stato mostrato"), "{name}");
        assert_eq!(client.open("anteprima.pdf").await.status, StatusCode::NOT_FOUND, "{name}");
        assert!(conciliator.open("anteprima.pdf").await.bytes.starts_with(b"%PDF-"), "{name}");
        let before = client.open("versione").await.bytes;

        // Another window that still has the first revision overwrites nothing.
        let page = conciliator.send("bozza", &fields("0", "Da un'altra finestra")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("modificato in un&#39;altra finestra"), "{name}");
        assert!(page.text().contains("Da un&#39;altra finestra"), "nothing typed is lost");

        went_on(&conciliator.send("mostra", &fields("1", "Per tutti.\r\nSeconda riga.")).await);
        let page = client.look().await;
        assert!(page.text().contains("Per tutti.<br>Seconda riga."), "{name} {}", page.text());
        assert!(client.open("anteprima.pdf").await.bytes.starts_with(b"%PDF-"), "{name}");
        assert_ne!(client.open("versione").await.bytes, before, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_24_a_draft_that_cannot_be_is_refused_beside_its_field() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let mut conciliator = stage.browser("conciliatore").await;
    let too_long = "x".repeat(20_001);
    for (act, outcome, text, words) in [
        ("bozza", "nonsense", "Testo.", "Scegli un esito dall&#39;elenco."),
        ("bozza", "not_adhered", "Testo.", "Scegli un esito dall&#39;elenco."),
        ("bozza", "agreement", &too_long, "Il testo supera 20000 caratteri."),
        ("congela", "agreement", "  ", "Scrivi il testo del verbale."),
    ] {
        let revision = conciliator.revision().await;
        let fields = [("revision", revision.as_str()), ("esito", outcome), ("testo", text)];
        let page = conciliator.send(act, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{outcome}");
        assert!(page.text().contains(words), "{outcome} {}", page.text());
    }
    // What is typed is saved in the background, and says so.
    let revision = conciliator.revision().await;
    let content = format!("revision={revision}&esito=agreement&testo=Scritto+mentre+si+parla");
    let path = format!("/incontri/{}/verbale/bozza", stage.meeting);
    let request = conciliator
        .browser
        .request("POST", &path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(content.into())
        .unwrap();
    let page = conciliator.browser.send(request).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("Salvato alle"), "{}", page.text());
    assert!(conciliator.look().await.text().contains("Scritto mentre si parla"));
    databases.end().await;
}

#[tokio::test]
async fn r_sign_04_nobody_signs_a_text_of_another_outcome_or_one_that_cannot_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/db", folder.path().display())).await.unwrap();
    let stage = Stage::set(&db, folder.path()).await;
    let mut conciliator = stage.browser("conciliatore").await;
    // The untouched proposal of one outcome, frozen as another: its text follows, and is read first.
    let proposal = conciliator.text().await;
    let page = conciliator.freeze_suddenly("no_agreement", &proposal).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("Hai cambiato l&#39;esito"), "{}", page.text());
    assert!(page.text().contains("non è stato possibile"), "{}", page.text());
    let page = conciliator.freeze_suddenly("agreement", "Accordo 👍").await;
    assert!(page.text().contains("Hai cambiato l&#39;esito"), "{}", page.text());
    let page = conciliator.freeze_suddenly("agreement", "Accordo 👍").await;
    assert!(page.text().contains("Il carattere «👍» non può essere stampato"), "{}", page.text());
    assert!(page.text().contains("Accordo 👍"), "nothing typed is lost");
    went_on(&conciliator.freeze_suddenly("agreement", "Accordo").await);
    // A form of a tab that was left behind is told why, and keeps its text.
    let fields = [("revision", "1"), ("esito", "agreement"), ("testo", "Da un altro pannello")];
    let page = conciliator.send("bozza", &fields).await;
    assert!(page.text().contains("modificato in un&#39;altra finestra"), "{}", page.text());
    assert!(page.text().contains("Da un altro pannello"), "{}", page.text());
    db.close().await;
}

#[tokio::test]
async fn r_sign_04_38_annexes_are_signed_with_the_minutes_and_the_log_is_printed() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let portal = &stage.world.portal;
        let send = |actor: portal::accounts::Actor, description: &str, confidential: bool| {
            let file = Upload::check("bolletta.pdf", b"%PDF-1.7 bolletta".to_vec()).unwrap();
            let sent = Sent {
                kind: Kind::Attachment,
                description: description.to_owned(),
                confidential,
                file,
                shared_in: None,
            };
            async move { filing::send(portal, &actor, stage.case, sent).await.unwrap() }
        };
        let open = send(stage.client.clone(), "Bolletta contestata", false).await;
        let secret = send(stage.client.clone(), "Solo per il conciliatore", true).await;
        let mut conciliator = stage.browser("conciliatore").await;
        let page = conciliator.look().await;
        assert!(page.text().contains("Bolletta contestata"), "{name}");
        assert!(!page.text().contains("Solo per il conciliatore"), "{name}");
        let (open, secret) = (open.to_string(), secret.to_string());
        let form = |revision: &'_ str, annex: &'_ str| {
            let text = "Accordo con allegato.";
            [("revision", revision), ("esito", "agreement"), ("testo", text), ("allegato", annex)]
                .map(|(key, value)| (key, value.to_owned()))
        };
        for (annex, told) in
            [(&secret, Some("non è più disponibile a tutte le parti")), (&open, None)]
        {
            let revision = conciliator.revision().await;
            let sent = form(&revision, annex);
            let fields = sent.each_ref().map(|(key, value)| (*key, value.as_str()));
            let page = conciliator.send("congela", &fields).await;
            match told {
                Some(told) => assert!(page.text().contains(told), "{name} {}", page.text()),
                None => went_on(&page),
            }
        }
        let (pdf, ..) = stage.document().await;
        let document = lopdf::Document::load_mem(&pdf).unwrap();
        assert!(document.catalog().unwrap().has(b"AF"), "{name}: PDF/A-3 with associated files");
        let mut client = stage.browser("cliente").await;
        client.get_ready().await;
        went_on(&client.sign(&stage, &stage.client).await);
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 1, "{name} {report:?}");

        let printed = conciliator.open("evidenze.pdf").await;
        assert_eq!(printed.status, StatusCode::OK, "{name} {}", printed.text());
        assert!(printed.bytes.starts_with(b"%PDF-"), "{name}");
        assert_eq!(client.open("evidenze.pdf").await.status, StatusCode::FORBIDDEN, "{name}");
        let file = databases.folder().join(format!("{name}.pdf"));
        std::fs::write(&file, &printed.bytes).unwrap();
        let verified = std::process::Command::new(env!("CARGO_BIN_EXE_hub"))
            .arg("verify-log")
            .arg(&file)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success() && told.contains("otp_sent"), "{name} {told}");
    }
    databases.end().await;
}
