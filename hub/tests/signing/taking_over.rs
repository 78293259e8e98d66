//! Who takes over from a signer without having been at the table: the client's delegate, another
//! lawyer, and people who have no account (R-SIGN-05, R-SIGN-33).

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::personal::PersonalData;
use portal::accounts::{Actor, Role, UserId};
use portal::cases::CaseState;
use portal::guests::persons::{self, NewPerson};
use portal::notifications;
use portal::powers::PowerKind;
use portal::powers::commands::Scope;
use portal::signatures::store as signatures;
use portal_testing::{Browser, databases};

use crate::own_device::subject;
use crate::paper::{agree, mediation};
use crate::reader::{Reader, TEXT, went_on};
use crate::stage::Stage;

/// Somebody without an account on the seat beside the client, named by the secretariat.
async fn named(stage: &Stage, surname: &str, mobile: &str) -> Actor {
    let person = NewPerson {
        person: PersonalData {
            given_name: "Ada".to_owned(),
            surname: surname.to_owned(),
            fiscal_code: "RSSMRA80A01H501U".to_owned(),
            email: format!("{surname}@example.it"),
            mobile: mobile.to_owned(),
        },
        seat: "client_delegate".to_owned(),
    };
    let user = persons::add(&stage.world.portal, &stage.staff, stage.case, &person).await.unwrap();
    Actor {
        body: stage.world.body.id,
        user,
        name: format!("Ada {surname}"),
        role: Role::Guest,
        operator: None,
        sectors: Vec::new(),
        guest: None,
    }
}

async fn empowered(stage: &Stage, user: UserId, kind: PowerKind) {
    let scope = Scope::Case(stage.case);
    stage.world.powers(&stage.staff, user, scope, (kind, "2026-12-10")).await;
}

/// The newest message to an address or a mobile.
async fn told(stage: &Stage, to: &str) -> String {
    let (db, body) = (&stage.world.portal.db, stage.world.body.id);
    notifications::newest(db, body, to, 1).await.unwrap().remove(0).text
}

/// At the page of the minutes, by the personal link and the code to the mobile on the case.
async fn entered(stage: &Stage, link: &str, mobile: &str) -> Reader {
    let mut browser = Browser::new(stage.router.clone(), &stage.world.body.host);
    stage.world.clock.advance(TimeDelta::seconds(31));
    went_on(&browser.post(&format!("{link}/invio"), &[]).await);
    let code = told(stage, mobile).await;
    let page = browser.post(&format!("{link}/codice"), &[("codice", &code[..6])]).await;
    assert_eq!(page.location(), "/ospite", "{}", page.text());
    Reader::new(browser, stage.meeting)
}

/// Path of the newest personal link that somebody got.
async fn link(stage: &Stage, surname: &str) -> String {
    let text = told(stage, &format!("{surname}@example.it")).await;
    let start = text.find("/invito/").expect("the mail has a link");
    text[start..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn r_sign_05_33_the_clients_delegate_takes_over_without_an_account_and_is_identified_as_all()
{
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let mut conciliator = stage.browser("conciliatore").await;
        conciliator.freeze(TEXT).await;
        let ada = named(&stage, "bianchi", "+393471234567").await;
        let link = link(&stage, "bianchi").await;
        let choice = format!("client/{}", ada.user.0);
        let chosen = [("firmatario", choice.as_str())];

        // Without the client's mandate nobody acts for the client; the page says so, and who it is.
        let page = conciliator.look().await;
        assert!(page.text().contains("Ada bianchi non può firmare al posto di"), "{name}");
        assert!(page.text().contains("non risultano poteri di firma registrati"), "{name}");
        assert!(
            page.text().contains("Nessuno è identificato per il fatto di essere scelto"),
            "{name}"
        );
        let page = conciliator.send("sostituisci", &chosen).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");

        empowered(&stage, ada.user, PowerKind::ClientMandate).await;
        stage.world.clock.advance(TimeDelta::seconds(1));
        went_on(&conciliator.send("sostituisci", &chosen).await);
        let row = stage.process().await;
        let process = signatures::replay(db, &row).await.unwrap();
        let fields: Vec<&str> = process.signers().map(|one| one.signer.field.as_str()).collect();
        assert_eq!(fields, ["client_delegate", "operator_delegate", "neutral"], "{name}");

        let mut reader = entered(&stage, &link, "+393471234567").await;
        assert_eq!(reader.next().await, "identify", "{name}: like every signer (R-SIGN-06)");
        reader.get_ready().await;
        went_on(&reader.sign(&stage, &ada).await);
        let mut delegate = stage.browser("del.luce").await;
        delegate.get_ready().await;
        went_on(&delegate.sign(&stage, &stage.delegate).await);
        conciliator = stage.browser("conciliatore").await;
        conciliator.get_ready().await;
        went_on(&conciliator.send("firma/verifica", &[]).await);
        went_on(&conciliator.sign(&stage, &stage.conciliator).await);
        let (_, report, count) = stage.document().await;
        assert!(report.accepted() && count == 3, "{name} {report:?}");
        assert_eq!(stage.case_state().await, CaseState::Agreement, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_05_33_a_lawyer_takes_over_from_another_and_may_sign_with_the_own_device() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        mediation(db, &stage).await;
        let first = named(&stage, "bianchi", "+393471234567").await;
        empowered(&stage, first.user, PowerKind::Assistance).await;
        let (mut mediator, mut client, mut delegate) = (
            stage.browser("conciliatore").await,
            stage.browser("cliente").await,
            stage.browser("del.luce").await,
        );
        agree(&mut client, &mut delegate).await;
        mediator.freeze(TEXT).await;
        client.get_ready().await;
        went_on(&client.sign(&stage, &stage.client).await);
        assert_eq!(stage.document().await.2, 1, "{name}");

        let (portal, staff, case) = (&stage.world.portal, &stage.staff, stage.case);
        persons::remove(portal, staff, case, first.user.0).await.unwrap();
        let second = named(&stage, "greco", "+393477654321").await;
        let link = link(&stage, "greco").await;
        let choice = format!("client_delegate/{}", second.user.0);
        let chosen = [("firmatario", choice.as_str())];
        // The mandate of the one who left is not the other's.
        let page = mediator.send("sostituisci", &chosen).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("Ada greco non può firmare"), "{name}");
        empowered(&stage, second.user, PowerKind::Assistance).await;
        stage.world.clock.advance(TimeDelta::seconds(1));
        went_on(&mediator.send("sostituisci", &chosen).await);
        let process = signatures::replay(db, &stage.process().await).await.unwrap();
        let signer = process.signer("client_delegate").unwrap().signer.person;
        assert_eq!(signer, second.user.0, "{name}");
        assert_eq!(stage.document().await.2, 0, "{name}: a new version, nobody has signed it");

        // The certificate of the own device says who signs: nothing else identifies the lawyer.
        let mut reader = entered(&stage, &link, "+393477654321").await;
        reader.look().await;
        let pdf = reader.open("documento.pdf").await.bytes;
        let person = subject(&stage, &second).await;
        let signed = stage.qtsp.sign_on_device(&pdf, "client_delegate", &person).unwrap();
        went_on(&reader.hand_in("verbale.pdf", &signed).await);
        let (_, report, count) = stage.document().await;
        assert!(report.accepted() && count == 1, "{name} {report:?}");
    }
    databases.end().await;
}
