//! Pages of cases and documents, over HTTP, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::Router;
use axum::body::Body as Content;
use axum::http::{StatusCode, header};
use portal::accounts::{Actor, Role};
use portal::notifications;
use portal::organisations::{OperatorId, OperatorKind};
use portal_testing::{Browser, Page, World, databases, world};
use scraper::{Html, Selector};

const LETTER: &[u8] = b"%PDF-1.7\nlettera";

struct People {
    conciliator: Actor,
    client: Actor,
    delegate: Actor,
    aid_delegate: Actor,
    seller: OperatorId,
    distributor: OperatorId,
}

async fn people(world: &World) -> People {
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    let distributor = world.operator("Rete Spa", OperatorKind::Distributor).await;
    world.user("segreteria", Role::ServiceSecretariat, None).await;
    world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await;
    world.user("seg.rete", Role::OperatorSecretariat, Some(distributor)).await;
    People {
        conciliator: world.user("conciliatore", Role::Conciliator, None).await,
        client: world.user("cliente", Role::Client, None).await,
        delegate: world.user("del.luce", Role::OperatorDelegate, Some(seller)).await,
        aid_delegate: world.user("del.rete", Role::OperatorDelegate, Some(distributor)).await,
        seller,
        distributor,
    }
}

fn application(who: &People) -> Vec<(&'static str, String)> {
    let mut fields: Vec<(&str, String)> = [
        ("servizio", "electricity"),
        ("utenza", "domestic"),
        ("contratto", "C-1"),
        ("pod", "IT001E12345678"),
        ("indirizzo", "Via Roma 1"),
        ("comune", "Milano"),
        ("provincia", "MI"),
        ("regione", "Lombardia"),
        ("cap", "20100"),
        ("data_reclamo", "2026-09-10"),
        ("riferimento_reclamo", "R-1"),
        ("argomento", "Fatturazione"),
        ("valore", "1.234,50"),
        ("descrizione", "Consumi <stimati> & mai letti"),
        ("disponibilita", "Tutto il giorno"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    fields.push(("cliente", who.client.user.0.to_string()));
    fields.push(("operatore", who.seller.0.to_string()));
    fields.push(("ausilio", who.distributor.0.to_string()));
    fields
}

async fn send(browser: &mut Browser, path: &str, fields: &[(&str, String)]) -> Page {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    browser.post(path, &fields).await
}

/// A form with a file.
async fn upload(
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
    file: (&str, &[u8]),
) -> Page {
    browser.upload(path, fields, file).await
}

fn done(page: &Page) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text());
}

/// Everything that a selector finds, as text.
fn found(page: &Page, selector: &str) -> Vec<String> {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let html = Html::parse_document(page.text());
    let text = |e: scraper::ElementRef<'_>| {
        e.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    html.select(&Selector::parse(selector).unwrap()).map(text).collect()
}

async fn opened(router: &Router, world: &World, who: &People) -> (Browser, String) {
    let mut staff = Browser::signed_in(router.clone(), world, "segreteria").await;
    let page = send(&mut staff, "/pratiche/nuova", &application(who)).await;
    done(&page);
    (staff, page.location().to_owned())
}

#[tokio::test]
async fn r_case_14_19_26_a_case_goes_from_the_intake_to_its_delegates_by_forms_alone() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let who = people(&world).await;
        let (mut staff, case) = opened(&router, &world, &who).await;

        let page = staff.get(&case).await;
        assert_eq!(found(&page, "[data-testid=case-state]"), ["Inviata"], "{name}");
        assert_eq!(found(&page, "[data-testid=notice]"), ["La pratica è stata inserita."]);
        assert!(found(&page, "[data-testid=case-close]").is_empty());
        done(&staff.post(&format!("{case}/ammissione"), &[]).await);
        // Twice: the page says why not, and that it was not done.
        let page = staff.post(&format!("{case}/ammissione"), &[]).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
        assert!(
            page.text().contains("L&#39;operazione non è possibile")
                || page.text().contains("L'operazione non è possibile"),
            "{}",
            page.text()
        );
        let conciliator = who.conciliator.user.0.to_string();
        done(&staff.post(&format!("{case}/conciliatore"), &[("conciliatore", &conciliator)]).await);
        let page = staff.get(&case).await;
        assert_eq!(found(&page, "[data-testid=case-state]"), ["Assegnata"], "{name}");
        let aid = who.distributor.0;
        done(&staff.post(&format!("{case}/ausilio/{aid}/convocazione"), &[]).await);

        for (secretariat, delegate, letter) in [
            ("seg.luce", &who.delegate, "adesione.pdf"),
            ("seg.rete", &who.aid_delegate, "adesione rete.pdf"),
        ] {
            let mut operator = Browser::signed_in(router.clone(), &world, secretariat).await;
            // C-13: before adhesion the file of the case is closed.
            let page = operator.get(&format!("{case}?scheda=documenti")).await;
            assert!(found(&page, "[data-testid=document-row]").is_empty(), "{name}");
            let address = format!("{case}/adesione");
            let page =
                upload(&mut operator, &address, &[("aderisce", "si")], ("a.exe", b"MZ")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            done(&upload(&mut operator, &address, &[("aderisce", "si")], (letter, LETTER)).await);
            let page = operator.get(&format!("{case}?scheda=adesione")).await;
            assert_eq!(found(&page, "[data-testid=adhesion-state]"), ["Aderito"], "{name}");
            assert!(found(&page, "[data-testid=case-answer]").is_empty(), "{name}");
            let delegate = delegate.user.0.to_string();
            done(&operator.post(&format!("{case}/delegato"), &[("delegato", &delegate)]).await);
        }
        let mut delegate = Browser::signed_in(router.clone(), &world, "del.luce").await;
        let page = delegate.get("/pratiche").await;
        assert_eq!(found(&page, "[data-testid=case-row] [data-label=Numero] a"), ["N/2026/000001"]);
        assert_eq!(found(&page, "[data-label='Delegato operatore']"), ["Anna Di del.luce"]);
        let page = delegate.get(&format!("{case}?scheda=altri")).await;
        let facts = found(&page, ".facts dd");
        assert!(facts.contains(&"Consumi <stimati> & mai letti".to_owned()), "{facts:?}");
        assert!(facts.contains(&"€ 1234,50".to_owned()), "{facts:?}");
        // The counterparty's letter can be read, the history is the Service's.
        let page = delegate.get(&format!("{case}?scheda=documenti")).await;
        assert_eq!(found(&page, "[data-testid=document-row]").len(), 2, "{name}");
        assert_eq!(
            delegate.get(&format!("{case}?scheda=storia")).await.status,
            StatusCode::NOT_FOUND
        );
        let page = staff.get(&format!("{case}?scheda=storia")).await;
        assert_eq!(found(&page, ".timeline-plain li").len(), 9, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_claim_05_08_a_wrong_form_says_what_is_wrong_beside_each_field_and_keeps_what_was_typed()
{
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let who = people(&world).await;
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        assert_eq!(found(&staff.get("/pratiche/nuova").await, "#cliente option").len(), 2);
        for (field, value, complaint) in [
            ("cliente", "", "cliente"),
            ("pod", "", "pod"),
            ("data_reclamo", "2027-01-01", "data_reclamo"),
            ("data_risposta", "2026-01-01", "data_risposta"),
            ("valore", "tanto", "valore"),
            ("servizio", "luna", "servizio"),
            ("descrizione", " ", "descrizione"),
        ] {
            let mut fields = application(&who);
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value.to_owned()));
            let page = send(&mut staff, "/pratiche/nuova", &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {field}");
            assert!(page.text().contains(&format!("id=\"{complaint}-errore\"")), "{name} {field}");
            assert!(page.text().contains("Via Roma 1"), "{name} {field}");
        }
        // All at once: what cannot be read, what is missing, what is out of bounds. A rule about
        // what could not be read (a POD for an unknown service) says nothing.
        let page = send(&mut staff, "/pratiche/nuova", &[]).await;
        let faults = |page: &Page| page.text().matches("aria-invalid=\"true\"").count();
        assert_eq!(faults(&page), 15, "{name}: every required field: {}", page.text());
        assert!(!page.text().contains("id=\"pod-errore\""), "{name}");
        let mut fields = application(&who);
        fields.retain(|(name, _)| {
            !["cliente", "data_reclamo", "descrizione", "argomento", "pod"].contains(name)
        });
        fields.push(("data_reclamo", "0001-01-01".to_owned()));
        fields.push(("descrizione", "x".repeat(100_000)));
        let page = send(&mut staff, "/pratiche/nuova", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        for field in ["cliente", "data_reclamo", "descrizione", "argomento", "pod"] {
            assert!(page.text().contains(&format!("id=\"{field}-errore\"")), "{name} {field}");
        }
        assert_eq!(faults(&page), 5, "{name}");
        // Somebody else's id instead of a client's.
        let mut fields = application(&who);
        fields.retain(|(name, _)| *name != "cliente");
        fields.push(("cliente", who.conciliator.user.0.to_string()));
        let page = send(&mut staff, "/pratiche/nuova", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        // Heat knows no technical aid.
        let mut fields = application(&who);
        fields.retain(|(name, _)| *name != "servizio");
        fields.push(("servizio", "heating".to_owned()));
        let page = send(&mut staff, "/pratiche/nuova", &fields).await;
        assert!(page.text().contains("ausilio tecnico richiesto non è previsto"), "{name}");
        assert_eq!(
            found(&staff.get("/pratiche?visualizza=domande").await, "[data-testid=case-row]").len(),
            0
        );

        let mut client = Browser::signed_in(router.clone(), &world, "cliente").await;
        assert_eq!(client.get("/pratiche/nuova").await.status, StatusCode::FORBIDDEN);
        let page = send(&mut client, "/pratiche/nuova", &application(&who)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_31_32_documents_are_opened_marked_read_and_hidden_from_strangers() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let who = people(&world).await;
        world.user("altro", Role::Client, None).await;
        let (mut staff, case) = opened(&router, &world, &who).await;
        staff.post(&format!("{case}/ammissione"), &[]).await;
        let mut operator = Browser::signed_in(router.clone(), &world, "seg.luce").await;
        let address = format!("{case}/documenti");
        let attachment =
            |seen| [("categoria", "attachment"), ("descrizione", "Bolletta"), ("visibile", seen)];
        // R-CASE-16: adhesion first.
        let page = upload(&mut operator, &address, &attachment("si"), ("a.pdf", LETTER)).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
        upload(
            &mut operator,
            &format!("{case}/adesione"),
            &[("aderisce", "si")],
            ("a.pdf", LETTER),
        )
        .await;

        let mut client = Browser::signed_in(router.clone(), &world, "cliente").await;
        for (fields, file, told) in [
            (&attachment("")[..], ("a.pdf", LETTER), "visibile alla controparte"),
            (&attachment("si")[..], ("a.pdf", b"<html>".as_slice()), "non corrisponde"),
            (&attachment("si")[..], ("", b"".as_slice()), "Scegli un file"),
            (
                &[("categoria", "attachment"), ("visibile", "si")][..],
                ("a.pdf", LETTER),
                "descrizione",
            ),
        ] {
            let page = upload(&mut client, &address, fields, file).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {told}");
            assert!(page.text().contains(told), "{name} {told}");
        }
        let forbidden = [("categoria", "final_minutes"), ("descrizione", "x"), ("visibile", "si")];
        let page = upload(&mut client, &address, &forbidden, ("a.pdf", LETTER)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}");
        done(
            &upload(&mut client, &address, &attachment("no"), ("è mia.pdf", b"%PDF-1.7 riservata"))
                .await,
        );
        done(
            &upload(&mut client, &address, &attachment("si"), ("aperta.pdf", b"%PDF-1.7 aperta"))
                .await,
        );
        // R-NOTIFY-12: the operator hears of the open one only.
        let mails =
            notifications::newest(db, world.body.id, "seg.luce@example.it", 9).await.unwrap();
        let new = mails.iter().filter(|m| m.subject.starts_with("Nuova comunicazione")).count();
        assert_eq!(new, 1, "{name} {mails:?}");

        let documents = format!("{case}?scheda=documenti");
        let links = |page: &Page| -> Vec<String> {
            let html = Html::parse_document(page.text());
            let open = Selector::parse("[data-testid=document-open]").unwrap();
            html.select(&open).map(|e| e.attr("href").unwrap().to_owned()).collect()
        };
        let all = links(&staff.get(&documents).await);
        assert_eq!(all.len(), 3, "{name}");
        let page = operator.get(&documents).await;
        assert_eq!(found(&page, ".nav-link .badge"), ["1 non letti"], "{name}");
        let seen = links(&page);
        assert_eq!(seen.len(), 2, "{name}: not the confidential one");
        let hidden = all.iter().find(|link| !seen.contains(link)).unwrap();
        assert_eq!(operator.get(hidden).await.status, StatusCode::NOT_FOUND, "{name}");
        let info = format!("{hidden}/info.csv");
        assert_eq!(operator.get(&info).await.status, StatusCode::NOT_FOUND, "{name}");

        let page = operator.get(&seen[0]).await;
        assert_eq!(page.bytes, b"%PDF-1.7 aperta", "{name}");
        assert_eq!(page.headers[header::CONTENT_TYPE], "application/pdf");
        assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let disposition = page.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(disposition.starts_with("inline; filename=\"aperta.pdf\""), "{disposition}");
        assert!(found(&operator.get(&documents).await, ".nav-link .badge").is_empty(), "{name}");
        assert_eq!(client.get(hidden).await.bytes, b"%PDF-1.7 riservata", "{name}");

        let mut stranger = Browser::signed_in(router.clone(), &world, "altro").await;
        let zip = format!("{case}/documenti.zip");
        for address in [&case, &documents, &seen[0], hidden, &zip] {
            assert_eq!(stranger.get(address).await.status, StatusCode::NOT_FOUND, "{address}");
        }
        let page = upload(&mut stranger, &address, &attachment("si"), ("a.pdf", LETTER)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{name}");
        let zipped = operator.get(&zip).await.bytes;
        let contains = |text: &[u8]| zipped.windows(text.len()).any(|w| w == text);
        assert!(contains(b"aperta") && !contains(b"riservata"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_tech_08_10_a_refused_file_is_told_beside_its_field_and_what_was_typed_stays() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let who = people(&world).await;
        let (_, case) = opened(&router, &world, &who).await;
        let mut client = Browser::signed_in(router.clone(), &world, "cliente").await;
        let address = format!("{case}/documenti");
        let shown = |page: &Page, selector: &str| -> Vec<String> {
            let html = Html::parse_document(page.text());
            html.select(&Selector::parse(selector).unwrap())
                .map(|e| e.attr("value").map_or_else(|| e.text().collect(), str::to_owned))
                .collect()
        };
        let page = client.get(&format!("{case}?scheda=documenti")).await;
        assert!(shown(&page, "[aria-invalid]").is_empty(), "{name}");
        assert!(page.text().contains(".pdf, .tiff, .jpg"), "{name}: room to break the line");
        assert_eq!(shown(&page, "input[data-max-bytes='15728640']").len(), 1, "{name}");
        let inputs: Vec<_> = Html::parse_document(page.text())
            .select(&Selector::parse("form[action$=documenti] [name]").unwrap())
            .map(|e| e.attr("name").unwrap().to_owned())
            .collect();
        assert_eq!(inputs.last().map(String::as_str), Some("file"), "{name}");

        // Far larger than a file may be, and before the other fields: they are read all the same.
        let large = [b"%PDF-1.7".as_slice(), &vec![b' '; 21 * 1024 * 1024]].concat();
        let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; \
            filename=\"a.pdf\"\r\n\r\n"
            .to_vec();
        body.extend_from_slice(&large);
        for (field, value) in
            [("categoria", "attachment"), ("descrizione", "Le <bollette>"), ("visibile", "no")]
        {
            let part = format!(
                "\r\n--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}"
            );
            body.extend(part.into_bytes());
        }
        body.extend(b"\r\n--x--\r\n");
        let request = client
            .request("POST", &address)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Content::from(body))
            .unwrap();
        let page = client.send(request).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
        assert_eq!(
            shown(&page, ".invalid-feedback"),
            ["Il file è troppo grande: deve essere più piccolo di 15 MB. Se è una foto o una \
              scansione, salvala con una qualità più bassa; se ha molte pagine, dividilo in più \
              file."],
            "{name}"
        );
        assert_eq!(shown(&page, "#descrizione"), ["Le <bollette>"], "{name}");
        assert_eq!(shown(&page, "[name=visibile][checked]"), ["no"], "{name}");
        assert_eq!(shown(&page, "#categoria [selected]"), ["attachment"], "{name}");

        // Everything at once.
        let page = upload(&mut client, &address, &[("categoria", "x")], ("a.exe", b"MZ")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        for field in ["categoria", "descrizione", "visibile", "file"] {
            let told = format!(".invalid-feedback#{field}-errore");
            assert_eq!(shown(&page, &told).len(), 1, "{name} {field}");
            let described =
                format!("[name={field}][aria-invalid=true][aria-describedby~={field}-errore]");
            assert!(!shown(&page, &described).is_empty(), "{name} {field}");
        }

        // More than is read at all, said before it is sent.
        let request = client
            .request("POST", &address)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .header(header::CONTENT_LENGTH, 70_000_000)
            .body(Content::empty())
            .unwrap();
        let page = client.send(request).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
        assert!(page.text().contains("più piccolo di 15 MB"), "{name}: {}", page.text());

        // The operator's letter.
        let staff = &mut Browser::signed_in(router.clone(), &world, "segreteria").await;
        done(&staff.post(&format!("{case}/ammissione"), &[]).await);
        let mut operator = Browser::signed_in(router.clone(), &world, "seg.luce").await;
        let address = format!("{case}/adesione");
        let page = upload(&mut operator, &address, &[("aderisce", "no")], ("a.exe", b"MZ")).await;
        assert_eq!(shown(&page, "[name=aderisce][checked]"), ["no"], "{name}");
        assert_eq!(shown(&page, "#lettera-errore").len(), 1, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_01_04_lists_are_searched_sorted_and_paged_for_whom_they_concern() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let router = portal::web::router(world.portal.clone());
        let who = people(&world).await;
        world.user("capo", Role::Administrator, None).await;
        let (mut staff, _) = opened(&router, &world, &who).await;
        for _ in 0..11 {
            done(&send(&mut staff, "/pratiche/nuova", &application(&who)).await);
        }
        let numbers = |page: &Page| found(page, "[data-testid=case-row] [data-label=Numero] a");
        let page = staff.get("/pratiche?visualizza=domande").await;
        assert_eq!(numbers(&page).len(), 10, "{name}");
        assert_eq!(numbers(&page)[0], "N/2026/000012", "{name}");
        let page = staff.get("/pratiche?visualizza=domande&pagina=2&ordina=numero&verso=su").await;
        assert_eq!(numbers(&page), ["N/2026/000011", "N/2026/000012"], "{name}");
        let page = staff.get("/pratiche?visualizza=domande&pagina=9999999").await;
        assert_eq!(numbers(&page), ["N/2026/000002", "N/2026/000001"], "{name}");
        assert!(page.text().contains("Righe 11–12 di 12, pagina 2 di 2"), "{name}");
        let page = staff.get("/pratiche?visualizza=domande&q=nessuno&pagina=9").await;
        assert!(page.text().contains("Nessun risultato: cambia"), "{name}");
        let page = staff.get("/pratiche?visualizza=domande&q=000007").await;
        assert_eq!(numbers(&page), ["N/2026/000007"], "{name}");
        assert!(numbers(&staff.get("/pratiche?visualizza=domande&q=%25").await).is_empty());
        assert!(numbers(&staff.get("/pratiche").await).is_empty(), "{name}: none is admitted");

        let mut operator = Browser::signed_in(router.clone(), &world, "seg.luce").await;
        assert!(numbers(&operator.get("/pratiche?visualizza=domande").await).is_empty());
        let mut admin = Browser::signed_in(router.clone(), &world, "capo").await;
        assert_eq!(admin.get("/pratiche").await.status, StatusCode::FORBIDDEN, "{name}");
    }
    databases.end().await;
}
