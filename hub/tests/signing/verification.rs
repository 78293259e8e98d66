//! The page "Verifica firma", with documents signed through the portal.

use std::process::Command;

use axum::http::StatusCode;
use portal_testing::{Page, databases};
use serde_json::Value;

use crate::reader::{TEXT, went_on};
use crate::stage::Stage;

/// What a link of the page holds.
pub fn taken(page: &Page, media_type: &str) -> Vec<u8> {
    let (_, rest) = page.text().split_once(&format!("data:{media_type};base64,")).unwrap();
    openssl::base64::decode_block(rest.split('"').next().unwrap()).unwrap()
}

#[tokio::test]
async fn r_sign_31_39_anybody_verifies_a_file_and_takes_the_report_away() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    stage.browser("conciliatore").await.freeze(TEXT).await;
    let mut client = stage.browser("cliente").await;
    client.get_ready().await;
    went_on(&client.sign(&stage, &stage.client).await);
    let (pdf, _, signatures) = stage.document().await;
    assert_eq!(signatures, 1);

    let browser = &mut stage.browser("seg.luce").await.browser;
    let page = browser.get("/verifica-firma").await;
    assert!(page.text().contains("Scegli il file") && page.status == StatusCode::OK);

    let page = browser.upload("/verifica-firma", &[], ("verbale.pdf", &pdf)).await;
    let text = page.text();
    assert_eq!(page.status, StatusCode::OK, "{text}");
    for told in [
        "Tutte le firme sono valide",
        "La firma è valida",
        "TOTAL-PASSED",
        "B-T",
        "RSSMRA80A01H501U",
        "QcCompliance",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let json: Value = serde_json::from_slice(&taken(&page, "application/json")).unwrap();
    assert_eq!((&json["file"], &json["report"]["accepted"]), (&"verbale.pdf".into(), &true.into()));
    assert_eq!(json["report"]["signatures"][0]["indication"], "TOTAL-PASSED");
    let file = databases.folder().join("rapporto.pdf");
    std::fs::write(&file, taken(&page, "application/pdf")).unwrap();
    assert!(Command::new("qpdf").arg("--check").arg(&file).output().unwrap().status.success());
    let printed = Command::new("pdftotext").arg(&file).arg("-").output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("Rapporto di verifica delle firme"), "{printed}");
    assert!(printed.contains("TOTAL-PASSED"), "{printed}");

    // One byte of the text that was signed.
    let mut altered = pdf.clone();
    let at = altered.windows(6).position(|six| six == b"stream").unwrap() + 20;
    altered[at] ^= 1;
    let page = browser.upload("/verifica-firma", &[], ("verbale.pdf", &altered)).await;
    let text = page.text();
    assert!(text.contains("HASH_FAILURE") && text.contains("Attenzione"), "{text}");
    let json: Value = serde_json::from_slice(&taken(&page, "application/json")).unwrap();
    assert_eq!(json["report"]["accepted"], false);

    // Wrong files are told beside the field, and nothing of them is kept or told elsewhere.
    let limit = vec![b' '; portal::documents::upload::MAX_BYTES];
    for (name, content, status, told) in [
        ("a.pdf", &b"%PDF-1.7 ma non e' un PDF"[..], 422, "Il file è danneggiato"),
        ("a.pdf", b"ciao", 422, "non corrisponde"),
        ("a.p7m", b"\x30\x82\x01\0ciao", 422, "Il file è danneggiato"),
        ("a.txt", b"ciao", 422, "Scegli un file PDF o P7M."),
        ("a.exe", b"MZ", 422, "non è ammesso"),
        ("", b"", 422, "Scegli un file: "),
        ("a.pdf", &limit, 413, "più piccolo di 15 MB"),
    ] {
        let page = browser.upload("/verifica-firma", &[], (name, content)).await;
        assert_eq!(page.status.as_u16(), status, "{name}: {}", page.text());
        assert!(page.text().contains(told), "{name}: {}", page.text());
        assert!(page.text().contains("aria-invalid=\"true\""), "{name}");
        assert!(!page.text().contains("data-testid=\"verdict\""), "{name}");
    }
    databases.end().await;
}
