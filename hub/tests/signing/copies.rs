//! A copy of the minutes for each recipient (R-SIGN-26, R-SIGN-27).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::{Actor, Role};
use portal::cases::CaseState;
use portal::cases::commands as cases;
use portal::cases::rules::Act;
use portal::minutes::table::Table;
use portal::notifications;
use portal::signatures::copies::Version;
use portal::signatures::{evidence, settling, store};
use portal_testing::{Browser, databases};
use signing::verify::verify;

use crate::reader::{Reader, TEXT, attribute, went_on};
use crate::stage::Stage;

const ADA: [(&str, &str); 5] = [
    ("nome", "Ada"),
    ("cognome", "Bianchi"),
    ("codice_fiscale", "BNCDAA80A41H501O"),
    ("email", "ada.bianchi@example.it"),
    ("cellulare", "333 7654321"),
];

async fn newest(stage: &Stage) -> Version {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id.0);
    Version::newest(db, body, stage.meeting.0, stage.client.user).await.unwrap().unwrap()
}

async fn filed(stage: &Stage) -> usize {
    let mut client = stage.browser("cliente").await;
    let page = client.browser.get(&format!("/pratiche/{}?scheda=documenti", stage.case)).await;
    page.text().matches("data-kind=\"final_minutes\"").count()
}

/// Writes an agreement and gives everybody an own copy.
async fn copy(conciliator: &mut Reader) {
    for act in ["bozza", "copie"] {
        let revision = conciliator.revision().await;
        let fields = [("revision", revision.as_str()), ("esito", "agreement"), ("testo", TEXT)];
        went_on(&conciliator.send(act, &fields).await);
    }
}

/// The neutral person checks and signs the copy that waits.
async fn countersign(conciliator: &mut Reader, stage: &Stage) {
    conciliator.get_ready().await;
    went_on(&conciliator.send("firma/verifica", &[]).await);
    went_on(&conciliator.sign(stage, &stage.conciliator).await);
}

/// Comes by the personal link of the newest mail, and the code on the telephone.
async fn guest(stage: &Stage, mail: &str, mobile: &str) -> Reader {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id);
    let mails = notifications::newest(db, body, mail, 50).await.unwrap();
    let text = mails.into_iter().find_map(|one| one.text.contains("/invito/").then_some(one.text));
    let text = text.expect("a link was sent");
    let secret = text.split("/invito/").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut browser = Browser::new(stage.router.clone(), &stage.world.body.host);
    went_on(&browser.post(&format!("/invito/{secret}/invio"), &[]).await);
    let sms = notifications::newest(db, body, mobile, 50).await.unwrap();
    let code = sms[0].text.split_whitespace().next().unwrap();
    went_on(&browser.post(&format!("/invito/{secret}/codice"), &[("codice", code)]).await);
    Reader::new(browser, stage.meeting)
}

#[tokio::test]
async fn r_sign_27_each_party_signs_its_own_copy_and_all_of_them_make_the_agreement() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        copy(&mut conciliator).await;
        assert_eq!(client.send("copie", &[]).await.status, StatusCode::FORBIDDEN, "{name}");
        let frozen: BTreeSet<String> =
            newest(&stage).await.copies().iter().map(|one| one.process.document.clone()).collect();
        assert_eq!(frozen.len(), 2, "{name}: no copy is like another");
        let first = format!("/incontri/{}/verbale?copia=1", stage.meeting);
        let (own, other) = (client.look().await, delegate.browser.get(&first).await);
        assert!(own.text().contains("la copia 1 di 2, per"), "{name}");
        assert!(other.text().contains("la copia 2 di 2, per"), "{name}: nobody sees another's");
        assert!(!other.text().contains("process-copies"), "{name}");
        let all = conciliator.look().await;
        assert_eq!(all.text().matches("verbale?copia=").count(), 3, "{name}: two, and the page");
        // One entry for both, with a row each.
        let panel = conciliator.browser.get("/firme").await;
        assert_eq!(panel.text().matches("data-testid=\"panel-process\"").count(), 1, "{name}");
        assert_eq!(panel.text().matches("data-copy=").count(), 2, "{name}");
        assert!(panel.text().contains("2 destinatari: da firmare 2"), "{name}");

        // The neutral person is led to the copy that its recipient has signed.
        for (reader, actor, last) in
            [(&mut delegate, &stage.delegate, false), (&mut client, &stage.client, true)]
        {
            reader.get_ready().await;
            went_on(&reader.sign(&stage, actor).await);
            countersign(&mut conciliator, &stage).await;
            let expected = if last { CaseState::Agreement } else { CaseState::Signing };
            assert_eq!(stage.case_state().await, expected, "{name}");
            assert_eq!(filed(&stage).await, if last { 2 } else { 0 }, "{name}");
        }
        for copy in newest(&stage).await.copies() {
            let (row, files) = (&copy.process, &stage.world.portal.files);
            assert_eq!(row.status, "completed", "{name}");
            let pdf = files.get(row.body, row.digest().unwrap()).await.unwrap().unwrap();
            let report = verify(&pdf, &stage.trust, portal_now(&stage));
            assert!(report.accepted() && report.signatures.len() == 2, "{name} {report:?}");
        }
        assert_eq!(stage.mails("cliente", "Verbale firmato").await, 1, "{name}");
        let panel = conciliator.browser.get("/firme?visualizza=concluse").await;
        assert!(panel.text().contains("2 destinatari: completate 2"), "{name}");
        let fields = [("revision", "2"), ("esito", "agreement"), ("testo", TEXT)];
        let again = conciliator.send("copie", &fields).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
    databases.end().await;
}

fn portal_now(stage: &Stage) -> chrono::DateTime<chrono::Utc> {
    stage.world.portal.now()
}

#[tokio::test]
async fn r_sign_27_a_refused_or_expired_copy_leaves_the_others_until_all_are_taken_back() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        copy(&mut conciliator).await;
        went_on(&client.send("firma/rifiuto", &[("motivo", "No")]).await);
        assert_eq!(attribute(&client.look().await, "data-status"), "refused", "{name}");
        assert_eq!(attribute(&delegate.look().await, "data-status"), "sent", "{name}");
        delegate.get_ready().await;
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        countersign(&mut conciliator, &stage).await;
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
        assert_eq!(filed(&stage).await, 0, "{name}: nothing is complete without all");
        assert!(delegate.look().await.text().contains("process-void"), "{name}");
        assert_eq!(delegate.open("documento.pdf").await.status, StatusCode::NOT_FOUND, "{name}");

        // Everything is over, not everything signed: a new version can be made.
        stage.world.clock.advance(TimeDelta::seconds(1));
        copy(&mut conciliator).await;
        let page = delegate.look().await;
        assert_eq!(attribute(&page, "data-status"), "sent", "{name}");
        assert!(page.text().contains("Versione 2"), "{name}");
        let early = conciliator.send("abbandona", &[]).await;
        assert!(early.text().contains("Prima annulla"), "{name}");
        went_on(&conciliator.send("annulla", &[]).await);
        for reader in [&mut client, &mut delegate] {
            assert_eq!(attribute(&reader.look().await, "data-status"), "cancelled", "{name}");
        }
        // One document for all is possible again; the term ends copies one by one.
        conciliator.freeze_as("agreement", "Testo corretto.").await;
        went_on(&conciliator.send("annulla", &[]).await);
        stage.world.clock.advance(TimeDelta::seconds(1));
        copy(&mut conciliator).await;
        client.get_ready().await;
        went_on(&client.sign(&stage, &stage.client).await);
        countersign(&mut conciliator, &stage).await;
        let term = newest(&stage).await.copies()[1].process.expires_at;
        stage.world.clock.set(&term.to_rfc3339());
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        let statuses: Vec<String> =
            newest(&stage).await.copies().iter().map(|one| one.process.status.clone()).collect();
        assert_eq!(statuses, ["completed", "expired"], "{name}");
        assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_26_27_who_was_typed_in_signs_a_copy_without_an_account() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut client, mut delegate) = stage.table().await;
        // Only by who leads; every field is checked, nobody gets two copies.
        assert_eq!(client.send("destinatari", &ADA).await.status, StatusCode::FORBIDDEN, "{name}");
        let page = conciliator.send("destinatari", &[("nome", "Ada")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("id=\"destinatario-codice_fiscale-errore\""), "{name}");
        assert!(page.text().contains("value=\"Ada\""), "{name}: what was typed is kept");
        went_on(&conciliator.send("destinatari", &ADA).await);
        let page = conciliator.send("destinatari", &ADA).await;
        assert!(page.text().contains("già nella pratica o tra i destinatari"), "{name}");
        let page = conciliator.look().await;
        let path = format!("/incontri/{}/verbale/destinatari/", stage.meeting);
        let id = page.text().split(&path).nth(1).unwrap().split('/').next().unwrap().to_owned();
        went_on(&conciliator.send(&format!("destinatari/{id}/togli"), &[]).await);
        let gone = conciliator.send(&format!("destinatari/{id}/togli"), &[]).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{name}");
        went_on(&conciliator.send("destinatari", &ADA).await);
        copy(&mut conciliator).await;
        assert_eq!(newest(&stage).await.copies().len(), 3, "{name}");
        let late = conciliator.send("destinatari", &ADA).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");

        let mut ada = guest(&stage, "ada.bianchi@example.it", "+393337654321").await;
        let own = ada.browser.get("/ospite").await;
        assert!(own.location().ends_with("/verbale"), "{name}: the way to the copy");
        assert!(ada.look().await.text().contains("la copia 3 di 3, per Ada Bianchi"), "{name}");
        // A copy, and nothing else of the case.
        for path in [
            format!("/pratiche/{}", stage.case),
            format!("/stanza/{}", stage.meeting),
            format!("/incontri/{}", stage.meeting),
        ] {
            assert_eq!(ada.browser.get(&path).await.status, StatusCode::NOT_FOUND, "{name} {path}");
        }
        ada.identify("BNCDAA80A41H501O").await;
        ada.get_ready().await;
        went_on(&ada.send("firma/codice", &[]).await);
        let code = stage.code_for("+393337654321");
        went_on(&ada.enter(&code).await);
        countersign(&mut conciliator, &stage).await;
        for (reader, actor) in [(&mut client, &stage.client), (&mut delegate, &stage.delegate)] {
            assert_eq!(stage.case_state().await, CaseState::Signing, "{name}");
            reader.get_ready().await;
            went_on(&reader.sign(&stage, actor).await);
            countersign(&mut conciliator, &stage).await;
        }
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
        assert_eq!(filed(&stage).await, 3, "{name}");
        assert_eq!(ada.open("documento.pdf").await.status, StatusCode::OK, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_27_recipients_are_bounded() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let mut conciliator = stage.browser("conciliatore").await;
    let months = ["A", "B", "C", "D", "E", "H", "L", "M", "P", "R", "S", "T"];
    let codes: Vec<String> = ["80", "81"]
        .iter()
        .flat_map(|year| months.map(|month| fiscal_code(&format!("BNCDAA{year}{month}41H501"))))
        .collect();
    for code in &codes[..20] {
        let fields = ADA.map(|(key, value)| match key {
            "codice_fiscale" => (key, code.as_str()),
            _ => (key, value),
        });
        went_on(&conciliator.send("destinatari", &fields).await);
    }
    let fields = ADA.map(|(key, value)| match key {
        "codice_fiscale" => (key, codes[20].as_str()),
        _ => (key, value),
    });
    let page = conciliator.send("destinatari", &fields).await;
    assert!(page.text().contains("I destinatari sono al massimo 20"), "{}", page.text());
    let draft = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
    went_on(&conciliator.send("bozza", &draft).await);
    let draft = [("revision", "1"), ("esito", "agreement"), ("testo", TEXT)];
    let page = conciliator.send("copie", &draft).await;
    assert!(page.text().contains("I destinatari sono 22: le copie sono al massimo 20"));
    databases.end().await;
}

/// The last letter of a codice fiscale (D.M. 23 dicembre 1976).
fn fiscal_code(start: &str) -> String {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let value = |(index, byte): (usize, u8)| {
        let rank = u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
        if index % 2 == 0 { ODD[rank as usize] } else { rank }
    };
    let sum: u32 = start.bytes().enumerate().map(value).sum();
    format!("{start}{}", char::from(b'A' + (sum % 26) as u8))
}

#[tokio::test]
async fn r_sign_25_the_secretariat_puts_to_signature_what_was_written_once_the_meeting_is_over() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut conciliator, mut staff) =
            (stage.browser("conciliatore").await, stage.browser("segreteria").await);
        let draft = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
        went_on(&conciliator.send("bozza", &draft).await);
        let start = [("revision", "1")];
        // Who writes is in the room still: the draft is theirs.
        assert!(!staff.look().await.text().contains("minutes-send"), "{name}");
        assert_eq!(staff.send("avvia", &start).await.status, StatusCode::FORBIDDEN, "{name}");
        stage.end_meeting().await;

        // The panel leads there, for who may start.
        let leads_there = format!("/incontri/{}/verbale", stage.meeting);
        for (reader, offered) in [(&mut staff, true), (&mut conciliator, false)] {
            let panel = reader.browser.get("/firme").await;
            let found =
                panel.text().contains("panel-written") && panel.text().contains(&leads_there);
            assert_eq!(found, offered, "{name}");
        }
        // Who may, and who may not.
        for (username, status) in [
            ("cliente", StatusCode::FORBIDDEN),
            ("del.luce", StatusCode::FORBIDDEN),
            ("seg.luce", StatusCode::NOT_FOUND),
            ("del.rete", StatusCode::NOT_FOUND),
            ("estraneo", StatusCode::NOT_FOUND),
            // What is on the conciliator's page is saved and frozen there.
            ("conciliatore", StatusCode::FORBIDDEN),
        ] {
            let mut reader = stage.browser(username).await;
            assert_eq!(reader.send("avvia", &start).await.status, status, "{name} {username}");
        }
        let portal = &stage.world.portal;
        let other = stage.world.other_body("mediazione.localhost").await;
        let stranger = Actor { body: other.id, ..stage.staff.clone() };
        for body in [&other, &stage.world.body] {
            let seen = Table::seen(portal, body, &stranger, stage.meeting).await.unwrap();
            assert!(seen.is_none(), "{name}: another body's secretariat");
        }
        let page = staff.look().await;
        assert!(page.text().contains("minutes-send") && page.text().contains("rimborsa"), "{name}");
        assert!(!page.text().contains("minutes-freeze"), "{name}: the text is the conciliator's");
        assert_eq!(staff.open("anteprima.pdf").await.status, StatusCode::OK, "{name}");
        for act in ["bozza", "congela", "copie", "mostra"] {
            assert_eq!(staff.send(act, &draft).await.status, StatusCode::FORBIDDEN, "{name} {act}");
        }
        let stale = staff.send("avvia", &[("revision", "7")]).await;
        assert!(stale.text().contains("modificato nel frattempo"), "{name}");
        went_on(&staff.send("avvia", &start).await);

        let panel = staff.browser.get("/firme").await;
        assert!(!panel.text().contains("panel-written"), "{name}: it is at signature");
        let row = stage.process().await;
        assert_eq!((row.status.as_str(), row.copy), ("sent", 0), "{name}");
        let log = evidence::load(db, &row).await.unwrap();
        assert_eq!(log.entries[0].actor, Some(stage.staff.user.0), "{name}: who started it");
        let again = staff.send("avvia", &start).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_25_26_the_secretariat_sends_copies_and_types_recipients_in() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let (mut conciliator, mut staff) =
        (stage.browser("conciliatore").await, stage.browser("segreteria").await);
    let draft = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
    went_on(&conciliator.send("bozza", &draft).await);
    assert_eq!(staff.send("destinatari", &ADA).await.status, StatusCode::FORBIDDEN);
    stage.end_meeting().await;
    went_on(&staff.send("destinatari", &ADA).await);
    // Another conciliator takes the case over: the earlier one starts nothing, the new one signs.
    let new = stage.world.user("altro", Role::Conciliator, None).await;
    let assign = Act::AssignConciliator { conciliator: new.user };
    cases::act(&stage.world.portal, &stage.staff, stage.case, assign).await.unwrap();
    for act in ["avvia", "congela", "copie"] {
        assert_eq!(conciliator.send(act, &draft).await.status, StatusCode::NOT_FOUND, "{act}");
    }
    went_on(&staff.send("avvia", &[("revision", "1"), ("modo", "copie")]).await);
    assert_eq!(newest(&stage).await.copies().len(), 3);
    for copy in newest(&stage).await.copies() {
        let process = store::replay(db, &copy.process).await.unwrap();
        assert_eq!(process.signer("neutral").unwrap().signer.person, new.user.0);
    }
    let page = staff.look().await;
    assert!(page.text().contains("process-copies"), "the secretariat watches all copies");
    databases.end().await;
}

#[tokio::test]
async fn r_sign_26_the_page_and_the_preview_say_who_signs_where_and_in_what_order() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let mut conciliator = stage.browser("conciliatore").await;
    let draft = [("revision", "0"), ("esito", "agreement"), ("testo", TEXT)];
    went_on(&conciliator.send("bozza", &draft).await);
    let page = conciliator.look().await;
    let order = page.text().split("data-testid=\"minutes-order\"").nth(1).unwrap();
    let order = order.split("</div>").next().unwrap();
    let place = |words: &str| order.find(words).unwrap_or_else(|| panic!("{words}: {order}"));
    assert!(place("(Cliente)") < place("(Delegato dell&#39;Operatore convenuto)"));
    assert!(place("(Delegato dell&#39;Operatore convenuto)") < place("(Conciliatore)"));
    // The outcome decides who signs.
    let draft = [("revision", "1"), ("esito", "no_agreement"), ("testo", TEXT)];
    went_on(&conciliator.send("bozza", &draft).await);
    let page = conciliator.look().await;
    let order = page.text().split("data-testid=\"minutes-order\"").nth(1).unwrap();
    let order = order.split("</div>").next().unwrap();
    assert!(order.contains("(Conciliatore)") && !order.contains("(Cliente)"), "{order}");
    assert_eq!(conciliator.open("anteprima.pdf").await.status, StatusCode::OK);
    databases.end().await;
}
