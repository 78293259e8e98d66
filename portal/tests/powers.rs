//! Recording powers of signing, on both databases: who may, what is kept, who is told (R-SIGN-05,
//! R-ROLE-21…28, R-NOTIFY-18).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use chrono::NaiveDate;
use portal::accounts::{Actor, Role, UserId};
use portal::calendar::Deadline;
use portal::cases::CaseId;
use portal::cases::commands::{self as cases, NewCase};
use portal::documents::upload::Upload;
use portal::guests::persons::{self, NewPerson};
use portal::journal;
use portal::organisations::{OperatorId, OperatorKind};
use portal::powers::commands::{self, NewPower, PowerError, Scope};
use portal::powers::{PowerKind, notices, store};
use portal::{accounts::personal::PersonalData, notifications};
use portal_testing::{Browser, World, application, databases, world};

const PDF: &[u8] = b"%PDF-1.7\nprocura";

struct People {
    staff: Actor,
    officer: Actor,
    client: Actor,
    lawyer: Actor,
    delegate: Actor,
    other: Actor,
    seller: OperatorId,
    case: CaseId,
}

async fn people(world: &World) -> People {
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    let gas = world.operator("Gas Spa", OperatorKind::Seller).await;
    let staff = world.user("segreteria", Role::ServiceSecretariat, None).await;
    let client = world.user("cliente", Role::Client, None).await;
    let lawyer = world.user("del.cliente", Role::ClientDelegate, None).await;
    let new = NewCase {
        client: client.user,
        client_delegate: Some(lawyer.user),
        operator: seller,
        aid: None,
        application: application(),
    };
    let case = cases::open(&world.portal, &staff, new).await.unwrap();
    People {
        staff,
        officer: world.user("referente", Role::ContactOfficer, Some(seller)).await,
        client,
        lawyer,
        delegate: world.user("del.luce", Role::OperatorDelegate, Some(seller)).await,
        other: world.user("del.gas", Role::OperatorDelegate, Some(gas)).await,
        seller,
        case,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn new(person: UserId, scope: Scope, kind: PowerKind, dated: &str) -> NewPower {
    let file = Upload::check("procura.pdf", PDF.to_vec()).unwrap();
    NewPower { person, scope, kind, dated: day(dated), until: None, file }
}

#[tokio::test]
async fn r_sign_05_the_secretariat_records_powers_and_the_journal_says_so() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, who) = (&world.portal, people(&world).await);
        let (luce, case) = (Scope::Operator(who.seller), Scope::Case(who.case));
        let attorney = |scope| new(who.delegate.user, scope, PowerKind::Poa, "2026-10-01");
        for actor in [&who.officer, &who.client, &who.delegate] {
            let refused = commands::record(portal, actor, attorney(luce)).await;
            assert!(matches!(refused, Err(PowerError::NotAllowed)), "{name} {:?}", actor.role);
        }
        let wrong = |person, scope, kind, dated| new(person, scope, kind, dated);
        for (field, new) in [
            ("persona", wrong(who.other.user, luce, PowerKind::Poa, "2026-10-01")),
            ("persona", wrong(who.client.user, case, PowerKind::SpecialPoa, "2026-10-01")),
            ("documento", wrong(who.delegate.user, luce, PowerKind::SpecialPoa, "2026-10-01")),
            ("documento", wrong(who.lawyer.user, case, PowerKind::Commitment, "2026-10-01")),
            ("documento", wrong(who.delegate.user, case, PowerKind::ClientMandate, "2026-10-01")),
            ("data", wrong(who.delegate.user, luce, PowerKind::Poa, "2026-12-02")),
            ("fine", NewPower { until: Some(day("2026-09-30")), ..attorney(luce) }),
        ] {
            let shown = format!("{name} {field} {:?}", new.kind);
            match commands::record(portal, &who.staff, new).await {
                Err(PowerError::Field(at, _)) => assert_eq!(at, field, "{shown}"),
                other => panic!("{shown}: {other:?}"),
            }
        }
        assert!(store::of_case(db, world.body.id, who.case).await.unwrap().is_empty(), "{name}");

        let recorded = commands::record(portal, &who.staff, attorney(luce)).await.unwrap();
        let commitment = new(who.delegate.user, luce, PowerKind::Commitment, "2026-11-20");
        let commitment = commands::record(portal, &who.staff, commitment).await.unwrap();
        let mandate = new(who.lawyer.user, case, PowerKind::ClientMandate, "2026-11-20");
        commands::record(portal, &who.staff, mandate).await.unwrap();
        let kept = store::find(db, world.body.id, recorded).await.unwrap().unwrap();
        assert_eq!(
            (kept.operator, kept.case, kept.until),
            (Some(who.seller), None, None),
            "{name}"
        );
        let content = portal.files.get(world.body.id.0, kept.sha256.parse().unwrap()).await;
        assert_eq!(content.unwrap().unwrap(), PDF, "{name}");
        // D-11, C-42: thirty calendar days from the request.
        let kept = store::find(db, world.body.id, commitment).await.unwrap().unwrap();
        assert_eq!(kept.until, Some(Deadline(day("2026-12-20"))), "{name}");
        // A case counts its own and its operators', not another body's.
        assert_eq!(store::of_case(db, world.body.id, who.case).await.unwrap().len(), 3, "{name}");
        let elsewhere = world.other_body("altrove").await;
        assert!(store::find(db, elsewhere.id, recorded).await.unwrap().is_none(), "{name}");

        for _ in 0..2 {
            commands::end(portal, &who.staff, recorded).await.unwrap();
        }
        let denied = commands::end(portal, &who.officer, commitment).await;
        assert!(matches!(denied, Err(PowerError::NotAllowed)), "{name}");
        let aggregate =
            journal::Aggregate { body: world.body.id.0, kind: "powers", id: recorded.0 };
        let entries = journal::load(db, aggregate).await.unwrap();
        let events: Vec<&str> = entries
            .iter()
            .map(|one| if one.event.contains("\"recorded\"") { "recorded" } else { "ended" })
            .collect();
        assert_eq!(events, ["recorded", "ended"], "{name}");
        assert!(entries[0].event.contains(&kept.sha256), "{name}: the document is named");
        assert!(!entries[0].event.contains("Anna"), "{name}: nobody's name is in the chain");
        assert!(journal::audit(db).await.unwrap().broken.is_empty(), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_notify_18_three_reminders_to_everybody_concerned_and_none_once_it_is_produced() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, who) = (&world.portal, people(&world).await);
        let luce = Scope::Operator(who.seller);
        let produced = world.user("del.luce2", Role::OperatorDelegate, Some(who.seller)).await;
        // Both run out on 20 December; one of them produced the power of attorney.
        for delegate in [&who.delegate, &produced] {
            let commitment = new(delegate.user, luce, PowerKind::Commitment, "2026-11-20");
            commands::record(portal, &who.staff, commitment).await.unwrap();
        }
        world.power_of_attorney(&who.staff, &produced).await;
        let mails = async |to: &str| {
            let to = format!("{to}@example.it");
            let sent = notifications::newest(db, world.body.id, &to, 50).await.unwrap();
            let about = |one: &notifications::Sent| one.subject.contains("Poteri di firma");
            sent.into_iter().filter(about).map(|one| one.text).collect::<Vec<_>>()
        };
        for (now, expected, words) in [
            ("2026-12-12T12:00:00Z", 0, ""),
            ("2026-12-13T12:00:00Z", 1, "scade tra 7 giorni, il 20/12/2026"),
            ("2026-12-17T12:00:00Z", 1, ""),
            ("2026-12-19T12:00:00Z", 2, "scade domani, 20/12/2026"),
            ("2026-12-20T12:00:00Z", 3, "scade oggi, 20/12/2026"),
            ("2026-12-21T12:00:00Z", 3, ""),
        ] {
            world.clock.set(now);
            for _ in 0..2 {
                notices::pass_time(portal).await.unwrap();
            }
            for to in ["del.luce", "referente", "segreteria"] {
                let sent = mails(to).await;
                assert_eq!(sent.len(), expected, "{name} {to} {now}");
                assert!(expected == 0 || sent[0].contains(words), "{name} {to} {now}: {}", sent[0]);
            }
            assert!(mails("del.luce2").await.is_empty(), "{name} {now}");
        }
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_05_r_role_29_the_page_takes_the_document_and_says_what_is_missing_beside_each_field()
 {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let router = portal::web::router(world.portal.clone());
        let mut staff = Browser::signed_in(router.clone(), &world, "segreteria").await;
        let address = format!("/poteri/operatori/{}", who.seller.0);
        let overview = staff.get("/poteri").await;
        assert!(overview.text().contains(&address), "{name}");
        let page = staff.upload(&address, &[], ("procura.gif", b"GIF89a")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        for field in ["persona", "documento", "data", "poteri-file", "verificato"] {
            assert!(page.text().contains(&format!("id=\"{field}-errore\"")), "{name} {field}");
        }
        let id = who.delegate.user.0.to_string();
        let fields = [
            ("persona", id.as_str()),
            ("documento", "commitment"),
            ("data", "2026-11-05"),
            ("verificato", "si"),
        ];
        let page = staff.upload(&address, &fields, ("impegno.pdf", PDF)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {}", page.text());
        let page = staff.get(&address).await;
        assert!(page.text().contains("Scade tra 4 giorni, il 05/12/2026"), "{name}");
        let power = store::of_operator(db, world.body.id, who.seller).await.unwrap().remove(0);
        let document = format!("/poteri/{}/documento", power.id.0);
        assert_eq!(staff.get(&document).await.bytes, PDF, "{name}");

        // Whoever holds them sees them in time, on the first page and on the own one; nobody else.
        let mut delegate = Browser::signed_in(router.clone(), &world, "del.luce").await;
        assert!(delegate.get("/").await.text().contains("Scade tra 4 giorni"), "{name}");
        assert!(delegate.get("/profilo").await.text().contains("Scade tra 4 giorni"), "{name}");
        assert_eq!(delegate.get(&document).await.bytes, PDF, "{name}");
        assert_eq!(delegate.get(&address).await.status, StatusCode::FORBIDDEN, "{name}");
        let refused = delegate.post(&format!("/poteri/{}/chiusura", power.id.0), &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        let mut client = Browser::signed_in(router, &world, "cliente").await;
        assert_eq!(client.get(&document).await.status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(client.get("/poteri").await.status, StatusCode::FORBIDDEN, "{name}");

        let closed = staff.post(&format!("/poteri/{}/chiusura", power.id.0), &[]).await;
        assert_eq!(closed.location(), address, "{name}");
        assert!(staff.get(&address).await.text().contains("Chiuso il 01/12/2026"), "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_05_in_a_case_the_people_without_an_account_hold_powers_too() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let world = world(db, &databases.folder().join(name)).await;
    let who = people(&world).await;
    let guest = NewPerson {
        person: PersonalData {
            given_name: "Carlo".to_owned(),
            surname: "Ferro".to_owned(),
            fiscal_code: "RSSMRA80A01H501U".to_owned(),
            email: String::new(),
            mobile: "+393471000002".to_owned(),
        },
        seat: "operator_delegate".to_owned(),
    };
    let guest = persons::add(&world.portal, &who.staff, who.case, &guest).await.unwrap();
    let scope = Scope::Case(who.case);
    let candidates = commands::candidates(&world.portal, &who.staff, scope).await.unwrap();
    let people: Vec<UserId> = candidates.iter().map(|one| one.person.id).collect();
    assert_eq!(people, [who.lawyer.user, who.delegate.user, guest]);
    world.powers(&who.staff, guest, scope, (PowerKind::SpecialPoa, "2026-11-20")).await;
    let kept = store::of_person(db, world.body.id, guest).await.unwrap().remove(0);
    assert_eq!((kept.operator, kept.case), (Some(who.seller), Some(who.case)));
    let router = portal::web::router(world.portal.clone());
    let mut staff = Browser::signed_in(router, &world, "segreteria").await;
    let page = staff.get(&format!("/pratiche/{}/poteri", who.case)).await;
    assert!(page.text().contains("solo pratica N/2026/000001"), "{}", page.text());
    databases.end().await;
}
