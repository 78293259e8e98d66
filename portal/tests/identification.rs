//! Video identifications on both databases: commands, pages, the room's door.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::{Actor, Role};
use portal::identification::commands::{self, Entered};
use portal::identification::document::{DocumentForm, IdentityDocument, read};
use portal::identification::door;
use portal::identification::rules::{Cause, Contact, Event, Refusal, Statement};
use portal::identification::{State, VideoError, VideoId, consent, operators, store};
use portal::journal;
use portal::leases::Lease;
use portal::notifications;
use portal::signatures::identity;
use portal_testing::{Browser, World, databases, world};
use signing::process::Method;

struct Cast {
    client: Actor,
    operator: Actor,
    second: Actor,
    unauthorised: Actor,
    administrator: Actor,
}

async fn cast(world: &World) -> Cast {
    let cast = Cast {
        client: world.user("cliente", Role::Client, None).await,
        operator: world.user("operatore", Role::ServiceSecretariat, None).await,
        second: world.user("seconda", Role::Conciliator, None).await,
        unauthorised: world.user("segreteria", Role::ServiceSecretariat, None).await,
        administrator: world.user("capo", Role::Administrator, None).await,
    };
    for who in [&cast.operator, &cast.second] {
        operators::authorise(&world.portal, &cast.administrator, who.user, true).await.unwrap();
    }
    cast
}

fn document() -> IdentityDocument {
    let form = DocumentForm {
        tipo: "carta_identita".into(),
        numero: "CA12345AB".into(),
        rilascio: "2022-01-01".into(),
        scadenza: "2032-01-01".into(),
        ente: "Comune di Roma".into(),
    };
    read(&form, "2026-12-01".parse().unwrap()).unwrap()
}

async fn asked(world: &World, who: &Actor) -> Result<VideoId, VideoError> {
    commands::request(&world.portal, who, &consent::digest(), "di mattina", None).await
}

/// The person comes into the room through its door.
async fn come_in(world: &World, who: &Actor, id: VideoId) -> door::Entered {
    let (token, _) = door::ask(&world.portal, who, id).await.unwrap();
    let entered = door::enter(&world.portal, token.reveal(), "node", TimeDelta::seconds(15)).await;
    entered.unwrap().unwrap()
}

/// Messages of one instant come in any order.
const SEVERAL: i64 = 5;

async fn newest_code(world: &World, to: &str) -> String {
    let sent = notifications::newest(&world.portal.db, world.body.id, to, SEVERAL).await.unwrap();
    let code = |text: &str| Some(text.get(..6)?.to_owned());
    let mut codes = sent.iter().filter_map(|message| code(&message.text));
    codes.find(|code| code.bytes().all(|b| b.is_ascii_digit())).unwrap()
}

async fn confirm(world: &World, client: &Actor, id: VideoId) {
    for (contact, to) in
        [(Contact::Mobile, "+393330000000"), (Contact::Email, "cliente@example.it")]
    {
        world.clock.advance(TimeDelta::seconds(1));
        commands::send_code(&world.portal, client, id, contact).await.unwrap();
        let code = newest_code(world, to).await;
        let entered = commands::enter_code(&world.portal, client, id, contact, &code).await;
        assert_eq!(entered.unwrap(), Entered::Confirmed);
    }
}

#[tokio::test]
async fn r_meet_30_33_from_the_request_to_an_identification_that_ends() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, world.body.id);
        let Cast { client, operator, second, .. } = cast(&world).await;

        let refused = commands::request(portal, &client, "si", "", None).await;
        assert!(matches!(refused, Err(VideoError::Refused(Refusal::NoConsent))), "{name}");
        let id = asked(&world, &client).await.unwrap();
        let twice = asked(&world, &client).await;
        assert!(matches!(twice, Err(VideoError::Refused(Refusal::OpenAlready))), "{name}");
        let mails = notifications::newest(db, body, "operatore@example.it", 9).await.unwrap();
        assert_eq!(mails.len(), 1, "{name}: operators are told");
        assert!(!mails[0].text.contains(&client.name), "{name}: without saying who");

        // Two operators want the same person: the first one has it.
        let (one, other) = tokio::join!(
            commands::take(portal, &operator, id),
            commands::take(portal, &second, id)
        );
        assert!(one.is_ok() != other.is_ok(), "{name}: {one:?} {other:?}");
        let (operator, second) = if one.is_ok() { (operator, second) } else { (second, operator) };
        let sms = notifications::newest(db, body, "+393330000000", SEVERAL).await.unwrap();
        assert!(sms.iter().any(|m| m.text.contains("/identificazione")), "{name}: {sms:?}");

        // The room is a session's own; who is not in it does not get in.
        let entered = come_in(&world, &operator, id).await;
        assert!(entered.operator, "{name}");
        let stranger = door::ask(portal, &second, id).await;
        assert!(matches!(stranger, Err(VideoError::NotAllowed)), "{name}");

        commands::write_document(portal, &operator, id, document()).await.unwrap();
        let all = Statement::ALL.to_vec();
        confirm(&world, &client, id).await;
        let unseen = commands::approve(portal, &operator, id, all.clone()).await;
        assert!(matches!(unseen, Err(VideoError::Refused(Refusal::NotMet))), "{name}");
        let met = come_in(&world, &client, id).await;
        assert_eq!(met.room, entered.room, "{name}");
        for who in [&second, &client] {
            let decided = commands::approve(portal, who, id, all.clone()).await;
            assert!(matches!(decided, Err(VideoError::NotAllowed)), "{name}");
        }
        commands::approve(portal, &operator, id, all.clone()).await.unwrap();
        let again = commands::approve(portal, &operator, id, all).await;
        assert!(matches!(again, Err(VideoError::Refused(Refusal::WrongState))), "{name}");

        // The account is identified, for every later signature, until the term.
        let now = portal.now();
        let found = identity::of(db, body.0, client.user, now).await.unwrap().unwrap();
        assert_eq!((found.method, found.reference), (Method::Video, id.to_string()), "{name}");
        let term = now + TimeDelta::days(1_095);
        let before = identity::of(db, body.0, client.user, term - TimeDelta::seconds(1)).await;
        assert!(before.unwrap().is_some(), "{name}");
        assert!(identity::of(db, body.0, client.user, term).await.unwrap().is_none(), "{name}");
        let needless = asked(&world, &client).await;
        assert!(matches!(needless, Err(VideoError::Refused(Refusal::IdentifiedAlready))), "{name}");
        world.clock.advance(TimeDelta::days(1_095));
        asked(&world, &client).await.unwrap();

        // The evidence holds, and holds no personal data.
        let entries = store::evidence(db, body, id).await.unwrap();
        journal::verify(&entries).unwrap();
        assert_eq!(entries.len(), 9, "{name}");
        let text: String = entries.iter().map(|e| e.event.clone()).collect();
        for secret in ["CA12345AB", "Comune", "cliente@", "+39", "Anna"] {
            assert!(!text.contains(secret), "{name} {secret}");
        }
        let last: Event = serde_json::from_str(&entries[8].event).unwrap();
        assert!(matches!(last, Event::Approved { .. }), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_31_refused_interrupted_given_up_and_forgotten() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, world.body.id);
        let Cast { client, operator, administrator, .. } = cast(&world).await;
        let state = async |id| store::read(db, body, id).await.unwrap().unwrap().video.state;

        // Refused, with a reason that the person reads; another request can follow.
        let id = asked(&world, &client).await.unwrap();
        commands::take(portal, &operator, id).await.unwrap();
        commands::write_document(portal, &operator, id, document()).await.unwrap();
        commands::refuse(portal, &operator, id, Cause::Document, "foto sbiadita").await.unwrap();
        assert_eq!(state(id).await, State::Refused, "{name}");
        // Mails of the same instant have no order among them.
        let mails = notifications::newest(db, body, "cliente@example.it", 9).await.unwrap();
        assert!(mails.iter().any(|mail| mail.subject.contains("non riuscita")), "{name}");
        assert!(identity::of(db, body.0, client.user, portal.now()).await.unwrap().is_none());

        // The person leaves half-way: the session goes back to the queue by itself, and the room of
        // the session before is closed.
        let id = asked(&world, &client).await.unwrap();
        commands::take(portal, &operator, id).await.unwrap();
        let entered = come_in(&world, &client, id).await;
        commands::pass_time(portal).await.unwrap();
        assert_eq!(state(id).await, State::InSession, "{name}");
        assert!(door::over(db, "node", portal.now()).await.unwrap().is_empty(), "{name}");
        let lease = Lease { node: "node", generation: entered.generation };
        let seen = [(portal.now(), "joined")];
        assert!(door::append(portal, entered.room, lease, &seen).await.unwrap(), "{name}");
        let stale = Lease { node: "node", generation: entered.generation + 1 };
        assert!(!door::append(portal, entered.room, stale, &seen).await.unwrap(), "{name}");
        commands::put_back(portal, &operator, id).await.unwrap();
        assert_eq!(door::over(db, "node", portal.now()).await.unwrap(), [entered.room], "{name}");
        // What the room says last is still written.
        assert!(door::append(portal, entered.room, lease, &seen).await.unwrap(), "{name}");
        assert_eq!(door::attendance(db, entered.room).await.unwrap().unwrap().len(), 2, "{name}");
        commands::take(portal, &operator, id).await.unwrap();
        assert_ne!(come_in(&world, &client, id).await.room, entered.room, "{name}");
        world.clock.advance(TimeDelta::minutes(30));
        commands::pass_time(portal).await.unwrap();
        assert_eq!(state(id).await, State::Waiting, "{name}");

        // Nobody's token is worth anything after the session, or a second time.
        commands::take(portal, &operator, id).await.unwrap();
        let (token, _) = door::ask(portal, &client, id).await.unwrap();
        let term = TimeDelta::seconds(15);
        door::enter(portal, token.reveal(), "node", term).await.unwrap().unwrap();
        assert_eq!(
            door::enter(portal, token.reveal(), "node", term).await.unwrap(),
            None,
            "{name}"
        );
        let (token, _) = door::ask(portal, &operator, id).await.unwrap();
        operators::authorise(portal, &administrator, operator.user, false).await.unwrap();
        let revoked = door::enter(portal, token.reveal(), "node", term).await;
        assert!(matches!(revoked, Err(door::EntryError::Over)), "{name}");
        operators::authorise(portal, &administrator, operator.user, true).await.unwrap();

        // The person gives up, asks again, and nobody takes it up.
        commands::withdraw(portal, &client, id).await.unwrap();
        let id = asked(&world, &client).await.unwrap();
        world.clock.advance(TimeDelta::days(30));
        commands::pass_time(portal).await.unwrap();
        assert_eq!(state(id).await, State::Lapsed, "{name}");

        // What was written down of the document goes at its term; the chain holds on.
        let first = store::ended(db, body, 9).await.unwrap().pop().unwrap();
        assert!(first.video.details.document.is_some(), "{name}");
        world.clock.advance(TimeDelta::days(7_305));
        commands::pass_time(portal).await.unwrap();
        let first = store::read(db, body, first.id).await.unwrap().unwrap();
        assert_eq!(first.video.details.document, None, "{name}");
        journal::verify(&store::evidence(db, body, first.id).await.unwrap()).unwrap();
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_31_pages_are_for_the_person_and_for_authorised_operators() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let portal = &world.portal;
        let router = portal::web::router(portal.clone());
        let Cast { client, operator, unauthorised, .. } = cast(&world).await;
        let mut person = Browser::signed_in(router.clone(), &world, "cliente").await;
        let mut staff = Browser::signed_in(router.clone(), &world, "operatore").await;
        let mut outsider = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let mut chief = Browser::signed_in(router.clone(), &world, "capo").await;

        // Without the tick nothing is asked, and the fault stands beside the box.
        let page = person.post("/identificazione", &[("preferenza", "di sera")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.text().contains("Senza il consenso") && page.text().contains("di sera"));
        let digest = consent::digest();
        person.post("/identificazione", &[("consenso", &digest)]).await;
        assert!(person.get("/identificazione").await.text().contains("Sei il prossimo"), "{name}");

        for (who, status) in [
            (&mut staff, StatusCode::OK),
            (&mut outsider, StatusCode::FORBIDDEN),
            (&mut chief, StatusCode::FORBIDDEN),
        ] {
            assert_eq!(who.get("/identificazioni").await.status, status, "{name}");
        }
        let record = store::newest(db, world.body.id, client.user).await.unwrap().unwrap();
        let own = format!("/identificazioni/{}", record.id);
        staff.post(&format!("{own}/inizio"), &[]).await;
        for path in [own.clone(), format!("{own}/evidenze.json"), format!("{own}/stato")] {
            assert_eq!(staff.get(&path).await.status, StatusCode::OK, "{name} {path}");
            assert_eq!(outsider.get(&path).await.status, StatusCode::NOT_FOUND, "{name} {path}");
            assert_ne!(person.get(&path).await.status, StatusCode::OK, "{name} {path}");
        }
        for path in ["/identificazione/sessione".to_owned(), format!("{own}/sessione")] {
            let who = if path.contains("identificazioni") { &mut staff } else { &mut person };
            assert!(who.get(&path).await.text().contains("/static/room/call.js"), "{name} {path}");
        }

        // Faults of the forms stand beside the fields, and nothing is lost of what was typed.
        let expired =
            [("numero", "CA12345AB"), ("rilascio", "2015-01-01"), ("scadenza", "2025-01-01")];
        let page = staff.post(&format!("{own}/documento"), &expired).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(
            page.text().contains("Il documento è scaduto") && page.text().contains("CA12345AB")
        );
        let page = staff.post(&format!("{own}/approvazione"), &[("volto", "si")]).await;
        assert!(page.text().contains("non è ancora entrata"), "{name}");
        let page = staff.post(&format!("{own}/rifiuto"), &[]).await;
        assert!(page.text().contains("Scegli il motivo"), "{name}");

        // Wrong codes are counted, beside their field.
        person.post("/identificazione/codici/cellulare", &[]).await;
        let wrong =
            if newest_code(&world, "+393330000000").await == "000000" { "1" } else { "000000" };
        for left in (0..5).rev() {
            let path = "/identificazione/codici/cellulare/verifica";
            let page = person.post(path, &[("codice", wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            let last = page.text().contains("Hai scritto troppi codici errati");
            assert_eq!(last, left == 0, "{name} {left}");
            // Then it says what to do, in the place of the field.
            let field = page.text().contains("id=\"codice-cellulare\"");
            assert_eq!(field, !last, "{name} {left}");
        }

        // Only the administrator authorises, and only staff can be.
        let authorise =
            |who: &Actor| format!("/amministrazione/utenti/{}/identificazione", who.user.0);
        let yes = [("abilita", "si")];
        let page = staff.post(&authorise(&unauthorised), &yes).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}");
        let page = chief.post(&authorise(&client), &yes).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{name}");
        chief.post(&authorise(&unauthorised), &yes).await;
        assert_eq!(outsider.get("/identificazioni").await.status, StatusCode::OK, "{name}");
        chief.post(&authorise(&operator), &[("abilita", "no")]).await;
        assert_eq!(staff.get(&own).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    databases.end().await;
}
