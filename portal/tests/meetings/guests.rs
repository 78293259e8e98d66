//! People without an account: named by the secretariat, invited by mail, letter or the conciliator.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::accounts::personal::PersonalData;
use portal::accounts::{Actor, Role, sessions};
use portal::cases::CaseId;
use portal::guests::extra::{self, ExtraError, NewSeat, Quality};
use portal::guests::persons::{self, NewPerson};
use portal::meetings::door::{self, DoorError, EntryError};
use portal::meetings::{MeetingId, commands};
use portal::notifications;
use portal::procedures::{SeatKind, Side};
use portal::random;
use portal_testing::{Browser, World, databases, world};

use crate::support::{LEASE, People, ask, at, case, convened, people, proposal};

const MAIL: &str = "avvocata@example.it";
const MOBILE: &str = "+393471234567";

pub fn lawyer() -> NewPerson {
    NewPerson {
        person: PersonalData {
            given_name: "Ada".to_owned(),
            surname: "Bianchi".to_owned(),
            fiscal_code: "RSSMRA80A01H501U".to_owned(),
            email: MAIL.to_owned(),
            mobile: MOBILE.to_owned(),
        },
        seat: "client_delegate".to_owned(),
    }
}

/// A case with a lawyer who has no account, and its meeting on 5 December at 14.
async fn invited(world: &World, who: &People) -> (CaseId, MeetingId) {
    let case = case(world, who).await;
    persons::add(&world.portal, &who.staff, case, &lawyer()).await.unwrap();
    let proposal = proposal(&who.conciliator, "2026-12-05T14:00:00Z");
    let meeting = commands::convene(&world.portal, &who.staff, case, proposal).await.unwrap();
    (case, meeting)
}

/// The newest message to somebody.
pub async fn told(world: &World, to: &str) -> String {
    world.clock.advance(TimeDelta::milliseconds(1));
    let sent = notifications::newest(&world.portal.db, world.body.id, to, 1).await.unwrap();
    sent.first().map(|message| message.text.clone()).unwrap_or_default()
}

/// Path of the newest personal link that somebody got.
pub async fn link(world: &World, to: &str) -> String {
    let text = told(world, to).await;
    let start = text.find("/invito/").unwrap_or_else(|| panic!("no link in: {text}"));
    text[start..].split_whitespace().next().unwrap().to_owned()
}

/// Opens a link up to the guest's session.
pub async fn guest(world: &World, link: &str, mobile: &str) -> Browser {
    let mut browser = Browser::new(portal::web::router(world.portal.clone()), &world.body.host);
    world.clock.advance(TimeDelta::seconds(31));
    let page = browser.post(&format!("{link}/invio"), &[]).await;
    assert_eq!(page.location(), format!("{link}/codice"), "{}", page.text());
    let code = told(world, mobile).await[..6].to_owned();
    let page = browser.post(&format!("{link}/codice"), &[("codice", &code)]).await;
    assert_eq!(page.location(), "/ospite", "{}", page.text());
    browser
}

/// Who acts in a browser.
pub async fn actor(world: &World, browser: &Browser) -> Option<Actor> {
    let token = browser.cookie("accordo").unwrap_or_default();
    let (hash, idle) = (random::hash(&token), world.portal.settings.idle);
    let now = portal::clock::Clock::now(&world.clock);
    sessions::actor(&world.portal.db, world.body.id, hash, idle, now).await.unwrap()
}

#[tokio::test]
async fn r_meet_46_the_secretariat_names_people_with_errors_beside_the_fields() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = case(&world, &who).await;
        let router = portal::web::router(world.portal.clone());
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let path = format!("/pratiche/{case}/persone");
        let good = [
            ("nome", "Ada"),
            ("cognome", "Bianchi"),
            ("codice_fiscale", "RSSMRA80A01H501U"),
            ("cellulare", "347 1234567"),
            ("email", MAIL),
            ("posto", "client_delegate"),
        ];
        for (field, value) in [
            ("nome", ""),
            ("cognome", " "),
            ("codice_fiscale", "RSSMRA80A01H501X"),
            ("cellulare", "06 1234567"),
            ("email", "ada"),
            ("posto", "client"),  // has an account
            ("posto", "neutral"), // nobody's guest
            ("posto", "extra_aid"),
        ] {
            let fields = good.map(|(n, v)| if n == field { (n, value) } else { (n, v) });
            let page = staff.post(&path, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {field} {value}");
            assert!(page.text().contains(&format!("id=\"{field}-errore\"")), "{name} {field}");
        }
        let page = staff.post(&path, &good).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {}", page.text());
        let page = staff.get(&path).await;
        assert!(page.text().contains("Ada Bianchi"), "{name}");
        assert!(page.text().contains("Tutti i posti della pratica sono occupati"), "{name}");
        // Nobody else names people, and nobody is told that there are any.
        for (username, status) in [
            ("cliente", StatusCode::FORBIDDEN),
            ("conciliatore", StatusCode::FORBIDDEN),
            ("seg.luce", StatusCode::FORBIDDEN),
            ("conciliatore2", StatusCode::NOT_FOUND),
        ] {
            let mut person = Browser::signed_in(router.clone(), &world, username).await;
            assert_eq!(person.get(&path).await.status, status, "{name} {username}");
            assert_eq!(person.post(&path, &good).await.status, status, "{name} {username}");
        }
        // The person is no account: not in the list, not to be unlocked, not to be signed in.
        let everybody = portal::accounts::store::everybody(db, world.body.id).await.unwrap();
        assert!(everybody.iter().all(|person| person.email != MAIL), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_46_link_and_code_open_the_own_room_and_nothing_else() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let (case_id, meeting) = invited(&world, &who).await;
        let other = {
            world.clock.advance(TimeDelta::minutes(1));
            convened(&world, &who, "2026-12-07T14:00:00Z").await
        };
        let link = link(&world, MAIL).await;
        let mut browser = Browser::new(portal::web::router(portal.clone()), &body.host);
        let page = browser.get(&link).await;
        assert!(page.text().contains("+39•••••••567"), "{name} {}", page.text());
        for private in ["Bianchi", MOBILE, MAIL] {
            assert!(!page.text().contains(private), "{name} {private}");
        }
        assert_eq!(browser.get("/ospite").await.status, StatusCode::SEE_OTHER, "{name}");
        assert_eq!(browser.get("/invito/abcdef").await.status, StatusCode::NOT_FOUND, "{name}");
        // The code belongs to the browser that asked for it.
        let mut inside = guest(&world, &link, MOBILE).await;
        let refused = refused(&mut browser, &format!("{link}/codice"), "000000").await;
        assert!(refused.contains("non è più valido"), "{name} {refused}");
        assert_eq!(inside.get(&link).await.location(), "/ospite", "{name}");
        assert_eq!(inside.get("/").await.location(), "/ospite", "{name}");
        let own = inside.get("/ospite").await;
        assert!(own.text().contains("data-testid=\"room-opens\""), "{name} {}", own.text());
        for closed in [
            "/agenda".to_owned(),
            "/pratiche".to_owned(),
            format!("/pratiche/{case_id}"),
            format!("/pratiche/{case_id}/persone"),
            format!("/incontri/{meeting}"),
            format!("/incontri/{meeting}/presenze.json"),
            format!("/incontri/{other}/verbale"),
            "/profilo".to_owned(),
            "/amministrazione/utenti".to_owned(),
        ] {
            let status = inside.get(&closed).await.status;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name} {closed}");
        }
        let minutes = inside.get(&format!("/incontri/{meeting}/verbale")).await;
        assert_eq!(minutes.status, StatusCode::OK, "{name} {}", minutes.text());

        let actor = actor(&world, &inside).await.unwrap();
        assert_eq!(actor.role, Role::Guest, "{name}");
        let early = ask(portal, body, &actor, meeting, true).await;
        assert!(matches!(early, Err(DoorError::TooEarly { .. })), "{name} {early:?}");
        world.clock.set("2026-12-05T13:45:00Z");
        let elsewhere = ask(portal, body, &actor, other, true).await;
        assert!(matches!(elsewhere, Err(DoorError::NoSeat)), "{name} {elsewhere:?}");
        assert_eq!(ask(portal, body, &actor, meeting, false).await.unwrap(), None, "{name}");
        let token = ask(portal, body, &actor, meeting, true).await.unwrap().unwrap();
        let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
        assert_eq!(entered.seat, SeatKind::ClientDelegate, "{name}");
        assert_eq!(entered.name, "Ada Bianchi", "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_46_codes_are_bounded_and_end_with_the_link() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let (case, _) = invited(&world, &who).await;
        let link = link(&world, MAIL).await;
        let router = portal::web::router(world.portal.clone());
        let (invio, codice) = (format!("{link}/invio"), format!("{link}/codice"));
        let mut browser = Browser::new(router.clone(), &world.body.host);
        assert_eq!(browser.post(&invio, &[]).await.status, StatusCode::SEE_OTHER, "{name}");
        let soon = refused(&mut browser, &invio, "").await;
        assert!(soon.contains("Attendi 30 secondi"), "{name} {soon}");
        let code = told(&world, MOBILE).await[..6].to_owned();
        let wrong = if code == "111111" { "222222" } else { "111111" };
        for turn in 1..=5 {
            let page = refused(&mut browser, &codice, wrong).await;
            assert_eq!(page.contains("bloccato"), turn == 5, "{name} {turn}");
        }
        // The right one comes too late, and no new one is sent.
        let page = refused(&mut browser, &codice, &code).await;
        assert!(page.contains("bloccato"), "{name} {page}");
        world.clock.advance(TimeDelta::minutes(1));
        let page = refused(&mut browser, &invio, "").await;
        assert!(page.contains("bloccato"), "{name} {page}");
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let persons = format!("/pratiche/{case}/persone");
        assert!(staff.get(&persons).await.text().contains("Bloccata"), "{name}");
        // A new link works, the old one is none any more.
        let user = persons_of(&world, case).await;
        let page = staff.post(&format!("{persons}/{user}/invito"), &[]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {}", page.text());
        assert_eq!(browser.get(&link).await.status, StatusCode::NOT_FOUND, "{name}");
        let link = self::link(&world, MAIL).await;
        let invio = format!("{link}/invio");
        // A code ends after its time.
        assert_eq!(browser.post(&invio, &[]).await.status, StatusCode::SEE_OTHER, "{name}");
        let code = told(&world, MOBILE).await[..6].to_owned();
        world.clock.advance(TimeDelta::minutes(6));
        let page = refused(&mut browser, &format!("{link}/codice"), &code).await;
        assert!(page.contains("non è più valido"), "{name} {page}");
        for turn in 2..=10 {
            world.clock.advance(TimeDelta::seconds(31));
            let page = browser.post(&invio, &[]).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {turn} {}", page.text());
        }
        world.clock.advance(TimeDelta::hours(1));
        let page = refused(&mut browser, &invio, "").await;
        assert!(page.contains("molti codici"), "{name} {page}");
    }
    databases.end().await;
}

/// What a guest reads after a form that came to nothing: on a page that can be loaded again.
async fn refused(browser: &mut Browser, path: &str, code: &str) -> String {
    let answer = browser.post(path, &[("codice", code)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
    let page = browser.get(answer.location()).await;
    assert_eq!(page.status, StatusCode::OK, "{path}");
    page.text().to_owned()
}

async fn persons_of(world: &World, case: CaseId) -> uuid::Uuid {
    portal::guests::store::persons(&world.portal.db, case).await.unwrap()[0].user.0
}

#[tokio::test]
async fn r_meet_46_28_a_moved_or_cancelled_meeting_takes_links_and_sessions_with_it() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let portal = &world.portal;
        let who = people(&world).await;
        let (_, meeting) = invited(&world, &who).await;
        let first = link(&world, MAIL).await;
        let mut browser = guest(&world, &first, MOBILE).await;
        assert_eq!(browser.get("/ospite").await.status, StatusCode::OK, "{name}");
        world.clock.advance(TimeDelta::minutes(1));
        let moved = at("2026-12-06T14:00:00Z");
        let meeting = commands::move_to(portal, &who.staff, meeting, moved, None).await.unwrap();
        assert_eq!(browser.get("/ospite").await.status, StatusCode::SEE_OTHER, "{name}");
        assert_eq!(browser.get(&first).await.status, StatusCode::NOT_FOUND, "{name}");
        let second = link(&world, MAIL).await;
        assert_ne!(first, second, "{name}");
        let browser = guest(&world, &second, MOBILE).await;
        assert!(actor(&world, &browser).await.is_some(), "{name}");
        world.clock.advance(TimeDelta::minutes(1));
        commands::cancel(portal, &who.staff, meeting).await.unwrap();
        assert!(actor(&world, &browser).await.is_none(), "{name}");
        let told = told(&world, MAIL).await;
        assert!(told.contains("è stato annullato") && !told.contains("/invito/"), "{name} {told}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_46_an_invitation_ends_with_the_term_for_signatures() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        invited(&world, &who).await;
        let link = link(&world, MAIL).await;
        let mut browser = Browser::new(portal::web::router(world.portal.clone()), "localhost");
        for (now, status) in [
            ("2026-12-12T14:59:59Z", StatusCode::OK),
            ("2026-12-12T15:00:00Z", StatusCode::NOT_FOUND),
        ] {
            world.clock.set(now);
            assert_eq!(browser.get(&link).await.status, status, "{name} {now}");
        }
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_46_a_posted_letter_opens_the_same_door_by_a_code() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = case(&world, &who).await;
        let by_post = NewPerson {
            person: PersonalData { email: String::new(), ..lawyer().person },
            ..lawyer()
        };
        persons::add(&world.portal, &who.staff, case, &by_post).await.unwrap();
        let router = portal::web::router(world.portal.clone());
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let letter = format!("/pratiche/{case}/persone/{}/lettera", persons_of(&world, case).await);
        let page = staff.post(&letter, &[]).await;
        assert!(page.text().contains("a cui invitare la persona"), "{name} {}", page.text());
        let proposal = proposal(&who.conciliator, "2026-12-05T14:00:00Z");
        commands::convene(&world.portal, &who.staff, case, proposal).await.unwrap();
        let code = |text: &str| {
            let start = text.find("letter-code\">").unwrap() + "letter-code\">".len();
            text[start..start + 14].to_owned()
        };
        let old = code(staff.post(&letter, &[]).await.text());
        let new = code(staff.post(&letter, &[]).await.text());
        let mut browser = Browser::new(router, &world.body.host);
        for (typed, good) in
            [(old.as_str(), false), ("ABCD-EFGH-JKLM", false), ("", false), (new.as_str(), true)]
        {
            let page = browser.post("/invito", &[("codice", &typed.to_lowercase())]).await;
            assert_eq!(page.location() != "/invito?rifiuto=codice", good, "{name} {typed}");
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {typed}");
            if !good {
                // What was typed comes back to be corrected.
                let page = browser.get(page.location()).await;
                assert!(page.text().contains(&typed.to_lowercase()), "{name} {typed}");
                assert!(page.text().contains("non è corretto"), "{name} {typed}");
            }
        }
        let page = browser.post("/invito", &[("codice", &new)]).await;
        guest(&world, page.location(), MOBILE).await;
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_47_19_the_conciliator_gives_out_extra_seats_up_to_the_maximum() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let new = |n: u8| NewSeat {
            name: "Luca Interprete".to_owned(),
            quality: Quality::Interpreter,
            side: Side::Activating,
            mobile: format!("+3934712340{n:02}"),
        };
        let early = extra::add(portal, meeting, &new(0)).await;
        assert!(matches!(early, Err(ExtraError::Closed)), "{name} {early:?}");
        world.clock.set("2026-12-05T13:50:00Z");
        let seat = extra::add(portal, meeting, &new(0)).await.unwrap();
        let link = link(&world, "+393471234000").await;
        assert!(seat.link.ends_with(&link), "{name}");
        // The code for the telephone opens the same page.
        let mut stranger = Browser::new(portal::web::router(portal.clone()), &body.host);
        let page = stranger.post("/invito", &[("codice", &seat.code.to_lowercase())]).await;
        let page = stranger.get(page.location()).await;
        assert!(page.text().contains("invita L. I."), "{name} {}", page.text());
        assert!(seat.address.ends_with("/invito"), "{name} {}", seat.address);
        let mut browser = guest(&world, &link, "+393471234000").await;
        let actor = actor(&world, &browser).await.unwrap();
        let minutes = browser.get(&format!("/incontri/{meeting}/verbale")).await;
        assert_eq!(minutes.status, StatusCode::NOT_FOUND, "{name}");
        let token = ask(portal, body, &actor, meeting, true).await.unwrap().unwrap();
        let entered = door::enter(portal, &token, "a", LEASE).await.unwrap();
        assert_eq!(entered.seat_id, seat.seat_id, "{name}");
        assert_eq!(entered.seat.side(), Side::Activating, "{name}");
        assert_eq!(entered.label, "Interprete, parte attivante", "{name}");
        // Three people of the case and seven extra seats make ten.
        for n in 1..7 {
            extra::add(portal, meeting, &new(n)).await.unwrap();
        }
        let full = extra::add(portal, meeting, &new(7)).await;
        assert!(matches!(full, Err(ExtraError::Full(10))), "{name} {full:?}");
        // Taken off: neither the link nor a token that was given out opens anything.
        let token = ask(portal, body, &actor, meeting, true).await.unwrap().unwrap();
        commands::cancel(portal, &who.staff, meeting).await.unwrap();
        let refused = door::enter(portal, &token, "a", LEASE).await;
        assert!(matches!(refused, Err(EntryError::Token)), "{name} {refused:?}");
        assert!(told(&world, "+393471234000").await.contains("non si svolge"), "{name}");
        assert_eq!(browser.get("/ospite").await.status, StatusCode::SEE_OTHER, "{name}");
    }
    databases.end().await;
}
