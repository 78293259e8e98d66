//! A process whose signatures stand beside the document (R-SIGN-29): one signed file, by the trust
//! service and by people's own devices.

use std::process::Command;

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::cases::CaseState;
use portal::signatures::{preservation, settling, store};
use portal_testing::databases;
use signing::Digest;
use signing::cades;
use signing::ports::Subject;
use signing::verify::{Format, Kind, Level, verify_file};

use crate::own_device::subject;
use crate::parties::Mood;
use crate::preservation::due;
use crate::reader::{TEXT, went_on};
use crate::replacing::second_delegate;
use crate::stage::Stage;
use crate::verification::taken;

#[tokio::test]
async fn r_sign_29_everybody_signs_the_frozen_document_in_one_signed_file() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let folder = databases.folder().join(name);
        let stage = Stage::set(db, &folder).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        conciliator.freeze_beside(TEXT).await;
        let page = client.look().await;
        assert!(
            page.text().contains("formato CAdES") && page.text().contains("File firmato (P7M)")
        );
        assert_eq!(client.open("documento.pdf.p7m").await.status, StatusCode::NOT_FOUND, "{name}");

        // The client's own device: first in the other format, then with somebody else's card.
        let frozen = client.open("documento.pdf").await.bytes;
        let own = subject(&stage, &stage.client).await;
        let other = Subject { fiscal_code: "BNCBRN75C10F205X".to_owned(), ..own.clone() };
        let within = stage.qtsp.sign_on_device(&frozen, "client", &own).unwrap();
        let strange = stage.qtsp.sign_file_on_device(&frozen, &other).unwrap();
        let another = stage.qtsp.sign_file_on_device(b"%PDF-1.7 altro", &own).unwrap();
        for (file, content, told) in [
            ("v.pdf", &within, "deve essere un P7M"),
            ("v.pdf.p7m", &strange, "intestato a"),
            ("v.pdf.p7m", &another, "non è il documento da firmare"),
        ] {
            let page = client.hand_in(file, content).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {told}");
            assert!(page.text().contains(told), "{name} {told}: {}", page.text());
        }
        let good = stage.qtsp.sign_file_on_device(&frozen, &own).unwrap();
        went_on(&client.hand_in("v.pdf.p7m", &good).await);
        assert_eq!(client.next().await, "nothing", "{name}");
        // What came is kept as it came, for who sent it and for who leads.
        for (reader, found) in
            [(&mut client, Some(&good)), (&mut conciliator, Some(&good)), (&mut delegate, None)]
        {
            let page = reader.open("firme/client").await;
            let taken = (page.status == StatusCode::OK).then_some(&page.bytes);
            assert_eq!(taken, found, "{name}");
            let offered = reader.look().await.text().contains("process-own-file");
            assert_eq!(offered, found.is_some(), "{name}");
        }

        // The delegate through the trust service; the time stamp comes after a restart.
        delegate.get_ready().await;
        went_on(&delegate.send("firma/codice", &[]).await);
        let code = stage.code(&stage.delegate).await;
        stage.mood(Mood::NoTime);
        delegate.enter(&code).await;
        stage.mood(Mood::Good);
        let portal = &stage.world.portal;
        settling::resume_all(portal, Some(portal_now(&stage) + TimeDelta::seconds(1)))
            .await
            .unwrap();
        assert_eq!(delegate.next().await, "nothing", "{name}");

        // The neutral person checks, and puts a signature into the file with the others'.
        conciliator.look().await;
        went_on(&conciliator.send("firma/verifica", &[]).await);
        let so_far = conciliator.open("documento.pdf.p7m").await.bytes;
        let neutral = subject(&stage, &stage.conciliator).await;
        let signed = stage.qtsp.sign_file_on_device(&so_far, &neutral).unwrap();
        // Nobody gives time: it is taken all the same, and stamped with the archive.
        stage.mood(Mood::NoTime);
        went_on(&conciliator.hand_in("v.pdf.p7m", &signed).await);
        stage.mood(Mood::Good);
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        assert_eq!(conciliator.open("firme/neutral").await.bytes, signed, "{name}");
        let none = conciliator.open("firme/operator_delegate").await.status;
        assert_eq!(none, StatusCode::NOT_FOUND, "{name}: made by the trust service");

        // Document and signed file lie in the case; the document is as it was frozen.
        let row = stage.process().await;
        let p7m = client.open("documento.pdf.p7m").await.bytes;
        assert_eq!(client.open("documento.pdf").await.bytes, frozen, "{name}");
        assert_eq!(cades::document(&p7m).unwrap(), frozen, "{name}");
        let list = format!("/pratiche/{}?scheda=documenti", stage.case);
        let page = client.browser.get(&list).await;
        let number = "Verbale N-2026-000001.pdf";
        assert!(page.text().contains(&format!("{number}.p7m")), "{name} {}", page.text());
        let report = verify_file(&p7m, &stage.trust, portal_now(&stage));
        assert!(report.accepted() && report.format == Format::P7m, "{name} {report:#?}");
        let mut levels: Vec<_> = report.signatures.iter().map(|one| one.level).collect();
        levels.sort();
        assert_eq!(levels, [Some(Level::BB), Some(Level::BT), Some(Level::BT)], "{name}");
        let log = conciliator.open("evidenze.json").await;
        assert!(log.text().contains("\"format\":\"cades\""), "{name} {}", log.text());
        let process = store::replay(db, &row).await.unwrap();
        assert_ne!(process.document(), process.plan().document, "{name}");
        others_accept(&stage, &folder, &p7m, &frozen);

        // Archived at once, and again before the stamps give way (CAdES B-LTA).
        let mut last = p7m;
        for round in 1..=2 {
            if round == 2 {
                stage.world.clock.set(&due(db).await.to_rfc3339());
            }
            preservation::round(portal).await.unwrap();
            let mut client = stage.browser("cliente").await;
            let archived = client.open("documento.pdf.p7m").await.bytes;
            assert_ne!(archived, last, "{name}");
            assert_eq!(cades::document(&archived).unwrap(), frozen, "{name}");
            let report = verify_file(&archived, &stage.trust, portal_now(&stage));
            assert!(report.accepted(), "{name} {report:#?}");
            let of = |kind: Kind| report.signatures.iter().filter(move |one| one.kind == kind);
            assert!(of(Kind::Signature).all(|one| one.level == Some(Level::BLta)), "{name}");
            assert_eq!(of(Kind::ArchiveTimestamp).count(), 3 * round, "{name}");
            // What lies in the case grew with it; the document did not.
            assert_eq!(client.open("documento.pdf").await.bytes, frozen, "{name}");
            let page = client.browser.get(&list).await;
            let links = page.text().split("href=\"").filter_map(|rest| rest.split('"').next());
            let links: Vec<_> = links.filter(|link| link.contains("/documenti/")).collect();
            let mut filed = Vec::new();
            for link in links.into_iter().filter(|link| !link.ends_with(".csv")) {
                filed.push(client.browser.get(link).await.bytes);
            }
            assert!(filed.contains(&archived) && filed.contains(&frozen), "{name}");
            if round == 1 {
                others_accept(&stage, &folder, &archived, &frozen);
                anybody_verifies(&mut client.browser, &archived).await;
            }
            last = archived;
        }
        let log = stage.browser("conciliatore").await.open("evidenze.json").await;
        assert_eq!(log.text().matches("\"preserved\"").count(), 2, "{name}");
        handed_over(&stage, &folder, &[&frozen, &last, &good, &signed, &log.bytes]).await;
    }
    databases.end().await;
}

/// The package for conservation holds these, each named by its digest (R-SIGN-32).
async fn handed_over(stage: &Stage, folder: &std::path::Path, wanted: &[&Vec<u8>]) {
    let forbidden = stage.browser("cliente").await.open("conservazione.zip").await.status;
    assert_eq!(forbidden, StatusCode::FORBIDDEN);
    let package = stage.browser("conciliatore").await.open("conservazione.zip").await;
    assert_eq!(package.status, StatusCode::OK, "{}", package.text());
    let (file, open) = (folder.join("package.zip"), folder.join("package"));
    std::fs::write(&file, &package.bytes).unwrap();
    let unpack = ["-m", "zipfile", "-e"];
    let unpacked = Command::new("python3").args(unpack).arg(&file).arg(&open).status().unwrap();
    assert!(unpacked.success());
    let read = |name: &str| std::fs::read(open.join(name)).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&read("Indice.json")).unwrap();
    let mut found = Vec::new();
    for held in index["files"].as_array().unwrap() {
        let content = read(held["name"].as_str().unwrap());
        assert_eq!(held["sha256"], Digest::of(&content).to_string(), "{held:#}");
        found.push(content);
    }
    assert_eq!(found.len(), 7, "{index:#}");
    assert!(wanted.iter().all(|wanted| found.contains(wanted)), "{index:#}");
    let report: serde_json::Value =
        serde_json::from_slice(&read("Verifica delle firme.json")).unwrap();
    assert_eq!(report["accepted"], true);
}

/// The page "Verifica firma", and the report to take away (R-SIGN-31).
async fn anybody_verifies(browser: &mut portal_testing::Browser, p7m: &[u8]) {
    let page = browser.upload("/verifica-firma", &[], ("verbale.pdf.p7m", p7m)).await;
    let text = page.text();
    assert_eq!(page.status, StatusCode::OK, "{text}");
    for told in
        ["Tutte le firme sono valide", "B-LTA", "Marca temporale d&#39;archivio per la firma di"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    let json = taken(&page, "application/json");
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let signatures = json["report"]["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 6);
    assert!(signatures.iter().all(|one| one["indication"] == "TOTAL-PASSED"), "{json:#}");
    assert!(taken(&page, "application/pdf").starts_with(b"%PDF-"));
}

#[tokio::test]
async fn r_sign_29_33_the_format_stays_when_a_signer_is_replaced() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let second = second_delegate(&stage).await;
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.freeze_beside(TEXT).await;
    let mut client = stage.browser("cliente").await;
    client.look().await;
    let frozen = client.open("documento.pdf").await.bytes;
    let own = subject(&stage, &stage.client).await;
    let signed = stage.qtsp.sign_file_on_device(&frozen, &own).unwrap();
    went_on(&client.hand_in("v.pdf.p7m", &signed).await);
    stage.world.clock.advance(TimeDelta::seconds(1));
    let choice = format!("operator_delegate/{}", second.user.0);
    went_on(&conciliator.send("sostituisci", &[("firmatario", &choice)]).await);

    let page = client.look().await;
    assert!(page.text().contains("formato CAdES"), "{}", page.text());
    assert!(!page.text().contains("process-own-file"), "the old signature is void");
    assert_eq!(client.open("documento.pdf.p7m").await.status, StatusCode::NOT_FOUND);
    let page = client.hand_in("v.pdf.p7m", &signed).await;
    assert!(page.text().contains("non è il documento da firmare"), "{}", page.text());
    let newer = client.open("documento.pdf").await.bytes;
    let within = stage.qtsp.sign_on_device(&newer, "client", &own).unwrap();
    let page = client.hand_in("v.pdf", &within).await;
    assert!(page.text().contains("deve essere un P7M"), "{}", page.text());
    let signed = stage.qtsp.sign_file_on_device(&newer, &own).unwrap();
    went_on(&client.hand_in("v.pdf.p7m", &signed).await);
    assert_eq!(cades::document(&client.open("documento.pdf.p7m").await.bytes).unwrap(), newer);
    databases.end().await;
}

fn portal_now(stage: &Stage) -> chrono::DateTime<chrono::Utc> {
    portal::clock::Clock::now(&stage.world.clock)
}

/// `openssl cms -verify`, as of the time of the story.
fn others_accept(stage: &Stage, folder: &std::path::Path, p7m: &[u8], frozen: &[u8]) {
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (file, root) = (put("v.pdf.p7m", p7m), put("root.pem", stage.qtsp.root_pem().as_bytes()));
    let at = portal_now(stage).timestamp().to_string();
    let found = folder.join("found.pdf");
    let openssl = Command::new("openssl")
        .args(["cms", "-verify", "-binary", "-inform", "DER", "-cades", "-purpose", "any"])
        .args(["-attime", &at, "-CAfile"])
        .arg(&root)
        .arg("-in")
        .arg(&file)
        .arg("-out")
        .arg(&found)
        .output()
        .unwrap();
    assert!(openssl.status.success(), "{}", String::from_utf8_lossy(&openssl.stderr));
    assert_eq!(std::fs::read(found).unwrap(), frozen);
}
